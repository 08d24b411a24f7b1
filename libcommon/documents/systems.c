/* The section `systems`: what is told besides people, and where. */
#include "documents/systems.h"

#include <arpa/inet.h>
#include <errno.h>

#include "documents/catalog_internal.h"

enum { SYSTEMS_MAX = 500, ADDRESS_BYTES_MAX = 2000, TOPIC_BYTES_MAX = 249 };

static const char *const ways[NOTIFY_WAYS] = {"mail",     "sms",   "webhook", "kafka",
                                              "dingtalk", "wecom", "feishu"};

static const char *const audiences[AUDIENCES] = {"requester",     "assignee",  "lead",  "manager",
                                                 "collaborators", "followers", "agent", "system"};

const char *notify_way_name(NotifyWay w) {
    return ways[w];
}

const char *audience_name(Audience a) {
    return audiences[a];
}

size_t notify_way_bytes(NotifyWay w) {
    static const size_t bytes[NOTIFY_WAYS] = {
        [NOTIFY_BY_MAIL] = 128 << 10,    [NOTIFY_BY_SMS] = 500,
        [NOTIFY_BY_WEBHOOK] = 256 << 10, [NOTIFY_BY_KAFKA] = 256 << 10,
        [NOTIFY_BY_DINGTALK] = 18000,    [NOTIFY_BY_WECOM] = 4096,
        [NOTIFY_BY_FEISHU] = 18000, /* 20 KB with what is around it */
    };
    return bytes[w];
}

/* ---- Addresses ---- */

static bool private_v4(uint32_t a) {
    static const struct {
        uint32_t net;
        int bits;
    } nets[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
                {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24},
                {0xe0000000, 3}};
    for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++)
        if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0) return true;
    return false;
}

/* Only 2000::/3 is the public one, without 6to4, Teredo and documentation. */
static bool private_v6(const uint8_t a[16]) {
    if ((a[0] & 0xe0) != 0x20) return true;
    if (a[0] == 0x20 && a[1] == 0x02) return true;
    return a[0] == 0x20 && a[1] == 0x01 &&
           ((a[2] == 0x00 && a[3] == 0x00) || (a[2] == 0x0d && a[3] == 0xb8));
}

static bool ends_in(Str host, const char *tail) {
    return host.n >= strlen(tail) &&
           str_eq_nocase((Str){host.p + host.n - strlen(tail), strlen(tail)}, str(tail));
}

/* NULL, or why nothing is sent there. A name is looked at again by whoever connects. */
static const char *refuse_host(Str host, bool allowed) {
    char text[64];
    uint8_t six[16];
    struct in_addr four;
    bool literal = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (literal) host = (Str){host.p + 1, host.n - 2};
    if (!host.n || host.n > 253) return "has no host";
    for (size_t i = 0; i < host.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:",
                    host.p[i]))
            return "has a host that is none; write names of other letters in their xn-- form";
    if (host.p[host.n - 1] == '.') host.n--;
    if (host.n >= sizeof(text) && literal) return "has an IPv6 address that is none";
    bool inside = str_eq_nocase(host, STR("localhost")) || ends_in(host, ".localhost") ||
                  ends_in(host, ".local") || ends_in(host, ".internal") ||
                  (!literal && !memchr(host.p, '.', host.n));
    if (host.n < sizeof(text)) {
        memcpy(text, host.p, host.n);
        text[host.n] = 0;
        if (literal) {
            if (inet_pton(AF_INET6, text, six) != 1) return "has an IPv6 address that is none";
            inside = private_v6(six);
        } else if (inet_pton(AF_INET, text, &four) == 1) {
            inside = private_v4(ntohl(four.s_addr));
        } else if (host.n && host.p[host.n - 1] >= '0' && host.p[host.n - 1] <= '9') {
            return "has an IPv4 address that is none"; /* 0x7f.1, 2130706433 ... */
        }
    }
    if (!literal && memchr(host.p, ':', host.n)) return "has a host that is none";
    return inside && !allowed ? "leads into a private network; say `private: on` if that is meant"
                              : NULL;
}

static const char *refuse_url(Str url, bool allowed) {
    bool secure = str_starts(url, STR("https://"));
    if (!secure && !(allowed && str_starts(url, STR("http://"))))
        return "must begin with https:// (http:// only with `private: on`)";
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || (url.p[i] & 0x80) || url.p[i] == 0x7f ||
            strchr("\"<>\\^`{|}#", url.p[i]))
            return "holds a blank, a fragment or a sign that must be percent-encoded";
    Str rest = {url.p + (secure ? 8 : 7), url.n - (secure ? 8 : 7)};
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    Str host = {rest.p, n}, port = {NULL, 0};
    if (memchr(host.p, '@', host.n))
        return "holds a name or password; they are kept with the secrets, not in documents";
    for (size_t i = host.n; i-- > 0 && host.p[i] != ']';)
        if (host.p[i] == ':') {
            port = (Str){host.p + i + 1, host.n - i - 1};
            host.n = i;
            break;
        }
    int64_t number = 1;
    if (port.p && (str_to_i64(port, &number) < 0 || number < 1 || number > 65535))
        return "has a port that is none";
    return refuse_host(host, allowed);
}

