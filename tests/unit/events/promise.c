/* Moments of promises: what the ledger keeps, what travels, and the one cause of each. */
#include "events/promise.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "events/event.h"
#include "events/signal.h"

static Promise escalated(void) {
    return (Promise){.metric = STR("requester_wait"),
                     .instance = 2,
                     .level = STR("3.1"),
                     .policy = STR("贵宾 \"VIP\""),
                     .due_ms = 1763791200000,
                     .at_ms = 1763792000000,
                     .late = true,
                     .target_ms = 900000,
                     .elapsed_ms = 1700000,
                     .why = STR("policy_change"),
                     .notify_lead = true,
                     .notify_manager = true,
                     .raise_priority = true,
                     .reassign = true,
                     .notify_agent = 1012,
                     .move_to_group = 1003};
}

static void same(const Promise *a, const Promise *b) {
    assert_true(str_eq(a->metric, b->metric));
    assert_int_equal(a->instance, b->instance);
    assert_true(str_eq(a->level, b->level));
    assert_true(str_eq(a->policy, b->policy));
    assert_true(str_eq(a->why, b->why));
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->late, b->late);
    assert_int_equal(a->target_ms, b->target_ms);
    assert_int_equal(a->elapsed_ms, b->elapsed_ms);
    assert_int_equal(a->judged_seq, b->judged_seq);
    assert_int_equal(a->notify_lead, b->notify_lead);
    assert_int_equal(a->notify_manager, b->notify_manager);
    assert_int_equal(a->raise_priority, b->raise_priority);
    assert_int_equal(a->reassign, b->reassign);
    assert_int_equal(a->notify_agent, b->notify_agent);
    assert_int_equal(a->move_to_group, b->move_to_group);
}

static const TicketUpdate moved = {.sets = EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE |
                                           EDIT_PRIORITY | EDIT_SUBJECT /* never of a promise */,
                                   .status = TICKET_NEW,
                                   .group_id = 1003,
                                   .priority = PRIORITY_HIGH};

static LedgerRow row_of(LedgerKind kind, const Buf *payload) {
    return (LedgerRow){.tenant_id = 1,
                       .ticket_id = 100001,
                       .seq = 7,
                       .cause = {{1}},
                       .kind = kind,
                       .actor = STR("router"),
                       .at_ms = 1763792000300,
                       .revision = 4,
                       .payload = buf_str(payload)};
}

static void a_row_of_the_ledger_is_read_back_as_it_was_written(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf payload = {0};
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    Promise in = escalated(), out;
    TicketUpdate set;
    promise_payload_write(&in, &moved, STR("{\"why\":\"escalated\"}"), &payload);
    assert_int_equal(promise_payload_read(buf_str(&payload), a, &out, &set), 0);
    same(&in, &out);
    assert_int_equal(set.sets, EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE | EDIT_PRIORITY);
    assert_int_equal(set.group_id, 1003);
    assert_int_equal(set.assignee_id, 0);
    assert_true(str_is(set.reason, "{\"why\":\"escalated\"}"));
}

static void a_row_is_its_event_whatever_its_kind(void **state) {
    (void)state;
    for (int act = 0; act < PROMISE_ACTS; act++) {
        CLEANUP(buf_done) Buf payload = {0};
        CLEANUP(arena_freep) Arena *a = arena_new(0);
        Promise in = escalated();
        Event e;
        LedgerKind kind = (LedgerKind)(LEDGER_PROMISE_WARNED + act);
        promise_payload_write(&in, act ? &moved : NULL, (Str){NULL, 0}, &payload);
        LedgerRow row = row_of(kind, &payload);
        assert_int_equal(event_of_row(&row, a, &e), 0);
        assert_int_equal(e.kind, kind);
        assert_string_equal(ledger_kind_name(kind), promise_act_name((PromiseAct)act));
        same(&in, &e.promise);
        assert_int_equal(e.set.sets,
                         act ? EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE | EDIT_PRIORITY : 0);
        assert_int_equal(e.set.priority, act ? PRIORITY_HIGH : PRIORITY_LOW);
        assert_int_equal(e.seq, 7);
        assert_int_equal(e.revision, 4);
        assert_false(e.set.comment.present);
    }
}

