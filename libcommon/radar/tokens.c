/* Characters by their ranges: scripts without spaces are Han, kana, hangul's syllables excepted. */
#include "radar/tokens.h"

#include <stdint.h>

typedef enum Kind { KIND_GAP, KIND_DIGIT, KIND_LETTER, KIND_SINGLE } Kind;

/* Its code point and length; an invalid byte is a gap of one byte. */
static size_t read_point(Str s, uint32_t *ret) {
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    *ret = 0;
    if (!n || n > s.n) return 1;
    uint32_t point = n == 1 ? p[0] : p[0] & (0xff >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 1;
        point = point << 6 | (p[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return 1;
    *ret = point;
    return n;
}

static Kind kind_of(uint32_t c) {
    if (c < 0x80) {
        if (c >= '0' && c <= '9') return KIND_DIGIT;
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? KIND_LETTER : KIND_GAP;
    }
    if (c < 0xc0 || c == 0xd7 || c == 0xf7) return KIND_GAP;
    if (c < 0x2000) return KIND_LETTER;
    if (c < 0x3041) return c == 0x3005 || c == 0x3007 ? KIND_SINGLE : KIND_GAP; /* 々 〇 */
    if (c < 0x3100) return KIND_SINGLE;                                         /* kana */
    if ((c >= 0x3400 && c < 0x4dc0) || (c >= 0x4e00 && c < 0xa000)) return KIND_SINGLE;
    if (c >= 0xac00 && c < 0xd7b0) return KIND_LETTER; /* hangul is written in words */
    if (c >= 0xf900 && c < 0xfb00) return KIND_SINGLE;
    if (c >= 0x20000 && c < 0x32000) return KIND_SINGLE;
    return KIND_GAP;
}

static void keep(Token *t, Str s) {
    if (t->n + s.n > TOKEN_BYTES_MAX) return;
    memcpy(t->text + t->n, s.p, s.n);
    t->n += s.n;
}

bool token_next(Str *rest, Token *ret) {
    Kind within = KIND_GAP;
    *ret = (Token){.joined = true};
    while (rest->n) {
        uint32_t c;
        size_t n = read_point(*rest, &c);
        if (c >= 0xff01 && c <= 0xff5e) c -= 0xfee0; /* full-width ASCII */
        Kind kind = kind_of(c);
        if (within != KIND_GAP && (kind != within || kind == KIND_SINGLE)) return true;
        char low = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        if (kind == KIND_GAP)
            ret->joined = false;
        else if (kind == KIND_DIGIT && within == KIND_GAP)
            keep(ret, STR("0"));
        else if (kind != KIND_DIGIT)
            keep(ret, c < 0x80 ? (Str){&low, 1} : (Str){rest->p, n});
        if (kind != KIND_GAP) within = kind;
        ret->single = within == KIND_SINGLE;
        *rest = (Str){rest->p + n, rest->n - n};
    }
    return within != KIND_GAP;
}
