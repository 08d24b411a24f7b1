/* Memory of one request. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void what_is_given_out_never_overlaps_and_is_aligned(void **state) {
    CLEANUP(arena_freep) Arena *a = arena_new(64);
    unsigned char *given[200];
    (void)state;
    for (size_t i = 0; i < 200; i++) {
        given[i] = arena_alloc(a, i + 1);
        assert_int_equal((uintptr_t)given[i] % 16, 0);
        memset(given[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j <= i; j++)
            assert_int_equal(given[i][j], (unsigned char)i);
    assert_true(arena_used(a) >= 200 * 201 / 2);
}

static void large_objects_and_zero_bytes_are_fine(void **state) {
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    (void)state;
    memset(arena_alloc(a, 1 << 20), 1, 1 << 20);
    assert_non_null(arena_alloc(a, 0));
    const char *zeros = arena_zalloc(a, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zeros[i], 0);
}

static void copies_are_terminated(void **state) {
    CLEANUP(arena_freep) Arena *a = arena_new(32);
    Str copy = arena_str(a, (Str){"abcdef", 3});
    (void)state;
    assert_string_equal(copy.p, "abc");
    assert_int_equal(copy.n, 3);
    assert_string_equal(arena_strndup(a, NULL, 0), "");
    assert_string_equal(arena_printf(a, "%s-%05d and much more text than a chunk holds", "x", 42),
                        "x-00042 and much more text than a chunk holds");
}

static void reset_keeps_the_first_chunk_and_starts_anew(void **state) {
    CLEANUP(arena_freep) Arena *a = arena_new(256);
    void *first = arena_alloc(a, 16);
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 100; i++)
            (void)arena_alloc(a, 100);
        arena_reset(a);
        assert_int_equal(arena_used(a), 0);
        assert_ptr_equal(arena_alloc(a, 16), first);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_out_never_overlaps_and_is_aligned),
        cmocka_unit_test(large_objects_and_zero_bytes_are_fine),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(reset_keeps_the_first_chunk_and_starts_anew),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
