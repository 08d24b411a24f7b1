/* A letter as a CloudEvent in Kafka's binding. */
#include "notifier/channels/cloud_event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const Letter letter = {.tenant_id = 7,
                              .delivery_id = 1024,
                              .ticket_id = 100001,
                              .key = STR("d_7_1024"),
                              .by = NOTIFY_BY_KAFKA,
                              .address = STR("shop.tickets"),
                              .event = STR("ticket_created"),
                              .occurred_ms = 1700000000123,
                              .seq = 3,
                              .json = STR(" {\"ticket\":{\"id\":100001}}\n")};

static void binary_mode_has_its_attributes_in_the_headers(void **state) {
    static const char *const expected[][2] = {{"ce_specversion", "1.0"},
                                              {"ce_id", "d_7_1024"},
                                              {"ce_source", "docket/notifier/7"},
                                              {"ce_type", "docket.ticket_created"},
                                              {"ce_time", "2023-11-14T22:13:20.123Z"},
                                              {"ce_subject", "tickets/100001"},
                                              {"ce_sequence", "0000000003"},
                                              {"content-type", "application/json"}};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    CloudEventRecord r;
    (void)state;
    assert_int_equal(cloud_event_record(&letter, CLOUD_EVENT_BINARY, arena, &r, &problem), 0);
    assert_int_equal(r.headers_n, sizeof(expected) / sizeof(*expected));
    for (size_t i = 0; i < r.headers_n; i++) {
        assert_string_equal(r.headers[i].name, expected[i][0]);
        assert_true(str_is(r.headers[i].value, expected[i][1]));
    }
    assert_true(str_is(r.key, "100001") && str_is(r.value, "{\"ticket\":{\"id\":100001}}"));
}

static void structured_mode_has_everything_in_one_object(void **state) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    CloudEventRecord r;
    (void)state;
    assert_int_equal(cloud_event_record(&letter, CLOUD_EVENT_STRUCTURED, arena, &r, &problem), 0);
    assert_string_equal(
        r.value.p,
        "{\"specversion\":\"1.0\",\"id\":\"d_7_1024\",\"source\":\"docket/notifier/7\",\"type\":"
        "\"docket.ticket_created\",\"time\":\"2023-11-14T22:13:20.123Z\",\"subject\":"
        "\"tickets/100001\",\"sequence\":\"0000000003\",\"datacontenttype\":\"application/json\","
        "\"data\":{\"ticket\":{\"id\":100001}}}");
    assert_int_equal(r.headers_n, 1);
    assert_true(str_is(r.headers[0].value, "application/cloudevents+json; charset=UTF-8"));
}

static void what_is_about_no_single_ticket_has_no_key(void **state) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    Letter storm = letter;
    CloudEventRecord r;
    (void)state;
    storm.ticket_id = storm.seq = 0;
    assert_int_equal(cloud_event_record(&storm, CLOUD_EVENT_BINARY, arena, &r, &problem), 0);
    assert_true(r.key.p == NULL && r.headers_n == 6);
    storm.json = STR(" ");
    assert_int_equal(cloud_event_record(&storm, CLOUD_EVENT_BINARY, arena, &r, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "`json`"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_mode_has_its_attributes_in_the_headers),
        cmocka_unit_test(structured_mode_has_everything_in_one_object),
        cmocka_unit_test(what_is_about_no_single_ticket_has_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
