/* redis://, unix:// and redis-cluster:// taken apart. */
#include "redis/url.h"

#include <assert.h>
#include <errno.h>

static int decode(Str s, char *ret, size_t room) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            if (s.n - i < 3 || text_unhex((Str){s.p + i + 1, 2}, &c, 1) != 1 || c == '\0')
                return -EINVAL;
            i += 2;
        }
        if (n + 1 >= room) return -EINVAL;
        ret[n++] = c;
    }
    ret[n] = '\0';
    return 0;
}

static int parse_host(Str s, RedisHost *ret) {
    int64_t port = 6379;
    Str host, number = {NULL, 0};
    if (s.n && s.p[0] == '[') { /* [::1]:6379 */
        Str rest, inside = str_cut((Str){s.p + 1, s.n - 1}, ']', &rest);
        if (!rest.p) return -EINVAL;
        host = inside;
        if (rest.n) {
            if (rest.p[0] != ':') return -EINVAL;
            number = (Str){rest.p + 1, rest.n - 1};
        }
    } else {
        host = str_cut(s, ':', &number);
    }
    if (number.p && (str_to_i64(number, &port) < 0 || port < 1 || port > 65535)) return -EINVAL;
    if (host.n == 0 || host.n >= sizeof(ret->host)) return -EINVAL;
    memcpy(ret->host, host.p, host.n);
    ret->host[host.n] = '\0';
    ret->port = (int)port;
    return 0;
}

static int parse_db(Str s, int *ret) {
    int64_t db;
    if (str_to_i64(s, &db) < 0 || db < 0 || db > 1023) return -EINVAL;
    *ret = (int)db;
    return 0;
}

static int parse_login(Str s, RedisUrl *ret, Buf *problem) {
    Str password, user = str_cut(s, ':', &password);
    if (password.p && decode(user, ret->user, sizeof(ret->user)) == 0 &&
        decode(password, ret->password, sizeof(ret->password)) == 0 && *ret->password)
        return 0;
    buf_adds(problem, "the part of the Redis URL before \"@\" is not [user]:password, "
                      "percent-encoded");
    return -EINVAL;
}

static int parse_unix(Str s, RedisUrl *ret, Buf *problem) {
    Str query, path = str_cut(s, '?', &query);
    if (path.n == 0 || path.p[0] != '/' || path.n >= 108 ||
        decode(path, ret->hosts[0].host, sizeof(ret->hosts[0].host)) < 0) {
        buf_adds(problem, "the Redis URL is not unix:///path/to/socket");
        return -EINVAL;
    }
    ret->n_hosts = 1;
    if (!query.p) return 0;
    if (str_starts(query, STR("db=")) && parse_db((Str){query.p + 3, query.n - 3}, &ret->db) == 0)
        return 0;
    buf_adds(problem, "what follows \"?\" in the Redis URL is not db=N");
    return -EINVAL;
}

static int parse_hosts(Str hosts, RedisUrl *ret, Buf *problem) {
    while (hosts.p) {
        Str one = str_cut(hosts, ',', &hosts);
        if (ret->n_hosts == (ret->kind == REDIS_URL_CLUSTER ? REDIS_URL_HOSTS : 1u)) {
            buf_adds(problem, "the Redis URL names too many servers (one for redis://, up to 16 "
                              "for redis-cluster://)");
            return -EINVAL;
        }
        if (parse_host(one, &ret->hosts[ret->n_hosts]) < 0) {
            buf_printf(problem, "\"%.*s\" in the Redis URL is not host or host:port", STR_ARG(one));
            return -EINVAL;
        }
        ret->n_hosts++;
    }
    return 0;
}

int redis_url_parse(const char *url, RedisUrl *ret, Buf *problem) {
    static const struct {
        const char *scheme;
        RedisUrlKind kind;
    } schemes[] = {{"redis://", REDIS_URL_TCP},
                   {"unix://", REDIS_URL_UNIX},
                   {"redis-cluster://", REDIS_URL_CLUSTER}};
    assert(url);
    Str s = str(url);
    *ret = (RedisUrl){0};
    size_t i = 0, n = sizeof(schemes) / sizeof(*schemes);
    while (i < n && !str_starts(s, str(schemes[i].scheme)))
        i++;
    if (i == n) {
        buf_adds(problem, "the Redis URL does not begin with redis://, unix:// or "
                          "redis-cluster:// (for TLS put a proxy in front)");
        return -EINVAL;
    }
    ret->kind = schemes[i].kind;
    s.p += strlen(schemes[i].scheme);
    s.n -= strlen(schemes[i].scheme);
    if (ret->kind == REDIS_URL_UNIX) return parse_unix(s, ret, problem);

    for (size_t at = s.p ? s.n : 0; at > 0; at--) { /* the last "@": a password may hold one */
        if (s.p[at - 1] != '@') continue;
        int r = parse_login((Str){s.p, at - 1}, ret, problem);
        if (r < 0) return r;
        s = (Str){s.p + at, s.n - at};
        break;
    }
    Str path, hosts = str_cut(s, '/', &path);
    if (path.n && (ret->kind == REDIS_URL_CLUSTER || parse_db(path, &ret->db) < 0)) {
        buf_adds(problem, "what follows the server in the Redis URL is not /db with a number "
                          "(a cluster has none)");
        return -EINVAL;
    }
    return parse_hosts(hosts, ret, problem);
}
