#include "signing/link.h"

static bool is_plain(unsigned char c) { /* RFC 3986 §2.3 */
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void link_write(Str base, const char *token, Str about, Buf *ret) {
    static const char digits[] = "0123456789ABCDEF";
    buf_add_str(ret, base);
    buf_adds(ret, "/api/v2/links/");
    buf_adds(ret, token);
    if (about.n) buf_adds(ret, "?about=");
    for (size_t i = 0; i < about.n; i++) {
        unsigned char c = (unsigned char)about.p[i];
        if (is_plain(c)) {
            buf_addc(ret, (char)c);
            continue;
        }
        const char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_add(ret, escaped, 3);
    }
}
