/* What a row says becomes a letter: whose language, which words, nothing that is not the reader's.
 */
#include "notifier/letters/letter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "documents/zones.h"
#include "notifier/letters/values.h"

#define SAID                                                                                       \
    "{\"event\":{\"name\":\"ticket_created\",\"at_ms\":1795305600000},\"ticket\":{\"id\":7,"       \
    "\"subject\":\"杯子\\r\\nBcc: x@y.example\",\"status\":\"in_progress\","                     \
    "\"created_ms\":1795305600000,\"tags\":[\"易碎\"],\"custom\":{\"status\":\"new\"}},"         \
    "\"recipient\":{\"name\":\"somebody else\"},\"show\":true}"

static const char documents[] =
    "settings: {default_group: g}\n"
    "groups: [{name: g, title: g}]\n"
    "systems:\n"
    "  - {name: erp, by: webhook, address: \"https://erp.example/hooks\"}\n"
    "templates:\n"
    "  - name: t\n"
    "    language: zh\n"
    "    subject: \"#{{ticket.id}} {{ticket.subject}}\"\n"
    "    text: \"{{recipient.name}} {{ticket.status}} {{ticket.created_at}} {{ticket.url}} "
    "{{tenant.name}} {{ticket.custom.status}}\"\n"
    "    sms: {code: SMS_1, params: {no: \"{{ticket.id}}\"}}\n"
    "    in:\n"
    "      en: {subject: \"#{{ticket.id}}\", text: \"{{ticket.status}} {{ticket.created_at}}\", "
    "sms: {code: SMS_2, params: {no: \"{{ticket.id}}\"}}}\n"
    "  - name: many\n"
    "    subject: s\n"
    "    text: |\n"
    "      {{#tickets}}\n"
    "      {{id}}:{{subject}}\n"
    "      {{/tickets}}\n"
    "notifications:\n"
    "  - {name: n, event: ticket_created, to: requester, by: [mail, sms], template: t}\n"
    "  - {name: d, event: ticket_assigned, to: requester, template: many, digest: 5m}\n"
    "  - {name: e, event: ticket_created, to: erp}\n";

typedef struct Desk {
    Arena *arena;
    Words *words;
    Catalog *catalog;
    TokenKey key;
    LetterWorld world;
} Desk;

static int set_up(void **state) {
    CLEANUP(buf_done) Buf problems = {0};
    Desk *d = xcalloc(1, sizeof(*d));
    const DocumentSource source = {str(documents), STR("test.yaml"), 1};
    d->arena = arena_new(0);
    d->words = words_new();
    d->catalog = catalog_compile(&source, 1, 1, NULL, NULL, &problems);
    if (!d->catalog) print_error("%s", problems.p);
    assert_non_null(d->catalog);
    d->key.id = 1;
    d->world = (LetterWorld){"https://desk.example", "support@desk.example", &d->key, d->words};
    *state = d;
    return 0;
}

static int tear_down(void **state) {
    Desk *d = *state;
    catalog_unref(d->catalog);
    words_free(d->words);
    arena_free(d->arena);
    free(d);
    return 0;
}

static LetterRow row_of(const char *notification, const char *recipient, NotifyWay way) {
    return (LetterRow){.tenant_id = 3,
                       .delivery_id = 11,
                       .ticket_id = 7,
                       .seq = 1,
                       .cause = STR("7.1"),
                       .notification = str(notification),
                       .recipient = str(recipient),
                       .said = STR(SAID),
                       .way = way,
                       .created_ms = 1795305600000};
}

static const LetterPerson zhang = {
    .address = {"zhang@mail.example", 18}, .name = {"张三", 6}, .tenant = {"示例商城", 12}};

static int write_one(Desk *d, LetterRow row, LetterPerson person, Letter *ret) {
    CLEANUP(buf_done) Buf problem = {0};
    return letter_write(&d->world, d->catalog, &row, 1, false, &person, d->arena, ret, &problem);
}

#define assert_str(s, wanted) assert_true(str_is((s), (wanted)))

static void a_mail_is_in_the_words_of_its_template(void **state) {
    Letter l;
    assert_int_equal(write_one(*state, row_of("n", "requester:5", NOTIFY_BY_MAIL), zhang, &l), 0);
    assert_str(l.text, "张三 处理中 2026-11-22 00:00 https://desk.example/tickets/7 示例商城 new");
    assert_str(l.address, "zhang@mail.example");
    assert_true(l.html.n > 0); /* made from the text */
    assert_str(l.key, "d_3_11");
}

static void line_breaks_of_a_subject_make_no_header(void **state) {
    Letter l;
    assert_int_equal(write_one(*state, row_of("n", "requester:5", NOTIFY_BY_MAIL), zhang, &l), 0);
    assert_null(memchr(l.subject.p, '\n', l.subject.n));
    assert_null(memchr(l.subject.p, '\r', l.subject.n));
}

static void who_reads_english_is_written_to_in_english_at_his_hours(void **state) {
    Desk *d = *state;
    Letter l;
    LetterPerson john = zhang;
    CLEANUP(zone_freep) Zone *zone = zones_read(STR("Asia/Shanghai"));
    john.language = STR("en-US");
    john.zone = zone;
    assert_int_equal(write_one(d, row_of("n", "requester:5", NOTIFY_BY_MAIL), john, &l), 0);
    assert_str(l.text, "in progress 2026-11-22 08:00");
}

