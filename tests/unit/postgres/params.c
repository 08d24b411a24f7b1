/* Binary parameters are byte for byte what PostgreSQL's receive functions read. */
#include "postgres/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_value(const Params *p, size_t i, const char *expected_hex) {
    assert_true(i < p->n);
    size_t n = (size_t)p->values[i].length;
    char *hex = malloc(2 * n + 1);
    text_hex(p->bytes.p + p->values[i].at, n, hex);
    assert_string_equal(hex, expected_hex);
    free(hex);
}

static void numbers_are_big_endian(void **state) {
    (void)state;
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, 258);
    params_i64(&p, -1);
    params_i32(&p, -2);
    params_bool(&p, true);
    params_null(&p);
    assert_value(&p, 0, "0000000000000102");
    assert_value(&p, 1, "ffffffffffffffff");
    assert_value(&p, 2, "fffffffe");
    assert_value(&p, 3, "01");
    assert_int_equal(p.values[4].length, -1);
    assert_int_equal(p.n, 5);
}

static void texts_are_bytes_and_jsonb_has_a_version(void **state) {
    (void)state;
    CLEANUP(params_done) Params p = {0};
    params_text(&p, STR("中"));
    params_text(&p, (Str){NULL, 0});
    params_jsonb(&p, STR("{}"));
    params_json(&p, STR("{}"));
    params_bytea(&p, (Str){"\0\1", 2});
    params_uuid(&p, (Cause){{0xde, 0xad}});
    assert_value(&p, 0, "e4b8ad");
    assert_value(&p, 1, "");
    assert_int_equal(p.values[1].length, 0); /* the empty text, not NULL */
    assert_value(&p, 2, "017b7d");
    assert_value(&p, 3, "7b7d");
    assert_value(&p, 4, "0001");
    assert_value(&p, 5, "dead0000000000000000000000000000");
}

static void times_count_microseconds_from_2000(void **state) {
    (void)state;
    CLEANUP(params_done) Params p = {0};
    params_time_ms(&p, 946684800000);
    params_time_ms(&p, 946684800001);
    params_time_ms(&p, 946684799999);
    params_time_ms(&p, INT64_MAX);
    params_time_ms(&p, INT64_MIN);
    assert_value(&p, 0, "0000000000000000");
    assert_value(&p, 1, "00000000000003e8");
    assert_value(&p, 2, "fffffffffffffc18");
    assert_value(&p, 3, "7fffffffffffffff"); /* infinity */
    assert_value(&p, 4, "8000000000000000");
}

static void arrays_carry_their_element_type(void **state) {
    (void)state;
    CLEANUP(params_done) Params p = {0};
    params_array(&p, PARAM_INT8, 2);
    params_element_i64(&p, 1);
    params_element_null(&p);
    params_array(&p, PARAM_TEXT, 1);
    params_element_text(&p, STR("ab"));
    params_array(&p, PARAM_JSONB, 1);
    params_element_text(&p, STR("{}"));
    params_array(&p, PARAM_INT2, 1);
    params_element_i16(&p, -1);
    params_array(&p, PARAM_BYTEA, 0);
    params_i32(&p, 7); /* after the arrays */
    assert_value(&p, 0,
                 "00000001"
                 "00000001"
                 "00000014"
                 "00000002"
                 "00000001"
                 "00000008"
                 "0000000000000001"
                 "ffffffff");
    assert_value(&p, 1,
                 "00000001"
                 "00000001"
                 "00000019"
                 "00000001"
                 "00000001"
                 "00000002"
                 "6162");
    assert_value(&p, 2,
                 "00000001"
                 "00000001"
                 "00000eda"
                 "00000001"
                 "00000001"
                 "00000003"
                 "017b7d");
    assert_value(&p, 3,
                 "00000001"
                 "00000001"
                 "00000015"
                 "00000001"
                 "00000001"
                 "00000002"
                 "ffff");
    assert_value(&p, 4,
                 "00000000"
                 "00000001"
                 "00000011"); /* no dimension: empty */
    assert_value(&p, 5, "00000007");
}

static void cleared_params_start_again(void **state) {
    (void)state;
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, 1);
    params_clear(&p);
    assert_int_equal(p.n, 0);
    params_i32(&p, 2);
    assert_value(&p, 0, "00000002");
}

static void a_number_is_set_anew_in_its_place(void **state) {
    (void)state;
    CLEANUP(params_done) Params p = {0};
    params_text(&p, STR("ab"));
    params_i64(&p, 1);
    params_i64(&p, 2);
    params_set_i64(&p, 2, -1);
    assert_value(&p, 0, "6162");
    assert_value(&p, 1, "ffffffffffffffff");
    assert_value(&p, 2, "0000000000000002");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(texts_are_bytes_and_jsonb_has_a_version),
        cmocka_unit_test(times_count_microseconds_from_2000),
        cmocka_unit_test(arrays_carry_their_element_type),
        cmocka_unit_test(cleared_params_start_again),
        cmocka_unit_test(a_number_is_set_anew_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
