/* A PGresult in binary format, read with checked types and widths. */
#include "postgres/rows.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include "postgres/wire_internal.h"

static const PGresult *result(const PostgresRows *r) {
    return (const PGresult *)(const void *)r;
}

static const unsigned char *value(const PostgresRows *r, size_t row, size_t column, size_t *ret_n) {
    const PGresult *p = result(r);
    assert(row < rows_count(r) && column < (size_t)PQnfields(p));
    assert(PQfformat(p, (int)column) == 1);
    *ret_n = (size_t)PQgetlength(p, (int)row, (int)column);
    return (const unsigned char *)PQgetvalue(p, (int)row, (int)column);
}

static uint64_t big_endian(const unsigned char *p, size_t n) {
    uint64_t v = 0;
    while (n--)
        v = v << 8 | *p++;
    return v;
}

static uint32_t type(const PostgresRows *r, size_t column) {
    return PQftype(result(r), (int)column);
}

size_t rows_count(const PostgresRows *r) {
    return (size_t)PQntuples(result(r));
}

int64_t rows_affected(const PostgresRows *r) {
    /* libpq only reads through the pointer, its signature is older than const. */
    const char *tuples = PQcmdTuples((PGresult *)(void *)(uintptr_t)(const void *)result(r));
    return strtoll(tuples, NULL, 10);
}

bool rows_null(const PostgresRows *r, size_t row, size_t column) {
    assert(row < rows_count(r) && column < (size_t)PQnfields(result(r)));
    return PQgetisnull(result(r), (int)row, (int)column);
}

bool rows_bool(const PostgresRows *r, size_t row, size_t column) {
    size_t n;
    if (rows_null(r, row, column)) return false;
    const unsigned char *p = value(r, row, column, &n);
    assert(type(r, column) == OID_BOOL && n == 1);
    return p[0] != 0;
}

int64_t rows_int(const PostgresRows *r, size_t row, size_t column) {
    size_t n;
    if (rows_null(r, row, column)) return 0;
    const unsigned char *p = value(r, row, column, &n);
    switch (type(r, column)) {
    case OID_INT8:
        assert(n == 8);
        return (int64_t)big_endian(p, 8);
    case OID_INT4:
        assert(n == 4);
        return (int32_t)big_endian(p, 4);
    case OID_INT2:
        assert(n == 2);
        return (int16_t)big_endian(p, 2);
    default:
        assert(!"a column that is no integer");
        abort();
    }
}

Str rows_str(const PostgresRows *r, size_t row, size_t column) {
    size_t n;
    if (rows_null(r, row, column)) return (Str){NULL, 0};
    const unsigned char *p = value(r, row, column, &n);
    switch (type(r, column)) {
    case OID_JSONB:
        assert(n >= 1 && p[0] == JSONB_VERSION);
        return (Str){(const char *)p + 1, n - 1};
    case OID_TEXT:
    case OID_VARCHAR:
    case OID_BPCHAR:
    case OID_NAME:
    case OID_BYTEA:
    case OID_JSON:
        return (Str){(const char *)p, n};
    default:
        assert(!"a column that is no text");
        abort();
    }
}

int64_t rows_time_ms(const PostgresRows *r, size_t row, size_t column) {
    size_t n;
    if (rows_null(r, row, column)) return 0;
    const unsigned char *p = value(r, row, column, &n);
    assert(type(r, column) == OID_TIME && n == 8);
    return time_from_wire((int64_t)big_endian(p, 8));
}

Cause rows_uuid(const PostgresRows *r, size_t row, size_t column) {
    Cause c = {{0}};
    size_t n;
    if (rows_null(r, row, column)) return c;
    const unsigned char *p = value(r, row, column, &n);
    assert(type(r, column) == OID_UUID && n == sizeof(c.bytes));
    memcpy(c.bytes, p, sizeof(c.bytes));
    return c;
}

double rows_double(const PostgresRows *r, size_t row, size_t column) {
    size_t n;
    if (rows_null(r, row, column)) return 0;
    const unsigned char *p = value(r, row, column, &n);
    assert(type(r, column) == OID_FLOAT8 && n == 8);
    uint64_t bits = big_endian(p, 8);
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

size_t rows_text_array(const PostgresRows *r, size_t row, size_t column, Str *ret, size_t max) {
    size_t n;
    if (rows_null(r, row, column)) return 0;
    const unsigned char *p = value(r, row, column, &n), *end = p + n;
    assert(n >= 12);
    if (big_endian(p, 4) == 0) return 0; /* no dimension: empty */
    assert(big_endian(p, 4) == 1 && big_endian(p + 8, 4) == OID_TEXT && n >= 20);
    size_t count = (size_t)big_endian(p + 12, 4);
    p += 20; /* dimensions, has NULLs, type, length, lower bound */
    for (size_t i = 0; i < count; i++) {
        assert(end - p >= 4);
        size_t length = (size_t)big_endian(p, 4);
        p += 4;
        assert(length <= (size_t)(end - p)); /* a NULL's length is 2^32 - 1 */
        if (i < max) ret[i] = (Str){(const char *)p, length};
        p += length;
    }
    return count;
}