static void a_signal_arrives_as_it_was_sent(void **state) {
    (void)state;
    for (int act = 0; act < PROMISE_ACTS; act++) {
        CLEANUP(buf_done) Buf message = {0}, key = {0};
        CLEANUP(arena_freep) Arena *a = arena_new(0);
        const char *problem = NULL;
        Signal in = {.kind = (SignalKind)(SIGNAL_PROMISE_WARNED + act),
                     .tenant_id = 3,
                     .ticket_id = 100001,
                     .at_ms = 1763792000100,
                     .revision = 12,
                     .promise = escalated()},
               out;
        in.promise.judged_seq = 6;
        in.cause = promise_cause(3, 100001, (PromiseAct)act, in.promise.metric, in.promise.instance,
                                 in.promise.level);
        signal_encode(&in, &message);
        signal_key(&in, &key);
        assert_true(str_is(buf_str(&key), "100001"));
        assert_int_equal(signal_decode(buf_str(&message), a, &out, &problem), 0);
        assert_int_equal(out.kind, in.kind);
        assert_int_equal(out.ticket_id, 100001);
        assert_int_equal(out.revision, 12);
        assert_true(cause_eq(out.cause, in.cause));
        same(&in.promise, &out.promise);
        /* a signal has no ledger row: it is no event */
        Event e;
        assert_int_equal(event_decode(buf_str(&message), a, &e, &problem), -EBADMSG);
    }
}

static void a_moment_has_one_cause_and_another_moment_another(void **state) {
    (void)state;
    Cause c = promise_cause(1, 100001, PROMISE_WARNED, STR("ack"), 1, STR("80%"));
    assert_true(cause_eq(c, promise_cause(1, 100001, PROMISE_WARNED, STR("ack"), 1, STR("80%"))));
    Cause others[] = {promise_cause(2, 100001, PROMISE_WARNED, STR("ack"), 1, STR("80%")),
                      promise_cause(1, 100002, PROMISE_WARNED, STR("ack"), 1, STR("80%")),
                      promise_cause(1, 100001, PROMISE_BREACHED, STR("ack"), 1, STR("80%")),
                      promise_cause(1, 100001, PROMISE_WARNED, STR("resolution"), 1, STR("80%")),
                      promise_cause(1, 100001, PROMISE_WARNED, STR("ack"), 2, STR("80%")),
                      promise_cause(1, 100001, PROMISE_WARNED, STR("ack"), 1, STR("95%"))};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(cause_eq(c, others[i]));
    char text[37]; /* the same on every host and in every release: it lies in ledgers */
    cause_format(c, text);
    assert_string_equal(text, "5f4b4e52-148f-32c6-688a-3a6730d59dd4");
}

static void what_is_no_promise_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "{\"set\":{},\"reason\":{}}",
        "{\"set\":{},\"promise\":{}}",
        "{\"set\":{},\"promise\":{\"metric\":\"ack\",\"instance\":0,\"at_ms\":5}}",
        "{\"set\":{},\"promise\":{\"metric\":\"ack\",\"instance\":99999999999,\"at_ms\":5}}",
        "{\"set\":{},\"promise\":{\"metric\":\"\",\"instance\":1,\"at_ms\":5}}",
        "{\"set\":{},\"promise\":{\"metric\":\"ack\",\"instance\":1,\"at_ms\":-5}}",
        "{\"set\":{},\"promise\":{\"metric\":\"ack\",\"instance\":1,\"at_ms\":5,\"late\":1}}",
        "{\"set\":{},\"promise\":{\"metric\":\"ack\",\"instance\":1,\"at_ms\":5,\"notify_agent\":-"
        "1}}",
        "{\"set\":{},\"promise\":{\"metric\":\"ack\",\"instance\":1,\"at_ms\":5,"
        "\"level\":\"0123456789abcdef\"}}",
        "{\"promise\":{\"metric\":\"ack\",\"instance\":1,\"at_ms\":5}}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        CLEANUP(arena_freep) Arena *a = arena_new(0);
        Promise p;
        if (promise_payload_read(str(wrong[i]), a, &p, NULL) != -EBADMSG)
            fail_msg("taken: %s", wrong[i]);
    }
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    Promise p;
    assert_int_equal(
        promise_payload_read(STR("{ \"set\": {}, \"promise\": { \"metric\": \"ack\", \"instance\": "
                                 "1, \"at_ms\": 5, \"later\": [1] } }"),
                             a, &p, NULL),
        0); /* as PostgreSQL spells it, with a member of a later release */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_the_ledger_is_read_back_as_it_was_written),
        cmocka_unit_test(a_row_is_its_event_whatever_its_kind),
        cmocka_unit_test(a_signal_arrives_as_it_was_sent),
        cmocka_unit_test(a_moment_has_one_cause_and_another_moment_another),
        cmocka_unit_test(what_is_no_promise_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
