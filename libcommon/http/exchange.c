/* What a handler sees of a request, and how its answer is written. */
#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "http/server_internal.h"
#include "http/url.h"

enum { OPEN_SEND_BYTES = 64 << 10 /* doubled by the kernel, for its own */ };

HttpExchange *exchange_new(HttpConnection *c, int64_t now_us) {
    HttpServer *s = c->server;
    HttpExchange *x = s->pool;
    if (x) {
        s->pool = x->next;
        s->pooled--;
    } else {
        x = xcalloc(1, sizeof(*x));
    }
    x->connection = c;
    x->started_us = now_us;
    http_head_init(&x->head);
    return x;
}

void exchange_destroy(HttpExchange *x) {
    buf_done(&x->body_buf);
    buf_done(&x->headers);
    buf_done(&x->answer);
    arena_free(x->arena);
    free(x);
}

void exchange_free(HttpExchange *x) {
    HttpServer *s = x->connection->server;
    if (s) s->large -= x->large;
    if (!s || s->freed || s->pooled == HTTP_POOL_MAX) {
        exchange_destroy(x);
        return;
    }
    if (x->body_buf.p) buf_done(&x->body_buf);
    if (x->headers.p) buf_done(&x->headers);
    if (x->answer.p) buf_done(&x->answer);
    Arena *arena = x->arena;
    if (arena) arena_reset(arena);
    memset(x, 0, offsetof(HttpExchange, chunks));
    x->arena = arena;
    x->next = s->pool;
    s->pool = x;
    s->pooled++;
}

/* ---- the request ---- */

static Str part(const HttpExchange *x, HttpSpan s) {
    return x->bytes ? http_span(x->bytes, s) : (Str){NULL, 0};
}

Str http_method(const HttpExchange *x) {
    return part(x, x->head.method);
}

Str http_path(const HttpExchange *x) {
    return x->head.path.n ? part(x, x->head.path) : STR("/");
}

Str http_query(const HttpExchange *x) {
    return x->head.has_query ? part(x, x->head.query) : (Str){NULL, 0};
}

Str http_header(const HttpExchange *x, const char *name) {
    return http_head_header(&x->head, x->bytes, str(name));
}

Str http_body(const HttpExchange *x) {
    return x->body;
}

Str http_peer(const HttpExchange *x) {
    return str(x->connection->peer);
}

bool http_query_value(const HttpExchange *x, const char *name, Buf *ret) {
    Str query = http_query(x), pair_name, value;
    CLEANUP(buf_done) Buf decoded = {0};
    while (url_next_pair(&query, &pair_name, &value)) {
        buf_clear(&decoded);
        if (url_decode(pair_name, true, &decoded) < 0 || !str_is(buf_str(&decoded), name)) continue;
        return url_decode(value, true, ret) == 0;
    }
    return false;
}

int64_t http_started_us(const HttpExchange *x) {
    return x->started_us;
}

Arena *http_arena(HttpExchange *x) {
    return x->arena;
}

void http_set_context(HttpExchange *x, void *context) {
    x->context = context;
}

void *http_context(const HttpExchange *x) {
    return x->context;
}

/* ---- the answer ---- */

static const char *phrase(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return "Status";
    }
}

void http_answer_header(HttpExchange *x, const char *name, const char *value) {
    assert(http_is_token(str(name)));
    Buf *b = &x->headers;
    buf_adds(b, name);
    buf_add(b, ": ", 2);
    size_t at = b->n;
    buf_adds(b, value);
    for (; at < b->n; at++) {
        unsigned char c = (unsigned char)b->p[at];
        if (c < 0x20 || c == 0x7f) b->p[at] = ' ';
    }
    buf_add(b, "\r\n", 2);
}