static void the_same_row_gives_the_same_letter(void **state) {
    Letter a, b;
    LetterRow row = row_of("n", "requester:5", NOTIFY_BY_MAIL);
    assert_int_equal(write_one(*state, row, zhang, &a), 0);
    assert_int_equal(write_one(*state, row, zhang, &b), 0);
    assert_true(str_eq(a.message_id, b.message_id) && str_eq(a.reply_to, b.reply_to) &&
                str_eq(a.text, b.text) && str_eq(a.unsubscribe_url, b.unsubscribe_url));
    assert_true(str_starts(a.message_id, STR("d_3_11.")));
    assert_true(str_ends(a.message_id, STR("@desk.example")));
    assert_int_equal(a.references_n, 1);
}

static void the_reply_address_says_whose_answer_it_is(void **state) {
    Desk *d = *state;
    Letter l;
    Token token;
    Str behind, text;
    assert_int_equal(write_one(d, row_of("n", "requester:5", NOTIFY_BY_MAIL), zhang, &l), 0);
    (void)str_cut(l.reply_to, '+', &behind);
    text = str_cut(behind, '@', &behind);
    assert_int_equal(token_parse(&d->key, 1, TOKEN_REPLY, text, 1795305600000, &token), 0);
    assert_int_equal(token.ticket_id, 7);
    assert_int_equal(token.person_id, 5);
    assert_int_equal(token.tenant_id, 3);
}

static void an_escalation_without_a_template_is_told_with_a_link_that_stops_it(void **state) {
    Letter l;
    LetterRow row = row_of("", "agent:9", NOTIFY_BY_MAIL);
    row.said = STR("{\"event\":{\"name\":\"promise_escalated\"},\"ticket\":{\"id\":7,\"subject\":"
                   "\"s\"},\"promise\":{\"metric\":\"first_reply\",\"level\":\"L2\","
                   "\"target_ms\":900000}}");
    assert_int_equal(write_one(*state, row, zhang, &l), 0);
    assert_non_null(strstr(l.text.p, "首次响应"));
    assert_non_null(strstr(l.text.p, "15 分钟"));
    assert_non_null(strstr(l.text.p, "https://desk.example/api/v2/links/"));
}

static void a_digest_has_each_ticket_once_as_it_is_now(void **state) {
    Desk *d = *state;
    Letter l;
    CLEANUP(buf_done) Buf problem = {0};
    LetterRow rows[3];
    for (size_t i = 0; i < 3; i++)
        rows[i] = row_of("d", "requester:5", NOTIFY_BY_MAIL);
    rows[0].said = STR("{\"event\":{\"name\":\"x\"},\"ticket\":{\"id\":1,\"subject\":\"a\"}}");
    rows[1].said = STR("{\"event\":{\"name\":\"x\"},\"ticket\":{\"id\":2,\"subject\":\"b\"}}");
    rows[2].said = STR("{\"event\":{\"name\":\"x\"},\"ticket\":{\"id\":1,\"subject\":\"c\"}}");
    assert_int_equal(
        letter_write(&d->world, d->catalog, rows, 3, true, &zhang, d->arena, &l, &problem), 0);
    assert_str(l.text, "1:c\n2:b\n");
    assert_int_equal(l.ticket_id, 0);
}

static void a_program_gets_the_event_without_what_is_only_for_people(void **state) {
    Letter l;
    assert_int_equal(
        write_one(*state, row_of("e", "system:erp", NOTIFY_BY_WEBHOOK), (LetterPerson){0}, &l), 0);
    assert_true(l.json_is_event);
    assert_null(strstr(l.json.p, "recipient"));
    assert_null(strstr(l.json.p, "show"));
    assert_non_null(strstr(l.json.p, "\"created_ms\":1795305600000"));
    assert_str(l.address, "https://erp.example/hooks");
}

static void what_the_documents_no_longer_have_is_refused_with_the_reason(void **state) {
    Letter l;
    assert_int_equal(write_one(*state, row_of("gone", "requester:5", NOTIFY_BY_MAIL), zhang, &l),
                     -EINVAL);
    assert_int_equal(
        write_one(*state, row_of("e", "system:gone", NOTIFY_BY_WEBHOOK), (LetterPerson){0}, &l),
        -EINVAL);
    LetterRow broken = row_of("n", "requester:5", NOTIFY_BY_MAIL);
    broken.said = STR("[]");
    assert_int_equal(write_one(*state, broken, zhang, &l), -EINVAL);
}

static void sms_has_its_parameters_in_the_gateways_order(void **state) {
    Letter l;
    assert_int_equal(write_one(*state, row_of("n", "requester:5", NOTIFY_BY_SMS), zhang, &l), 0);
    assert_str(l.sms_code, "SMS_1");
    assert_int_equal(l.sms_n, 1);
    assert_str(l.sms[0].value, "7");
}

static void only_people_have_a_number(void **state) {
    (void)state;
    assert_int_equal(letter_person_id(STR("requester:7")), 7);
    assert_int_equal(letter_person_id(STR("system:7")), 0);
    assert_int_equal(letter_person_id(STR("agent:x")), 0);
    assert_int_equal(letter_person_id(STR("agent")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mail_is_in_the_words_of_its_template, set_up, tear_down),
        cmocka_unit_test_setup_teardown(line_breaks_of_a_subject_make_no_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_reads_english_is_written_to_in_english_at_his_hours,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_row_gives_the_same_letter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_reply_address_says_whose_answer_it_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            an_escalation_without_a_template_is_told_with_a_link_that_stops_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_digest_has_each_ticket_once_as_it_is_now, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_program_gets_the_event_without_what_is_only_for_people,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_the_documents_no_longer_have_is_refused_with_the_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sms_has_its_parameters_in_the_gateways_order, set_up,
                                        tear_down),
        cmocka_unit_test(only_people_have_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
