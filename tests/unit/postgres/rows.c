/* Rows are read as what they are; NULL is nothing at all. */
#include "postgres/rows.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* One row of one binary column; value NULL: NULL. */
static PGresult *one(Oid type, const char *value, int length) {
    PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char name[] = "x";
    PGresAttDesc column = {.name = name, .typid = type, .typlen = -1, .format = 1};
    assert_true(PQsetResultAttrs(r, 1, &column));
    char copy[256];
    if (value) memcpy(copy, value, (size_t)length);
    assert_true(PQsetvalue(r, 0, 0, value ? copy : NULL, value ? length : -1));
    return r;
}

static const PostgresRows *rows(const PGresult *r) {
    return (const PostgresRows *)(const void *)r;
}

static void integers_of_every_width(void **state) {
    (void)state;
    PGresult *r = one(20, "\xff\xff\xff\xff\xff\xff\xff\xfe", 8);
    assert_int_equal(rows_int(rows(r), 0, 0), -2);
    assert_int_equal(rows_count(rows(r)), 1);
    PQclear(r);
    r = one(23, "\xff\xff\xff\xfe", 4);
    assert_int_equal(rows_int(rows(r), 0, 0), -2);
    PQclear(r);
    r = one(21, "\x01\x02", 2);
    assert_int_equal(rows_int(rows(r), 0, 0), 258);
    PQclear(r);
}

static void texts_json_and_bytes(void **state) {
    (void)state;
    PGresult *r = one(25, "ab\xe4\xb8\xad", 5);
    assert_true(str_is(rows_str(rows(r), 0, 0), "ab中"));
    PQclear(r);
    r = one(3802, "\x01{}", 3);
    assert_true(str_is(rows_str(rows(r), 0, 0), "{}"));
    PQclear(r);
    r = one(17, "\0\1", 2);
    assert_int_equal(rows_str(rows(r), 0, 0).n, 2);
    PQclear(r);
}

static void times_round_down(void **state) {
    (void)state;
    PGresult *r = one(1184, "\0\0\0\0\0\0\x03\xe9", 8); /* 1001 µs */
    assert_int_equal(rows_time_ms(rows(r), 0, 0), 946684800001);
    PQclear(r);
    r = one(1184, "\xff\xff\xff\xff\xff\xff\xff\xff", 8); /* -1 µs */
    assert_int_equal(rows_time_ms(rows(r), 0, 0), 946684799999);
    PQclear(r);
    r = one(1184, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_int_equal(rows_time_ms(rows(r), 0, 0), INT64_MAX);
    PQclear(r);
}

static void null_is_nothing(void **state) {
    (void)state;
    static const Cause none;
    const Oid types[] = {16, 20, 25, 1184, 2950, 1009};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        PGresult *r = one(types[i], NULL, 0);
        assert_true(rows_null(rows(r), 0, 0));
        assert_false(rows_bool(rows(r), 0, 0));
        assert_int_equal(rows_int(rows(r), 0, 0), 0);
        assert_null(rows_str(rows(r), 0, 0).p);
        assert_int_equal(rows_time_ms(rows(r), 0, 0), 0);
        assert_true(cause_eq(rows_uuid(rows(r), 0, 0), none));
        assert_int_equal(rows_text_array(rows(r), 0, 0, NULL, 0), 0);
        PQclear(r);
    }
}

static void arrays_of_text(void **state) {
    (void)state;
    static const char two[] = "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1\0\0\0\1a\0\0\0\0";
    Str texts[2];
    PGresult *r = one(1009, two, sizeof(two) - 1);
    assert_int_equal(rows_text_array(rows(r), 0, 0, texts, 2), 2);
    assert_true(str_is(texts[0], "a"));
    assert_int_equal(texts[1].n, 0);
    assert_int_equal(rows_text_array(rows(r), 0, 0, texts, 1),
                     2); /* there are more than asked for */
    PQclear(r);
    r = one(1009, "\0\0\0\0\0\0\0\0\0\0\0\x19", 12);
    assert_int_equal(rows_text_array(rows(r), 0, 0, texts, 2), 0);
    PQclear(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_width), cmocka_unit_test(texts_json_and_bytes),
        cmocka_unit_test(times_round_down),        cmocka_unit_test(null_is_nothing),
        cmocka_unit_test(arrays_of_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
