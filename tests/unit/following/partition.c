/* Where a ticket's events lie. */
#include "following/partition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* org.apache.kafka.common.utils.UtilsTest: murmur2("21") is -973932308. */
static void a_ticket_lies_where_javas_producers_put_it(void **state) {
    (void)state;
    assert_int_equal(partition_of_ticket(21, 1000000), (-973932308 & 0x7fffffff) % 1000000);
    assert_int_equal(partition_of_ticket(21, 1), 0);
    int seen[12] = {0};
    for (int64_t i = 100000; i < 112000; i++)
        seen[partition_of_ticket(i, 12)]++;
    for (int i = 0; i < 12; i++)
        assert_in_range(seen[i], 800, 1200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_lies_where_javas_producers_put_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
