/* An event is a pure function of one ledger row, whether its payload comes from us or from jsonb.
 */
#include "events/ledger.h"

#include <errno.h>
#include <proto/envelope.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "events/submission.h"

static const char hash[33] = "0123456789abcdef0123456789abcdef";

static LedgerRow row_of(LedgerKind kind, const char *actor, Str payload) {
    return (LedgerRow){.tenant_id = 3,
                       .ticket_id = 100007,
                       .seq = 2,
                       .cause = {{9, 8, 7}},
                       .step = 1,
                       .kind = kind,
                       .actor = str(actor),
                       .at_ms = 1790000000123,
                       .revision = 12,
                       .trace = {.trace_id = {1}, .span_id = {2}, .flags = 1},
                       .payload = payload};
}

static Docket__Envelope *event_of(const LedgerRow *row, Buf *wire) {
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    assert_int_equal(ledger_event_encode(row, a, wire), 0);
    Docket__Envelope *e = docket__envelope__unpack(NULL, wire->n, (const uint8_t *)wire->p);
    assert_non_null(e);
    assert_int_equal(e->schema_version, 1);
    assert_int_equal(e->tenant_id, row->tenant_id);
    assert_int_equal(e->ticket_id, row->ticket_id);
    assert_int_equal(e->seq, row->seq);
    assert_int_equal(e->step, row->step);
    assert_int_equal(e->revision, row->revision);
    assert_int_equal(e->at_ms, row->at_ms);
    assert_int_equal(e->cause_id.len, 16);
    assert_int_equal(e->trace.len, 25);
    return e;
}

static void created_payload(Buf *ret) {
    static Str skills[] = {{"英语", 6}, {"跨境", 6}}, tags[] = {{"q\"\\\n", 4}};
    Submission s = {.tenant_id = 3,
                    .ticket_id = 100007,
                    .accepted_ms = 1790000000123,
                    .source_id = 1003,
                    .channel = STR("web"),
                    .subject = STR("包裹 \"丢\"了 📦"),
                    .description = STR("行1\n行2\t\x01"),
                    .contact_hash = {hash, 32},
                    .external_id = STR("e-1"),
                    .order = STR("SO-1"),
                    .custom_fields = STR("{\"a\":{\"b\":[1,\"x, y\"]}}")};
    TicketFacts f = {.kind = STR("投诉"),
                     .category = STR("物流/丢件"),
                     .priority = PRIORITY_HIGH,
                     .group_id = 1001,
                     .skills = skills,
                     .skills_n = 2,
                     .tags = tags,
                     .tags_n = 1,
                     .reason = STR("{\"rules\":[\"跨境清关\"]}")};
    ledger_payload_created(&s, &f, ret);
}

static void created_says_what_the_ticket_is(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf payload = {0}, wire = {0};
    created_payload(&payload);
    LedgerRow row = row_of(LEDGER_TICKET_CREATED, "requester:7", buf_str(&payload));
    Docket__Envelope *e = event_of(&row, &wire);
    assert_int_equal(e->event_case, DOCKET__ENVELOPE__EVENT_TICKET_CREATED);
    const Docket__TicketCreated *t = e->ticket_created;
    assert_int_equal(t->requester_id, 7);
    assert_string_equal(t->subject, "包裹 \"丢\"了 📦");
    assert_string_equal(t->description, "行1\n行2\t\x01");
    assert_string_equal(t->priority, "high");
    assert_string_equal(t->category, "物流/丢件");
    assert_string_equal(t->order, "SO-1");
    assert_string_equal(t->product, "");
    assert_int_equal(t->group_id, 1001);
    assert_int_equal(t->source_id, 1003);
    assert_int_equal(t->n_skills, 2);
    assert_string_equal(t->skills[1], "跨境");
    assert_string_equal(t->tags[0], "q\"\\\n");
    assert_int_equal(t->created_ms, 1790000000123);
    assert_string_equal(t->custom_fields, "{\"a\":{\"b\":[1,\"x, y\"]}}");
    assert_string_equal(t->reason, "{\"rules\":[\"跨境清关\"]}");
    docket__envelope__free_unpacked(e, NULL);
}