static bool is_topic(Str s) {
    if (!s.n || s.n > TOPIC_BYTES_MAX || str_is(s, ".") || str_is(s, "..")) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", s.p[i]))
            return false;
    return !str_starts(s, STR("docket."));
}

/* ---- The section ---- */

static bool read_way(const Reading *r, const Node *n, NotifyWay *ret) {
    Str by = {NULL, 0}, names[NOTIFY_WAYS];
    if (!shape_text(r, n, "by", NAME_BYTES_MAX, &by)) return false;
    if (!by.n) {
        complain(r, n->line, "no `by`; possible are webhook, kafka, dingtalk, wecom and feishu");
        return false;
    }
    for (int w = 0; w < NOTIFY_WAYS; w++) {
        names[w] = str(ways[w]);
        *ret = (NotifyWay)w;
        if (str_eq(by, names[w]) && w >= NOTIFY_BY_WEBHOOK) return true;
    }
    const char *guess =
        did_you_mean(by, names + NOTIFY_BY_WEBHOOK, NOTIFY_WAYS - NOTIFY_BY_WEBHOOK);
    complain(r, node_member(n, "by")->line, "a system is not told by `%.*s`%s", STR_ARG(by),
             *guess ? guess : "; possible are webhook, kafka, dingtalk, wecom and feishu");
    return false;
}

static void read_address(Compilation *c, const Reading *r, const Node *n, OutsideSystem *s) {
    bool allowed = false;
    const Node *at = node_member(n, "address");
    if (!shape_switch(r, n, "private", &allowed) ||
        !shape_text(r, n, "address", ADDRESS_BYTES_MAX, &s->address))
        return;
    s->address = keep(c, s->address);
    if (s->by >= NOTIFY_BY_DINGTALK) {
        if (s->address.n)
            complain(r, at->line,
                     "a robot's address holds its key, which is kept with the "
                     "secrets; remove `address`");
    } else if (!s->address.n) {
        complain(r, n->line, "no `address`; give the %s",
                 s->by == NOTIFY_BY_KAFKA ? "topic" : "URL, such as https://erp.example/hooks");
    } else if (s->by == NOTIFY_BY_KAFKA) {
        if (!is_topic(s->address))
            complain(r, at->line,
                     "`%.*s` is no topic; letters, digits, `.`, `_` and `-`, and not one of "
                     "Docket's own",
                     STR_ARG(s->address));
    } else {
        const char *why = refuse_url(s->address, allowed);
        if (why) complain(r, at->line, "`%.*s` %s", STR_ARG(s->address), why);
    }
}

static void read_system(Compilation *c, Str file, const Node *n) {
    Reading r = {c->problems, file, "system", {NULL, 0}};
    OutsideSystem s = {.by = NOTIFY_BY_WEBHOOK};
    Str title = {NULL, 0};
    if (!take_name(c, &r, n, c->c->system_names, &s.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("by"), KEY("address"), KEY("private"));
    for (Audience a = AUDIENCE_REQUESTER; a < AUDIENCES; a++)
        if (str_is(s.name, audience_name(a)))
            complain(&r, n->line, "the name means somebody already; choose another");
    if (intern_find(c->c->agent_names, s.name) != INTERN_NONE)
        complain(&r, n->line, "an agent has that name; choose another");
    s.title = s.name;
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) s.title = keep(c, title);
    if (read_way(&r, n, &s.by)) read_address(c, &r, n, &s);
    c->c->systems[c->c->systems_n++] = s;
}

void read_systems(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "systems", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > SYSTEMS_MAX) {
        complain(&r, s.node->line, "%zu systems; at most %d", s.node->n, SYSTEMS_MAX);
        return;
    }
    c->c->systems = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->systems) + 1);
    for (const Node *n = s.node->first; n; n = n->next)
        read_system(c, s.file, n);
}

size_t catalog_systems(const Catalog *c, const OutsideSystem **ret) {
    *ret = c->systems;
    return c->systems_n;
}

const OutsideSystem *catalog_system(const Catalog *c, Str name) {
    for (size_t i = 0; i < c->systems_n; i++)
        if (str_eq(c->systems[i].name, name)) return &c->systems[i];
    return NULL;
}
