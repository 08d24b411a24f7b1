/* One pass over the head: a line's end and its control characters are found together (16 bytes at a
 * time where there is SSE2), then the line is taken apart by one table. */
#include "http/head.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { TOKEN = 1, PATH = 2, QUERY = 4, HOST = 8, HEX = 16 };

/* Which of these each ASCII character is; nothing above 0x7f is any. PATH is RFC 3986's pchar and
 * '/', QUERY also '?' and what browsers leave as it is ([]{}|\^`), HOST a registered name without
 * ',' (two Host lines that a proxy has joined). '%' is not in PATH, QUERY, HOST: it needs a look.
 */
static const unsigned char classes[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x0f, 0x00, 0x01, 0x0f, 0x01, 0x0f, 0x0f, 0x0e, 0x0e, 0x0f, 0x0f, 0x06, 0x0f, 0x0f, 0x06,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x06, 0x0e, 0x00, 0x0e, 0x00, 0x04,
    0x06, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x04, 0x04, 0x04, 0x05, 0x0f,
    0x05, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x04, 0x05, 0x04, 0x0f, 0x00,
};

static bool is(char c, unsigned which) {
    return (classes[(unsigned char)c] & which) != 0;
}

enum { FIRST_LINE, FIRST_LINE_AFTER_EMPTY, HEADER_LINE };

static HttpHeadResult refuse(HttpRefusal *ret, int status, const char *field, const char *reason,
                             const char *remedy) {
    *ret = (HttpRefusal){status, field, reason, remedy};
    return HTTP_HEAD_REFUSED;
}

void http_head_init(HttpHead *h) {
    memset(h, 0, offsetof(HttpHead, headers));
}

bool http_is_token(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!is(s.p[i], TOKEN)) return false;
    return s.n > 0;
}

Str http_head_header(const HttpHead *h, const char *head, Str name) {
    for (uint32_t i = 0; i < h->header_count; i++)
        if (h->headers[i].name.n == name.n &&
            str_eq_nocase(http_span(head, h->headers[i].name), name))
            return http_span(head, h->headers[i].value);
    return (Str){NULL, 0};
}

/* The first control character other than a tab at or behind `from`; n when there is none. */
static size_t find_control(const char *p, size_t from, size_t n) {
#ifdef __SSE2__
    const __m128i highest = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'),
                  del = _mm_set1_epi8(0x7f);
    for (; n - from >= 16; from += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + from));
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, highest), v);
        __m128i bad =
            _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), low), _mm_cmpeq_epi8(v, del));
        unsigned mask = (unsigned)_mm_movemask_epi8(bad);
        if (mask) return from + (size_t)__builtin_ctz(mask);
    }
#endif
    for (; from < n; from++) {
        unsigned char c = (unsigned char)p[from];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return from;
    }
    return n;
}

/* How many characters from the front are of that class or well-formed escapes. */
static size_t span_of(const char *p, size_t n, unsigned which) {
    size_t i = 0;
    for (;;) {
        while (i < n && is(p[i], which))
            i++;
        if (i + 2 < n && p[i] == '%' && is(p[i + 1], HEX) && is(p[i + 2], HEX))
            i += 3;
        else
            return i;
    }
}

/* host [ ":" port ], the host a name, an IPv4 address or "[IPv6]"; not empty (RFC 9110 §4.2.1). */
static bool is_authority(Str s) {
    size_t i;
    if (s.n && s.p[0] == '[') {
        for (i = 1; i < s.n && (is(s.p[i], HEX) || s.p[i] == ':' || s.p[i] == '.'); i++) {
        }
        if (i < 3 || i >= s.n || s.p[i] != ']') return false;
        i++;
    } else {
        i = span_of(s.p, s.n, HOST);
        if (i == 0) return false;
    }
    if (i == s.n) return true;
    if (s.p[i] != ':' || s.n - i > 6) return false;
    uint32_t port = 0;
    while (++i < s.n) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        port = port * 10 + (uint32_t)(s.p[i] - '0');
    }
    return port <= 65535;
}

static bool lower_starts(Str s, Str prefix) {
    return s.n >= prefix.n && str_eq_nocase((Str){s.p, prefix.n}, prefix);
}

