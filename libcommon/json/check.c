/* The one pass that decides whether a text is JSON that we take (the promises are in json.h). Every
 * check_x() starts at its first byte, leaves c->at behind its last, and returns 0 or -errno. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <unistr.h>

#include "base/cause.h"
#include "json/json_internal.h"

enum {
    DEPTH_LIMIT = 64,      /* of our recursion */
    NUMBER_BYTES = 63,     /* cJSON copies a number into 64 */
    MEMBERS_AT_HAND = 64,  /* before the list of keys moves to the heap */
    BYTES_LIMIT = 1 << 30, /* offsets are 32 bits */
    KEY_SHOWN_BYTES = 64,  /* of a key in a problem */
    SAFE_DIGITS = 15,      /* an integer of so many digits is below 2^53 */
};

typedef struct Member { /* a key of an object that is still open */
    uint64_t hash;      /* of the decoded key */
    uint32_t at, n;     /* the key as written, without quotes */
    bool escaped;
} Member;

typedef struct Check {
    const unsigned char *start, *at, *end;
    JsonLimits limits;
    size_t depth;
    size_t numbers; /* seen so far */
    BigIntegers *big;
    Member *members; /* of all open objects, innermost last */
    size_t members_n, members_room;
    Member at_hand[MEMBERS_AT_HAND];
    const char *reason; /* why not, and where */
    const unsigned char *reason_at;
    Str reason_key;
} Check;

static int refuse_at(Check *c, const unsigned char *at, int error, const char *reason) {
    c->reason = reason;
    c->reason_at = at;
    return error;
}

static int refuse(Check *c, const char *reason) {
    return refuse_at(c, c->at, -EINVAL, reason);
}

static inline void skip_space(Check *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
}

static inline uint64_t load8(const unsigned char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

/* A bit for each of eight bytes that ends a run of plain ASCII: a quote, a backslash, a control
 * character or a byte above 0x7f. Borrows may set bits above a true hit, so only the lowest one
 * counts. */
static inline uint64_t special_bits(uint64_t word) {
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    return (word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & highs;
}

static inline const unsigned char *skip_plain(const unsigned char *at, const unsigned char *end) {
    while (end - at >= 8) {
        uint64_t bits = special_bits(le64toh(load8(at)));
        if (bits) return at + __builtin_ctzll(bits) / 8;
        at += 8;
    }
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

static int hex4(const unsigned char *p) {
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = p[i] >= '0' && p[i] <= '9'   ? p[i] - '0'
                    : p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10
                    : p[i] >= 'A' && p[i] <= 'F' ? p[i] - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        v = v << 4 | digit;
    }
    return v;
}

static int check_escape(Check *c) {
    const unsigned char *at = c->at; /* the backslash */
    if (c->end - at < 2) return refuse(c, "the text ends inside a string");
    c->at += 2;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 0;
    case 'u':
        break;
    default:
        return refuse_at(c, at, -EINVAL, "unknown escape");
    }
    int unit = c->end - at >= 6 ? hex4(at + 2) : -1;
    if (unit < 0) return refuse_at(c, at, -EINVAL, "\\u needs four hex digits");
    if (unit == 0) return refuse_at(c, at, -EINVAL, "\\u0000 cannot be stored");
    if (unit >= 0xdc00 && unit <= 0xdfff) return refuse_at(c, at, -EINVAL, "lone surrogate");
    c->at = at + 6;
    if (unit < 0xd800 || unit > 0xdbff) return 0;
    int low = c->end - at >= 12 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff) return refuse_at(c, at, -EINVAL, "lone surrogate");
    c->at = at + 12;
    return 0;
}

