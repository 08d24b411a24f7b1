/* Systems, templates and notifications: who is told of what, and what a document may not say. */
#include "documents/notifications.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "documents/diff.h"
#include "promise/days.h"

#define SHOP                                                                                             \
    "groups: [{name: 售后}, {name: 投诉}]\n"                                                         \
    "agents: [{name: lin.yue, groups: [售后], capacity: 3}]\n"                                         \
    "calendars: [{name: 客服班, zone: Asia/Shanghai, week: {mon-fri: 09:00-18:00}}]\n"                \
    "systems: [{name: 客服群, by: dingtalk}, {name: 企微群, by: wecom}, {name: erp, by: webhook, " \
    "address: \"https://erp.example/hooks\"}]\n"
#define TEMPLATES                                                                                  \
    "templates:\n"                                                                                 \
    "  - name: 信\n"                                                                              \
    "    subject: \"[#{{ticket.id}}] {{ticket.subject}}\"\n"                                       \
    "    text: |\n"                                                                                \
    "      您好，{{recipient.name}}：\n"                                                       \
    "      {{ticket.description}}\n"                                                               \
    "    markdown: \"### {{ticket.subject}}\"\n"                                                   \
    "    sms: {code: SMS_1, params: {no: \"{{ticket.id}}\", name: \"{{ticket.subject}}\"}}\n"      \
    "    in:\n"                                                                                    \
    "      en:\n"                                                                                  \
    "        subject: \"[#{{ticket.id}}] received\"\n"                                             \
    "        text: \"Dear {{recipient.name}}\"\n"                                                  \
    "        markdown: \"### Ticket {{ticket.id}}\"\n"                                             \
    "        sms: {code: SMS_2, params: {no: \"{{ticket.id}}\"}}\n"                                \
    "  - {name: 汇总, subject: \"{{#tickets}}{{id}} {{/tickets}}\", text: "                      \
    "\"{{#tickets}}{{subject}}{{/tickets}}\"}\n"                                                   \
    "  - {name: 回复, subject: \"Re\", text: \"{{comment.text}}\"}\n"

static const char shop[] = SHOP TEMPLATES
    "notifications:\n"
    "  - {name: 收到, event: ticket_created, to: requester, by: [mail, sms], "
    "template: 信}\n"
    "  - name: VIP\n"
    "    event: [promise_breached, promise_escalated]\n"
    "    when: {all: {tier: vip}}\n"
    "    to: [lead, manager, 客服群, lin.yue]\n"
    "    template: 信\n"
    "    urgent: on\n"
    "  - {name: 违约, event: promise_breached, to: [lead, erp], template: 信, hours: "
    "客服班}\n"
    "  - {name: 汇总, event: ticket_queued, to: lead, template: 汇总, digest: 15m}\n"
    "  - {name: 程序, event: [ticket_created, storm], to: erp}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    (void)kind;
    return 1001 + (int64_t)name.n;
}

static Catalog *compile(const char *text, Buf *problems) {
    DocumentSource source = {str(text), STR("shop.yaml"), 1};
    return catalog_compile(&source, 1, 3, lookup, NULL, problems);
}

static int open_shop(void **state) {
    CLEANUP(buf_done) Buf problems = {0};
    Catalog *c = compile(shop, &problems);
    if (!c) print_error("%s", problems.p);
    *state = c;
    return c ? 0 : -1;
}

static int close_shop(void **state) {
    (void)catalog_unref(*state);
    return 0;
}

/* "收到:requester:mail 收到:requester:sms " */
static void assert_told(const Catalog *c, const char *tier, NotifyEvent event, const char *wanted) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf told = {0};
    Facts facts = {.at = {[FACT_TIER] = str(tier)}};
    const Telling *t;
    size_t n = catalog_notifications_for(c, &facts, event, arena, &t);
    for (size_t i = 0; i < n; i++)
        buf_printf(&told, "%.*s:%s:%s ", STR_ARG(t[i].notification->name),
                   audience_name(t[i].to.audience), notify_way_name(t[i].by));
    assert_string_equal(told.n ? told.p : "", wanted);
}