static HttpHeadResult take_target(HttpHead *h, const char *p, HttpRefusal *ret) {
    Str method = http_span(p, h->method), target = http_span(p, h->target);
    uint32_t at = h->target.at, end = at + h->target.n;

    if (str_eq(method, STR("CONNECT")))
        return refuse(ret, 501, "method", "is CONNECT: this is no proxy", "ask for a path");
    if (target.p[0] == '*') {
        if (target.n != 1 || !str_eq(method, STR("OPTIONS")))
            return refuse(ret, 400, "request target", "is * without the method OPTIONS",
                          "ask for a path that begins with /");
        h->path = (HttpSpan){at, 0};
        return HTTP_HEAD_COMPLETE;
    }
    if (target.p[0] != '/') { /* absolute form: scheme "://" authority path */
        size_t scheme = lower_starts(target, STR("http://"))    ? 7
                        : lower_starts(target, STR("https://")) ? 8
                                                                : 0;
        if (!scheme)
            return refuse(ret, 400, "request target", "is neither a path nor an http address",
                          "ask for a path that begins with /");
        Str authority = {target.p + scheme, 0};
        while (scheme + authority.n < target.n && authority.p[authority.n] != '/' &&
               authority.p[authority.n] != '?')
            authority.n++;
        if (!is_authority(authority))
            return refuse(ret, 400, "request target", "has no valid host",
                          "ask for a path that begins with /");
        at += (uint32_t)(scheme + authority.n);
    }
    uint32_t n = (uint32_t)span_of(p + at, end - at, PATH);
    h->path = (HttpSpan){at, n};
    at += n;
    if (at < end && p[at] == '?') {
        at++;
        n = (uint32_t)span_of(p + at, end - at, QUERY);
        h->query = (HttpSpan){at, n};
        h->has_query = true;
        at += n;
    }
    if (at == end) return HTTP_HEAD_COMPLETE;
    switch (p[at]) {
    case ' ':
        return refuse(ret, 400, "request line", "has more than two spaces",
                      "send METHOD target HTTP/1.1 with one space between each");
    case '%':
        return refuse(ret, 400, "request target", "has a malformed percent escape",
                      "write % as %25");
    case '#':
        return refuse(ret, 400, "request target", "has a fragment", "leave out # and what follows");
    default:
        return refuse(ret, 400, "request target", "has a character that no address may have",
                      "percent-encode it");
    }
}

static HttpHeadResult take_request_line(HttpHead *h, const char *p, uint32_t at, uint32_t end,
                                        HttpRefusal *ret) {
    uint32_t i = at;
    while (i < end && is(p[i], TOKEN))
        i++;
    if (i == at || i == end || p[i] != ' ')
        return refuse(ret, 400, "method", "is empty or not a token",
                      "send METHOD target HTTP/1.1 with one space between each");
    h->method = (HttpSpan){at, i - at};
    i++;
    /* What is behind the target must be exactly " HTTP/1.1": spaces elsewhere fail as target. */
    uint32_t version = end;
    while (version > i && p[version - 1] != ' ')
        version--;
    if (version == i || version - 1 == i)
        return refuse(ret, 400, "request line", "has no target or no version, or spaces too many",
                      "send METHOD target HTTP/1.1 with one space between each");
    if (end - version != 8 || memcmp(p + version, "HTTP/1.", 7) != 0 ||
        (p[end - 1] != '1' && p[end - 1] != '0'))
        return refuse(ret, 400, "HTTP version", "is neither HTTP/1.1 nor HTTP/1.0",
                      "end the request line in HTTP/1.1");
    h->http_1_0 = p[end - 1] == '0';
    h->target = (HttpSpan){i, version - 1 - i};
    return take_target(h, p, ret);
}

static HttpHeadResult take_length(HttpHead *h, Str value, HttpRefusal *ret) {
    if (h->has_length) return refuse(ret, 400, "Content-Length", "is given twice", "send it once");
    uint64_t length = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || i == 19)
            return refuse(ret, 400, "Content-Length", "is not 1 to 19 decimal digits",
                          "send the number of bytes in plain digits");
        length = length * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (value.n == 0)
        return refuse(ret, 400, "Content-Length", "is empty",
                      "send the number of bytes in plain digits");
    h->has_length = true;
    h->content_length = length;
    return HTTP_HEAD_COMPLETE;
}

static void take_connection(HttpHead *h, Str value) {
    while (value.p) {
        Str option = str_trim(str_cut(value, ',', &value));
        if (str_eq_nocase(option, STR("close"))) h->close_asked = true;
    }
}

/* The few headers that decide where this request ends and whether another follows. */
static HttpHeadResult take_known(HttpHead *h, Str name, Str value, HttpRefusal *ret) {
    switch (name.n) {
    case 4:
        if (!str_eq_nocase(name, STR("Host"))) break;
        if (h->has_host) return refuse(ret, 400, "Host", "is given twice", "send it once");
        if (!is_authority(value))
            return refuse(ret, 400, "Host", "is not a host with an optional port",
                          "send the name that you connected to");
        h->has_host = true;
        break;
    case 6:
        if (!str_eq_nocase(name, STR("Expect"))) break;
        if (!str_eq_nocase(value, STR("100-continue")))
            return refuse(ret, 417, "Expect", "is not 100-continue", "leave it out");
        h->expect_continue = true;
        break;
    case 10:
        if (str_eq_nocase(name, STR("Connection"))) take_connection(h, value);
        break;
    case 14:
        if (str_eq_nocase(name, STR("Content-Length"))) return take_length(h, value, ret);
        break;
    case 17:
        if (!str_eq_nocase(name, STR("Transfer-Encoding"))) break;
        if (h->has_encoding)
            return refuse(ret, 400, "Transfer-Encoding", "is given twice", "send it once");
        if (!str_eq_nocase(value, STR("chunked")))
            return refuse(ret, 400, "Transfer-Encoding", "is not exactly chunked",
                          "send chunked alone, or a Content-Length");
        h->has_encoding = h->chunked = true;
        break;
    default:
        break;
    }
    return HTTP_HEAD_COMPLETE;
}

