/* Slicing JSON by counting brackets and skipping strings. */
#include "events/members_internal.h"

#include <errno.h>

static void skip_space(Str *s) {
    while (s->n && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++, s->n--;
}

static bool take(Str *s, char c) {
    skip_space(s);
    if (!s->n || *s->p != c) return false;
    s->p++, s->n--;
    return true;
}

/* Bytes of the string that s begins with, quotes included; 0 when it does not end. */
static size_t string_length(Str s) {
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            return i + 1;
    }
    return 0;
}

static int take_value(Str *s, Str *ret) {
    size_t depth = 0, at = 0;
    skip_space(s);
    while (at < s->n) {
        char c = s->p[at];
        if (c == '"') {
            size_t n = string_length((Str){s->p + at, s->n - at});
            if (n == 0) return -EBADMSG;
            at += n;
            if (depth == 0) break;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n')) break;
        at++;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && --depth == 0) break;
    }
    if (at == 0 || depth) return -EBADMSG;
    *ret = (Str){s->p, at};
    s->p += at;
    s->n -= at;
    return 0;
}

/* 1: there is another one; 0: the end. After the opening bracket `first` is true. */
static int another(Str *rest, char open, char close, bool *ret_first) {
    *ret_first = take(rest, open);
    if (take(rest, close)) return 0;
    if (!*ret_first && !take(rest, ',')) return -EBADMSG;
    return 1;
}

int members_next(Str *rest, Str *ret_key, Str *ret_value) {
    bool first;
    Str key;
    int r = another(rest, '{', '}', &first);
    if (r <= 0) return r;
    skip_space(rest);
    if (!rest->n || *rest->p != '"' || take_value(rest, &key) < 0 || !take(rest, ':') ||
        take_value(rest, ret_value) < 0)
        return -EBADMSG;
    *ret_key = (Str){key.p + 1, key.n - 2};
    return 1;
}

int elements_next(Str *rest, Str *ret_value) {
    bool first;
    int r = another(rest, '[', ']', &first);
    if (r <= 0) return r;
    return take_value(rest, ret_value) < 0 ? -EBADMSG : 1;
}

static int hex4(const char *p, unsigned *ret) {
    unsigned char bytes[2];
    if (text_unhex((Str){p, 4}, bytes, sizeof(bytes)) != 2) return -EBADMSG;
    *ret = (unsigned)bytes[0] << 8 | bytes[1];
    return 0;
}

static char *put_utf8(char *out, unsigned c) {
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* The character behind "\u", a surrogate pair being one. Returns the bytes used, or 0. */
static size_t unicode_escape(const char *p, size_t n, unsigned *ret) {
    unsigned high, low;
    if (n < 4 || hex4(p, &high) < 0 || high == 0) return 0;
    *ret = high;
    if (high < 0xd800 || high > 0xdfff) return 4;
    if (high > 0xdbff || n < 10 || p[4] != '\\' || p[5] != 'u' || hex4(p + 6, &low) < 0 ||
        low < 0xdc00 || low > 0xdfff)
        return 0;
    *ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 10;
}

int member_text(Str value, Arena *arena, Str *ret) {
    if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"') return -EBADMSG;
    const char *in = value.p + 1, *end = value.p + value.n - 1;
    if (!memchr(in, '\\', (size_t)(end - in))) {
        *ret = arena_str(arena, (Str){in, (size_t)(end - in)});
        return 0;
    }
    char *text = arena_alloc(arena, value.n), *out = text;
    while (in < end) {
        static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        if (++in == end) return -EBADMSG;
        char c = *in++;
        const char *name = c ? strchr(names, c) : NULL;
        if (name) {
            *out++ = means[name - names];
            continue;
        }
        unsigned character;
        size_t used = c == 'u' ? unicode_escape(in, (size_t)(end - in), &character) : 0;
        if (used == 0) return -EBADMSG;
        in += used;
        out = put_utf8(out, character);
    }
    *out = 0;
    *ret = (Str){text, (size_t)(out - text)};
    return 0;
}

int member_int(Str value, int64_t *ret) {
    if (str_is(value, "null")) {
        *ret = 0;
        return 0;
    }
    return str_to_i64(value, ret) < 0 ? -EBADMSG : 0;
}

Str member_compact(Str value, Arena *arena) {
    char *text = arena_alloc(arena, value.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < value.n;) {
        size_t quoted = value.p[i] == '"' ? string_length((Str){value.p + i, value.n - i}) : 0;
        if (quoted) {
            memcpy(text + n, value.p + i, quoted);
            n += quoted;
            i += quoted;
        } else {
            if (!strchr(" \n\r\t", value.p[i])) text[n++] = value.p[i];
            i++;
        }
    }
    text[n] = 0;
    return (Str){text, n};
}