static inline bool is_tail(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

/* Bytes above 0x7f: the whole run of them must be UTF-8 (no sequence spans an ASCII byte). Chinese,
 * which is nearly all of them, is told by its lead byte: E1 to EC have no overlong forms and no
 * surrogates. */
static int check_utf8_run(Check *c) {
    const unsigned char *p = c->at;
    while (c->end - p >= 3 && p[0] >= 0xe1 && p[0] <= 0xec && is_tail(p[1]) && is_tail(p[2]))
        p += 3;
    const unsigned char *rest = p;
    while (p < c->end && *p >= 0x80)
        p++;
    const unsigned char *bad = p > rest ? u8_check(rest, (size_t)(p - rest)) : NULL;
    c->at = p;
    return bad ? refuse_at(c, bad, -EINVAL, "invalid UTF-8") : 0;
}

static int check_string(Check *c, bool *ret_escaped) {
    const unsigned char *quote = c->at++;
    *ret_escaped = false;
    for (;;) {
        c->at = skip_plain(c->at, c->end);
        if (c->at == c->end) return refuse_at(c, quote, -EINVAL, "the string has no end");
        int r = 0;
        if (*c->at == '"') {
            c->at++;
            return 0;
        }
        if (*c->at == '\\') {
            *ret_escaped = true;
            r = check_escape(c);
        } else if (*c->at >= 0x80)
            r = check_utf8_run(c);
        else
            r = refuse(c, "raw control character in a string; write it as an escape");
        if (r < 0) return r;
    }
}

static void note_big(Check *c, Str text) {
    BigIntegers *big = c->big;
    if (!big) return;
    if (big->n == big->room) {
        big->room = big->room ? big->room * 2 : 4;
        big->list = xrealloc(big->list, big->room * sizeof(*big->list));
    }
    big->list[big->n++] = (BigInteger){c->numbers, text};
}

static int check_integer(Check *c, Str text) {
    int64_t v;
    if (text.n <= SAFE_DIGITS) return 0;
    if (str_to_i64(text, &v) < 0)
        return refuse_at(c, (const unsigned char *)text.p, -EINVAL,
                         "the integer is beyond 64 bits; send it as a string");
    if (v >= 1LL << 53 || v <= -(1LL << 53)) note_big(c, text);
    return 0;
}

static int check_finite(Check *c, Str text) {
    char copy[NUMBER_BYTES + 1];
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    double v = strtod(copy, NULL);
    if (v - v != 0) /* infinite */
        return refuse_at(c, (const unsigned char *)text.p, -EINVAL, "the number is too large");
    return 0;
}

static bool skip_digits(Check *c) {
    const unsigned char *first = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > first;
}

static int check_number(Check *c) {
    const unsigned char *first = c->at;
    bool fraction = false, exponent = false;
    if (*c->at == '-') c->at++;
    if (c->end - c->at >= 2 && c->at[0] == '0' && c->at[1] >= '0' && c->at[1] <= '9')
        return refuse_at(c, first, -EINVAL, "the number has a leading zero");
    if (!skip_digits(c)) return refuse_at(c, first, -EINVAL, "the number has no digits");
    if (c->at < c->end && *c->at == '.') {
        fraction = true;
        c->at++;
        if (!skip_digits(c)) return refuse_at(c, first, -EINVAL, "no digit behind the point");
    }
    if (c->at < c->end && (*c->at == 'e' || *c->at == 'E')) {
        exponent = true;
        c->at++;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-')) c->at++;
        if (!skip_digits(c)) return refuse_at(c, first, -EINVAL, "the exponent has no digits");
    }
    Str text = {(const char *)first, (size_t)(c->at - first)};
    int r = 0;
    if (!fraction && !exponent) r = check_integer(c, text);
    if (r == 0 && text.n > NUMBER_BYTES)
        return refuse_at(c, first, -EINVAL, "the number is longer than 63 characters");
    if (r == 0 && exponent) r = check_finite(c, text);
    c->numbers++;
    return r;
}

static int check_word(Check *c, const char *word, size_t n) {
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return refuse(c, "a value is expected here");
    c->at += n;
    return 0;
}

/* --- keys of one object ---------------------------------------------------------------------- */

static uint64_t key_hash(Str key) {
    static uint64_t seed; /* nobody outside can aim for collisions */
    if (!seed) {
        random_bytes(&seed, sizeof(seed));
        seed |= 1;
    }
    uint64_t h = seed ^ key.n;
    for (; key.n >= 8; key.p += 8, key.n -= 8) {
        h = (h ^ load8((const unsigned char *)key.p)) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < key.n; i++)
        tail |= (uint64_t)(unsigned char)key.p[i] << (8 * i);
    h = (h ^ tail) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static void add_code_point(Buf *out, uint32_t c) {
    uint8_t bytes[4];
    int n = u8_uctomb(bytes, (ucs4_t)c, sizeof(bytes));
    if (n > 0) buf_add(out, bytes, (size_t)n);
}

/* A key with escapes that check_string() has passed. */
static void decode_key(Str key, Buf *out) {
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] != '\\') {
            buf_addc(out, key.p[i]);
            continue;
        }
        char name = key.p[++i];
        if (name != 'u') {
            buf_addc(out, meanings[strchr(names, name) - names]);
            continue;
        }
        uint32_t unit = (uint32_t)hex4((const unsigned char *)key.p + i + 1);
        i += 4;
        if (unit >= 0xd800 && unit <= 0xdbff) {
            uint32_t low = (uint32_t)hex4((const unsigned char *)key.p + i + 3);
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            i += 6;
        }
        add_code_point(out, unit);
    }
}

