/* Text to value for every ConfigType: pure but for CONFIG_FILE, which asks the file system. */
#include "config/config_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

static const Unit durations[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                 {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const Unit sizes[] = {
    {"", 1}, {"B", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {NULL, 0}};

static int parse_unit(Str text, const Unit *units, int64_t *ret) {
    size_t digits = 0;
    int64_t v;
    while (digits < text.n && isdigit((unsigned char)text.p[digits]))
        digits++;
    int r = str_to_i64((Str){text.p, digits}, &v);
    if (r < 0) return r;
    Str unit = str_trim((Str){text.p + digits, text.n - digits});
    for (; units->name; units++)
        if (str_is(unit, units->name)) {
            if (v > INT64_MAX / units->factor) return -ERANGE;
            *ret = v * units->factor;
            return 0;
        }
    return -EINVAL;
}

int config_parse_duration(Str text, int64_t *ret_ms) {
    if (str_is(text, "0")) {
        *ret_ms = 0;
        return 0;
    }
    return parse_unit(text, durations, ret_ms);
}

int config_parse_bytes(Str text, int64_t *ret) {
    return parse_unit(text, sizes, ret);
}

static int parse_port(Str text, uint16_t *ret) {
    uint64_t port;
    if (text.n > 5) return -ERANGE;
    int r = str_to_u64(text, &port);
    if (r < 0) return r;
    if (port > 65535) return -ERANGE;
    *ret = (uint16_t)port;
    return 0;
}

static bool host_is_plausible(Str host, bool bracketed) {
    char text[256];
    if (host.n == 0 || host.n >= sizeof(text)) return false;
    if (str_is(host, "*")) return true; /* every address, to listen on */
    if (bracketed) {
        struct in6_addr address;
        memcpy(text, host.p, host.n);
        text[host.n] = 0;
        return inet_pton(AF_INET6, text, &address) == 1;
    }
    for (size_t i = 0; i < host.n; i++)
        if (!isalnum((unsigned char)host.p[i]) && !strchr("-._", host.p[i])) return false;
    return true;
}

/* host:port, host or [v6]:port; *ret_port untouched and *ret_has_port false without one. */
static int split_address(Str text, Str *ret_host, bool *ret_has_port, uint16_t *ret_port) {
    Str host, port;
    bool bracketed = text.n && text.p[0] == '[';
    if (bracketed) {
        Str behind;
        host = str_cut((Str){text.p + 1, text.n - 1}, ']', &behind);
        if (!behind.p || (behind.n && behind.p[0] != ':')) return -EINVAL;
        port = behind.n ? (Str){behind.p + 1, behind.n - 1} : (Str){NULL, 0};
    } else
        host = str_cut(text, ':', &port);
    if (!host_is_plausible(host, bracketed)) return -EINVAL;
    *ret_has_port = port.p != NULL;
    if (port.p) {
        int r = parse_port(port, ret_port);
        if (r < 0) return r;
    }
    *ret_host = host;
    return 0;
}

int config_parse_address(Str text, char *ret_host, uint16_t *ret_port) {
    Str host;
    bool has_port;
    uint16_t port = 0;
    int r = split_address(text, &host, &has_port, &port);
    if (r < 0) return r;
    if (!has_port) return -EINVAL;
    memcpy(ret_host, host.p, host.n);
    ret_host[host.n] = 0;
    *ret_port = port;
    return 0;
}

/* "scheme://authority/rest" -> its parts; userinfo is absent when there is none. */
typedef struct Url {
    Str scheme, userinfo, host_port;
} Url;

static int split_url(Str text, Url *ret) {
    Url url = {0};
    Str rest;
    url.scheme = str_cut(text, ':', &rest);
    if (!rest.p || !str_starts(rest, STR("//")) || url.scheme.n == 0) return -EINVAL;
    rest = (Str){rest.p + 2, rest.n - 2};
    size_t authority = 0;
    while (authority < rest.n && !strchr("/?#", rest.p[authority]))
        authority++;
    url.host_port = (Str){rest.p, authority};
    for (size_t i = authority; i-- > 0;)
        if (rest.p[i] == '@') {
            url.userinfo = (Str){rest.p, i};
            url.host_port = (Str){rest.p + i + 1, authority - i - 1};
            break;
        }
    *ret = url;
    return 0;
}

static size_t find(Str text, Str what, size_t from) {
    for (size_t i = from; i + what.n <= text.n; i++)
        if (memcmp(text.p + i, what.p, what.n) == 0) return i;
    return text.n;
}

/* Works on what is no good URL too, and then rather hides too much: from the first colon behind ://
 * to the last @, and whatever follows `password=`. */
void config_mask_url(Str url, Buf *ret) {
    size_t from = find(url, STR("://"), 0), colon, last_at = url.n, done = 0;
    from = from < url.n ? from + 3 : 0;
    for (size_t i = from; i < url.n; i++)
        if (url.p[i] == '@') last_at = i;
    colon = find(url, STR(":"), from);
    if (last_at < url.n && colon < last_at) {
        buf_add(ret, url.p, colon + 1);
        buf_adds(ret, "***");
        done = last_at;
    }
    for (size_t at; (at = find(url, STR("password="), done)) < url.n;) {
        at += STR("password=").n;
        buf_add(ret, url.p + done, at - done);
        buf_adds(ret, "***");
        for (done = at; done < url.n && url.p[done] != '&' && url.p[done] != ' ';)
            done++;
    }
    buf_add(ret, url.p + done, url.n - done);
}

static bool among(Str word, const char *words) {
    Str rest = str(words);
    while (rest.p) {
        Str one = str_cut(rest, ' ', &rest);
        if (str_eq(one, word)) return true;
    }
    return false;
}

/* --- one checker per type: NULL and the value stored, or the reason with its remedy in *why ----
 */

static int problem(Buf *why, const char *text) {
    buf_adds(why, text);
    return -EINVAL;
}

static int store_number(const ConfigKey *k, int64_t v, const char *(*show)(int64_t, char *),
                        void *field, Buf *why) {
    char text[32];
    if (v < k->min) {
        buf_printf(why, "is below the least, %s", show(k->min, text));
        return -EINVAL;
    }
    if (k->max && v > k->max) {
        buf_printf(why, "is above the most, %s", show(k->max, text));
        return -EINVAL;
    }
    memcpy(field, &v, sizeof(v));
    return 0;
}

static const char *show_int(int64_t v, char *text) {
    (void)snprintf(text, 32, "%lld", (long long)v);
    return text;
}

/* The largest unit that divides it. */
static const char *show_unit(int64_t v, const Unit *units, char *text) {
    const Unit *best = units;
    for (const Unit *u = units; u->name; u++)
        if (v && v % u->factor == 0 && u->factor >= best->factor) best = u;
    (void)snprintf(text, 32, "%lld%s", (long long)(v / best->factor), v ? best->name : "");
    return text;
}

const char *config_show_duration(int64_t ms, char *text) {
    return show_unit(ms, durations, text);
}

const char *config_show_bytes(int64_t n, char *text) {
    return show_unit(n, sizes, text);
}

static int store_bool(Str text, void *field, Buf *why) {
    bool yes = str_is(text, "true") || str_is(text, "yes") || str_is(text, "on");
    if (!yes && !str_is(text, "false") && !str_is(text, "no") && !str_is(text, "off"))
        return problem(why, "is neither true nor false");
    memcpy(field, &yes, sizeof(yes));
    return 0;
}

static int check_address(const ConfigKey *k, Str text, Buf *why) {
    Str host;
    bool has_port;
    uint16_t port = 0;
    int r = split_address(text, &host, &has_port, &port);
    if (r == -ERANGE) return problem(why, "has a port above 65535");
    if (r < 0) return problem(why, "is no address; write host:port or [::1]:port");
    if (!has_port) return problem(why, "has no port; write host:port");
    if (port < k->min) {
        buf_printf(why, "has port %u; the lowest here is %lld", port, (long long)k->min);
        return -EINVAL;
    }
    return 0;
}

static int check_addresses(const ConfigKey *k, Str text, Buf *why) {
    Str rest = text;
    while (rest.p) {
        Str one = str_trim(str_cut(rest, ',', &rest));
        if (one.n == 0) return problem(why, "has an empty address in its list");
        int r = check_address(k, one, why);
        if (r < 0) return r;
    }
    return 0;
}

static int check_url(const ConfigKey *k, Str text, Buf *why) {
    const char *schemes = k->schemes ? k->schemes : "postgresql postgres redis rediss http https";
    Url url;
    if (split_url(text, &url) < 0) {
        buf_printf(why, "is no URL; write scheme://host:port/... with a scheme of: %s", schemes);
        return -EINVAL;
    }
    if (!among(url.scheme, schemes)) {
        buf_printf(why, "has scheme `%.*s`; the scheme must be one of: %s", STR_ARG(url.scheme),
                   schemes);
        return -EINVAL;
    }
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
            return problem(why, "has a blank or control character; write it as %20 and the like");
    bool postgres = str_starts(url.scheme, STR("postgres"));
    if (url.host_port.n == 0) /* libpq: the default socket or ?host=... */
        return postgres ? 0 : problem(why, "has no host");
    Str rest = url.host_port;
    while (rest.p) { /* libpq takes several hosts */
        Str host, one = postgres ? str_cut(rest, ',', &rest) : rest;
        bool has_port;
        uint16_t port = 1;
        if (!postgres) rest.p = NULL;
        if (postgres && one.n >= 3 && memcmp(one.p, "%2F", 3) == 0) continue; /* a socket folder */
        int r = split_address(one, &host, &has_port, &port);
        if (r == -ERANGE || port == 0) return problem(why, "has a port that is not 1 to 65535");
        if (r < 0) return problem(why, "has a wrong host or port");
    }
    return 0;
}

static int check_file(const char *path, Buf *why) {
    struct stat st;
    if (!*path) return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int error = errno;
        buf_printf(why, "cannot be read: %s", strerror(error));
        buf_adds(why, error == ENOENT   ? "; check the path (it is taken from the working folder)"
                      : error == EACCES ? "; check its owner and mode"
                                        : "");
        return -EINVAL;
    }
    int r = fstat(fd, &st);
    (void)close(fd);
    return r < 0 || !S_ISREG(st.st_mode) ? problem(why, "is not a regular file") : 0;
}

int config_store(const ConfigKey *k, Str text, void *ret_struct, Buf *why) {
    void *field = (char *)ret_struct + k->offset;
    int64_t v = 0;
    int r = 0;
    switch (k->type) {
    case CONFIG_INT:
        r = str_to_i64(text, &v);
        if (r == -ERANGE) return problem(why, "does not fit 64 bits");
        if (r < 0) return problem(why, "is no whole number");
        return store_number(k, v, show_int, field, why);
    case CONFIG_DURATION:
        r = config_parse_duration(text, &v);
        if (r == -ERANGE) return problem(why, "does not fit 64 bits");
        if (r < 0) return problem(why, "is no duration; write a number and ms, s, m, h or d");
        return store_number(k, v, config_show_duration, field, why);
    case CONFIG_BYTES:
        r = config_parse_bytes(text, &v);
        if (r == -ERANGE) return problem(why, "does not fit 64 bits");
        if (r < 0) return problem(why, "is no size; write a number and KiB, MiB or GiB");
        return store_number(k, v, config_show_bytes, field, why);
    case CONFIG_BOOL:
        return store_bool(text, field, why);
    case CONFIG_ADDRESS:
        r = check_address(k, text, why);
        break;
    case CONFIG_ADDRESSES:
        r = check_addresses(k, text, why);
        break;
    case CONFIG_URL:
        r = check_url(k, text, why);
        break;
    case CONFIG_CHOICE:
        if (!among(text, k->choices)) {
            buf_printf(why, "is not one of: %s", k->choices);
            return -EINVAL;
        }
        break;
    case CONFIG_STRING:
    case CONFIG_SECRET:
    case CONFIG_FILE:
        break;
    }
    if (r < 0) return r;
    char *copy = xstrndup(text.n ? text.p : "", text.n);
    if (k->type == CONFIG_FILE && check_file(copy, why) < 0) {
        free(copy);
        return -EINVAL;
    }
    memcpy(field, &copy, sizeof(copy));
    return 0;
}
