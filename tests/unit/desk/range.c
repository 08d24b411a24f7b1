/* Parts of a file that are asked for, sensibly and not. */
#include "desk/files/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void part(const char *header, int64_t first, int64_t last) {
    FileRange r = {-1, -1};
    assert_int_equal(range_read(str(header), 100, &r), RANGE_PART);
    assert_int_equal(r.first, first);
    assert_int_equal(r.last, last);
}

static void a_part_is_cut_to_what_there_is(void **state) {
    (void)state;
    part("bytes=0-0", 0, 0);
    part("bytes=10-19", 10, 19);
    part("Bytes=10-", 10, 99);
    part("bytes=90-1000", 90, 99);
    part("bytes=-5", 95, 99);
    part("bytes=-500", 0, 99);
}

static void what_is_not_understood_is_the_whole(void **state) {
    (void)state;
    FileRange r;
    static const char *const odd[] = {
        "",          "bytes=",        "bytes=-",   "bytes=a-b",  "items=0-1",
        "bytes=5-2", "bytes=0-1,5-6", "bytes=--5", "bytes=+1-2", "bytes=99999999999999999999-"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_int_equal(range_read(str(odd[i]), 100, &r), RANGE_WHOLE);
    assert_int_equal(range_read((Str){0}, 100, &r), RANGE_WHOLE);
}

static void nothing_of_it_is_there(void **state) {
    (void)state;
    FileRange r;
    assert_int_equal(range_read(STR("bytes=100-"), 100, &r), RANGE_NONE);
    assert_int_equal(range_read(STR("bytes=100-200"), 100, &r), RANGE_NONE);
    assert_int_equal(range_read(STR("bytes=-0"), 100, &r), RANGE_NONE);
}

static void a_tag_is_found_among_others(void **state) {
    (void)state;
    assert_true(range_names_tag(STR("\"a\", W/\"b\""), STR("\"b\"")));
    assert_true(range_names_tag(STR("*"), STR("\"b\"")));
    assert_false(range_names_tag(STR("\"a\""), STR("\"b\"")));
    assert_false(range_names_tag((Str){0}, STR("\"b\"")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_cut_to_what_there_is),
        cmocka_unit_test(what_is_not_understood_is_the_whole),
        cmocka_unit_test(nothing_of_it_is_there),
        cmocka_unit_test(a_tag_is_found_among_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