static void everybody_named_is_told_once_by_each_way(void **state) {
    assert_told(*state, "", NOTIFY_TICKET_CREATED,
                "收到:requester:mail 收到:requester:sms 程序:system:webhook ");
    assert_told(*state, "", NOTIFY_PROMISE_BREACHED, "违约:lead:mail 违约:system:webhook ");
    assert_told(*state, "vip", NOTIFY_PROMISE_BREACHED,
                "VIP:lead:mail VIP:manager:mail VIP:system:dingtalk VIP:agent:mail "
                "违约:system:webhook ");
    assert_told(*state, "vip", NOTIFY_PROMISE_ESCALATED,
                "VIP:lead:mail VIP:manager:mail VIP:system:dingtalk VIP:agent:mail ");
    assert_told(*state, "vip", NOTIFY_TICKET_CLOSED, "");
    assert_told(*state, "", NOTIFY_STORM, "程序:system:webhook ");
}

static void a_recipient_is_who_the_document_names(void **state) {
    const Notification *vip = catalog_notification(*state, STR("VIP"));
    assert_int_equal(vip->to_n, 4);
    assert_int_equal(vip->to[3].agent_id, 1008);
    assert_true(str_is(vip->to[2].system->name, "客服群"));
    assert_true(vip->urgent);
    assert_int_equal(catalog_notification(*state, STR("汇总"))->digest_ms, 15 * 60000);
    assert_null(catalog_notification(*state, STR("程序"))->words);
    assert_true(str_is(catalog_system(*state, STR("erp"))->address, "https://erp.example/hooks"));
    assert_null(catalog_notification(*state, STR("nobody")));
}

static void the_wording_is_that_of_the_readers_language(void **state) {
    const MessageTemplate *m = catalog_template(*state, STR("信"));
    assert_int_equal(m->wordings_n, 2);
    assert_true(str_is(message_wording(m, STR("en-US"))->language, "en"));
    assert_true(str_is(message_wording(m, STR("EN"))->language, "en"));
    assert_true(str_is(message_wording(m, STR("zh-CN"))->language, "zh"));
    assert_true(str_is(message_wording(m, STR("eng"))->language, "zh"));
    assert_true(str_is(message_wording(m, STR(""))->language, "zh"));
    const Wording *w = message_wording(m, STR("zh"));
    assert_int_equal(w->sms_n, 2);
    assert_true(str_is(w->sms[0].name, "no"));
}

static void a_sample_shows_what_its_reader_will_see(void **state) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf text = {0};
    const TemplateValue *sample;
    size_t n = notification_sample(NOTIFY_TICKET_CREATED, false, true, arena, &sample);
    const Wording *w = message_wording(catalog_template(*state, STR("信")), STR("zh"));
    assert_int_equal(template_render(w->text, sample, n, notify_way_bytes(NOTIFY_BY_MAIL), &text),
                     TEMPLATE_WHOLE);
    assert_non_null(strstr(text.p, "您好，张三：\n您好：\n收到时杯子已经碎了"));
}

/* Friday 2026-11-20, 17:59:59.999 and 18:00 in Shanghai; Monday 09:00. */
static void what_comes_outside_of_its_hours_waits_for_them(void **state) {
    const Notification *n = catalog_notification(*state, STR("违约"));
    int64_t six = days_from_date(2026, 11, 20) * DAY_MS + 10 * (int64_t)3600000;
    assert_int_equal(notification_not_before(n, six - 1), six - 1);
    assert_int_equal(notification_not_before(n, six),
                     days_from_date(2026, 11, 23) * DAY_MS + (int64_t)3600000);
    assert_int_equal(notification_not_before(catalog_notification(*state, STR("VIP")), six), six);
    assert_int_equal(notification_not_before(catalog_notification(*state, STR("收到")), six), six);
}

static void documents_without_them_tell_nobody(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf problems = {0};
    Catalog *c = compile("groups: [{name: a}]\n", &problems);
    assert_non_null(c);
    assert_told(c, "", NOTIFY_TICKET_CREATED, "");
    assert_null(catalog_template(c, STR("x")));
    catalog_unref(c);
}

static void what_would_change_is_shown_thing_by_thing(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    DocumentSource before = {STR(SHOP TEMPLATES), STR("a"), 1}, after = {str(shop), STR("b"), 1};
    const DocumentChange *changes;
    assert_int_equal(documents_diff(&before, 1, &after, 1, arena, &changes), 5);
    assert_int_equal(changes[0].kind, DIFF_ADDED);
    assert_true(str_is(changes[0].section, "notifications"));
    assert_true(str_is(changes[0].name, "收到"));
}

/* The demonstration's own documents: every template in both languages, rendered for every event
 * that it is used for. */
