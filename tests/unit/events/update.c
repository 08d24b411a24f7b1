/* What people change: written, read back in whatever spelling PostgreSQL gives it, told as an
 * event, and decoded again by those who follow. */
#include "events/update.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "events/event.h"
#include "events/headers.h"
#include "events/signal.h"

static const Str tags[] = {{"急件", 6}, {"a,\"b\\", 5}};

static const int64_t collaborators[] = {1000000000007, 1000000000009};

static const TicketUpdate everything = {
    .sets = EDIT_SETS,
    .status = TICKET_ON_HOLD,
    .priority = PRIORITY_URGENT,
    .group_id = 1001,
    .assignee_id = 0,
    .requester_id = 1000000000007,
    .form_id = 1044,
    .followup_of = 0,
    .problem_id = 100007,
    .kind = {"售后", 6},
    .category = {"物流/丢件", 13},
    .subject = {"新 \"题\"\n", 10},
    .external_id = {"X-1", 3},
    .satisfaction = {"good", 4},
    .custom_fields = {"{\"a\":[1,{\"b\":null}]}", 20},
    .tags = tags,
    .tags_n = 2,
    .collaborators = collaborators,
    .collaborators_n = 2,
    .comment = {.present = true,
                .is_public = true,
                .author_id = 1012,
                .body = {"您好\t\"x\"", 10},
                .is_html = true,
                .channel = {"web", 3},
                .attachments = {"[{\"id\":5}]", 10},
                .mentions = {"[1013,1014]", 11},
                .personal = {"[{\"field\":\"f\"}]", 15}},
    .note = {"交接", 6},
    .reason = {"{\"why\":\"transferred\"}", 21},
};

static void same_update(const TicketUpdate *a, const TicketUpdate *b, bool with_personal) {
    assert_int_equal(a->sets, b->sets);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->group_id, b->group_id);
    assert_int_equal(a->assignee_id, b->assignee_id);
    assert_int_equal(a->requester_id, b->requester_id);
    assert_int_equal(a->form_id, b->form_id);
    assert_int_equal(a->followup_of, b->followup_of);
    assert_int_equal(a->problem_id, b->problem_id);
    assert_true(str_eq(a->kind, b->kind) && str_eq(a->category, b->category));
    assert_true(str_eq(a->subject, b->subject) && str_eq(a->external_id, b->external_id));
    assert_true(str_eq(a->satisfaction, b->satisfaction));
    assert_true(str_eq(a->custom_fields, b->custom_fields));
    assert_int_equal(a->tags_n, b->tags_n);
    for (size_t i = 0; i < a->tags_n; i++)
        assert_true(str_eq(a->tags[i], b->tags[i]));
    assert_int_equal(a->collaborators_n, b->collaborators_n);
    for (size_t i = 0; i < a->collaborators_n; i++)
        assert_int_equal(a->collaborators[i], b->collaborators[i]);
    assert_int_equal(a->followers_n, b->followers_n);
    assert_int_equal(a->comment.present, b->comment.present);
    assert_int_equal(a->comment.is_public, b->comment.is_public);
    assert_int_equal(a->comment.author_id, b->comment.author_id);
    assert_int_equal(a->comment.is_html, b->comment.is_html);
    assert_true(str_eq(a->comment.body, b->comment.body));
    assert_true(str_eq(a->comment.channel, b->comment.channel));
    assert_true(str_eq(a->comment.attachments, b->comment.attachments));
    assert_true(str_eq(a->comment.mentions, b->comment.mentions));
    if (with_personal) assert_true(str_eq(a->comment.personal, b->comment.personal));
    assert_true(str_eq(a->note, b->note) && str_eq(a->reason, b->reason));
}

static LedgerRow row_of(const TicketUpdate *u, Buf *payload) {
    update_payload_write(u, payload);
    return (LedgerRow){.tenant_id = 3,
                       .ticket_id = 100007,
                       .seq = 5,
                       .cause = {{9}},
                       .step = 1,
                       .kind = LEDGER_TICKET_UPDATED,
                       .actor = STR("agent:1012"),
                       .at_ms = 1790000000123,
                       .revision = 12,
                       .payload = buf_str(payload)};
}

static void what_was_written_is_read_back(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf payload = {0};
    TicketUpdate back;
    update_payload_write(&everything, &payload);
    assert_int_equal(update_payload_read(buf_str(&payload), a, &back), 0);
    same_update(&everything, &back, true);
}

static void an_update_of_nothing_names_nothing(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf payload = {0};
    TicketUpdate none = {.sets = 0}, back;
    update_payload_write(&none, &payload);
    assert_true(str_is(buf_str(&payload), "{\"set\":{},\"reason\":{}}"));
    assert_int_equal(update_payload_read(buf_str(&payload), a, &back), 0);
    assert_int_equal(back.sets, 0);
    assert_false(back.comment.present);
}

/* jsonb has its own order and its own blanks; columns of a later release are passed over. */
static void postgresql_s_spelling_reads_the_same(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    TicketUpdate u;
    Str text = STR("{\"set\": {\"tags\": [\"a\", \"b c\"], \"status\": \"solved\", \"colour\": 7, "
                   "\"group_id\": null, \"custom_fields\": {\"x\": [1, 2]}}, \"reason\": {\"why\": "
                   "\"solved\"}, \"comment\": {\"body\": \"\\u4f60\", \"html\": false, \"public\": "
                   "true, \"channel\": \"api\", \"author_id\": 7}}");
    assert_int_equal(update_payload_read(text, a, &u), 0);
    assert_int_equal(u.sets, EDIT_TAGS | EDIT_STATUS | EDIT_GROUP | EDIT_CUSTOM_FIELDS);
    assert_int_equal(u.status, TICKET_SOLVED);
    assert_int_equal(u.tags_n, 2);
    assert_true(str_is(u.tags[1], "b c"));
    assert_true(str_is(u.custom_fields, "{\"x\":[1,2]}"));
    assert_true(str_is(u.reason, "{\"why\":\"solved\"}"));
    assert_true(str_is(u.comment.body, "你"));
}

