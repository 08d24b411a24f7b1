/* The tables as one trie of path segments, and the way of a request from its path to its handler.
 */
#include "desk/api/routes.h"

#include <assert.h>

#include "base/clock.h"
#include "desk/access/authenticate.h"
#include "desk/access/on_behalf.h"
#include "desk/api/answer.h"
#include "desk/api/request_internal.h"
#include "desk/api/surface.h"
#include "desk/desk.h"
#include "desk/people/presence.h"
#include "http/url.h"
#include "log/log.h"
#include "json/json.h"

enum { SEGMENTS_MAX = 16, METHODS = 5 };

static const char *const methods[METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

typedef struct Node {
    Str literal; /* of a child by name */
    struct Node *sibling;
    struct Node *literals, *id, *name; /* children */
    const Route *routes[METHODS];
    FamilyMetrics *metrics[METHODS]; /* of their families */
    const char *allow;               /* "GET, PUT"; NULL: no route ends here */
} Node;

struct Router {
    Desk *desk;
    Arena *arena;
    Node root;
    FamilyMetrics *none; /* for what matches nothing */
};

/* ---- building ---- */

static FamilyMetrics *metrics_of(Arena *arena, const char *family) {
    static const char *const classes[] = {"2xx", "3xx", "4xx", "5xx"};
    FamilyMetrics *m = arena_zalloc(arena, sizeof(*m));
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(buf_done) Buf labels = {0};
        metric_label(&labels, "family", str(family));
        metric_label(&labels, "status", str(classes[i]));
        m->answers[i] =
            metric_counter("docket_desk_requests_total", "Requests answered.", labels.p);
    }
    CLEANUP(buf_done) Buf labels = {0};
    metric_label(&labels, "family", str(family));
    m->latency = metric_histogram("docket_desk_request_seconds",
                                  "From a request's first byte to its answer.", labels.p,
                                  metric_latency_s, METRIC_LATENCY_BUCKETS);
    return m;
}

static Node *child_literal(Arena *arena, Node *at, Str literal) {
    for (Node *n = at->literals; n; n = n->sibling)
        if (str_eq(n->literal, literal)) return n;
    Node *n = arena_zalloc(arena, sizeof(*n));
    n->literal = literal;
    n->sibling = at->literals;
    return at->literals = n;
}

static Node *child(Arena *arena, Node *at, Str segment) {
    if (str_is(segment, "{id}"))
        return at->id ? at->id : (at->id = arena_zalloc(arena, sizeof(*at)));
    if (str_is(segment, "{name}"))
        return at->name ? at->name : (at->name = arena_zalloc(arena, sizeof(*at)));
    return child_literal(arena, at, segment);
}

static size_t method_at(Str method) { /* METHODS: none of ours */
    size_t i = 0;
    if (str_is(method, "HEAD")) return 0;
    while (i < METHODS && !str_is(method, methods[i]))
        i++;
    return i;
}

static void add_route(struct Router *router, const Route *route, FamilyMetrics *metrics) {
    Node *at = &router->root;
    Str rest = str(route->path);
    (void)str_cut(rest, '/', &rest); /* nothing stands before the first slash */
    while (rest.p)
        at = child(router->arena, at, str_cut(rest, '/', &rest));
    size_t method = method_at(str(route->method));
    assert(method < METHODS && !at->routes[method]); /* a method of ours, on no path twice */
    at->routes[method] = route;
    at->metrics[method] = metrics;
}

static void name_methods(Arena *arena, Node *at) {
    CLEANUP(buf_done) Buf allow = {0};
    for (size_t i = 0; i < METHODS; i++) {
        if (!at->routes[i]) continue;
        if (allow.n) buf_adds(&allow, ", ");
        buf_adds(&allow, methods[i]);
        if (i == 0) buf_adds(&allow, ", HEAD");
    }
    if (allow.n) at->allow = arena_strndup(arena, allow.p, allow.n);
    for (Node *n = at->literals; n; n = n->sibling)
        name_methods(arena, n);
    if (at->id) name_methods(arena, at->id);
    if (at->name) name_methods(arena, at->name);
}