static void the_demo_shop_tells_in_two_languages(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf text = {0}, problems = {0};
    char bytes[4096];
    FILE *in = fopen("deploy/demo/shop.yaml", "re");
    assert_non_null(in);
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), in)) > 0;)
        buf_add(&text, bytes, n);
    assert_int_equal(fclose(in), 0);
    Catalog *c = compile(text.p, &problems);
    if (!c) fail_msg("%s", problems.p);
    const Notification *all;
    size_t n = catalog_notifications(c, &all);
    assert_true(n >= 6);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].words) continue;
        assert_int_equal(all[i].words->wordings_n, 2);
        for (int e = 0; e < NOTIFY_EVENTS; e++) {
            const TemplateValue *sample;
            if (!(all[i].events >> e & 1)) continue;
            size_t m =
                notification_sample((NotifyEvent)e, all[i].digest_ms > 0, true, arena, &sample);
            const Wording *en = message_wording(all[i].words, STR("en"));
            buf_clear(&text);
            assert_int_equal(template_render(en->subject, sample, m, 998, &text), TEMPLATE_WHOLE);
            assert_true(text.n > 5 && !strchr(text.p, '\n'));
            assert_int_equal(template_render(en->text, sample, m, 65536, &text), TEMPLATE_WHOLE);
        }
    }
    assert_told(c, "", NOTIFY_TICKET_CREATED, "收到工单:requester:mail 事件流:system:kafka ");
    assert_told(c, "", NOTIFY_PROMISE_BREACHED, "承诺违约:lead:mail 承诺违约:system:dingtalk ");
    catalog_unref(c);
}

typedef struct Wrong {
    const char *text, *says;
} Wrong;

static void assert_refused(const char *before, const Wrong *wrong, size_t n) {
    for (size_t i = 0; i < n; i++) {
        CLEANUP(buf_done) Buf text = {0}, problems = {0};
        buf_printf(&text, "%s%s", before, wrong[i].text);
        const Catalog *c = compile(text.p, &problems);
        if (c) fail_msg("taken: %s", wrong[i].text);
        if (!strstr(problems.p, wrong[i].says))
            fail_msg("%s\nsays: %s\nand not: %s", wrong[i].text, problems.p, wrong[i].says);
        if (strchr(problems.p, '\n')[1])
            fail_msg("%s\nis one mistake, not:\n%s", wrong[i].text, problems.p);
    }
}

#define NOTIFY(inside) "notifications: [{name: n, " inside "}]\n"

static void notifications_that_reach_nobody_or_the_wrong_are_refused(void **state) {
    (void)state;
    static const Wrong wrong[] = {
        {NOTIFY("to: lead, template: 信"), "shop.yaml:21: notification `n`: no `event`"},
        {NOTIFY("event: ticket_creatd, to: lead, template: 信"),
         "unknown event `ticket_creatd`; did you mean `ticket_created`?"},
        {NOTIFY("event: birthday, to: lead, template: 信"), "possible are ticket_created, "},
        {NOTIFY("event: storm, template: 汇总"), "no `to`"},
        {NOTIFY("event: ticket_created, to: requestor, template: 信"),
         "nobody is called `requestor`; did you mean `requester`?"},
        {NOTIFY("event: ticket_created, to: 客服裙, template: 信"), "did you mean `客服群`?"},
        {NOTIFY("event: storm, to: requester, template: 汇总"), "a storm is many tickets"},
        {NOTIFY("event: note_added, to: requester, template: 信"),
         "private notes are not for those who write from outside"},
        {NOTIFY("event: note_added, to: collaborators, template: 信"), "private notes"},
        {NOTIFY("event: ticket_queued, to: assignee, template: 信"),
         "a ticket that waits has none"},
        {NOTIFY("event: ticket_created, to: lead, by: dingtalk, template: 信"),
         "people are not told by `dingtalk`; possible are mail and sms"},
        {NOTIFY("event: ticket_created, to: erp, by: mail"), "a system has a way of its own"},
        {NOTIFY("event: ticket_created, to: lead"), "no `template`"},
        {NOTIFY("event: ticket_created, to: lead, template: 心"), "unknown template `心`"},
        {NOTIFY("event: ticket_created, to: lead, by: sms, template: 汇总"),
         "has no `sms` for sms"},
        {NOTIFY("event: ticket_created, to: 客服群, template: 汇总"),
         "has no `subject` and `markdown` for dingtalk"},
        {NOTIFY("event: ticket_created, to: lead, template: 回复"),
         "template `回复` needs `comment`, which ticket_created has not; ask first: {{#comment}}"},
        {NOTIFY("event: storm, to: lead, template: 信"), "needs `ticket`, which storm has not"},
        {NOTIFY("event: ticket_created, to: lead, template: 信, digest: 5m"),
         "needs `ticket`, which a digest of ticket_created has not"},
        {NOTIFY("event: ticket_created, to: lead, template: 汇总, digest: 5s"),
         "`digest` must be 1m to 1d"},
        {NOTIFY("event: ticket_created, to: [lead, erp], template: 汇总, digest: 5m"),
         "programs are told of each event"},
        {NOTIFY("event: ticket_created, to: lead, template: 汇总, digest: 5m, urgent: on"),
         "`urgent` waits for no digest"},
        {NOTIFY("event: ticket_created, to: lead, template: 信, hours: 客服班, urgent: on"),
         "`urgent` waits for no hours"},
        {NOTIFY("event: ticket_created, to: lead, template: 信, hours: 夜班"),
         "unknown calendar `夜班`"},
        {NOTIFY("event: ticket_created, to: lead, template: 信, when: {all: {colour: red}}"),
         "unknown field `colour`"},
        {NOTIFY("event: ticket_created, to: lead, template: 信, wen: 1"),
         "unknown key `wen`; did you mean `when`?"},
        {"notifications:\n  - {name: a, event: ticket_solved, to: lead, template: 信}\n"
         "  - {name: b, event: ticket_solved, to: lead, template: 汇总, when: {all: {tier: "
         "vip}}}\n",
         "shop.yaml:23: notification `b`: it can never tell anybody: `a` (line 22) has told them"},
        {NOTIFY("event: ticket_solved, to: lead, template: 信, when: {all: [{tier: a}, {tier: "
                "{is_not: a}}]}"),
         "`all` demands a condition and its opposite"},
    };
    assert_refused(SHOP TEMPLATES, wrong, sizeof(wrong) / sizeof(*wrong));
}

