/* Params -- parameters of one statement in PostgreSQL's binary form, built straight into one
 * buffer.
 *
 * Zero-initialised is empty and valid. Order is $1, $2 ... Binary values are not converted by the
 * server: the statement casts every parameter to the type named here ("$1::bigint", "$2::text[]").
 *
 *   params_i64(&p, tenant);                       -- $1::bigint
 *   params_array(&p, PARAM_TEXT, n);              -- $2::text[], n elements follow
 *   for (...) params_element_text(&p, tags[i]);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/text.h"

enum { PARAMS_MAX = 48 };

typedef enum ParamType { /* of an array's elements */
                         PARAM_BOOL,
                         PARAM_INT2,
                         PARAM_INT4,
                         PARAM_INT8,
                         PARAM_TEXT,
                         PARAM_BYTEA,
                         PARAM_TIME, /* timestamptz */
                         PARAM_JSON, /* json */
                         PARAM_JSONB,
                         PARAM_UUID
} ParamType;

typedef struct Params {
    Buf bytes;
    size_t n;
    struct {
        size_t at;
        int length; /* -1: NULL */
    } values[PARAMS_MAX];
    ParamType element; /* of the array being built */
    size_t elements_left;
} Params;

void params_clear(Params *p); /* empties, keeps the memory */
void params_done(Params *p);  /* frees; also the CLEANUP function */

void params_null(Params *p);
void params_bool(Params *p, bool v);
void params_i32(Params *p, int32_t v);
void params_i64(Params *p, int64_t v);
/* Parameter $number, which params_i64() wrote, is this now. */
void params_set_i64(Params *p, size_t number, int64_t v);
void params_text(Params *p, Str v); /* also of an absent Str: the empty text */
void params_bytea(Params *p, Str v);
void params_time_ms(Params *p, int64_t wall_ms); /* timestamptz */
void params_json(Params *p, Str v);
void params_jsonb(Params *p, Str v);
void params_uuid(Params *p, Cause v);

/* An array of exactly n elements, which must follow at once. */
void params_array(Params *p, ParamType element, size_t n);
void params_element_null(Params *p);
void params_element_bool(Params *p, bool v);
void params_element_i16(Params *p, int16_t v);
void params_element_i32(Params *p, int32_t v);
void params_element_i64(Params *p, int64_t v);
void params_element_text(Params *p, Str v); /* PARAM_TEXT, PARAM_BYTEA, PARAM_JSON, PARAM_JSONB */
void params_element_time_ms(Params *p, int64_t wall_ms);
void params_element_uuid(Params *p, Cause v);
