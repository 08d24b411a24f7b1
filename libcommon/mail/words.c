/* Base64, quoted-printable, and encoded words (RFC 2047). Everything that is not plain is written
 * in base64: what looks like an encoded word, too, or readers would decode what nobody encoded. */
#include "mail/mail_internal.h"

enum { WORD_BYTES = 39 /* 52 of base64; 73 with what is around it and `Subject: `, of 78 */ };

void mail_base64(Str s, size_t line, Buf *ret) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        if (line && i && i % line == 0) buf_adds(ret, "\r\n");
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < s.n ? (unsigned char)s.p[i + k] : 0);
        const char four[] = {digits[v >> 18], digits[v >> 12 & 63],
                             i + 1 < s.n ? digits[v >> 6 & 63] : '=',
                             i + 2 < s.n ? digits[v & 63] : '='};
        buf_add(ret, four, sizeof(four));
    }
}

/* RFC 2045 6.7, of text whose lines end in CRLF. Dots at the start of a line and "From " are
 * written out of the way of what carries it. */
void mail_quote(Str s, Buf *ret) {
    size_t column = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
            buf_adds(ret, "\r\n");
            column = 0;
            i++;
            continue;
        }
        bool last = i + 1 == s.n || s.p[i + 1] == '\r';
        bool quoted = c >= 0x80 || c < 0x20 || c == 0x7f || c == '=' || (c == ' ' && last) ||
                      (column == 0 && (c == '.' || c == 'F' || c == '-'));
        if (c == '\t' && !last) quoted = false;
        if (column + (quoted ? 3 : 1) > 75) {
            buf_adds(ret, "=\r\n");
            column = 0;
            quoted = quoted || c == '.' || c == 'F' || c == '-';
        }
        if (quoted)
            buf_printf(ret, "=%02X", c);
        else
            buf_addc(ret, (char)c);
        column += quoted ? 3 : 1;
    }
}

static bool plain(Str s, bool phrase) {
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x80 || (c == '=' && i + 1 < s.n && s.p[i + 1] == '?')) return false;
        if (c == ' ' && (i == 0 || i + 1 == s.n || s.p[i + 1] == ' ')) return false; /* folding */
        quoted = quoted || (phrase && (c == '"' || c == '\\'));
    }
    return !quoted && s.n <= 60; /* longer ones would have to be folded */
}

void mail_encode(Str s, bool phrase, Buf *ret) {
    if (plain(s, phrase)) {
        buf_printf(ret, phrase ? "\"%.*s\"" : "%.*s", STR_ARG(s));
        return;
    }
    for (size_t i = 0; i < s.n;) {
        size_t n = s.n - i < WORD_BYTES ? s.n - i : WORD_BYTES;
        while (i + n < s.n && ((unsigned char)s.p[i + n] & 0xc0) == 0x80)
            n--; /* a character stays whole */
        buf_adds(ret, i ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        mail_base64((Str){s.p + i, n}, 0, ret);
        buf_adds(ret, "?=");
        i += n;
    }
}