static bool same_key(const Check *c, const Member *a, const Member *b) {
    CLEANUP(buf_done) Buf a_decoded = {0}, b_decoded = {0};
    Str a_key = {(const char *)c->start + a->at, a->n},
        b_key = {(const char *)c->start + b->at, b->n};
    if (a->escaped) {
        decode_key(a_key, &a_decoded);
        a_key = buf_str(&a_decoded);
    }
    if (b->escaped) {
        decode_key(b_key, &b_decoded);
        b_key = buf_str(&b_decoded);
    }
    return str_eq(a_key, b_key);
}

static int add_member(Check *c, size_t first, Str key, bool escaped) {
    Member m = {.at = (uint32_t)((const unsigned char *)key.p - c->start),
                .n = (uint32_t)key.n,
                .escaped = escaped};
    if (escaped) {
        CLEANUP(buf_done) Buf decoded = {0};
        decode_key(key, &decoded);
        m.hash = key_hash(buf_str(&decoded));
    } else
        m.hash = key_hash(key);
    for (size_t i = first; i < c->members_n; i++)
        if (c->members[i].hash == m.hash && same_key(c, &c->members[i], &m)) {
            c->reason_key = key;
            return refuse_at(c, (const unsigned char *)key.p - 1, -EINVAL, "duplicate key");
        }
    if (c->members_n - first >= c->limits.members)
        return refuse_at(c, (const unsigned char *)key.p - 1, -E2BIG,
                         "too many keys in one object");
    if (c->members_n == c->members_room) {
        c->members_room *= 2;
        if (c->members == c->at_hand) {
            c->members = xmalloc(c->members_room * sizeof(Member));
            memcpy(c->members, c->at_hand, sizeof(c->at_hand));
        } else
            c->members = xrealloc(c->members, c->members_room * sizeof(Member));
    }
    c->members[c->members_n++] = m;
    return 0;
}

/* --- values ---------------------------------------------------------------------------------- */

static int check_value(Check *c);

static int check_key(Check *c, size_t first_member) {
    bool escaped;
    skip_space(c);
    if (c->at == c->end || *c->at != '"') return refuse(c, "a key in quotes is expected here");
    const unsigned char *quote = c->at;
    int r = check_string(c, &escaped);
    if (r < 0) return r;
    Str key = {(const char *)quote + 1, (size_t)(c->at - quote - 2)};
    r = add_member(c, first_member, key, escaped);
    if (r < 0) return r;
    skip_space(c);
    if (c->at == c->end || *c->at != ':') return refuse(c, "`:` is expected here");
    c->at++;
    return 0;
}

