/* Masks and normal forms. */
#include "vault/personal.h"

#include <errno.h>

#include "vault/fold_internal.h"

enum { PHONE_DIGITS = 15, EMAIL_BYTES = 254 };

/* All digits of a text, ASCII; at most `room`, and how many there are in truth. */
static size_t digits_of(Str s, char *ret, size_t room) {
    size_t found = 0;
    for (size_t at = 0, n; at < s.n; at += n) {
        char c = fold_at(s, at, &n);
        if (!is_digit(c)) continue;
        if (found < room) ret[found] = c;
        found++;
    }
    return found;
}

static Str fold_trim(Str s) {
    size_t n;
    while (s.n && (fold_at(s, 0, &n) == ' ' || *s.p == '\t' || *s.p == '\n' || *s.p == '\r'))
        s = (Str){s.p + n, s.n - n};
    for (;;) {
        if (s.n && strchr(" \t\r\n", s.p[s.n - 1]) && s.p[s.n - 1])
            s.n--;
        else if (s.n >= 3 && memcmp(s.p + s.n - 3, "\xe3\x80\x80", 3) == 0)
            s.n -= 3;
        else
            return s;
    }
}

int personal_normal_phone(Str phone, Buf *ret) {
    char digits[PHONE_DIGITS + 2];
    size_t n = 0;
    bool plus = false;
    for (size_t at = 0, width; at < phone.n; at += width) {
        char c = fold_at(phone, at, &width);
        if (is_digit(c)) {
            if (n == sizeof(digits)) return -EINVAL;
            digits[n++] = c;
        } else if (c == '+' && !plus && n == 0)
            plus = true;
        else if (!c || !strchr(" -().\t", c))
            return -EINVAL;
    }
    const char *d = digits;
    if (!plus && n > 10 && d[0] == '0' && d[1] == '0') {
        plus = true;
        d += 2;
        n -= 2;
    }
    if (!plus && n == 13 && d[0] == '8' && d[1] == '6' && is_mobile(d + 2, 11)) plus = true;
    if (n < 5 || n > PHONE_DIGITS) return -EINVAL;
    bool landline = d[0] == '0' && d[1] != '0' && n >= 10 && n <= 12;
    if (plus)
        buf_addc(ret, '+');
    else if (is_mobile(d, n))
        buf_adds(ret, "+86");
    else if (landline) {
        buf_adds(ret, "+86");
        d++;
        n--;
    }
    buf_add(ret, d, n);
    return 0;
}

int personal_normal_email(Str email, Buf *ret) {
    char folded[EMAIL_BYTES];
    size_t n = 0, ats = 0;
    email = fold_trim(email);
    for (size_t at = 0, width; at < email.n; at += width) {
        char c = fold_at(email, at, &width);
        if (n + (c ? 1 : width) > sizeof(folded)) return -EINVAL;
        if (!c) { /* an internationalised address: as it is */
            memcpy(folded + n, email.p + at, width);
            n += width;
            continue;
        }
        if (c <= ' ' || c == 0x7f || strchr("<>,;\"()", c)) return -EINVAL;
        if (c == '@') ats++;
        folded[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    Str domain, local = str_cut((Str){folded, n}, '@', &domain);
    if (ats != 1 || local.n == 0 || domain.n == 0 || domain.p[0] == '.' ||
        domain.p[domain.n - 1] == '.')
        return -EINVAL;
    buf_add(ret, folded, n);
    return 0;
}

static void stars(Buf *ret, size_t n) {
    while (n--)
        buf_addc(ret, '*');
}

void personal_mask_phone(Str phone, Buf *ret) {
    CLEANUP(buf_done) Buf normal = {0};
    char digits[PHONE_DIGITS];
    if (phone.n == 0) return;
    size_t n = digits_of(phone, digits, sizeof(digits));
    const char *d = digits;
    if (personal_normal_phone(phone, &normal) == 0 && str_starts(buf_str(&normal), STR("+86")) &&
        is_mobile(normal.p + 3, normal.n - 3)) {
        d = normal.p + 3;
        n = 11;
    }
    if (n < 8 || n > PHONE_DIGITS)
        buf_adds(ret, "****");
    else
        buf_printf(ret, "%.*s****%.4s", n >= 11 ? 3 : 1, d, d + n - 4);
}

/* The first character, if there are others behind it. */
static Str first_of_many(Str s) {
    size_t n = 0;
    if (s.n) (void)fold_at(s, 0, &n);
    return n < s.n ? (Str){s.p, n} : (Str){NULL, 0};
}

void personal_mask_email(Str email, Buf *ret) {
    Str domain, local = str_cut(fold_trim(email), '@', &domain);
    if (email.n == 0) return;
    if (domain.n && !memchr(domain.p, '@', domain.n)) buf_add_str(ret, first_of_many(local));
    buf_adds(ret, "***");
    if (domain.n && !memchr(domain.p, '@', domain.n)) {
        buf_addc(ret, '@');
        buf_add_str(ret, domain);
    }
}

void personal_mask_name(Str name, Buf *ret) {
    size_t characters = 0;
    name = fold_trim(name);
    if (name.n == 0) return;
    for (size_t at = 0, n; at < name.n; at += n, characters++)
        (void)fold_at(name, at, &n);
    buf_add_str(ret, first_of_many(name));
    stars(ret, characters == 1 ? 1 : characters > 4 ? 3 : characters - 1);
}

void personal_mask_address(Str address, Buf *ret) {
    size_t characters = 0, kept = 0, at = 0, n;
    address = fold_trim(address);
    if (address.n == 0) return;
    for (size_t i = 0; i < address.n; i += n, characters++)
        (void)fold_at(address, i, &n);
    while (kept < 6 && kept < characters / 2 && !is_digit(fold_at(address, at, &n))) {
        at += n;
        kept++;
    }
    if (at < address.n && is_digit(fold_at(address, at, &n)) && kept < 6 && kept < characters / 2)
        at = 0; /* the house number comes first: nothing of it is safe to show */
    buf_add(ret, address.p, at);
    buf_adds(ret, "****");
}

void personal_mask_identity(Str identity, Buf *ret) {
    char folded[18];
    size_t n = 0;
    identity = fold_trim(identity);
    if (identity.n == 0) return;
    for (size_t at = 0, width; at < identity.n; at += width) {
        char c = fold_at(identity, at, &width);
        if (c == ' ' || c == '-') continue;
        if (!is_digit(c) && c != 'x' && c != 'X') n = sizeof(folded); /* no identity number */
        if (n < sizeof(folded)) folded[n] = c == 'x' ? 'X' : c;
        n++;
    }
    if (n != 15 && n != 18) {
        buf_adds(ret, "****");
        return;
    }
    buf_add(ret, folded, 3);
    stars(ret, n - 7);
    buf_add(ret, folded + n - 4, 4);
}

void personal_mask_card(Str card, Buf *ret) {
    char digits[19];
    if (card.n == 0) return;
    size_t n = digits_of(card, digits, sizeof(digits));
    if (n < 12 || n > sizeof(digits)) {
        buf_adds(ret, "****");
        return;
    }
    stars(ret, n - 4);
    buf_add(ret, digits + n - 4, 4);
}
