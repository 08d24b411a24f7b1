/* One mail's talk, reply by reply and byte by byte. */
#include "outgoing/dialogue.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FROM STR("docket@example.com")
#define TO   STR("li@example.com")

static void said(Dialogue *d, const char *words) {
    assert_string_equal(d->to_send.p, words);
    buf_clear(&d->to_send); /* it is sent */
}

static void hears(Dialogue *d, const char *reply) {
    for (const char *c = reply; *c; c++) /* a byte at a time: nothing depends on how it is cut */
        dialogue_hear(d, (Str){c, 1});
}

static void talk_up_to_the_message(Dialogue *d, Str message) {
    dialogue_begin(d, FROM, TO, message, false, false, false);
    said(d, "MAIL FROM:<docket@example.com>\r\n");
    hears(d, "250 ok\r\n");
    said(d, "RCPT TO:<li@example.com>\r\n");
    hears(d, "250-first\r\n250 ok\r\n");
    said(d, "DATA\r\n");
    assert_false(dialogue_in_doubt(d));
    hears(d, "354 go on\r\n");
}

static void a_mail_is_told_in_order_and_its_dots_are_doubled(void **state) {
    (void)state;
    Dialogue d;
    talk_up_to_the_message(&d, STR("A: b\r\n\r\n.x\r\n.\r\ny.\r\n"));
    said(&d, "A: b\r\n\r\n..x\r\n..\r\ny.\r\n.\r\n");
    assert_true(dialogue_in_doubt(&d));
    hears(&d, "250 taken\r\n");
    assert_int_equal(d.state, DIALOGUE_ENDED);
    assert_int_equal(d.outcome, OUTGOING_DELIVERED);
    assert_false(dialogue_in_doubt(&d));
    dialogue_done(&d);
}

static void to_one_that_pipelines_all_is_said_at_once_but_the_message(void **state) {
    (void)state;
    Dialogue d;
    dialogue_begin(&d, FROM, TO, STR("a\r\n"), false, false, true);
    said(&d, "MAIL FROM:<docket@example.com>\r\nRCPT TO:<li@example.com>\r\nDATA\r\n");
    hears(&d, "250 ok\r\n250 ok\r\n");
    assert_int_equal(d.to_send.n, 0);
    assert_true(dialogue_before_message(&d));
    assert_false(dialogue_in_doubt(&d));
    hears(&d, "354 go on\r\n");
    assert_true(dialogue_before_message(&d));
    said(&d, "a\r\n.\r\n");
    assert_false(dialogue_before_message(&d));
    hears(&d, "250 taken\r\n");
    assert_int_equal(d.outcome, OUTGOING_DELIVERED);
    dialogue_done(&d);
}

/* Its 354 may come all the same (RFC 2920 3.1): the connection ends, so no message does. */
static void of_what_was_said_at_once_the_first_refusal_counts(void **state) {
    (void)state;
    Dialogue d;
    dialogue_begin(&d, FROM, TO, STR("a\r\n"), false, false, true);
    buf_clear(&d.to_send);
    hears(&d, "250 ok\r\n550 nobody\r\n354 go on\r\n");
    assert_int_equal(d.outcome, OUTGOING_REFUSED);
    assert_string_equal(d.reason.p, "the mail server refused the recipient: 550 nobody");
    assert_int_equal(d.to_send.n, 0);
    dialogue_done(&d);
}

static void each_refusal_is_judged_by_its_code(void **state) {
    (void)state;
    static const struct {
        const char *reply, *reason;
        OutgoingOutcome outcome;
        int replies; /* good ones before it */
    } cases[] = {
        {"550 no\r\n", "the mail server refused the sender: 550 no", OUTGOING_REFUSED, 0},
        {"450 wait\r\n", "the mail server refused the recipient: 450 wait", OUTGOING_LATER, 1},
        {"550-5.1.1 a\r\n550 5.1.1 b\x01\r\n",
         "the mail server refused the recipient: 550 5.1.1 b?", OUTGOING_REFUSED, 1},
        {"554 no\r\n", "the mail server refused to take a message: 554 no", OUTGOING_REFUSED, 2},
        {"250 no\r\n", "the mail server refused to take a message: 250 no", OUTGOING_LATER, 2},
        {"552 big\r\n", "the mail server refused the message: 552 big", OUTGOING_REFUSED, 3},
        {"421 \r\n", "the mail server refused the message: 421 ", OUTGOING_LATER, 3},
        {"354 again\r\n", "the mail server refused the message: 354 again", OUTGOING_LATER, 3},
        {"25 ok\r\n", "the mail server does not speak SMTP", OUTGOING_LATER, 0},
        {"\r\n", "the mail server does not speak SMTP", OUTGOING_LATER, 0},
        {"250ok\r\n", "the mail server does not speak SMTP", OUTGOING_LATER, 0},
        {"150 ok\r\n", "the mail server does not speak SMTP", OUTGOING_LATER, 0},
    };
    static const char *const good[] = {"250\r\n", "250 ok\n", "354 go\r\n"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        Dialogue d;
        dialogue_begin(&d, FROM, TO, STR("a\r\n"), false, false, false);
        for (int j = 0; j < cases[i].replies; j++) {
            buf_clear(&d.to_send);
            hears(&d, good[j]);
        }
        buf_clear(&d.to_send);
        hears(&d, cases[i].reply);
        assert_int_equal(d.state, DIALOGUE_ENDED);
        assert_int_equal(d.outcome, cases[i].outcome);
        assert_string_equal(d.reason.p, cases[i].reason);
        assert_int_equal(d.to_send.n, 0);
        dialogue_done(&d);
    }
}

