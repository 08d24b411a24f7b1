/* Code points are looked at one by one; whatever is no UTF-8 is an underscore. */
#include "filetype/name.h"

#include <stdbool.h>

/* The code point at p and its length; length 1 and -1 when it is none. */
static int32_t code_point(Str s, size_t at, size_t *ret_length) {
    const unsigned char *p = (const unsigned char *)s.p + at;
    size_t left = s.n - at, n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    *ret_length = 1;
    if (n == 1) return p[0];
    if (n > left || !str_is_text((Str){s.p + at, n})) return -1;
    *ret_length = n;
    int32_t c = n == 2 ? p[0] & 0x1f : n == 3 ? p[0] & 0x0f : p[0] & 0x07;
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* Says nothing to who reads it, or turns the order of what stands around it. */
static bool is_hidden(int32_t c) {
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

static bool is_blank(int32_t c) {
    return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Looks like the dot before an ending. */
static bool is_dot(int32_t c) {
    return c == '.' || c == 0x2024 || c == 0xfe52 || c == 0xff0e;
}

static Str behind_path(Str s) {
    for (size_t i = s.n; i-- > 0;)
        if (s.p[i] == '/' || s.p[i] == '\\') return (Str){s.p + i + 1, s.n - i - 1};
    return s;
}

static bool is_device(Str name) {
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    Str stem = str_cut(name, '.', &(Str){NULL, 0});
    stem = str_trim(stem);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
        if (str_eq_nocase(stem, str(devices[i]))) return true;
    return stem.n == 4 && stem.p[3] >= '0' && stem.p[3] <= '9' &&
           (str_eq_nocase((Str){stem.p, 3}, STR("com")) ||
            str_eq_nocase((Str){stem.p, 3}, STR("lpt")));
}

/* Blanks and dots at both ends mean nothing, or something else, to one system or another. */
static void trim(Buf *name) {
    size_t from = 0;
    while (name->n && strchr(" .", name->p[name->n - 1]))
        name->n--;
    while (from < name->n && strchr(" .", name->p[from]))
        from++;
    memmove(name->p, name->p + from, name->n - from);
    name->n -= from;
    name->p[name->n] = 0;
}

/* Cut before a character, the ending kept. */
static void shorten(Buf *name) {
    if (name->n <= FILE_NAME_BYTES_MAX) return;
    char ending[FILE_ENDING_BYTES_MAX + 1];
    file_name_ending(buf_str(name), ending);
    size_t tail = ending[0] ? strlen(ending) + 1 : 0, at = FILE_NAME_BYTES_MAX - tail;
    while (at && ((unsigned char)name->p[at] & 0xc0) == 0x80)
        at--;
    memmove(name->p + at, name->p + name->n - tail, tail);
    name->n = at + tail;
    name->p[name->n] = 0;
}

void file_name_clean(Str raw, Buf *ret) {
    CLEANUP(buf_done) Buf name = {0};
    Str rest = behind_path(raw);
    buf_reserve(&name, rest.n + 4);
    for (size_t at = 0, length; at < rest.n; at += length) {
        int32_t c = code_point(rest, at, &length);
        if (c < 0 || (c < 0x80 && c >= 0x20 && strchr("<>:\"|?*", c)))
            buf_addc(&name, '_');
        else if (is_dot(c))
            buf_addc(&name, '.');
        else if (is_blank(c))
            buf_addc(&name, ' ');
        else if (!is_hidden(c))
            buf_add(&name, rest.p + at, length);
    }
    trim(&name);
    if (!name.n) buf_adds(&name, "file");
    if (is_device(buf_str(&name))) {
        buf_addc(&name, ' '); /* for its room */
        memmove(name.p + 1, name.p, name.n - 1);
        name.p[0] = '_';
    }
    shorten(&name);
    trim(&name); /* it may have been cut behind a blank */
    buf_add_str(ret, buf_str(&name));
}

void file_name_ending(Str name, char ret[FILE_ENDING_BYTES_MAX + 1]) {
    ret[0] = 0;
    for (size_t i = name.n; i-- > 0;) {
        if (name.p[i] != '.') continue;
        size_t n = name.n - i - 1;
        if (n == 0 || n > FILE_ENDING_BYTES_MAX) return;
        for (size_t k = 0; k < n; k++) {
            char c = name.p[i + 1 + k];
            ret[k] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
        ret[n] = 0;
        return;
    }
}