static HttpHeadResult take_header_line(HttpHead *h, const char *p, uint32_t at, uint32_t end,
                                       HttpRefusal *ret) {
    uint32_t i = at;
    while (i < end && is(p[i], TOKEN))
        i++;
    if (i == end || p[i] != ':' || i == at) {
        if (p[at] == ' ' || p[at] == '\t')
            return refuse(ret, 400, "header line", "begins with a blank (obsolete folding)",
                          "send each header on one line");
        if (i == at && p[i] == ':')
            return refuse(ret, 400, "header line", "has an empty name", "name the header");
        if (i < end && (p[i] == ' ' || p[i] == '\t'))
            return refuse(ret, 400, "header line", "has a blank in or behind its name",
                          "put the colon right behind the name");
        return refuse(ret, 400, "header line", "has no colon or a name that is not a token",
                      "send Name: value");
    }
    if (h->header_count == HTTP_HEADERS_MAX)
        return refuse(ret, 431, "headers", "are more than 100", "send fewer");
    HttpHeader *header = &h->headers[h->header_count++];
    header->name = (HttpSpan){at, i - at};
    i++;
    while (i < end && (p[i] == ' ' || p[i] == '\t'))
        i++;
    while (end > i && (p[end - 1] == ' ' || p[end - 1] == '\t'))
        end--;
    header->value = (HttpSpan){i, end - i};
    return take_known(h, http_span(p, header->name), http_span(p, header->value), ret);
}

/* At the empty line: what only the whole head can tell. */
static HttpHeadResult finish(HttpHead *h, HttpRefusal *ret) {
    if (!h->has_host && !h->http_1_0)
        return refuse(ret, 400, "Host", "is missing", "send the name that you connected to");
    if (h->chunked && h->has_length)
        return refuse(ret, 400, "Content-Length", "is given together with Transfer-Encoding",
                      "send one of them");
    if (h->chunked && h->http_1_0)
        return refuse(ret, 400, "Transfer-Encoding", "is not known to HTTP/1.0",
                      "send HTTP/1.1, or a Content-Length");
    if (h->http_1_0) h->expect_continue = false;
    h->keep_alive = !h->http_1_0 && !h->close_asked;
    h->bytes = h->line_at;
    return HTTP_HEAD_COMPLETE;
}

static HttpHeadResult refuse_length(const HttpHead *h, HttpRefusal *ret) {
    return h->stage == HEADER_LINE
               ? refuse(ret, 431, "head", "is too large", "send fewer or shorter headers")
               : refuse(ret, 414, "request target", "is too long", "send a shorter address");
}

static HttpHeadResult refuse_control(char c, HttpRefusal *ret) {
    switch (c) {
    case '\n':
        return refuse(ret, 400, "head", "has a line that ends in LF alone", "end lines in CR LF");
    case '\r':
        return refuse(ret, 400, "head", "has a CR without LF", "end lines in CR LF");
    case '\0':
        return refuse(ret, 400, "head", "has a NUL", "leave it out");
    default:
        return refuse(ret, 400, "head", "has a control character", "leave it out");
    }
}

HttpHeadResult http_head_parse(HttpHead *h, const char *p, size_t n, size_t limit,
                               HttpRefusal *ret) {
    if (limit > HTTP_HEAD_BYTES_MAX) limit = HTTP_HEAD_BYTES_MAX;
    size_t seen = n < limit ? n : limit;
    for (;;) {
        size_t end = find_control(p, h->scanned, seen);
        h->scanned = (uint32_t)end;
        if (end < seen && p[end] != '\r') return refuse_control(p[end], ret);
        if (end + 1 >= seen) return seen == limit ? refuse_length(h, ret) : HTTP_HEAD_MORE;
        if (p[end + 1] != '\n') return refuse_control('\r', ret);

        uint32_t at = h->line_at, line_end = (uint32_t)end;
        HttpHeadResult r = HTTP_HEAD_COMPLETE;
        h->line_at = h->scanned = line_end + 2;
        switch (h->stage) {
        case FIRST_LINE: /* one empty line before it is forgiven (RFC 9112 §2.2) */
            h->stage = at == line_end ? FIRST_LINE_AFTER_EMPTY : HEADER_LINE;
            if (at < line_end) r = take_request_line(h, p, at, line_end, ret);
            break;
        case FIRST_LINE_AFTER_EMPTY:
            h->stage = HEADER_LINE;
            r = take_request_line(h, p, at, line_end, ret);
            break;
        default:
            if (at == line_end) return finish(h, ret);
            r = take_header_line(h, p, at, line_end, ret);
            break;
        }
        if (r != HTTP_HEAD_COMPLETE) return r;
    }
}