static void a_server_that_answers_before_it_is_asked_is_not_believed(void **state) {
    (void)state;
    Dialogue d;
    talk_up_to_the_message(&d, STR("a\r\n"));
    hears(&d, "250 taken\r\n"); /* nothing of it has been sent */
    assert_int_equal(d.outcome, OUTGOING_LATER);
    assert_string_equal(d.reason.p, "the mail server speaks out of turn: 250 taken");
    dialogue_done(&d);
}

static void a_reply_has_an_end(void **state) {
    (void)state;
    Dialogue d;
    dialogue_begin(&d, FROM, TO, STR("a\r\n"), false, false, false);
    buf_clear(&d.to_send);
    for (int i = 0; i < 100000; i++)
        hears(&d, "2");
    assert_int_equal(d.state, DIALOGUE_ENDED);
    assert_true(d.reply.room <= 2 * DIALOGUE_LINE_BYTES);
    dialogue_done(&d);
    dialogue_begin(&d, FROM, TO, STR("a\r\n"), false, false, false);
    buf_clear(&d.to_send);
    for (int i = 0; i < 10000 && d.state != DIALOGUE_ENDED; i++)
        hears(&d, "250-x\r\n");
    assert_int_equal(d.outcome, OUTGOING_LATER);
    assert_string_equal(d.reason.p, "the mail server's reply has no end");
    dialogue_done(&d);
}

static void what_the_server_cannot_carry_is_not_begun(void **state) {
    (void)state;
    Dialogue d;
    dialogue_begin(&d, FROM, STR("李@example.com"), STR("a\r\n"), false, true, false);
    assert_int_equal(d.outcome, OUTGOING_REFUSED);
    dialogue_done(&d);
    dialogue_begin(&d, FROM, TO, STR("工单\r\n"), false, false, false);
    assert_int_equal(d.outcome, OUTGOING_REFUSED);
    dialogue_done(&d);
    dialogue_begin(&d, STR(""), STR("李@example.com"), STR("工单\r\n"), true, true, false);
    said(&d, "MAIL FROM:<> BODY=8BITMIME SMTPUTF8\r\n");
    dialogue_done(&d);
}

static void only_addresses_and_messages_that_are_some_pass(void **state) {
    (void)state;
    static const char *const bad[] = {"a",     "@b",       "a@",    "a@b@c",    "a b@c",
                                      "<a@b>", "a@b\r\nX", "a@b\n", "\xff@b.c", "a@b,c@d",
                                      "a@b;",  "\"a\"@b",  "a@\x7f"};
    static const char *const wrong[] = {"",       "a",      "a\n",     "a\r",
                                        "\r\r\n", "a\r\nb", "a\n\r\n", "a\r\n.\r.\r\n"};
    CLEANUP(buf_done) Buf problem = {0}, line = {0};
    bool utf8;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (dialogue_check_address(str(bad[i]), false, &utf8) != -EINVAL) fail_msg("%s", bad[i]);
    assert_int_equal(dialogue_check_address(STR(""), false, &utf8), -EINVAL);
    assert_int_equal(dialogue_check_address(STR(""), true, &utf8), 0);
    assert_int_equal(dialogue_check_address(STR("a+b.c'd@例子.测试"), false, &utf8), 0);
    assert_true(utf8);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (dialogue_check_message(str(wrong[i]), &problem) != -EINVAL) fail_msg("%zu", i);
    assert_int_equal(dialogue_check_message((Str){"a\0\r\n", 4}, &problem), -EINVAL);
    for (size_t i = 0; i < 998; i++)
        buf_addc(&line, 'x');
    buf_adds(&line, "\r\n");
    assert_int_equal(dialogue_check_message(buf_str(&line), &problem), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_told_in_order_and_its_dots_are_doubled),
        cmocka_unit_test(to_one_that_pipelines_all_is_said_at_once_but_the_message),
        cmocka_unit_test(of_what_was_said_at_once_the_first_refusal_counts),
        cmocka_unit_test(each_refusal_is_judged_by_its_code),
        cmocka_unit_test(a_server_that_answers_before_it_is_asked_is_not_believed),
        cmocka_unit_test(a_reply_has_an_end),
        cmocka_unit_test(what_the_server_cannot_carry_is_not_begun),
        cmocka_unit_test(only_addresses_and_messages_that_are_some_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
