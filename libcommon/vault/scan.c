/* The finder: text -> groups of digits -> what they may be. A group is a run of digits; groups
 * stand together when one blank, hyphen or closing bracket is between them. A find begins and ends
 * with a whole group, so no piece of a longer number (an order's, a parcel's) is taken for a phone.
 */
#include "vault/fold_internal.h"
#include "vault/personal.h"

enum { GROUPS = 6, DIGITS = 20 /* more than any find has */ };

typedef struct Groups {
    size_t n;
    size_t starts[GROUPS], ends[GROUPS]; /* bytes in the text */
    size_t upto[GROUPS];                 /* digits up to and with this group */
    char separators[GROUPS];             /* in front of the group; [0] is meaningless */
    char digits[DIGITS + 1]; /* of all groups; an X behind the last digit counts as one */
    bool plus;               /* a + stands in front */
} Groups;

static inline uint64_t any_below(uint64_t word, uint64_t limit) {
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    return (word - ones * limit) & ~word & highs;
}

/* The next byte at which a digit, ASCII or full-width, begins; text.n when there is none. */
static size_t next_digit(Str text, size_t at) {
    const uint64_t ones = 0x0101010101010101u;
    while (at < text.n) {
        for (uint64_t word; text.n - at >= 8; at += 8) {
            memcpy(&word, text.p + at, sizeof(word));
            if (any_below(word ^ (ones * '0'), 10) | any_below(word ^ (ones * 0xef), 1)) break;
        }
        for (size_t end = text.n - at < 8 ? text.n : at + 8, n; at < end; at++)
            if ((is_digit(text.p[at]) || (unsigned char)text.p[at] == 0xef) &&
                is_digit(fold_at(text, at, &n)))
                return at;
    }
    return text.n;
}

/* Behind the group that begins at `at`. */
static size_t skip_group(Str text, size_t at) {
    for (size_t n; at < text.n && is_digit(fold_at(text, at, &n));)
        at += n;
    return at;
}

static bool plus_before(Str text, size_t at, size_t *ret_width) {
    *ret_width = at && text.p[at - 1] == '+'                                  ? 1
                 : at >= 3 && memcmp(text.p + at - 3, "\xef\xbc\x8b", 3) == 0 ? 3
                                                                              : 0;
    return *ret_width > 0;
}

/* Collects what stands together from `at`, a digit. False when the first group alone is too long.
 */
static bool collect(Str text, size_t at, Groups *g) {
    size_t digits = 0, width;
    g->plus = plus_before(text, at, &width);
    for (g->n = 0; g->n < GROUPS; g->n++) {
        size_t start = at, n = 0, first = digits;
        char c = 0;
        while (at < text.n && is_digit(c = fold_at(text, at, &n)) && digits <= DIGITS) {
            g->digits[digits < DIGITS ? digits : DIGITS] = c;
            digits++;
            at += n;
            c = 0;
        }
        if (digits > DIGITS) return g->n > 0;
        if (at < text.n && (c == 'x' || c == 'X') && digits == 17) { /* an identity's check digit */
            g->digits[digits++] = 'X';
            at += n;
        }
        if (digits == first) return g->n > 0;
        g->starts[g->n] = start;
        g->ends[g->n] = at;
        g->upto[g->n] = digits;
        if (at == text.n) {
            g->n++;
            return true;
        }
        c = fold_at(text, at, &n);
        size_t behind;
        if ((c != ' ' && c != '-' && c != ')') || at + n >= text.n ||
            !is_digit(fold_at(text, at + n, &behind))) {
            g->n++;
            return true;
        }
        if (g->n + 1 < GROUPS) g->separators[g->n + 1] = c;
        at += n;
    }
    return true;
}

static bool identity_is_valid(const char *d) {
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    static const int days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int sum = 0, year = (d[6] - '0') * 10 + d[7] - '0', month = (d[10] - '0') * 10 + d[11] - '0',
        day = (d[12] - '0') * 10 + d[13] - '0';
    if (d[0] == '0' || (year != 18 && year != 19 && year != 20)) return false;
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1]) return false;
    for (int i = 0; i < 17; i++)
        sum += (d[i] - '0') * weights[i];
    return "10X98765432"[sum % 11] == d[17];
}

static int number_of(const char *d, int n) {
    int v = 0;
    while (n--)
        v = v * 10 + *d++ - '0';
    return v;
}

/* Issuers' ranges: without them one order number in ten would pass Luhn. */
static bool card_range(const char *d, size_t n) {
    int two = number_of(d, 2), four = number_of(d, 4);
    if (two == 62) return n >= 16; /* UnionPay */
    if (d[0] == '4') return n == 13 || n == 16 || n == 19;
    if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return n == 16;
    if (two == 34 || two == 37) return n == 15;
    if (four >= 3528 && four <= 3589) return n >= 16;
    if (two == 30 || two == 36 || two == 38 || two == 39) return n == 14;
    return (four == 6011 || two == 65 || (four >= 6440 && four <= 6499)) && n >= 16;
}