static void what_is_no_update_is_refused(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"reason\":{}}",
                                      "{\"set\":{\"status\":\"open\"}}",
                                      "{\"set\":{\"status\":7}}",
                                      "{\"set\":{\"priority\":\"vip\"}}",
                                      "{\"set\":{\"group_id\":\"x\"}}",
                                      "{\"set\":{\"group_id\":-1}}",
                                      "{\"set\":{\"tags\":[1]}}",
                                      "{\"set\":{\"subject\":\"x}}",
                                      "{\"set\":{},\"comment\":{\"public\":1}}",
                                      "{\"set\":{},\"comment\":{\"author_id\":-4}}",
                                      "{\"set\":{}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TicketUpdate u = {.sets = 99};
        assert_int_equal(update_payload_read(str(bad[i]), a, &u), -EBADMSG);
        assert_int_equal(u.sets, 99); /* written only on success */
    }
}

static void a_follower_reads_what_was_set_and_no_more(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf payload = {0}, other = {0};
    Event e;
    LedgerRow row = row_of(&everything, &payload);
    assert_int_equal(event_of_row(&row, a, &e), 0);
    assert_int_equal(e.kind, LEDGER_TICKET_UPDATED);
    assert_int_equal(e.seq, 5);
    assert_true(str_is(e.actor, "agent:1012"));
    same_update(&everything, &e.set, false);
    assert_int_equal(e.set.comment.personal.n, 0); /* the sealed originals do not travel */

    TicketUpdate little = {.sets = EDIT_ASSIGNEE | EDIT_TAGS};
    row = row_of(&little, &other);
    assert_int_equal(event_of_row(&row, a, &e), 0);
    assert_int_equal(e.set.sets, EDIT_ASSIGNEE | EDIT_TAGS);
    assert_int_equal(e.set.assignee_id, 0);
    assert_int_equal(e.set.tags_n, 0);
}

static void an_event_that_is_none_is_refused(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf signal = {0};
    const char *problem = NULL;
    Event e;
    Signal s = {.kind = SIGNAL_TICKET_WAITING,
                .tenant_id = 3,
                .cause = {{7}},
                .ticket_id = 100007,
                .version = 4};
    signal_encode(&s, &signal);
    assert_int_equal(event_decode(buf_str(&signal), a, &e, &problem), -EBADMSG);
    assert_non_null(problem);
    assert_int_equal(event_decode(STR("\x01\x02"), a, &e, &problem), -EBADMSG);
}

static void headers_follow_from_the_row_alone(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf payload = {0}, message = {0}, signal = {0};
    EventHeader one[EVENT_HEADERS_MAX], two[EVENT_HEADERS_MAX];
    LedgerRow row = row_of(&everything, &payload);
    row.trace = (Trace){.trace_id = {1}, .span_id = {2}, .flags = 1};
    size_t n = event_headers_of_row(&row, a, one);
    assert_int_equal(n, 8);
    assert_int_equal(ledger_event_encode(&row, a, &message), 0);
    assert_int_equal(event_headers_of_message(buf_str(&message), a, two), n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(one[i].name, two[i].name);
        assert_true(str_eq(one[i].value, two[i].value));
    }
    assert_true(str_is(one[0].value, "100007-5"));
    assert_true(str_is(one[1].value, "docket.ticket_updated"));
    assert_true(str_is(one[2].value, "docket/desk"));
    signal_encode(&(Signal){.tenant_id = 3, .cause = {{7}}, .agent_id = 9}, &signal);
    assert_int_equal(event_headers_of_message(buf_str(&signal), a, two), 0);
}

static void a_waiting_ticket_s_signal_comes_back(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0}, key = {0}, none = {0};
    const char *problem = NULL;
    Signal in = {.kind = SIGNAL_TICKET_WAITING,
                 .tenant_id = 3,
                 .cause = {{7}},
                 .ticket_id = 100007,
                 .version = 4},
           out;
    signal_encode(&in, &wire);
    signal_key(&in, &key);
    assert_true(str_is(buf_str(&key), "3:t100007"));
    assert_int_equal(signal_decode(buf_str(&wire), a, &out, &problem), 0);
    assert_int_equal(out.kind, SIGNAL_TICKET_WAITING);
    assert_int_equal(out.ticket_id, 100007);
    assert_int_equal(out.version, 4);
    assert_int_equal(out.agent_id, 0);
    in.ticket_id = 0;
    signal_encode(&in, &none);
    assert_int_equal(signal_decode(buf_str(&none), a, &out, &problem), -EBADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(an_update_of_nothing_names_nothing),
        cmocka_unit_test(postgresql_s_spelling_reads_the_same),
        cmocka_unit_test(what_is_no_update_is_refused),
        cmocka_unit_test(a_follower_reads_what_was_set_and_no_more),
        cmocka_unit_test(an_event_that_is_none_is_refused),
        cmocka_unit_test(headers_follow_from_the_row_alone),
        cmocka_unit_test(a_waiting_ticket_s_signal_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