static void add_str(Buf *b, Str s) { /* without the check for room: it is reserved */
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

/* Of a body in chunks (x->open) `length` means nothing. `more` bytes of it will follow at once. */
static void write_head(HttpExchange *x, Buf *out, int status, Str type, uint64_t length,
                       size_t more) {
    bool bodiless = status == 204 || status == 304; /* no length either */
    Str why = str(phrase(status));
    char line[16] = "HTTP/1.1 ";
    line[9] = (char)('0' + status / 100);
    line[10] = (char)('0' + status / 10 % 10);
    line[11] = (char)('0' + status % 10);
    line[12] = ' ';

    buf_reserve(out, why.n + type.n + x->headers.n + more + 160);
    add_str(out, (Str){line, 13});
    add_str(out, why);
    add_str(out, STR("\r\n"));
    add_str(out, str(server_date(x->connection->server)));
    if (type.n && !bodiless) {
        add_str(out, STR("Content-Type: "));
        add_str(out, type);
        add_str(out, STR("\r\n"));
    }
    if (x->open) {
        if (!x->head.http_1_0) add_str(out, STR("Transfer-Encoding: chunked\r\n"));
    } else if (!bodiless) {
        add_str(out, STR("Content-Length: "));
        buf_add_u64(out, length);
        add_str(out, STR("\r\n"));
    }
    if (connection_ends_with(x)) add_str(out, STR("Connection: close\r\n"));
    if (x->headers.n) add_str(out, buf_str(&x->headers));
    add_str(out, STR("\r\n"));
    out->p[out->n] = 0;
}

static bool takes_body(const HttpExchange *x, int status) {
    return status != 204 && status != 304 && !str_eq(http_method(x), STR("HEAD"));
}

static void write_answer(HttpExchange *x, Buf *out, int status, Str type, Str body) {
    write_head(x, out, status, type, body.n, body.n);
    if (body.n && takes_body(x, status)) buf_add_str(out, body);
}

void http_answer(HttpExchange *x, int status, const char *content_type, Str body) {
    assert(status >= 200 && status <= 599);
    Buf *out = connection_answer_room(x);
    if (out) write_answer(x, out, status, str(content_type), body);
    http_connection_answered(x);
}

void http_answer_stream(HttpExchange *x, int status, const char *content_type, uint64_t length,
                        HttpMore more, void *arg) {
    assert(status >= 200 && status <= 599 && !x->more && !x->answered);
    Buf *out = connection_answer_room(x);
    x->more = more;
    x->more_arg = arg;
    x->left = length;
    if (!out) {
        http_connection_dropped(x, true);
        return;
    }
    write_head(x, out, status, str(content_type), length, 0);
    if (length && takes_body(x, status)) {
        http_connection_piece(x);
        return;
    }
    more(x, true, arg);
    http_connection_answered(x);
}

void http_answer_open(HttpExchange *x, int status, const char *content_type, HttpMore more,
                      void *arg) {
    assert(status >= 200 && status <= 599 && !x->more && !x->answered);
    Buf *out = connection_answer_room(x);
    bool bodiless = !takes_body(x, status);
    x->more = more;
    x->more_arg = arg;
    if (!out) {
        http_connection_dropped(x, true);
        return;
    }
    x->open = true;
    /* What the kernel holds for a client that takes nothing is bounded, too: it would grow to
     * megabytes. */
    int bytes = OPEN_SEND_BYTES;
    (void)setsockopt(x->connection->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    write_head(x, out, status, str(content_type), 0, 0);
    if (!bodiless) {
        http_connection_piece(x);
        return;
    }
    more(x, true, arg);
    http_connection_answered(x);
}

static void add_chunk(const HttpExchange *x, Str piece, Buf *out) {
    if (!x->head.http_1_0) buf_printf(out, "%zx\r\n", piece.n);
    if (piece.n) buf_add_str(out, piece);
    if (!x->head.http_1_0) buf_adds(out, "\r\n");
}

void http_answer_end(HttpExchange *x) {
    assert(x->open && x->more_asked);
    Buf *out = connection_answer_room(x);
    x->more_asked = false;
    if (!out) {
        http_connection_dropped(x, false);
        return;
    }
    add_chunk(x, (Str){NULL, 0}, out); /* the last one is empty */
    http_connection_answered(x);
}

void http_answer_piece(HttpExchange *x, Str piece) {
    assert(x->more_asked && piece.n && (x->open || piece.n <= x->left));
    Buf *out = connection_answer_room(x);
    x->more_asked = false;
    if (!out) {
        http_connection_dropped(x, true);
        return;
    }
    if (x->open) {
        add_chunk(x, piece, out);
        http_connection_piece(x);
        return;
    }
    buf_add_str(out, piece);
    x->left -= piece.n;
    if (x->left)
        http_connection_piece(x);
    else
        http_connection_answered(x);
}

void http_answer_break(HttpExchange *x) {
    assert(x->more_asked);
    x->more_asked = false;
    http_connection_dropped(x, false);
}

static void add_member(Buf *b, const char *name, const char *text) {
    buf_printf(b, ",\"%s\":", name);
    buf_add_json(b, str(text));
}

static void begin_problem(Buf *b, int status, const char *title, const char *detail) {
    buf_adds(b, "{\"type\":\"about:blank\",\"title\":");
    buf_add_json(b, str(title ? title : phrase(status)));
    buf_printf(b, ",\"status\":%d", status);
    if (detail) add_member(b, "detail", detail);
}

void http_answer_problem(HttpExchange *x, int status, const char *title, const char *detail,
                         int retry_after_s) {
    CLEANUP(buf_done) Buf body = {0};
    begin_problem(&body, status, title, detail);
    buf_addc(&body, '}');
    if (retry_after_s >= 0) {
        CLEANUP(buf_done) Buf seconds = {0};
        buf_add_i64(&seconds, retry_after_s);
        http_answer_header(x, "Retry-After", seconds.p);
    }
    http_answer(x, status, "application/problem+json", buf_str(&body));
}

void exchange_refuse(HttpExchange *x, const HttpRefusal *why) {
    CLEANUP(buf_done) Buf body = {0}, detail = {0};
    buf_printf(&detail, "%s %s; %s", why->field, why->reason, why->remedy);
    begin_problem(&body, why->status, NULL, detail.p);
    add_member(&body, "field", why->field);
    add_member(&body, "reason", why->reason);
    add_member(&body, "remedy", why->remedy);
    buf_addc(&body, '}');
    if (why->status == 503) http_answer_header(x, "Retry-After", "1");
    http_answer(x, why->status, "application/problem+json", buf_str(&body));
}

bool exchange_asks_for_server(const HttpExchange *x) {
    return x->head.target.n == 1 && str_eq(part(x, x->head.target), STR("*"));
}

void exchange_answer_options(HttpExchange *x) {
    http_answer_header(x, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    http_answer(x, 204, NULL, (Str){NULL, 0});
}
