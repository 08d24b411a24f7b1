/* Messages: what they look like, and what is refused rather than sent. */
#include "mail/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const MailAddress zhang[] = {{{"张三", 6}, {"zhang.san@example.com", 21}}};
static const Str chain[] = {{"a.1@desk.example", 16}, {"a.2@desk.example", 16}};

static MailMessage good(void) {
    return (MailMessage){.from = {STR("Shop"), STR("support@desk.example")},
                         .to = zhang,
                         .to_n = 1,
                         .subject = STR("Hello"),
                         .text = STR("one\ntwo\n"),
                         .at_ms = INT64_C(1763800000000),
                         .message_id = STR("a.3@desk.example")};
}

static void a_plain_message_is_written_as_it_must_be(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = {0};
    MailMessage m = good();
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_BUILT);
    assert_string_equal(text.p, "Date: Sat, 22 Nov 2025 08:26:40 +0000\r\n"
                                "From: \"Shop\" <support@desk.example>\r\n"
                                "To: =?UTF-8?B?5byg5LiJ?= <zhang.san@example.com>\r\n"
                                "Subject: Hello\r\n"
                                "Message-ID: <a.3@desk.example>\r\n"
                                "MIME-Version: 1.0\r\n"
                                "Content-Type: text/plain; charset=\"utf-8\"\r\n"
                                "Content-Transfer-Encoding: quoted-printable\r\n"
                                "\r\n"
                                "one\r\ntwo\r\n\r\n");
}

static void an_automatic_one_says_so_and_can_be_left(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = {0};
    MailMessage m = good();
    m.origin = MAIL_GENERATED;
    m.in_reply_to = chain[1];
    m.references = chain;
    m.references_n = 2;
    m.loop = STR("desk.example");
    m.list_id = STR("tickets.desk.example");
    m.unsubscribe_url = STR("https://desk.example/u/7");
    m.unsubscribe_mail = STR("leave@desk.example");
    m.html = STR("<p>你好你好</p>");
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_BUILT);
    static const char *const says[] = {
        "\r\nIn-Reply-To: <a.2@desk.example>\r\nReferences: <a.1@desk.example>\r\n "
        "<a.2@desk.example>\r\nAuto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: "
        "All\r\nX-Docket-Loop: desk.example\r\nList-Id: <tickets.desk.example>\r\n",
        "\r\nList-Unsubscribe: <https://desk.example/u/7>,\r\n <mailto:leave@desk.example>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        "Content-Type: multipart/alternative; boundary=\"=_docket_part\"\r\n\r\n--=_docket_part\r\n"
        "Content-Type: text/plain;",
        "Content-Type: text/html; charset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        "\r\n--=_docket_part--\r\n"};
    for (size_t i = 0; i < sizeof(says) / sizeof(*says); i++)
        if (!strstr(text.p, says[i])) fail_msg("%s\nlacks: %s", text.p, says[i]);
}

static void a_long_chain_keeps_its_first_and_its_last(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = {0};
    static char names[500][32];
    static Str ids[500];
    for (int i = 0; i < 500; i++)
        ids[i] = (Str){names[i], (size_t)snprintf(names[i], 32, "t.%d@desk.example", i)};
    MailMessage m = good();
    m.references = ids;
    m.references_n = 500;
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_BUILT);
    assert_non_null(strstr(text.p, "References: <t.0@desk.example>\r\n <t.481@desk.example>"));
    assert_non_null(strstr(text.p, "<t.499@desk.example>\r\n"));
}

static void nothing_brings_a_header_of_its_own(void **state) {
    (void)state;
    static const char *const evil[] = {"a\r\nBcc: x@y.example",
                                       "a\nb",
                                       "a\rb",
                                       "a\x7f",
                                       "a\x01",
                                       "a\xc2\x85"
                                       "b",
                                       "a\xe2\x80\xa8"
                                       "b",
                                       "a\xff"};
    for (size_t i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
        Str bad = str(evil[i]);
        MailMessage all[8];
        MailAddress to = {bad, STR("a@b.example")}, to_address = {STR("a"), bad};
        for (size_t k = 0; k < 8; k++)
            all[k] = good();
        all[0].subject = bad;
        all[1].from.name = bad;
        all[2].to = &to;
        all[3].to = &to_address;
        all[4].message_id = bad;
        all[5].loop = bad;
        all[6].unsubscribe_url = bad;
        all[7].references = &bad;
        all[7].references_n = 1;
        for (size_t k = 0; k < 8; k++) {
            CLEANUP(buf_done) Buf text = {0}, why = {0};
            MailOutcome o = mail_build(&all[k], &text, &why);
            assert_true(o == MAIL_BAD_HEADER || o == MAIL_BAD_ADDRESS);
            assert_int_equal(text.n, 0);
            assert_true(why.n > 0);
            assert_null(strstr(why.p, "Bcc"));
        }
    }
}

