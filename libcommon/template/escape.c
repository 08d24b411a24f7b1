/* Values made fit for their place, character by character. */
#include <string.h>

#include "html/html.h"
#include "template/template_internal.h"

static const char ellipsis[] = "…";
static const char replacement[] = "\xef\xbf\xbd";

/* Bytes of the character at s.p[at]; 0: none. */
static size_t character(Str s, size_t at) {
    unsigned char c = (unsigned char)s.p[at];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (n == 1) return 1;
    return n <= s.n - at && str_is_text((Str){s.p + at, n}) ? n : 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* Of C1, which terminals obey, and of the signs that turn the direction of writing around. */
static bool unwanted(Str c, bool header) {
    if (c.n == 1)
        return ((unsigned char)*c.p < 0x20 && *c.p != '\n' && *c.p != '\t') || *c.p == 0x7f;
    const unsigned char *u = (const unsigned char *)c.p;
    if (c.n == 2) return u[0] == 0xc2 && u[1] < 0xa0;
    if (c.n != 3 || !header || u[0] != 0xe2) return false;
    return (u[1] == 0x80 && (u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xa8 && u[2] <= 0xae))) ||
           (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
}

static void add_json(Str c, Buf *ret) {
    if (*c.p == '"' || *c.p == '\\') {
        buf_addc(ret, '\\');
        buf_add_str(ret, c);
    } else if (*c.p == '\n') {
        buf_adds(ret, "\\n");
    } else if (*c.p == '\t') {
        buf_adds(ret, "\\t");
    } else {
        buf_add_str(ret, c);
    }
}

static void add_percent(Str c, Buf *ret) {
    for (size_t i = 0; i < c.n; i++) {
        unsigned char u = (unsigned char)c.p[i];
        if (word(c.p[i]) && u < 0x80)
            buf_addc(ret, c.p[i]);
        else if (u && strchr("-._~", u))
            buf_addc(ret, c.p[i]);
        else
            buf_printf(ret, "%%%02X", u);
    }
}

/* U+FF01 ... U+FF5E are ASCII from ! to ~, wide. */
static void add_wide(char c, Buf *ret) {
    unsigned code = 0xff01u + (unsigned)(unsigned char)c - '!';
    const char wide[] = {(char)(0xe0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3f)),
                         (char)(0x80 | (code & 0x3f))};
    buf_add(ret, wide, sizeof(wide));
}

/* `before` and `after` are its neighbours in the value, 0 at its ends. */
static void add_markdown(Str c, char before, char after, Buf *ret) {
    bool starts = before == 0 || before == '\n';
    if (c.n > 1 || *c.p == '\n')
        buf_add_str(ret, c);
    else if (*c.p == '_' ? !(word(before) && word(after)) : strchr("\\`*[]<>#@~|&", *c.p) != NULL)
        add_wide(*c.p, ret);
    else if (starts && strchr("-+=", *c.p))
        add_wide(*c.p, ret);
    else
        buf_add_str(ret, c);
}

static void add_header(Str c, Buf *ret) {
    if (*c.p != '\n' && *c.p != '\t')
        buf_add_str(ret, c);
    else if (!ret->n || ret->p[ret->n - 1] != ' ')
        buf_addc(ret, ' ');
}

static void add(Place place, Str c, char before, char after, Buf *ret) {
    switch (place) {
    case PLACE_HTML:
        if (*c.p == '\n') buf_adds(ret, "<br>");
        html_escape(c, ret);
        break;
    case PLACE_ATTRIBUTE:
        html_escape(*c.p == '\n' ? STR(" ") : c, ret);
        break;
    case PLACE_ADDRESS:
        add_percent(c, ret);
        break;
    case PLACE_STRING:
        add_json(c, ret);
        break;
    case PLACE_MARKDOWN:
        add_markdown(c, before, after, ret);
        break;
    case PLACE_HEADER:
        add_header(c, ret);
        break;
    case PLACE_TEXT:
    case PLACE_BARE:
        buf_add_str(ret, c);
        break;
    }
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)? */
static bool is_number(Str s) {
    size_t i = s.n && *s.p == '-', first = i;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    if (i == first || i - first > 18 || (s.p[first] == '0' && i - first > 1)) return false;
    if (i == s.n) return true;
    if (s.p[i++] != '.' || i == s.n || s.n - i > 18) return false;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    return i == s.n;
}

/* An address that needs no escape anywhere but & and '. */
static bool is_address(Str s) {
    if ((!str_starts(s, STR("https://")) && !str_starts(s, STR("http://"))) || s.n > 2048)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || (s.p[i] & 0x80) || s.p[i] == 0x7f || strchr("\"<>\\^`{|}", s.p[i]))
            return false;
    size_t host = s.p[4] == 's' ? 8 : 7;
    return s.n > host && s.p[host] != '/';
}

static bool add_url(Place place, Str value, size_t cut, Buf *ret) {
    if (!is_address(value)) return false;
    if (value.n > cut) return true; /* half an address leads elsewhere */
    for (size_t i = 0; i < value.n; i++) {
        Str c = {value.p + i, 1};
        if (place == PLACE_MARKDOWN && strchr("()[]*_~@", *c.p))
            buf_printf(ret, "%%%02X", (unsigned char)*c.p);
        else
            add(place == PLACE_MARKDOWN ? PLACE_TEXT : place, c, 0, 0, ret);
    }
    return false;
}

bool escape_value(Place place, TemplateKind is, Str value, size_t cut, Buf *ret) {
    if (place == PLACE_BARE) {
        if (is == TEMPLATE_IS_FLAG)
            buf_adds(ret, value.n ? "true" : "false");
        else
            buf_add_str(ret, is_number(value) ? value : STR("null"));
        return false;
    }
    if (is == TEMPLATE_IS_NUMBER && place != PLACE_ADDRESS && is_number(value)) {
        buf_add_str(ret, value);
        return false;
    }
    if (is == TEMPLATE_IS_URL && place != PLACE_ADDRESS) return add_url(place, value, cut, ret);
    char before = 0;
    for (size_t i = 0; i < value.n;) {
        size_t n = character(value, i);
        Str c = n ? (Str){value.p + i, n} : str(replacement);
        size_t taken = n ? n : 1;
        bool starts = before == 0 || before == '\n';
        if (i + taken > cut) {
            add(place, str(ellipsis), before, 0, ret);
            return true;
        }
        i += taken;
        if (*c.p == '\r') { /* a line break of its own unless it belongs to one */
            if (i < value.n && value.p[i] == '\n') continue;
            c = STR("\n");
        } else if (unwanted(c, place == PLACE_HEADER) ||
                   (place == PLACE_MARKDOWN && starts && (*c.p == ' ' || *c.p == '\t'))) {
            continue; /* an indented line would be code */
        }
        add(place, c, before, i < value.n ? value.p[i] : 0, ret);
        before = c.p[0];
    }
    return false;
}