static bool card_is_valid(const char *d, size_t n) {
    int sum = 0;
    if (n < 13 || n > 19 || memchr(d, 'X', n) || !card_range(d, n)) return false;
    for (size_t i = 0; i < n; i++) {
        int digit = d[n - 1 - i] - '0';
        if (i % 2) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return sum % 10 == 0;
}

static size_t group_digits(const Groups *g, size_t i) {
    return g->upto[i] - (i ? g->upto[i - 1] : 0);
}

/* One group, or all of four and the last one shorter, or 4-6-5. */
static bool card_grouping(const Groups *g, size_t last) {
    if (last == 0) return true;
    if (last == 2 && group_digits(g, 0) == 4 && group_digits(g, 1) == 6) return true;
    for (size_t i = 0; i < last; i++)
        if (group_digits(g, i) != 4) return false;
    return group_digits(g, last) <= 4;
}

static bool phone_is_valid(const Groups *g, size_t last) {
    const char *d = g->digits;
    size_t n = g->upto[last];
    if (memchr(d, 'X', n)) return false;
    bool china = n >= 4 && memcmp(d, "861", 3) == 0 && d[3] >= '3'; /* +86 and a mobile number */
    if (g->plus) return china ? n == 13 : d[0] != '0' && n >= 8 && n <= 15;
    bool brackets = false, small_group = false;
    for (size_t i = 0; i <= last; i++) {
        if (i && g->separators[i] == ')') brackets = true;
        if (group_digits(g, i) < (i ? 3 : 2)) small_group = true;
    }
    size_t code = n == 13 && memcmp(d, "86", 2) == 0     ? 2
                  : n == 15 && memcmp(d, "0086", 4) == 0 ? 4
                                                         : 0;
    if (is_mobile(d + code, n - code)) return !brackets && !small_group;
    if (last != 1 || d[0] != '0' || n < 10) return false; /* a landline: area code and number */
    size_t area = group_digits(g, 0), number = group_digits(g, 1);
    return d[1] == '1' || d[1] == '2' ? area == 3 && number == 8
                                      : d[1] >= '3' && area == 4 && (number == 7 || number == 8);
}

static bool letter_at(Str text, size_t at) {
    return at < text.n && ((text.p[at] | 32) >= 'a' && (text.p[at] | 32) <= 'z');
}

/* The longest find that begins with the first group: its kind, and its last group in *ret_last. */
static bool recognise(Str text, const Groups *g, PersonalKind *ret_kind, size_t *ret_last) {
    for (size_t last = g->n; last-- > 0;) {
        size_t n = g->upto[last];
        bool brackets = false;
        for (size_t i = 1; i <= last; i++)
            brackets = brackets || g->separators[i] == ')';
        *ret_last = last;
        if (n == 18 && !brackets && identity_is_valid(g->digits)) {
            *ret_kind = PERSONAL_IDENTITY;
            return true;
        }
        bool glued = letter_at(text, g->ends[last]) ||
                     (g->starts[0] && letter_at(text, g->starts[0] - 1)); /* a part of a code */
        if (!brackets && !glued && card_grouping(g, last) && card_is_valid(g->digits, n)) {
            *ret_kind = PERSONAL_CARD;
            return true;
        }
        if (phone_is_valid(g, last)) {
            *ret_kind = PERSONAL_PHONE;
            return true;
        }
    }
    return false;
}

size_t personal_scan(Str text, PersonalFound found, void *arg) {
    size_t count = 0;
    Groups g;
    for (size_t at = next_digit(text, 0), last, width; at < text.n; at = next_digit(text, at)) {
        PersonalKind kind;
        if (!collect(text, at, &g) || !recognise(text, &g, &kind, &last)) {
            at = skip_group(text, at);
            continue;
        }
        count++;
        size_t start = g.starts[0];
        if (kind == PERSONAL_PHONE && plus_before(text, start, &width)) start -= width;
        if (found) found(arg, kind, (Str){text.p + start, g.ends[last] - start});
        at = g.ends[last];
    }
    return count;
}

typedef struct Masking {
    Buf *out;
    const char *rest; /* of the text, not yet copied */
} Masking;

static void mask_found(void *arg, PersonalKind kind, Str where) {
    Masking *m = arg;
    buf_add(m->out, m->rest, (size_t)(where.p - m->rest));
    m->rest = where.p + where.n;
    switch (kind) {
    case PERSONAL_PHONE:
        personal_mask_phone(where, m->out);
        break;
    case PERSONAL_IDENTITY:
        personal_mask_identity(where, m->out);
        break;
    case PERSONAL_CARD:
        personal_mask_card(where, m->out);
        break;
    }
}

size_t personal_mask_text(Str text, Buf *ret) {
    Masking m = {ret, text.p};
    size_t n = personal_scan(text, mask_found, &m);
    buf_add(ret, m.rest, text.n - (size_t)(m.rest - text.p));
    return n;
}
