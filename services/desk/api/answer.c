/* Every answer passes answer_end(): headers, counting, and the end of the request. */
#include "desk/api/answer.h"

#include "base/clock.h"
#include "desk/api/request_internal.h"
#include "desk/desk.h"
#include "log/log.h"

#define JSON_TYPE         "application/json; charset=utf-8"
#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

/* ---- headers ---- */

static void add_header(Request *r, const char *name, const char *value) {
    if (!r->inside) http_answer_header(r->exchange, name, value);
}

static void add_number(Request *r, const char *name, int64_t value) {
    char text[24], *at = text + sizeof(text) - 1; /* none of them is negative */
    *at = 0;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    add_header(r, name, at);
}

static void add_limit_headers(Request *r) {
    const LimitState *l = &r->inner->limit;
    if (!r->inner->limited) return;
    add_number(r, "x-rate-limit", l->limit);
    add_number(r, "x-rate-limit-remaining", l->remaining);
    add_number(r, "ratelimit-limit", l->limit);
    add_number(r, "ratelimit-remaining", l->remaining);
    add_number(r, "ratelimit-reset", l->reset_s);
}

static void add_request_id(Request *r) {
    Str sent = http_header(r->exchange, "X-Request-Id");
    bool good = sent.n && sent.n <= 128;
    for (size_t i = 0; good && i < sent.n; i++)
        good = sent.p[i] > ' ' && sent.p[i] <= '~';
    char id[129];
    if (good) {
        memcpy(id, sent.p, sent.n);
        id[sent.n] = 0;
    } else {
        trace_id_hex(&r->trace, id);
    }
    http_answer_header(r->exchange, "x-request-id", id);
}