struct Router *routes_new(Desk *d) {
    struct Router *router = xcalloc(1, sizeof(*router));
    router->desk = d;
    router->arena = arena_new(0);
    router->none = metrics_of(router->arena, "none");
    for (const RouteTable *const *t = surface; *t; t++) {
        FamilyMetrics *metrics = metrics_of(router->arena, (*t)->family);
        for (size_t i = 0; i < (*t)->n; i++)
            add_route(router, &(*t)->routes[i], metrics);
    }
    name_methods(router->arena, &router->root);
    return router;
}

struct Router *routes_free(struct Router *router) {
    if (!router) return NULL;
    arena_free(router->arena);
    free(router);
    return NULL;
}

void routes_print(Buf *ret) {
    for (const RouteTable *const *t = surface; *t; t++) {
        for (size_t i = 0; i < (*t)->n; i++) {
            const Route *r = &(*t)->routes[i];
            buf_printf(ret, "%s %s %s %s%s%s%s%s\n", r->method, r->path,
                       r->right == RIGHTS ? "-" : rights_name(r->right), (*t)->family,
                       r->flags & ROUTE_JSON ? " json" : "", r->flags & ROUTE_OPEN ? " open" : "",
                       r->flags & ROUTE_RAW ? " raw" : "",
                       r->flags & ROUTE_CUSTOMER ? " customer" : "");
        }
    }
}

/* ---- matching ---- */

typedef struct Match {
    const Node *node;
    int64_t ids[REQUEST_IDS];
    size_t ids_n;
    Str name;
} Match;

static bool is_number(Str s, int64_t *ret) {
    return s.n && s.n <= 16 && s.p[0] >= '1' && s.p[0] <= '9' && str_to_i64(s, ret) == 0 &&
           *ret <= TICKET_ID_MAX;
}

/* Literal before number before name; a segment that must be a number and is none is number 0, which
 * nobody has. */
static const Node *step(const Node *at, Str segment, Match *m) {
    for (const Node *n = at->literals; n; n = n->sibling)
        if (str_eq(n->literal, segment)) return n;
    int64_t id = 0;
    if (at->id && (is_number(segment, &id) || !at->name) && m->ids_n < REQUEST_IDS) {
        m->ids[m->ids_n++] = id;
        return at->id;
    }
    if (at->name && segment.n) m->name = segment;
    return segment.n ? at->name : NULL;
}

static bool match(const Node *root, Str path, Match *ret) {
    const Node *at = root;
    Str rest = path;
    (void)str_cut(rest, '/', &rest);
    while (at && rest.p) {
        Str segment = str_cut(rest, '/', &rest);
        if (!rest.p && segment.n > 5 && str_ends(segment, STR(".json"))) segment.n -= 5;
        at = step(at, segment, ret);
    }
    ret->node = at;
    return at && at->allow;
}

/* ---- the way in ---- */

static bool read_body(Request *r) {
    Str type = http_header(r->exchange, "Content-Type");
    Str media = str_trim(str_cut(type, ';', &(Str){NULL, 0}));
    if (!str_eq_nocase(media, STR("application/json"))) {
        answer_media_type(r, "application/json");
        return false;
    }
    CLEANUP(buf_done) Buf problem = {0};
    JsonLimits limits = {
        .bytes = (size_t)r->desk->config->body_bytes, .depth = 32, .members = 1000};
    cJSON *tree;
    if (json_parse_in(r->arena, http_body(r->exchange), &limits, &tree, &problem) < 0) {
        answer_bad_request(r, "body", arena_printf(r->arena, "is not JSON: %s", problem.p),
                           "send one JSON object");
        return false;
    }
    if (!cJSON_IsObject(tree)) {
        answer_bad_request(r, "body", "is not an object", "send one JSON object");
        return false;
    }
    r->body = tree;
    return true;
}

