/* A ledger row as Zendesk shows it: what changed, from what to what, and what is kept back. */
#include "desk/tickets/audit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "json/json.h"

static const char *audit(Arena *arena, AuditState *state, const char *kind, int32_t seq,
                         const char *payload, bool notes) {
    CLEANUP(buf_done) Buf text = {0};
    AuditRow row = {.ticket_id = 100,
                    .seq = seq,
                    .at_ms = 1763790000000,
                    .kind = str(kind),
                    .actor = STR("agent:12"),
                    .payload = str(payload)};
    audit_json(&text, &row, state, NULL, notes, arena);
    assert_int_equal(json_check(buf_str(&text), NULL, NULL), 0);
    return arena_str(arena, buf_str(&text)).p;
}

static void a_change_says_what_was_before(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    AuditState s = {.n = 0};
    const char *first = audit(arena, &s, "ticket_created", 1,
                              "{\"set\":{\"status\":\"new\",\"priority\":\"low\",\"group_id\":5,"
                              "\"description\":\"内容\",\"custom_fields\":{\"a\":1}}}",
                              true);
    assert_non_null(
        strstr(first, "\"type\":\"Create\",\"field_name\":\"priority\",\"value\":\"low\"}"));
    assert_non_null(strstr(first, "\"body\":\"内容\""));
    assert_null(strstr(first, "previous_value"));
    const char *second = audit(arena, &s, "ticket_updated", 2,
                               "{\"set\":{\"priority\":\"high\",\"group_id\":null,"
                               "\"custom_fields\":{\"b\":\"x\"}}}",
                               true);
    assert_non_null(strstr(second, "\"priority\",\"value\":\"high\",\"previous_value\":\"low\""));
    assert_non_null(strstr(second, "\"group_id\",\"value\":null,\"previous_value\":\"5\""));
    assert_non_null(strstr(second, "\"a\",\"value\":null,\"previous_value\":\"1\""));
    assert_non_null(strstr(second, "\"b\",\"value\":\"x\",\"previous_value\":null"));
    assert_non_null(strstr(second, "\"author_id\":12"));
}

static void states_that_look_alike_are_named_as_ours(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    AuditState s = {.n = 0};
    (void)audit(arena, &s, "ticket_created", 1, "{\"set\":{\"status\":\"assigned\"}}", true);
    const char *begun =
        audit(arena, &s, "ticket_updated", 2, "{\"set\":{\"status\":\"in_progress\"}}", true);
    assert_non_null(strstr(begun, "\"field_name\":\"docket_status\""));
    const char *solved =
        audit(arena, &s, "ticket_updated", 3, "{\"set\":{\"status\":\"solved\"}}", true);
    assert_non_null(strstr(solved, "\"status\",\"value\":\"solved\",\"previous_value\":\"open\""));
}

static void notes_are_for_those_who_may_read_them(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    static const char payload[] =
        "{\"set\":{},\"comment\":{\"public\":false,\"author_id\":12,"
        "\"body\":\"难缠\"},\"reason\":{\"why\":\"x\"},\"note\":\"难缠\"}";
    AuditState s = {.n = 0};
    assert_non_null(strstr(audit(arena, &s, "ticket_updated", 2, payload, true), "难缠"));
    assert_null(strstr(audit(arena, &s, "ticket_updated", 2, payload, false), "难缠"));
}

static void whatever_stands_in_the_ledger_something_is_shown(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    static const char *const odd[] = {"",
                                      "[]",
                                      "5",
                                      "{\"set\":5}",
                                      "{\"comment\":[]}",
                                      "{\"set\":{\"status\":{}},\"comment\":{\"body\":5}}"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        AuditState s = {.n = 0};
        assert_non_null(audit(arena, &s, "ticket_updated", 2, odd[i], true));
    }
}

static void a_promise_is_named_to_those_who_may_read_the_reasons(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    static const char row[] =
        "{\"set\":{\"priority\":\"urgent\"},\"promise\":{\"metric\":"
        "\"first_reply\",\"level\":\"2\"},\"reason\":{\"why\":\"escalated\"}}";
    AuditState s = {.n = 0}, other = {.n = 0};
    const char *shown = audit(arena, &s, "promise_escalated", 5, row, true);
    assert_non_null(strstr(shown, "\"promise\":{\"metric\":\"first_reply\",\"level\":\"2\"}"));
    assert_non_null(strstr(shown, "\"value\":\"urgent\""));
    assert_null(strstr(audit(arena, &other, "promise_escalated", 5, row, false), "first_reply"));
}

static void the_machine_is_nobody(void **state) {
    (void)state;
    assert_int_equal(audit_author(STR("agent:12")), 12);
    assert_int_equal(audit_author(STR("requester:1000000000001")), 1000000000001);
    assert_int_equal(audit_author(STR("router")), -1);
    assert_int_equal(audit_author(STR("token:33")), -1);
    assert_int_equal(audit_author(STR("")), -1);
    assert_int_equal(comment_id(100, 3), 819203);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_says_what_was_before),
        cmocka_unit_test(states_that_look_alike_are_named_as_ours),
        cmocka_unit_test(notes_are_for_those_who_may_read_them),
        cmocka_unit_test(whatever_stands_in_the_ledger_something_is_shown),
        cmocka_unit_test(a_promise_is_named_to_those_who_may_read_the_reasons),
        cmocka_unit_test(the_machine_is_nobody),
    };
    return cmocka_run_group_tests_name("desk/audit", tests, NULL, NULL);
}
