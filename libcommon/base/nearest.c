/* The nearest name, by edit distance over characters. */
#include "base/nearest.h"

#include <stdint.h>
#include <stdio.h>

enum { LETTERS_MAX = 48 }; /* longer names are not worth a guess */

/* Code points; 0 when there are too many. Malformed bytes count as themselves. */
static size_t letters(Str s, uint32_t ret[LETTERS_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        if (n == LETTERS_MAX) return 0;
        unsigned char c = (unsigned char)s.p[i++];
        uint32_t letter = c >= 'A' && c <= 'Z' ? c + 32u : c;
        while (c >= 0xc0 && i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80)
            letter = letter << 6 | ((unsigned char)s.p[i++] & 0x3f);
        ret[n++] = letter;
    }
    return n;
}

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance. */
static size_t distance(const uint32_t *a, size_t a_n, const uint32_t *b, size_t b_n) {
    size_t row[LETTERS_MAX + 1];
    for (size_t j = 0; j <= b_n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_n; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_n];
}

Str nearest(Str wrong, const Str *candidates, size_t n) {
    uint32_t a[LETTERS_MAX], b[LETTERS_MAX];
    size_t a_n = letters(wrong, a);
    Str best = {NULL, 0};
    size_t best_distance = a_n < 3 ? 2 : (a_n + 4) / 3; /* to stay below */
    for (size_t i = 0; i < n && a_n; i++) {
        size_t b_n = letters(candidates[i], b);
        if (!b_n) continue;
        size_t d = distance(a, a_n, b, b_n);
        if (d < best_distance && d < a_n) {
            best_distance = d;
            best = candidates[i];
        }
    }
    return best;
}

const char *did_you_mean(Str wrong, const Str *candidates, size_t n) {
    static char text[256];
    Str guess = nearest(wrong, candidates, n);
    if (!guess.n || guess.n > 200) return "";
    (void)snprintf(text, sizeof(text), "; did you mean `%.*s`?", STR_ARG(guess));
    return text;
}
