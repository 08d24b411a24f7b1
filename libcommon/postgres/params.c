/* PostgreSQL's binary forms: big-endian numbers, times in µs since 2000, arrays with their
 * element's type number. */
#include "postgres/params.h"

#include <assert.h>
#include <limits.h>

#include "postgres/wire_internal.h"

static const uint32_t element_oid[] = {
    [PARAM_BOOL] = OID_BOOL, [PARAM_INT2] = OID_INT2, [PARAM_INT4] = OID_INT4,
    [PARAM_INT8] = OID_INT8, [PARAM_TEXT] = OID_TEXT, [PARAM_BYTEA] = OID_BYTEA,
    [PARAM_TIME] = OID_TIME, [PARAM_JSON] = OID_JSON, [PARAM_JSONB] = OID_JSONB,
    [PARAM_UUID] = OID_UUID,
};

void params_clear(Params *p) {
    assert(p->elements_left == 0);
    buf_clear(&p->bytes);
    p->n = 0;
}

void params_done(Params *p) {
    buf_done(&p->bytes);
    *p = (Params){0};
}

static void put16(Buf *b, uint16_t v) {
    unsigned char bytes[2] = {(unsigned char)(v >> 8), (unsigned char)v};
    buf_add(b, bytes, sizeof(bytes));
}

static void put32(Buf *b, uint32_t v) {
    v = __builtin_bswap32(v);
    buf_add(b, &v, sizeof(v));
}

static void put64(Buf *b, uint64_t v) {
    v = __builtin_bswap64(v);
    buf_add(b, &v, sizeof(v));
}

/* The place of the next parameter, of `length` bytes that follow. */
static Buf *next(Params *p, size_t length) {
    assert(p->n < PARAMS_MAX && p->elements_left == 0 && length <= INT_MAX);
    p->values[p->n].at = p->bytes.n;
    p->values[p->n].length = (int)length;
    p->n++;
    return &p->bytes;
}

void params_null(Params *p) {
    (void)next(p, 0);
    p->values[p->n - 1].length = -1;
}

void params_bool(Params *p, bool v) {
    buf_addc(next(p, 1), v);
}

void params_i32(Params *p, int32_t v) {
    put32(next(p, 4), (uint32_t)v);
}

void params_i64(Params *p, int64_t v) {
    put64(next(p, 8), (uint64_t)v);
}

void params_set_i64(Params *p, size_t number, int64_t v) {
    assert(number >= 1 && number <= p->n && p->values[number - 1].length == 8);
    uint64_t bytes = __builtin_bswap64((uint64_t)v);
    memcpy(p->bytes.p + p->values[number - 1].at, &bytes, sizeof(bytes));
}

void params_text(Params *p, Str v) {
    buf_add_str(next(p, v.n), v);
}

void params_bytea(Params *p, Str v) {
    buf_add_str(next(p, v.n), v);
}

void params_time_ms(Params *p, int64_t wall_ms) {
    put64(next(p, 8), (uint64_t)time_to_wire(wall_ms));
}

void params_json(Params *p, Str v) {
    buf_add_str(next(p, v.n), v);
}

void params_jsonb(Params *p, Str v) {
    Buf *b = next(p, v.n + 1);
    buf_addc(b, JSONB_VERSION);
    buf_add_str(b, v);
}

void params_uuid(Params *p, Cause v) {
    buf_add(next(p, sizeof(v.bytes)), v.bytes, sizeof(v.bytes));
}

void params_array(Params *p, ParamType element, size_t n) {
    Buf *b = next(p, 0);
    assert(n <= INT32_MAX);
    put32(b, n ? 1 : 0); /* dimensions */
    put32(b, 1);         /* may hold NULLs: the server looks for itself */
    put32(b, element_oid[element]);
    if (n) {
        put32(b, (uint32_t)n);
        put32(b, 1); /* lower bound */
    }
    p->values[p->n - 1].length = (int)(b->n - p->values[p->n - 1].at);
    p->element = element;
    p->elements_left = n;
}

static Buf *element(Params *p, size_t length) {
    assert(p->elements_left > 0 && length <= INT_MAX);
    size_t total = p->bytes.n + 4 + length - p->values[p->n - 1].at;
    assert(total <= INT_MAX);
    p->elements_left--;
    p->values[p->n - 1].length = (int)total;
    put32(&p->bytes, (uint32_t)length);
    return &p->bytes;
}

void params_element_null(Params *p) {
    assert(p->elements_left > 0);
    p->elements_left--;
    p->values[p->n - 1].length += 4;
    put32(&p->bytes, UINT32_MAX);
}

void params_element_bool(Params *p, bool v) {
    assert(p->element == PARAM_BOOL);
    buf_addc(element(p, 1), v);
}

void params_element_i16(Params *p, int16_t v) {
    assert(p->element == PARAM_INT2);
    put16(element(p, 2), (uint16_t)v);
}

void params_element_i32(Params *p, int32_t v) {
    assert(p->element == PARAM_INT4);
    put32(element(p, 4), (uint32_t)v);
}

void params_element_i64(Params *p, int64_t v) {
    assert(p->element == PARAM_INT8);
    put64(element(p, 8), (uint64_t)v);
}

void params_element_text(Params *p, Str v) {
    if (p->element == PARAM_JSONB) {
        Buf *b = element(p, v.n + 1);
        buf_addc(b, JSONB_VERSION);
        buf_add_str(b, v);
        return;
    }
    assert(p->element == PARAM_TEXT || p->element == PARAM_BYTEA || p->element == PARAM_JSON);
    buf_add_str(element(p, v.n), v);
}

void params_element_time_ms(Params *p, int64_t wall_ms) {
    assert(p->element == PARAM_TIME);
    put64(element(p, 8), (uint64_t)time_to_wire(wall_ms));
}

void params_element_uuid(Params *p, Cause v) {
    assert(p->element == PARAM_UUID);
    buf_add(element(p, sizeof(v.bytes)), v.bytes, sizeof(v.bytes));
}
