/* Any bytes: finds are in order, inside the text, and masked; masks and normal forms never read or
 * show too much. A find is whole: the byte before and behind it is no ASCII digit. */
#include <stdlib.h>

#include "vault/personal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct Seen {
    Str text;
    const char *behind;
    size_t finds;
} Seen;

static bool digit_at(const Seen *s, const char *p) {
    return p >= s->text.p && p < s->text.p + s->text.n && *p >= '0' && *p <= '9';
}

static void on_find(void *arg, PersonalKind kind, Str where) {
    Seen *s = arg;
    size_t digits = 0;
    if (where.p < s->behind || where.p + where.n > s->text.p + s->text.n || where.n < 8) abort();
    for (size_t i = 0; i < where.n; i++)
        digits += (where.p[i] >= '0' && where.p[i] <= '9') || (unsigned char)where.p[i] == 0xef;
    if (digits < 8 || digits > 20) abort();
    if (digit_at(s, where.p + where.n)) {
        if (kind != PERSONAL_IDENTITY) abort();
    } else if (where.p[0] != '+' && (unsigned char)where.p[0] != 0xef && digit_at(s, where.p - 1) &&
               where.p - 1 >= s->behind)
        abort();
    s->behind = where.p + where.n;
    s->finds++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    Str text = {(const char *)data, n};
    Seen seen = {.text = text, .behind = text.p};
    CLEANUP(buf_done) Buf out = {0}, normal = {0}, twice = {0};
    if (personal_scan(text, on_find, &seen) != seen.finds) abort();
    if (personal_mask_text(text, &out) != seen.finds) abort();
    if (seen.finds == 0 && !str_eq(buf_str(&out), text)) abort();
    buf_clear(&out);
    personal_mask_phone(text, &out);
    personal_mask_email(text, &out);
    personal_mask_name(text, &out);
    personal_mask_address(text, &out);
    personal_mask_identity(text, &out);
    personal_mask_card(text, &out);
    if (personal_normal_phone(text, &normal) == 0) { /* a normal form is its own normal form */
        if (personal_normal_phone(buf_str(&normal), &twice) < 0 ||
            !str_eq(buf_str(&normal), buf_str(&twice)))
            abort();
    }
    buf_clear(&normal);
    buf_clear(&twice);
    if (personal_normal_email(text, &normal) == 0)
        if (personal_normal_email(buf_str(&normal), &twice) < 0 ||
            !str_eq(buf_str(&normal), buf_str(&twice)))
            abort();
    return 0;
}
