/* Four numbers read off an event are those that were put in; anything torn is refused. */
#include "events/event_head.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "events/ledger.h"

static void encode(Buf *wire) {
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf payload = {0};
    ledger_payload_noted(STR("说明"), &payload);
    LedgerRow row = {.tenant_id = 3,
                     .ticket_id = 100007,
                     .seq = 9,
                     .cause = {{7}},
                     .kind = LEDGER_TICKET_NOTED,
                     .actor = STR("router"),
                     .at_ms = 1790000000123,
                     .payload = buf_str(&payload)};
    assert_int_equal(ledger_event_encode(&row, a, wire), 0);
}

static void what_an_event_is_about_is_read_without_unpacking(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf wire = {0};
    EventHead head;
    encode(&wire);
    assert_int_equal(event_head_read(buf_str(&wire), &head), 0);
    assert_int_equal(head.tenant_id, 3);
    assert_int_equal(head.ticket_id, 100007);
    assert_int_equal(head.seq, 9);
    assert_int_equal(head.at_ms, 1790000000123);
}

static void what_is_torn_or_about_no_ticket_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf wire = {0};
    EventHead head;
    encode(&wire);
    assert_int_equal(event_head_read((Str){wire.p, wire.n - 1}, &head), -EBADMSG);
    assert_int_equal(event_head_read((Str){NULL, 0}, &head), -EBADMSG);
    assert_int_equal(event_head_read(STR("\x10\x03"), &head), -EBADMSG);  /* no ticket */
    assert_int_equal(event_head_read(STR("\x10\x03\x18\x07"), &head), 0); /* enough */
    assert_int_equal(event_head_read(STR("\x10\x03\x18\x07\xff"), &head), -EBADMSG);
    assert_int_equal(event_head_read(STR("\x10\x03\x18\x07\x0b"), &head), -EBADMSG); /* a group */
    assert_int_equal(
        event_head_read(STR("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x18\x07"), &head),
        -EBADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_event_is_about_is_read_without_unpacking),
        cmocka_unit_test(what_is_torn_or_about_no_ticket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
