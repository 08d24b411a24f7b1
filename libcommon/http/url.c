/* Percent escapes and query pairs. */
#include "http/url.h"

#include <errno.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int url_decode(Str text, bool plus_is_space, Buf *ret) {
    size_t before = ret->n;
    buf_reserve(ret, text.n);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '+' && plus_is_space) c = ' ';
        if (c == '%') {
            int high = text.n - i > 2 ? hex_digit(text.p[i + 1]) : -1;
            int low = text.n - i > 2 ? hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0) {
                ret->n = before;
                ret->p[before] = 0;
                return -EINVAL;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        ret->p[ret->n++] = c; /* reserved above: decoding never grows */
    }
    ret->p[ret->n] = 0;
    return 0;
}

bool url_next_pair(Str *query, Str *ret_name, Str *ret_value) {
    while (query->p) {
        Str pair = str_cut(*query, '&', query);
        if (!pair.n) continue;
        *ret_name = str_cut(pair, '=', ret_value);
        return true;
    }
    return false;
}

void url_encode(Str text, Buf *ret) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            buf_addc(ret, (char)c);
        } else {
            buf_addc(ret, '%');
            buf_addc(ret, hex[c >> 4]);
            buf_addc(ret, hex[c & 15]);
        }
    }
}
