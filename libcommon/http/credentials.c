/* Credentials -- two small headers, read strictly. */
#include "http/credentials.h"

#include <errno.h>

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

/* Bytes written, or -EINVAL: padding is demanded, bits behind the end must be zero. */
static int base64_decode(Str text, char *ret) {
    size_t n = 0;
    if (text.n == 0 || text.n % 4) return -EINVAL;
    for (size_t i = 0; i < text.n; i += 4) {
        uint32_t bits = 0;
        int digits = 4;
        if (i + 4 == text.n && text.p[i + 3] == '=') digits = text.p[i + 2] == '=' ? 2 : 3;
        for (int j = 0; j < 4; j++) {
            int v = j < digits ? base64_value(text.p[i + (size_t)j]) : 0;
            if (v < 0) return -EINVAL;
            bits = bits << 6 | (uint32_t)v;
        }
        if ((digits == 2 && bits & 0xFFFF) || (digits == 3 && bits & 0xFF)) return -EINVAL;
        for (int j = 0; j < digits - 1; j++)
            ret[n++] = (char)(bits >> (16 - 8 * j) & 0xFF);
    }
    return (int)n;
}

static int token_check(Str token) {
    if (token.n == 0 || token.n > CREDENTIALS_TOKEN_BYTES) return -EINVAL;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] <= ' ' || token.p[i] > '~') return -EINVAL;
    }
    return 0;
}

/* "EMAIL/token:TOKEN" or "EMAIL:PASSWORD" in clear, in the arena. */
static int basic_decode(Str authorization, Arena *arena, Str *ret) {
    Str rest;
    Str scheme = str_cut(authorization, ' ', &rest);
    rest = str_trim(rest);
    if (!str_eq_nocase(scheme, STR("Basic")) || rest.n > 2048) return -EINVAL;
    char *clear = arena_alloc(arena, rest.n + 1);
    int n = base64_decode(rest, clear);
    if (n < 0) return n;
    *ret = (Str){clear, (size_t)n};
    return 0;
}

int credentials_token(Str authorization, Arena *arena, Str *ret) {
    Str rest;
    Str scheme = str_cut(authorization, ' ', &rest);
    rest = str_trim(rest);
    if (str_eq_nocase(scheme, STR("Bearer"))) {
        if (token_check(rest) < 0) return -EINVAL;
        *ret = rest;
        return 0;
    }
    Str clear, token;
    if (basic_decode(authorization, arena, &clear) < 0) return -EINVAL;
    Str user = str_cut(clear, ':', &token);
    if (!str_ends(user, STR("/token")) || token_check(token) < 0) return -EINVAL;
    *ret = token;
    return 0;
}

int credentials_password(Str authorization, Arena *arena, Str *ret_email, Str *ret_password) {
    Str clear, password;
    if (basic_decode(authorization, arena, &clear) < 0) return -EINVAL;
    Str email = str_cut(clear, ':', &password);
    if (!password.p || !email.n || str_ends(email, STR("/token")) || !str_is_text(clear))
        return -EINVAL;
    *ret_email = email;
    *ret_password = password;
    return 0;
}

int credentials_key(Str header, Arena *arena, Str *ret) {
    Str key = header;
    if (header.n && header.p[0] == '"') {
        char *clear = arena_alloc(arena, header.n);
        size_t n = 0, i = 1;
        for (; i < header.n && header.p[i] != '"'; i++) {
            if (header.p[i] == '\\') {
                if (++i == header.n || (header.p[i] != '"' && header.p[i] != '\\')) return -EINVAL;
            }
            clear[n++] = header.p[i];
        }
        if (i + 1 != header.n) return -EINVAL;
        key = (Str){clear, n};
    }
    if (key.n == 0 || key.n > CREDENTIALS_KEY_BYTES) return -EINVAL;
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < ' ' || key.p[i] > '~') return -EINVAL;
    }
    *ret = key;
    return 0;
}