/* Of the bytes as they are: quick, and nothing rests on it but a cache. */
static uint64_t mix(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 Wide;
    Wide product = (Wide)(a ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(Str s) {
    uint64_t h = mix(s.n, 0x51ed270b), a, b;
    size_t i = 0;
    for (; i + 16 <= s.n; i += 16) {
        memcpy(&a, s.p + i, 8);
        memcpy(&b, s.p + i + 8, 8);
        h = mix(a ^ h, b + h);
    }
    char tail[16] = {0};
    memcpy(tail, s.p + i, s.n - i);
    memcpy(&a, tail, 8);
    memcpy(&b, tail + 8, 8);
    return mix(a ^ h, b + h);
}

static bool names_tag(Str header, Str tag) { /* weak comparison (RFC 9110 §13.1.2) */
    while (header.p) {
        Str one = str_trim(str_cut(header, ',', &header));
        if (str_is(one, "*")) return true;
        if (str_starts(one, STR("W/"))) one = (Str){one.p + 2, one.n - 2};
        if (str_eq(one, tag)) return true;
    }
    return false;
}

/* True: the client has it already. */
static bool add_tag(Request *r, Str body) {
    char tag[19] = "\"", hex[17];
    uint64_t h = hash_of(body);
    text_hex(&h, sizeof(h), hex);
    memcpy(tag + 1, hex, 16);
    tag[17] = '"';
    http_answer_header(r->exchange, "ETag", tag);
    http_answer_header(r->exchange, "Cache-Control", "private, no-cache");
    return names_tag(http_header(r->exchange, "If-None-Match"), (Str){tag, 18});
}

static void count(Request *r, int status) {
    int64_t took_us = clock_monotonic_us() - http_started_us(r->exchange);
    FamilyMetrics *m = r->inner->metrics;
    metric_add(m->answers[status / 100 - 2], 1);
    metric_observe(m->latency, (double)took_us / 1e6);
    if (!log_shows(LOG_DEBUG)) return;
    char trace[33];
    trace_id_hex(&r->trace, trace);
    LogAbout about = {.tenant_id = r->subject.tenant_id, .trace_id = trace};
    log_debug(&about, "%.*s %s %d in %lld us", STR_ARG(http_method(r->exchange)),
              r->route ? r->route->path : "?", status, (long long)took_us);
}

void answer_end(Request *r, int status, const char *type, Str body) {
    if (!r->inside) {
        add_request_id(r);
        add_limit_headers(r);
        count(r, status);
    }
    request_end(r, status, type, body);
}

/* ---- what went well ---- */

void answer_json(Request *r, int status, Str body) {
    Str method = r->inside ? STR("POST") : http_method(r->exchange);
    if (status == 200 && (str_is(method, "GET") || str_is(method, "HEAD")) && add_tag(r, body)) {
        answer_end(r, 304, NULL, (Str){NULL, 0});
        return;
    }
    answer_end(r, status, JSON_TYPE, body);
}

void answer_created(Request *r, Str location_path, Str body) {
    Str base = request_base(r);
    add_header(r, "Location",
               arena_printf(r->arena, "%.*s%.*s", STR_ARG(base), STR_ARG(location_path)));
    answer_end(r, 201, JSON_TYPE, body);
}

void answer_no_content(Request *r) {
    answer_end(r, 204, NULL, (Str){NULL, 0});
}

void answer_bytes(Request *r, int status, const char *type, Str bytes) {
    answer_end(r, status, type, bytes);
}

void answer_stream(Request *r, int status, const char *type, uint64_t length, HttpMore more,
                   void *arg) {
    add_request_id(r);
    add_limit_headers(r);
    count(r, status);
    request_release(r);
    http_answer_stream(r->exchange, status, type, length, more, arg);
}

void answer_open(Request *r, int status, const char *type, HttpMore more, void *arg) {
    add_request_id(r);
    add_limit_headers(r);
    count(r, status);
    request_release(r);
    http_answer_open(r->exchange, status, type, more, arg);
}

/* ---- what did not ---- */

static void answer_error(Request *r, int status, const char *error, const char *description) {
    CLEANUP(buf_done) Buf body = {0};
    ADD(&body, "{\"error\":");
    buf_add_json(&body, str(error));
    if (description) {
        ADD(&body, ",\"description\":");
        buf_add_json(&body, str(description));
    }
    ADD(&body, "}");
    answer_end(r, status, JSON_TYPE, buf_str(&body));
}

static void answer_titled(Request *r, int status, const char *title, Str message) {
    CLEANUP(buf_done) Buf body = {0};
    ADD(&body, "{\"error\":{\"title\":");
    buf_add_json(&body, str(title));
    ADD(&body, ",\"message\":");
    buf_add_json(&body, message);
    ADD(&body, "}}");
    answer_end(r, status, JSON_TYPE, buf_str(&body));
}

void answer_bad_request(Request *r, const char *field, const char *reason, const char *remedy) {
    CLEANUP(buf_done) Buf text = {0};
    buf_printf(&text, "%s %s; %s", field, reason, remedy);
    answer_titled(r, 400, "Invalid attribute", buf_str(&text));
}

void answer_unauthenticated(Request *r) {
    add_header(r, "WWW-Authenticate", "Bearer, Basic realm=\"docket\"");
    answer_error(r, 401, "Couldn't authenticate you", NULL);
}

void answer_forbidden(Request *r, const char *reason) {
    answer_titled(r, 403, "Forbidden", str(reason));
}

void answer_not_found(Request *r) {
    if (r->route && r->route->flags & ROUTE_TICKET && waiting_take(r)) return;
    answer_error(r, 404, "RecordNotFound", "Not found");
}

void answer_no_endpoint(Request *r) {
    answer_error(r, 404, "InvalidEndpoint", "Not found");
}

void answer_method(Request *r, const char *allowed) {
    add_header(r, "Allow", allowed);
    answer_error(r, 405, "MethodNotAllowed", arena_printf(r->arena, "This path takes %s", allowed));
}

void answer_media_type(Request *r, const char *wanted) {
    answer_error(r, 415, "UnsupportedMediaType",
                 arena_printf(r->arena, "Content-Type must be %s", wanted));
}

void answer_not_acceptable(Request *r, const char *type) {
    answer_error(r, 406, "NotAcceptable",
                 arena_printf(r->arena, "This is %s only: name it in Accept", type));
}

void answer_conflict(Request *r, const char *description) {
    answer_error(r, 409, "UpdateConflict", description);
}

void answer_too_many(Request *r, int retry_after_s) {
    add_number(r, "Retry-After", retry_after_s < 1 ? 1 : retry_after_s);
    answer_error(r, 429, "APIRateLimitExceeded",
                 "Number of allowed API requests per minute exceeded");
}

void answer_unavailable(Request *r, const char *reason, int retry_after_s) {
    if (retry_after_s < 1) { /* so that those who were refused together do not return together */
        uint8_t dice;
        random_bytes(&dice, 1);
        retry_after_s = 1 + dice % 3;
    }
    add_number(r, "Retry-After", retry_after_s);
    answer_error(r, 503, "ServiceUnavailable", reason);
}

/* ---- 422 ---- */

struct InvalidEntry {
    struct InvalidEntry *next;
    const char *field, *error, *description;
    bool told;
};

void invalid_init(Invalid *v, Arena *arena) {
    *v = (Invalid){.arena = arena, .last = &v->first};
}

void invalid_add(Invalid *v, const char *field, const char *error, const char *fmt, ...) {
    CLEANUP(buf_done) Buf text = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    struct InvalidEntry *e = arena_alloc(v->arena, sizeof(*e));
    *e = (struct InvalidEntry){.field = arena_strndup(v->arena, field, strlen(field)),
                               .error = error,
                               .description = arena_strndup(v->arena, text.p, text.n)};
    *v->last = e;
    v->last = &e->next;
    v->n++;
}

void invalid_words(const Invalid *v, Buf *ret) {
    for (const struct InvalidEntry *e = v->first; e; e = e->next) {
        if (e != v->first) ADD(ret, "; ");
        buf_adds(ret, e->description);
    }
}

void answer_invalid(Request *r, const Invalid *v) {
    CLEANUP(buf_done) Buf body = {0};
    ADD(&body, "{\"error\":\"RecordInvalid\",\"description\":\"Record validation errors\","
               "\"details\":{");
    for (struct InvalidEntry *e = v->first; e; e = e->next) {
        if (e->told) continue; /* with its first mention: one member per field */
        if (e != v->first) ADD(&body, ",");
        buf_add_json(&body, str(e->field));
        ADD(&body, ":[");
        for (struct InvalidEntry *same = e; same; same = same->next) {
            if (strcmp(same->field, e->field) != 0) continue;
            if (same != e) ADD(&body, ",");
            ADD(&body, "{\"error\":");
            buf_add_json(&body, str(same->error));
            ADD(&body, ",\"description\":");
            buf_add_json(&body, str(same->description));
            ADD(&body, "}");
            same->told = true;
        }
        ADD(&body, "]");
    }
    ADD(&body, "}}");
    answer_end(r, 422, JSON_TYPE, buf_str(&body));
}
