/* HttpReply -- strict where it matters: status and length. */
#include "docket/http_reply.h"

enum { HEAD_BYTES = 65536, BODY_BYTES = 16 << 20 };

/* Takes the next line off `lines`, as name and trimmed value. */
static Str header_next(Str *lines, Str *ret_value) {
    const char *stop = memmem(lines->p, lines->n, "\r\n", 2); /* each line has one */
    Str line = {lines->p, (size_t)(stop - lines->p)};
    *lines = (Str){stop + 2, lines->n - line.n - 2};
    Str name = str_cut(line, ':', ret_value);
    *ret_value = str_trim(*ret_value);
    return name;
}

static int status_of(Str bytes) {
    int status = 0;
    if (memcmp(bytes.p, "HTTP/1.1 ", 9) != 0) return -1;
    for (int i = 9; i < 12; i++) {
        if (bytes.p[i] < '0' || bytes.p[i] > '9') return -1;
        status = status * 10 + (bytes.p[i] - '0');
    }
    return status;
}

HttpReplyResult http_reply_read(Str bytes, HttpReply *ret, size_t *ret_used) {
    if (bytes.n < 12) return HTTP_REPLY_MORE;
    HttpReply reply = {.status = status_of(bytes)};
    if (reply.status < 0) return HTTP_REPLY_BROKEN;
    const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
    if (!end) return bytes.n > HEAD_BYTES ? HTTP_REPLY_BROKEN : HTTP_REPLY_MORE;

    const char *lines = (const char *)memmem(bytes.p, bytes.n, "\r\n", 2) + 2;
    reply.head = (Str){lines, (size_t)(end + 2 - lines)};
    int64_t length = reply.status == 204 || reply.status == 304 ? 0 : -1, number;
    for (Str rest = reply.head, value; rest.n;) {
        Str name = header_next(&rest, &value);
        if (str_eq_nocase(name, STR("Content-Length"))) {
            if (str_to_i64(value, &length) < 0 || length < 0) return HTTP_REPLY_BROKEN;
        } else if (str_eq_nocase(name, STR("Retry-After"))) {
            if (str_to_i64(value, &number) == 0 && number >= 0 && number <= 3600)
                reply.retry_after_s = (int)number;
        } else if (str_eq_nocase(name, STR("Connection"))) {
            reply.close = str_eq_nocase(value, STR("close"));
        }
    }
    if (length < 0 || length > BODY_BYTES) return HTTP_REPLY_BROKEN;
    size_t head = (size_t)(end + 4 - bytes.p);
    if (bytes.n - head < (size_t)length) return HTTP_REPLY_MORE;
    reply.body = (Str){bytes.p + head, (size_t)length};
    *ret = reply;
    *ret_used = head + (size_t)length;
    return HTTP_REPLY_WHOLE;
}

Str http_reply_header(const HttpReply *r, const char *name) {
    for (Str rest = r->head, value; rest.n;)
        if (str_eq_nocase(header_next(&rest, &value), str(name))) return value;
    return (Str){NULL, 0};
}
