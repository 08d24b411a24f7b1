/* Cause -- the 128-bit id of whatever made something happen (correctness.md 5); also our source of
 * random bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Cause {
    uint8_t bytes[16];
} Cause;

Cause cause_new(void); /* random, from the kernel */
static inline bool cause_eq(Cause a, Cause b) {
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}
/* "550e8400-e29b-41d4-a716-446655440000": PostgreSQL's uuid text form. */
void cause_format(Cause c, char ret[37]);

/* n bytes from the kernel's generator, buffered; aborts if the kernel gives none. Not thread safe.
 */
void random_bytes(void *ret, size_t n);

/* W3C Trace Context: 16 bytes of trace id and 8 of span, as "00-<32 hex>-<16 hex>-01". */
typedef struct Trace {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
} Trace;

Trace trace_new(void);
/* 0 and *ret, or -EINVAL for anything that the specification calls invalid (then start a new one).
 */
int trace_parse(const char *text, size_t n, Trace *ret);
void trace_format(const Trace *t, char ret[56]);
void trace_id_hex(const Trace *t, char ret[33]);
