/* Out -- members of JSON objects as answers have them. Each but OUT begins with a comma: it follows
 * another. */
#pragma once

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"

#define OUT(b, literal) buf_add((b), "" literal, sizeof(literal) - 1)

static inline void out_key(Buf *b, const char *key) {
    OUT(b, ",\"");
    buf_adds(b, key);
    OUT(b, "\":");
}
static inline void out_text(Buf *b, const char *key, Str value) {
    out_key(b, key);
    buf_add_json(b, value);
}
static inline void out_text_or_null(Buf *b, const char *key, Str value) {
    out_key(b, key);
    if (value.n)
        buf_add_json(b, value);
    else
        OUT(b, "null");
}
static inline void out_int(Buf *b, const char *key, int64_t value) {
    out_key(b, key);
    buf_add_i64(b, value);
}
static inline void out_id(Buf *b, const char *key, int64_t id) { /* 0: null */
    out_key(b, key);
    if (id)
        buf_add_i64(b, id);
    else
        OUT(b, "null");
}
static inline void out_bool(Buf *b, const char *key, bool value) {
    out_key(b, key);
    buf_adds(b, value ? "true" : "false");
}
static inline void out_time(Buf *b, const char *key, int64_t wall_ms) { /* 0: null */
    char text[21];
    out_key(b, key);
    if (!wall_ms) {
        OUT(b, "null");
        return;
    }
    clock_format_s(wall_ms, text);
    buf_add_json(b, str(text));
}
static inline void out_texts(Buf *b, const char *key, const Str *values, size_t n) {
    out_key(b, key);
    for (size_t i = 0; i < n; i++) {
        buf_adds(b, i ? "," : "[");
        buf_add_json(b, values[i]);
    }
    buf_adds(b, n ? "]" : "[]");
}
