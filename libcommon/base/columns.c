#include "base/columns.h"

#include <stdint.h>

typedef struct Range {
    uint32_t first, last;
} Range;

/* Unicode 15: East_Asian_Width W and F, in blocks. */
static const Range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97c},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6b},
    {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18aff}, {0x1aff0, 0x1b2ff},
    {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a},
    {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393},
    {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4},
    {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d},
    {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596},
    {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc},
    {0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6d7}, {0x1f6dc, 0x1f6df}, {0x1f6eb, 0x1f6ec},
    {0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7eb}, {0x1f7f0, 0x1f7f0}, {0x1f90c, 0x1f93a},
    {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

/* Marks that stand on the character ahead of them, and what is not seen. */
static const Range none[] = {
    {0x0300, 0x036f},   {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x0900, 0x0902},   {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},   {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20f0},
    {0x302a, 0x302d},   {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
    {0xe0100, 0xe01ef},
};

static bool within(const Range *ranges, size_t n, uint32_t c) {
    size_t low = 0;
    while (n) {
        size_t half = n / 2;
        if (c > ranges[low + half].last) {
            low += half + 1;
            n -= half + 1;
        } else if (c < ranges[low + half].first) {
            n = half;
        } else {
            return true;
        }
    }
    return false;
}

typedef struct Glyph {
    Str bytes;
    size_t columns;
    bool shown; /* as it is: neither a control character nor broken */
} Glyph;

/* The first character of what is left, which is not empty. */
static Glyph next(Str s, size_t at) {
    const unsigned char *p = (const unsigned char *)s.p + at;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    Glyph broken = {{s.p + at, 1}, 1, false};
    if (!n || n > s.n - at || !str_is_text((Str){s.p + at, n})) {
        if (p[0] == 0) broken.columns = 0;
        return broken;
    }
    uint32_t c = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3fU);
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    size_t columns = control                                         ? 0
                     : within(none, sizeof(none) / sizeof(*none), c) ? 0
                     : within(wide, sizeof(wide) / sizeof(*wide), c) ? 2
                                                                     : 1;
    return (Glyph){{s.p + at, n}, columns, !control};
}

size_t columns_of(Str s) {
    size_t columns = 0;
    for (size_t at = 0; at < s.n;) {
        Glyph g = next(s, at);
        columns += g.columns;
        at += g.bytes.n;
    }
    return columns;
}

static void fill(Buf *b, size_t columns) {
    for (size_t i = 0; i < columns; i++)
        buf_addc(b, ' ');
}

void columns_add(Buf *b, Str s, size_t columns, bool right) {
    CLEANUP(buf_done) Buf shown = {0};
    size_t used = 0, kept = 0; /* kept: bytes that leave room for the mark of a cut */
    size_t kept_columns = 0;
    bool cut = false;
    for (size_t at = 0; at < s.n && !cut;) {
        Glyph g = next(s, at);
        size_t takes = g.shown ? g.columns : 1;
        at += g.bytes.n;
        if (used + takes > columns) {
            cut = true;
            break;
        }
        buf_add_str(&shown, g.shown ? g.bytes : STR("?"));
        used += takes;
        if (used + 1 <= columns) {
            kept = shown.n;
            kept_columns = used;
        }
    }
    if (cut && columns) {
        shown.n = kept;
        buf_adds(&shown, "…");
        used = kept_columns + 1;
    }
    if (right) fill(b, columns - used);
    buf_add_str(b, buf_str(&shown));
    if (!right) fill(b, columns - used);
}

void columns_add_bar(Buf *b, double value, double most, size_t columns) {
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double share = most > 0 && value > 0 ? value / most : 0;
    size_t parts = (size_t)((share < 1 ? share : 1) * (double)columns * 8 + 0.5), used = parts / 8;
    if (!parts && share > 0) parts = 1;
    for (size_t i = 0; i < used; i++)
        buf_adds(b, "█");
    if (parts % 8) {
        buf_adds(b, eighths[parts % 8]);
        used++;
    }
    fill(b, columns - used);
}