static void addresses_are_checked_and_domains_written_in_ascii(void **state) {
    (void)state;
    static const struct {
        const char *address;
        MailOutcome outcome;
        const char *wanted;
    } cases[] = {
        {"a@b.example", MAIL_BUILT, "a@b.example"},
        {"Zhang.San+tag@Example.COM", MAIL_BUILT, "Zhang.San+tag@example.com"},
        {"li@bücher.example", MAIL_BUILT, "li@xn--bcher-kva.example"},
        {"li@例子.测试", MAIL_BUILT, "li@xn--fsqu00a.xn--0zwm56d"},
        {"o'brien@b.example", MAIL_BUILT, "o'brien@b.example"},
        {"张三@b.example", MAIL_NEEDS_SMTPUTF8, ""},
        {"", MAIL_BAD_ADDRESS, ""},
        {"a", MAIL_BAD_ADDRESS, ""},
        {"@b.example", MAIL_BAD_ADDRESS, ""},
        {"a@", MAIL_BAD_ADDRESS, ""},
        {"a@b", MAIL_BAD_ADDRESS, ""},
        {"a@b@c.example", MAIL_BAD_ADDRESS, ""},
        {".a@b.example", MAIL_BAD_ADDRESS, ""},
        {"a..b@c.example", MAIL_BAD_ADDRESS, ""},
        {"a.@b.example", MAIL_BAD_ADDRESS, ""},
        {"a b@c.example", MAIL_BAD_ADDRESS, ""},
        {"\"a b\"@c.example", MAIL_BAD_ADDRESS, ""},
        {"a@b..example", MAIL_BAD_ADDRESS, ""},
        {"a@-b.example", MAIL_BAD_ADDRESS, ""},
        {"a@b-.example", MAIL_BAD_ADDRESS, ""},
        {"a@b_c.example", MAIL_BAD_ADDRESS, ""},
        {"a@[192.0.2.1]", MAIL_BAD_ADDRESS, ""},
        {"a@192.0.2.1", MAIL_BAD_ADDRESS, ""},
        {"a@b.example>,<c@d.example", MAIL_BAD_ADDRESS, ""},
        {"a@b.example\r\nRCPT TO:<x@y.example>", MAIL_BAD_ADDRESS, ""},
        {"a,c@d.example", MAIL_BAD_ADDRESS, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        CLEANUP(buf_done) Buf text = {0}, why = {0};
        buf_adds(&text, "");
        if (mail_address(str(cases[i].address), &text, &why) != cases[i].outcome ||
            !str_is(buf_str(&text), cases[i].wanted))
            fail_msg("%s: %s %s", cases[i].address, text.p, why.p ? why.p : "");
    }
}

static void what_is_too_large_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf large = {0}, text = {0};
    while (large.n <= MAIL_BODY_MAX)
        buf_adds(&large, "a long text without any line break, which goes on and on, ");
    MailMessage m = good();
    m.text = buf_str(&large);
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_TOO_LARGE);
    m = good();
    m.subject = (Str){large.p, MAIL_HEADER_MAX + 1};
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_TOO_LARGE);
    m.subject = (Str){large.p, MAIL_HEADER_MAX};
    m.html = (Str){large.p, MAIL_BODY_MAX};
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_BUILT);
    size_t column = 0;
    for (size_t i = 0; i < text.n; i++) {
        column = text.p[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 79); /* its CR counts */
    }
    m = good();
    m.to_n = 0;
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_BAD_ADDRESS);
    m = good();
    m.text = STR("a\x1b[2J");
    assert_int_equal(mail_build(&m, &text, NULL), MAIL_BAD_BODY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_message_is_written_as_it_must_be),
        cmocka_unit_test(an_automatic_one_says_so_and_can_be_left),
        cmocka_unit_test(a_long_chain_keeps_its_first_and_its_last),
        cmocka_unit_test(nothing_brings_a_header_of_its_own),
        cmocka_unit_test(addresses_are_checked_and_domains_written_in_ascii),
        cmocka_unit_test(what_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
