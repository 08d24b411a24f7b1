/* From a path to its route, and from credentials to who asks. */
#include "analytics/api/routes.h"

#include "access/credential.h"
#include "analytics/api/api.h"
#include "analytics/api/ask_internal.h"
#include "base/clock.h"
#include "http/credentials.h"
#include "http/url.h"

/* ---- matching ---- */

/* True: `path` is that route's; *ret_name is its {name}, as sent. */
static bool matches(Str route, Str path, Str *ret_name) {
    while (route.p && path.p) {
        Str wanted = str_cut(route, '/', &route), shown = str_cut(path, '/', &path);
        if (!path.p && shown.n > 5 && str_ends(shown, STR(".json")) && !str_eq(shown, wanted))
            shown.n -= 5;
        if (str_is(wanted, "{name}")) {
            if (!shown.n) return false;
            *ret_name = shown;
        } else if (!str_eq(wanted, shown)) {
            return false;
        }
    }
    return !route.p && !path.p;
}

/* Literal paths go before those with a {name}: the tables list them so. */
static const ApiRoute *find(Str path, Str *ret_name, const char **ret_family) {
    for (const ApiTable *const *t = api_surface; *t; t++)
        for (size_t i = 0; i < (*t)->n; i++)
            if (matches(str((*t)->routes[i].path), path, ret_name)) {
                *ret_family = (*t)->family;
                return &(*t)->routes[i];
            }
    return NULL;
}

void routes_print(Buf *ret) {
    for (const ApiTable *const *t = api_surface; *t; t++)
        for (size_t i = 0; i < (*t)->n; i++) {
            const ApiRoute *r = &(*t)->routes[i];
            buf_printf(ret, "GET %s %s %s\n", r->path,
                       r->right == RIGHTS ? "-" : rights_name(r->right), (*t)->family);
        }
}

/* ---- query ---- */

static bool decode(Ask *a, Str text, Str *ret) {
    CLEANUP(buf_done) Buf clear = {0};
    if (url_decode(text, true, &clear) < 0) return false;
    *ret = clear.n ? arena_str(a->arena, buf_str(&clear)) : STR("");
    return str_is_text(*ret);
}

static bool read_query(Ask *a) {
    Str rest = http_query(a->exchange), name, value;
    AskPair *pairs = arena_alloc(a->arena, ASK_PAIRS_MAX * sizeof(*pairs));
    a->pairs = pairs;
    while (url_next_pair(&rest, &name, &value)) {
        AskPair *p = &pairs[a->pairs_n];
        if (a->pairs_n == ASK_PAIRS_MAX) return false;
        if (!decode(a, name, &p->name) || !decode(a, value, &p->value)) return false;
        a->pairs_n++;
    }
    return true;
}

/* ---- who asks ---- */

static void go_on(Ask *a) {
    const ApiRoute *route = a->route;
    LimitState limit;
    int64_t who = a->token_id ? a->token_id * 2 : a->session_id * 2 + 1;
    if (!limits_take(a->analytics->api->limits, who, a->now_ms, &limit)) {
        ask_too_many(a, limit.reset_s);
        return;
    }
    const char *reason;
    if (a->subject.like == ROLE_CUSTOMER) {
        ask_forbidden(a, "此接口仅限客服人员使用 This is for staff only");
        return;
    }
    if (route->right != RIGHTS &&
        rights_decide(&a->subject, route->right, NULL, &reason) != RIGHTS_YES) {
        ask_forbidden(a, reason);
        return;
    }
    if (!read_query(a)) {
        ask_refuse(a, 400, "query string", "has a broken escape or too many parameters",
                   "percent-encode it and send at most 64");
        return;
    }
    route->handle(a);
}

static void on_credential(void *arg, SecretVerdict verdict, const void *value) {
    Ask *a = arg;
    const Credential *c = value;
    if (!a->analytics->api->http || /* stopping; or just started: nobody's groups are known yet */
        !configuration_ready(a->analytics->configuration))
        verdict = SECRET_UNSURE;
    if (verdict == SECRET_UNSURE) {
        ask_unavailable(a, "The database is away; ask again");
        return;
    }
    if (verdict == SECRET_UNKNOWN || c->session != a->inner->by_cookie) {
        ask_unauthenticated(a);
        return;
    }
    const Catalog *catalog = configuration_catalog(a->analytics->configuration, c->tenant_id);
    if (!credential_subject(c, catalog, a->arena, &a->subject, &a->role)) {
        ask_unauthenticated(a);
        return;
    }
    if (c->session)
        a->session_id = c->id;
    else
        a->token_id = c->id;
    if (catalog) a->catalog = catalog_ref(catalog);
    go_on(a);
}

static Str session_cookie(HttpExchange *x) {
    Str rest = http_header(x, "Cookie");
    while (rest.p) {
        Str value, key = str_cut(str_trim(str_cut(rest, ';', &rest)), '=', &value);
        if (value.p && str_is(key, "docket_session")) return value;
    }
    return (Str){NULL, 0};
}

/* A token, or the session of somebody at the desk: nothing is changed here, so that needs no CSRF
 * token. */
static void authenticate(Ask *a) {
    Str header = http_header(a->exchange, "Authorization"), secret = {NULL, 0};
    if (header.p) {
        if (credentials_token(header, a->arena, &secret) < 0) secret = (Str){NULL, 0};
    } else {
        secret = session_cookie(a->exchange);
        a->inner->by_cookie = true;
    }
    a->secret = secret;
    if (secret.n && secret.n <= CREDENTIALS_TOKEN_BYTES)
        secrets_check(a->analytics->api->credentials, secret, on_credential, a);
    else
        ask_unauthenticated(a);
}

void routes_handle(HttpExchange *x, void *arg) {
    Arena *arena = http_arena(x);
    Ask *a = arena_zalloc(arena, sizeof(*a));
    a->exchange = x;
    a->analytics = arg;
    a->arena = arena;
    a->now_ms = clock_wall_ms();
    a->inner = arena_zalloc(arena, sizeof(*a->inner));
    a->inner->family = &a->analytics->api->families[0];
    Str name = {NULL, 0};
    const char *family;
    a->route = find(http_path(x), &name, &family);
    if (!a->route) {
        ask_not_found(a);
        return;
    }
    a->inner->family = api_family(a->analytics->api, family);
    if (!str_is(http_method(x), "GET") && !str_is(http_method(x), "HEAD")) {
        http_answer_header(x, "Allow", "GET, HEAD");
        ask_refuse(a, 405, "method", "changes something, and here nothing can be changed",
                   "ask with GET");
        return;
    }
    if (name.p && !decode(a, name, &a->name)) {
        ask_not_found(a);
        return;
    }
    authenticate(a);
}