static void what_jsonb_gives_back_is_the_same_event(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf payload = {0}, ours = {0}, theirs = {0};
    created_payload(&payload);
    LedgerRow row = row_of(LEDGER_TICKET_CREATED, "requester:7", buf_str(&payload));
    assert_int_equal(ledger_event_encode(&row, a, &ours), 0);
    /* SELECT payload::jsonb::text of the above */
    row.payload = STR(
        "{\"set\": {\"kind\": \"投诉\", \"tags\": [\"q\\\"\\\\\\n\"], \"tier\": \"\", \"batch\": "
        "\"\", "
        "\"device\": \"\", \"region\": \"\", \"skills\": [\"英语\", \"跨境\"], \"status\": "
        "\"new\", "
        "\"channel\": \"web\", \"product\": \"\", \"subject\": \"包裹 \\\"丢\\\"了 📦\", "
        "\"category\": "
        "\"物流/丢件\", \"group_id\": 1001, \"language\": \"\", \"priority\": \"high\", "
        "\"order_ref\": "
        "\"SO-1\", \"source_id\": 1003, \"created_at\": \"2026-09-21T14:13:20.123Z\", "
        "\"description\": "
        "\"行1\\n行2\\t\\u0001\", \"external_id\": \"e-1\", \"custom_fields\": {\"a\": {\"b\": [1, "
        "\"x, y\"]}}}, \"reason\": {\"rules\": [\"跨境清关\"]}}");
    assert_int_equal(ledger_event_encode(&row, a, &theirs), 0);
    assert_int_equal(ours.n, theirs.n);
    assert_memory_equal(ours.p, theirs.p, ours.n);
}

static void placements_name_group_and_assignee(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf payload = {0}, wire = {0};
    ledger_payload_placed(TICKET_ASSIGNED, 1001, 1020, STR("{\"load\":3}"), &payload);
    LedgerRow row = row_of(LEDGER_TICKET_ASSIGNED, "router", buf_str(&payload));
    Docket__Envelope *e = event_of(&row, &wire);
    assert_int_equal(e->ticket_assigned->group_id, 1001);
    assert_int_equal(e->ticket_assigned->assignee_id, 1020);
    assert_string_equal(e->ticket_assigned->reason, "{\"load\":3}");
    docket__envelope__free_unpacked(e, NULL);

    buf_clear(&payload), buf_clear(&wire);
    ledger_payload_placed(TICKET_NEW, 1001, 0, (Str){NULL, 0}, &payload);
    assert_string_equal(payload.p,
                        "{\"set\":{\"status\":\"new\",\"group_id\":1001,\"assignee_id\":null},"
                        "\"reason\":{}}");
    row = row_of(LEDGER_TICKET_QUEUED, "router", buf_str(&payload));
    e = event_of(&row, &wire);
    assert_int_equal(e->ticket_queued->group_id, 1001);
    docket__envelope__free_unpacked(e, NULL);

    buf_clear(&wire);
    row = row_of(LEDGER_TICKET_RELEASED, "agent:5", buf_str(&payload));
    e = event_of(&row, &wire);
    assert_int_equal(e->event_case, DOCKET__ENVELOPE__EVENT_TICKET_RELEASED);
    assert_string_equal(e->actor, "agent:5");
    docket__envelope__free_unpacked(e, NULL);
}

static void a_note_is_passed_on(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf payload = {0}, wire = {0};
    ledger_payload_noted(STR("key \"k\" used again"), &payload);
    LedgerRow row = row_of(LEDGER_TICKET_NOTED, "router", buf_str(&payload));
    Docket__Envelope *e = event_of(&row, &wire);
    assert_string_equal(e->ticket_noted->note, "key \"k\" used again");
    docket__envelope__free_unpacked(e, NULL);
}