#define LETTER(inside) "templates:\n  - name: t\n    subject: s\n" inside

static void templates_that_would_fail_their_reader_are_refused(void **state) {
    (void)state;
    static const Wrong wrong[] = {
        {"templates: [{name: t}]\n", "shop.yaml:5: template `t`: it has no words"},
        {LETTER("    text: |\n      a\n      {{ticket.subjct}}\n"),
         "shop.yaml:10: template `t`: `text`: unknown variable `ticket.subjct`; did you mean "
         "`ticket.subject`?"},
        {LETTER("    text: \"{{ticket.subjct}}\"\n"), "shop.yaml:8: template `t`: `text`"},
        {LETTER("    text: \"\"\n"), "`text` is empty"},
        {LETTER("    html: <b>{{ticket.subject}}</b>\n"), "`html` without `text`"},
        {LETTER("    text: a\n    html: <p title={{ticket.id}}>\n"),
         "must stand in a quoted attribute"},
        {LETTER("    json: '{\"tags\": [{{#ticket.tags}}\"{{.}}\",{{/ticket.tags}}]}'\n"),
         "`json` gives no valid JSON for a sample of ticket_created"},
        {LETTER("    json: '{\"a\": {{promise.policy}}}'\n"), "put it in quotes"},
        {LETTER("    json: '{\"a\": 1, \"a\": \"{{promise.policy}}\"}'\n"),
         "no valid JSON for a sample of promise_warned"},
        {LETTER("    sms: {params: {a: b}}\n"), "`sms` has no `code`"},
        {LETTER("    sms: {code: S, params: {a: \"{{b}}\"}}\n"),
         "`sms.params.a`: unknown variable"},
        {LETTER("    language: chinese\n"), "`chinese` is no language"},
        {LETTER("    text: a\n    in: {en: {subject: s}}\n"),
         "`text` is there in zh and missing in en"},
        {LETTER("    in: {en: {subject: s, text: a}}\n"),
         "`text` is there in en and missing in zh"},
        {LETTER("    in: {zh: {subject: s}}\n"), "the language `zh` is there already"},
        {LETTER("    in: {en: {subject: \"{{x}}\"}}\n"), "`in.en.subject`: unknown variable `x`"},
        {LETTER("    texd: a\n"), "unknown key `texd`; did you mean `text`?"},
    };
    assert_refused(SHOP, wrong, sizeof(wrong) / sizeof(*wrong));
}

#define SYSTEM(inside)                                                                             \
    "groups: [{name: a}]\nagents: [{name: lin, groups: [a]}]\nsystems: [{name: s, " inside "}]\n"