static void go_on(Request *r) { /* credentials are good, or the route is open */
    const Route *route = r->route;
    if (r->subject.tenant_id) {
        const Catalog *c = configuration_catalog(r->desk->configuration, r->subject.tenant_id);
        r->catalog = c ? catalog_ref(c) : NULL;
    }
    if (!(route->flags & ROUTE_OPEN)) {
        if (r->subject.like == ROLE_CUSTOMER && !(route->flags & ROUTE_CUSTOMER)) {
            answer_forbidden(r, "此接口仅限客服人员使用 This is for staff only");
            return;
        }
        const char *reason;
        if (route->right != RIGHTS &&
            rights_decide(&r->subject, route->right, NULL, &reason) != RIGHTS_YES) {
            answer_forbidden(r, reason);
            return;
        }
    }
    if (!request_read_query(r)) {
        answer_bad_request(r, "query string", "has a broken escape or too many parameters",
                           "percent-encode it");
        return;
    }
    if (route->flags & ROUTE_JSON && !read_body(r)) return;
    route->handle(r);
}

static void on_verdict(Request *r, AuthVerdict verdict) {
    bool open = r->route->flags & ROUTE_OPEN;
    switch (verdict) {
    case AUTH_KNOWN: {
        int64_t who = r->token_id ? r->token_id * 2 : r->session_id * 2 + 1;
        r->inner->limited = true;
        presence_heard(r->desk, &r->subject);
        if (limits_take(r->desk->limits, who, r->now_ms, &r->inner->limit))
            on_behalf(r, go_on);
        else
            answer_too_many(r, r->inner->limit.reset_s);
        return;
    }
    case AUTH_NOBODY:
        if (open)
            go_on(r);
        else
            answer_unauthenticated(r);
        return;
    case AUTH_REFUSED:
        answer_unauthenticated(r);
        return;
    case AUTH_FORBIDDEN:
        answer_forbidden(r, "缺少 CSRF 令牌 The X-CSRF-Token of this session is missing or wrong");
        return;
    case AUTH_THROTTLED:
        answer_too_many(r, 60);
        return;
    case AUTH_UNSURE:
        answer_unavailable(r, "The database is away; ask again", -1);
        return;
    }
}

void routes_handle(HttpExchange *x, void *arg) {
    Desk *d = arg;
    Arena *arena = http_arena(x);
    Request *r = arena_zalloc(arena, sizeof(*r));
    Match found = {.name = {NULL, 0}};
    bool matched = match(&d->routes->root, http_path(x), &found);
    Str parent = http_header(x, "traceparent");
    r->exchange = x;
    r->desk = d;
    r->arena = arena;
    r->now_ms = clock_wall_ms();
    r->cause = cause_new();
    if (!parent.p || trace_parse(parent.p, parent.n, &r->trace) < 0)
        r->trace = trace_new();
    else
        random_bytes(r->trace.span_id, sizeof(r->trace.span_id));
    r->inner = arena_zalloc(arena, sizeof(*r->inner));
    r->inner->metrics = d->routes->none;
    http_set_context(x, r);
    if (!matched) {
        answer_no_endpoint(r);
        return;
    }
    size_t method = method_at(http_method(x));
    if (method == METHODS || !found.node->routes[method]) {
        answer_method(r, found.node->allow);
        return;
    }
    r->route = found.node->routes[method];
    r->inner->metrics = found.node->metrics[method];
    memcpy(r->ids, found.ids, sizeof(r->ids));
    if (found.name.p) {
        CLEANUP(buf_done) Buf name = {0};
        if (url_decode(found.name, false, &name) < 0 || !str_is_text(buf_str(&name))) {
            answer_no_endpoint(r);
            return;
        }
        r->name = arena_str(arena, buf_str(&name));
    }
    authenticate(r, on_verdict);
}