static void a_payload_that_does_not_fit_its_kind_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf whole = {0};
    const struct {
        LedgerKind kind;
        Str payload;
    } bad[] = {
        {LEDGER_TICKET_CREATED, STR("{}")},
        {LEDGER_TICKET_CREATED, STR("{\"set\":{\"subject\":1}}")},
        {LEDGER_TICKET_CREATED, STR("{\"set\":{\"subject\":\"no time\"}}")},
        {LEDGER_TICKET_CREATED, STR("{\"set\":{\"created_at\":\"yesterday\"}}")},
        {LEDGER_TICKET_CREATED, STR("{\"set\":{\"tags\":[1]}}")},
        {LEDGER_TICKET_ASSIGNED, STR("{\"set\":{\"group_id\":1,\"assignee_id\":null}}")},
        {LEDGER_TICKET_ASSIGNED, STR("{\"set\":{\"assignee_id\":\"7\"}}")},
        {LEDGER_TICKET_ASSIGNED, STR("{\"set\":{\"assignee_id\":-7}}")},
        {LEDGER_TICKET_QUEUED, STR("{\"set\":{\"group_id\":1,\"assignee_id\":7}}")},
        {LEDGER_TICKET_QUEUED, STR("{\"reason\":{}}")},
        {LEDGER_TICKET_NOTED, STR("{\"note\":7}")},
        {LEDGER_TICKET_NOTED, STR("{}")},
        {LEDGER_TICKET_NOTED, STR("{\"note\":\"\\ud800\"}")},
        {LEDGER_TICKET_NOTED, STR("{\"note\":\"\\u12\"}")},
        {LEDGER_TICKET_NOTED, STR("")},
        {LEDGER_TICKET_NOTED, STR("[]")},
        {LEDGER_TICKET_NOTED, STR("{\"note\"")},
        {LEDGER_TICKET_NOTED, STR("{\"note\":\"x")},
        {LEDGER_TICKET_NOTED, STR("{\"note\":\"x\" \"b\":1}")},
        {LEDGER_TICKET_NOTED, STR("{\"note\":{\"x\":[}")},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(arena_freep) Arena *a = arena_new(0);
        CLEANUP(buf_done) Buf wire = {0};
        LedgerRow row = row_of(bad[i].kind, "router", bad[i].payload);
        if (ledger_event_encode(&row, a, &wire) != -EBADMSG)
            fail_msg("taken as an event: %s", bad[i].payload.p);
        assert_int_equal(wire.n, 0);
    }
    created_payload(&whole);
    for (size_t n = 0; n < whole.n; n++) { /* cut anywhere */
        CLEANUP(arena_freep) Arena *a = arena_new(0);
        CLEANUP(buf_done) Buf wire = {0};
        char *copy = malloc(n ? n : 1);
        memcpy(copy, whole.p, n);
        LedgerRow row = row_of(LEDGER_TICKET_CREATED, "requester:1", (Str){copy, n});
        assert_int_equal(ledger_event_encode(&row, a, &wire), -EBADMSG);
        free(copy);
    }
}

static void every_kind_has_a_name(void **state) {
    (void)state;
    for (int k = 0; k < LEDGER_KINDS; k++) {
        LedgerKind back;
        assert_int_equal(ledger_kind_parse(str(ledger_kind_name((LedgerKind)k)), &back), 0);
        assert_int_equal(back, k);
    }
    LedgerKind untouched = LEDGER_TICKET_NOTED;
    assert_int_equal(ledger_kind_parse(STR("ticket_exploded"), &untouched), -EINVAL);
    assert_int_equal(untouched, LEDGER_TICKET_NOTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_says_what_the_ticket_is),
        cmocka_unit_test(what_jsonb_gives_back_is_the_same_event),
        cmocka_unit_test(placements_name_group_and_assignee),
        cmocka_unit_test(a_note_is_passed_on),
        cmocka_unit_test(a_payload_that_does_not_fit_its_kind_is_refused),
        cmocka_unit_test(every_kind_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