#define HOOK(url) SYSTEM("by: webhook, address: \"" url "\"")

static void systems_that_lead_astray_are_refused(void **state) {
    (void)state;
    static const Wrong wrong[] = {
        {SYSTEM("title: t"), "shop.yaml:3: system `s`: no `by`"},
        {SYSTEM("by: mail"), "a system is not told by `mail`"},
        {SYSTEM("by: dingding"), "a system is not told by `dingding`"},
        {SYSTEM("by: webhok, address: a"), "did you mean `webhook`?"},
        {SYSTEM("by: webhook"), "no `address`; give the URL"},
        {SYSTEM("by: kafka"), "no `address`; give the topic"},
        {SYSTEM("by: kafka, address: docket.events"), "not one of Docket's own"},
        {SYSTEM("by: kafka, address: a/b"), "is no topic"},
        {SYSTEM("by: feishu, address: \"https://x.example/key\""),
         "a robot's address holds its key"},
        {HOOK("http://erp.example/"), "must begin with https://"},
        {HOOK("ftp://erp.example/"), "must begin with https://"},
        {HOOK("https://a:b@erp.example/"), "holds a name or password"},
        {HOOK("https://erp.example/#x"), "holds a blank, a fragment"},
        {HOOK("https://erp.example:0/"), "a port that is none"},
        {HOOK("https://erp.example:99999/"), "a port that is none"},
        {HOOK("https:///x"), "has no host"},
        {HOOK("https://erp_ä.example/"), "must be percent-encoded"},
        {HOOK("https://localhost/"), "leads into a private network"},
        {HOOK("https://db/"), "leads into a private network"},
        {HOOK("https://x.internal./"), "leads into a private network"},
        {HOOK("https://10.1.2.3/"), "leads into a private network"},
        {HOOK("https://172.31.255.255/"), "leads into a private network"},
        {HOOK("https://100.64.0.1:8443/"), "leads into a private network"},
        {HOOK("https://169.254.169.254/latest"), "leads into a private network"},
        {HOOK("https://2130706433/"), "an IPv4 address that is none"},
        {HOOK("https://127.1/"), "an IPv4 address that is none"},
        {HOOK("https://0x7f.0.0.1/"), "an IPv4 address that is none"},
        {HOOK("https://[::1]/"), "leads into a private network"},
        {HOOK("https://[::ffff:10.0.0.1]:443/"), "leads into a private network"},
        {HOOK("https://[fd00::1]/"), "leads into a private network"},
        {HOOK("https://[::zz]/"), "an IPv6 address that is none"},
        {"groups: [{name: a}]\nsystems: [{name: lead, by: wecom}]\n", "means somebody already"},
        {"groups: [{name: a}]\nagents: [{name: lin, groups: [a]}]\nsystems: [{name: lin, by: "
         "wecom}]\n",
         "an agent has that name"},
    };
    assert_refused("", wrong, sizeof(wrong) / sizeof(*wrong));
    static const char *const right[] = {
        HOOK("https://erp.example"),
        HOOK("https://8.8.8.8:8443/a?b=c"),
        HOOK("https://[2400:3200::1]/"),
        HOOK("https://172.32.0.1/"),
        SYSTEM("by: webhook, private: on, address: \"http://10.0.0.8:8080/x\""),
        SYSTEM("by: kafka, address: shop.tickets-1")};
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        CLEANUP(buf_done) Buf problems = {0};
        Catalog *c = compile(right[i], &problems);
        if (!c) fail_msg("%s\n%s", right[i], problems.p);
        catalog_unref(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_named_is_told_once_by_each_way),
        cmocka_unit_test(a_recipient_is_who_the_document_names),
        cmocka_unit_test(the_wording_is_that_of_the_readers_language),
        cmocka_unit_test(a_sample_shows_what_its_reader_will_see),
        cmocka_unit_test(what_comes_outside_of_its_hours_waits_for_them),
        cmocka_unit_test(documents_without_them_tell_nobody),
        cmocka_unit_test(the_demo_shop_tells_in_two_languages),
        cmocka_unit_test(what_would_change_is_shown_thing_by_thing),
        cmocka_unit_test(notifications_that_reach_nobody_or_the_wrong_are_refused),
        cmocka_unit_test(templates_that_would_fail_their_reader_are_refused),
        cmocka_unit_test(systems_that_lead_astray_are_refused),
    };
    return cmocka_run_group_tests(tests, open_shop, close_shop);
}
