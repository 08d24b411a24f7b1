/* Answers of a gate, whole and in pieces; and how long they took. */
#include "docket/surge_reply.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "docket/latency.h"

#define CREATED                                                                                    \
    "HTTP/1.1 201 Created\r\nContent-Length: 48\r\nX-Idempotency-Lookup: hit\r\n\r\n"              \
    "{\"ticket\":{\"url\":\"http://h/1.json\",\"id\":123456}}"

static HttpReplyResult read_reply(const char *text, HttpReply *ret, size_t *used) {
    return http_reply_read(str(text), ret, used);
}

static void an_answer_is_read_however_it_is_cut(void **state) {
    HttpReply http;
    SurgeReply reply;
    size_t used;
    (void)state;
    for (size_t n = 0; n < sizeof(CREATED) - 1; n++)
        assert_int_equal(http_reply_read((Str){CREATED, n}, &http, &used), HTTP_REPLY_MORE);
    assert_int_equal(read_reply(CREATED CREATED, &http, &used), HTTP_REPLY_WHOLE);
    assert_int_equal(used, sizeof(CREATED) - 1);
    assert_false(http.close);
    assert_true(surge_reply_of(&http, &reply));
    assert_int_equal(reply.status, 201);
    assert_int_equal(reply.ticket_id, 123456);
    assert_true(reply.hit);
}

static void refusals_say_when_to_return(void **state) {
    HttpReply reply;
    size_t used;
    (void)state;
    assert_int_equal(read_reply("HTTP/1.1 503 Service Unavailable\r\nretry-after: 3\r\n"
                                "Connection: close\r\ncontent-length: 2\r\n\r\n{}",
                                &reply, &used),
                     HTTP_REPLY_WHOLE);
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.retry_after_s, 3);
    assert_true(reply.close);
}

static void what_is_empty_by_its_status_needs_no_length(void **state) {
    static const char text[] = "HTTP/1.1 204 No Content\r\nX-A: 1\r\nX-B:  two \r\n\r\nHTTP";
    HttpReply reply;
    size_t used;
    (void)state;
    assert_int_equal(read_reply(text, &reply, &used), HTTP_REPLY_WHOLE);
    assert_int_equal(used, sizeof(text) - 1 - 4);
    assert_int_equal(reply.body.n, 0);
    assert_true(str_is(http_reply_header(&reply, "x-b"), "two"));
    assert_null(http_reply_header(&reply, "X-C").p);
}

static void what_is_no_answer_is_broken(void **state) {
    static const char *const texts[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.0 201 Created\r\n\r\n",
        "HTTP/1.1 2x1 Created\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"};
    static const char *const no_tickets[] = {
        "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 201 Created\r\nContent-Length: 8\r\n\r\n{\"id\":5}"};
    HttpReply http;
    SurgeReply reply;
    size_t used;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (read_reply(texts[i], &http, &used) != HTTP_REPLY_BROKEN)
            fail_msg("taken: %s", texts[i]);
    for (size_t i = 0; i < sizeof(no_tickets) / sizeof(*no_tickets); i++) {
        assert_int_equal(read_reply(no_tickets[i], &http, &used), HTTP_REPLY_WHOLE);
        assert_false(surge_reply_of(&http, &reply));
    }
}

static void percentiles_are_right_within_two_percent(void **state) {
    static Latency l;
    (void)state;
    for (int64_t us = 1; us <= 100000; us++)
        latency_add(&l, us);
    assert_in_range(latency_at(&l, 50), 50000, 51000);
    assert_in_range(latency_at(&l, 99), 99000, 100000);
    assert_int_equal(latency_at(&l, 100), 100000);
    assert_int_equal(l.max_us, 100000);
}

static void durations_from_nothing_to_hours_have_a_place(void **state) {
    static const int64_t durations[] = {-5,  0,   1,       63,         64,       65,
                                        127, 128, 1000000, 3600000000, INT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
        Latency l = {0};
        int64_t us = durations[i] < 0 ? 0 : durations[i];
        latency_add(&l, durations[i]);
        assert_true(latency_at(&l, 50) <= us);
        if (us < INT64_MAX) assert_true(latency_at(&l, 50) >= us - us / 50);
    }
    Latency none = {0};
    assert_int_equal(latency_at(&none, 99), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read_however_it_is_cut),
        cmocka_unit_test(refusals_say_when_to_return),
        cmocka_unit_test(what_is_empty_by_its_status_needs_no_length),
        cmocka_unit_test(what_is_no_answer_is_broken),
        cmocka_unit_test(percentiles_are_right_within_two_percent),
        cmocka_unit_test(durations_from_nothing_to_hours_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
