/* What params.c writes and rows.c reads: type numbers and the binary forms that need a word. */
#pragma once

#include <stdint.h>

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_FLOAT8 = 701,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_TIME = 1184, /* timestamptz */
    OID_UUID = 2950,
    OID_JSONB = 3802,
    JSONB_VERSION = 1 /* the byte ahead of jsonb's text */
};

/* PostgreSQL counts µs from 2000-01-01, we count ms from 1970. What does not fit becomes its
 * 'infinity'. */
#define WIRE_EPOCH_MS INT64_C(946684800000)

static inline int64_t time_to_wire(int64_t wall_ms) {
    int64_t us;
    if (__builtin_sub_overflow(wall_ms, WIRE_EPOCH_MS, &us) ||
        __builtin_mul_overflow(us, 1000, &us))
        return wall_ms < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

static inline int64_t time_from_wire(int64_t us) {
    int64_t ms = us / 1000 - (us % 1000 < 0);
    return us == INT64_MAX || us == INT64_MIN ? us : ms + WIRE_EPOCH_MS;
}
