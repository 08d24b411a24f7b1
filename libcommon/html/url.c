/* Which addresses a reader may be led to. */
#include "html/html_internal.h"

enum { URL_BYTES_MAX = 2048 };

/* As a browser reads it: blanks and control characters at both ends mean nothing, nor do tabs and
 * line ends anywhere. False when what is left holds what no URL does. */
static bool normal_url(Str url, Buf *ret) {
    while (url.n && (unsigned char)url.p[0] <= 0x20)
        url.p++, url.n--;
    while (url.n && (unsigned char)url.p[url.n - 1] <= 0x20)
        url.n--;
    if (url.n == 0 || url.n > URL_BYTES_MAX) return false;
    for (size_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];
        if (c == '\t' || c == '\n' || c == '\r') continue;
        if (c < 0x20 || c == 0x7f || c == '\\' || c == '<' || c == '>') return false;
        if (c == ' ' || c == '"' || c == '\'' || c == '`')
            buf_printf(ret, "%%%02X", c);
        else
            buf_addc(ret, (char)c);
    }
    return ret->n > 0;
}

static bool starts_nocase(Str s, Str prefix) {
    return s.n >= prefix.n && str_eq_nocase((Str){s.p, prefix.n}, prefix);
}

/* Somebody's host, and nothing in front of it that could be taken for one. */
static bool has_plain_host(Str behind_scheme) {
    Str rest = behind_scheme;
    if (!str_starts(rest, STR("//"))) return false;
    size_t n = 2;
    while (n < rest.n && !strchr("/?#", rest.p[n]))
        n++;
    Str host = {rest.p + 2, n - 2};
    return host.n && host.p[0] != ':' && !memchr(host.p, '@', host.n) &&
           !memchr(host.p, '%', host.n);
}

bool html_link(Str url, Buf *ret) {
    CLEANUP(buf_done) Buf normal = {0};
    if (!normal_url(url, &normal)) return false;
    Str u = buf_str(&normal);
    bool good = starts_nocase(u, STR("https:"))  ? has_plain_host((Str){u.p + 6, u.n - 6})
                : starts_nocase(u, STR("http:")) ? has_plain_host((Str){u.p + 5, u.n - 5})
                : starts_nocase(u, STR("mailto:"))
                    ? u.n > 7 && !memchr(u.p, '?', u.n) /* no headers and texts of his own */
                    : starts_nocase(u, STR("tel:")) && u.n > 4;
    if (good) buf_add_str(ret, u);
    return good;
}

/* "/图.png": a name and nothing that a server or browser could take for more of a path. */
static bool is_plain_name(Str s) {
    if (s.n < 2 || s.p[0] != '/' || str_is(s, "/.") || str_is(s, "/..")) return false;
    for (size_t i = 1; i < s.n; i++) {
        if (strchr("/?#", s.p[i])) return false;
        if (s.p[i] != '%') continue;
        char byte;
        if (s.n - i < 3 || text_unhex((Str){s.p + i + 1, 2}, &byte, 1) != 1) return false;
        if ((unsigned char)byte < 0x20 || strchr("/\\.%", byte)) return false;
    }
    return true;
}

bool html_own_picture(Str url, Buf *ret) {
    static const char home[] = "/api/v2/attachments/";
    CLEANUP(buf_done) Buf normal = {0};
    if (!normal_url(url, &normal) || !str_starts(buf_str(&normal), str(home))) return false;
    size_t at = sizeof(home) - 1, digits = 0;
    while (at < normal.n && normal.p[at] >= '0' && normal.p[at] <= '9')
        at++, digits++;
    if (!digits || digits > 16) return false;
    if (at < normal.n && !is_plain_name((Str){normal.p + at, normal.n - at})) return false;
    buf_add_str(ret, buf_str(&normal));
    return true;
}