/* An object or an array; `close` is its last byte. */
static int check_container(Check *c, unsigned char close) {
    size_t first_member = c->members_n;
    if (c->depth >= c->limits.depth) return refuse_at(c, c->at, -E2BIG, "nested too deeply");
    c->depth++;
    c->at++;
    skip_space(c);
    if (c->at < c->end && *c->at == close) {
        c->at++;
        c->depth--;
        return 0;
    }
    for (;;) {
        int r = close == '}' ? check_key(c, first_member) : 0;
        if (r == 0) r = check_value(c);
        if (r < 0) return r;
        skip_space(c);
        if (c->at < c->end && *c->at == close) break;
        if (c->at == c->end || *c->at != ',')
            return refuse(c, close == '}' ? "`,` or `}` is expected here"
                                          : "`,` or `]` is expected here");
        c->at++;
    }
    c->at++;
    c->depth--;
    c->members_n = first_member;
    return 0;
}

static int check_value(Check *c) {
    bool escaped;
    skip_space(c);
    if (c->at == c->end) return refuse(c, "the text ends where a value is expected");
    switch (*c->at) {
    case '"':
        return check_string(c, &escaped);
    case '{':
        return check_container(c, '}');
    case '[':
        return check_container(c, ']');
    case 't':
        return check_word(c, "true", 4);
    case 'f':
        return check_word(c, "false", 5);
    case 'n':
        return check_word(c, "null", 4);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return check_number(c);
    default:
        return refuse(c, "a value is expected here");
    }
}

static int check_text(Check *c, Str text) {
    if (text.n > c->limits.bytes || text.n > BYTES_LIMIT)
        return refuse_at(c, c->start, -E2BIG, "the text is too long");
    skip_space(c);
    if (c->at == c->end) return refuse(c, "the text is empty");
    int r = check_value(c);
    if (r < 0) return r;
    skip_space(c);
    return c->at == c->end ? 0 : refuse(c, "something follows the value");
}

static void describe(const Check *c, Buf *ret) {
    size_t line = 1;
    const unsigned char *line_start = c->start;
    for (const unsigned char *p = c->start; p < c->reason_at; p++)
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    buf_printf(ret, "line %zu, column %zu (byte %zu): %s", line,
               (size_t)(c->reason_at - line_start) + 1, (size_t)(c->reason_at - c->start),
               c->reason);
    if (!c->reason_key.p) return;
    Str key = c->reason_key;
    bool cut = key.n > KEY_SHOWN_BYTES;
    if (cut)
        for (key.n = KEY_SHOWN_BYTES; ((unsigned char)key.p[key.n] & 0xc0) == 0x80;)
            key.n--; /* not inside a character */
    buf_printf(ret, " `%.*s%s`", STR_ARG(key), cut ? "..." : "");
}

int json_check_find_big(Str text, const JsonLimits *limits, BigIntegers *ret_big,
                        Buf *ret_problem) {
    Check c;
    c.start = c.at = (const unsigned char *)(text.p ? text.p : "");
    c.end = c.start + text.n;
    c.limits = limits ? *limits : JSON_LIMITS_DEFAULT;
    if (c.limits.depth > DEPTH_LIMIT) c.limits.depth = DEPTH_LIMIT;
    c.depth = c.numbers = c.members_n = 0;
    c.big = ret_big;
    c.members = c.at_hand; /* left uninitialised on purpose: it is 1.5 KiB */
    c.members_room = MEMBERS_AT_HAND;
    c.reason_key = (Str){NULL, 0};
    int r = check_text(&c, text);
    if (r < 0 && ret_problem) describe(&c, ret_problem);
    if (c.members != c.at_hand) free(c.members);
    return r;
}

int json_check(Str text, const JsonLimits *limits, Buf *ret_problem) {
    return json_check_find_big(text, limits, NULL, ret_problem);
}
