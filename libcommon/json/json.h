/* Json -- the strict door in front of cJSON: one text, checked in one pass, then parsed.
 *
 * Refused: empty text, trailing bytes, a byte order mark, invalid UTF-8, lone surrogates, \u0000,
 * raw control characters, numbers that RFC 8259 forbids (leading zero or plus, hex, NaN ...),
 * integers beyond int64, numbers beyond double or longer than 63 characters, a key twice in one
 * object (escapes decoded first), and whatever passes the limits.
 *
 * cJSON keeps a number as double. An integer literal of 2^53 and beyond therefore becomes a
 * cJSON_Raw item with its text, so that json_get_int() and cJSON_Print...() keep it exact: no
 * integer is ever rounded. Fractions are doubles. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

typedef struct JsonLimits {
    size_t bytes;   /* of the whole text */
    size_t depth;   /* of nested arrays and objects, at most 64 */
    size_t members; /* of one object */
} JsonLimits;

#define JSON_LIMITS_DEFAULT ((JsonLimits){.bytes = 256 * 1024, .depth = 32, .members = 1000})

/* 0 and *ret, to be freed with cJSON_Delete(); -EINVAL or -E2BIG (a limit) with *ret_problem, which
 * may be NULL: "line 1, column 17 (byte 16): duplicate key `subject`". Columns count bytes.
 * `limits` NULL: JSON_LIMITS_DEFAULT. */
int json_parse(Str text, const JsonLimits *limits, cJSON **ret, Buf *ret_problem);
/* The same with the tree in an arena: gone with it, and never to be given to cJSON_Delete(). For
 * the hot path: a small text is some fifty allocations. The first call takes over cJSON's
 * allocator, for one thread. */
int json_parse_in(Arena *arena, Str text, const JsonLimits *limits, cJSON **ret, Buf *ret_problem);
/* The check alone. */
int json_check(Str text, const JsonLimits *limits, Buf *ret_problem);

static inline void cjson_freep(cJSON **p) {
    cJSON_Delete(*p);
}

/* Typed members of an object; keys are case sensitive. 1 and *ret when it is there, 0 when it is
 * absent or null (*ret untouched), -EINVAL when it has another type (or obj is no object), -ERANGE
 * for a number that is no exact int64. Str points into the tree, NUL-terminated. */
int json_get_string(const cJSON *obj, const char *key, Str *ret);
int json_get_int(const cJSON *obj, const char *key, int64_t *ret); /* 5, 5.0 and 5e0 are the same */
int json_get_number(const cJSON *obj, const char *key, double *ret);
int json_get_bool(const cJSON *obj, const char *key, bool *ret);
int json_get_object(const cJSON *obj, const char *key, const cJSON **ret);
int json_get_array(const cJSON *obj, const char *key, const cJSON **ret);

/* The same of a value itself, as when walking an array. */
int json_as_string(const cJSON *value, Str *ret);
int json_as_int(const cJSON *value, int64_t *ret);
bool json_holds_number(const cJSON *value);     /* cJSON_IsNumber() and the exact big ones */
const char *json_type_name(const cJSON *value); /* "a string", "an object" ...: for answers */

/* Appends `value` as compact JSON, exact. */
void json_write(Buf *ret, const cJSON *value);
