/* Who is told of what: a row of a ticket's ledger becomes deliveries. */
#include "notifier/telling/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "notifier/telling/occasions.h"

static const char documents[] =
    "groups: [{name: g1, title: 售后}, {name: g2, title: 物流}]\n"
    "agents:\n"
    "  - {name: lin, title: 林悦, groups: [g1], capacity: 3}\n"
    "  - {name: wu, title: 吴建国, groups: [g1, g2], capacity: 3}\n"
    "  - {name: zhou, title: 周文, groups: [g2], capacity: 3}\n"
    "roles: [{name: 新人, based_on: agent, withdraw: [notes.read]}]\n"
    "calendars: [{name: 客服班, zone: Asia/Shanghai, week: {mon-fri: 09:00-18:00}}]\n"
    "systems: [{name: 客服群, by: dingtalk}, {name: erp, by: webhook, address: "
    "\"https://erp.example/hooks?x=1\"}, {name: 数仓, by: kafka, address: shop.tickets}]\n"
    "templates:\n"
    "  - {name: 信, subject: \"{{ticket.id}}\", text: \"{{ticket.subject}}\", markdown: \"x\",\n"
    "     sms: {code: S1, params: {no: \"{{ticket.id}}\"}}}\n"
    "  - {name: 汇总, subject: \"汇总\", text: \"{{#tickets}}{{id}} {{/tickets}}\"}\n"
    "  - {name: 暴增, subject: \"{{storm.count}}\", text: \"{{storm.count}}\", markdown: \"x\"}\n"
    "notifications:\n"
    "  - {name: 收到, event: [ticket_created, reply_received], to: requester, by: [mail, sms],\n"
    "     template: 信}\n"
    "  - {name: 新单, event: ticket_created, to: [lead, 客服群, erp, 数仓], template: 信}\n"
    "  - {name: 派单, event: ticket_assigned, to: assignee, template: 信, hours: 客服班}\n"
    "  - {name: 排队, event: ticket_queued, to: lead, template: 汇总, digest: 15m}\n"
    "  - {name: 回复, event: [reply_sent, ticket_solved], to: [requester, assignee], template: "
    "信}\n"
    "  - {name: 备注, event: note_added, to: [assignee, zhou], template: 信}\n"
    "  - {name: 抄送, event: reply_sent, to: [collaborators, followers], template: 信}\n"
    "  - {name: 关注, event: note_added, to: followers, template: 信}\n"
    "  - {name: 违约, event: promise_breached, to: lead, template: 信, urgent: on}\n"
    "  - {name: 暴增, event: storm, to: [lead, 客服群], template: 暴增, urgent: on,\n"
    "     when: {all: {category: 物流}}}\n";

enum { TENANT = 5, TICKET = 100007, G1 = 1, G2 = 2, LIN = 11, WU = 12, ZHOU = 13, BOSS = 21 };
#define ANNA INT64_C(1000000000007)
#define NOON INT64_C(1795320000000) /* 2026-11-22 12:00 in Shanghai, a Sunday */

static int64_t lookup(void *arg, const char *kind, Str name) {
    static const struct {
        const char *name;
        int64_t id;
    } ids[] = {{"g1", G1}, {"g2", G2}, {"lin", LIN}, {"wu", WU}, {"zhou", ZHOU}};
    (void)arg;
    (void)kind;
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
        if (str_is(name, ids[i].name)) return ids[i].id;
    return 900;
}

typedef struct World {
    Arena *arena;
    const Catalog *catalog;
    Directory *directory;
    PlanWorld w;
    TicketView view; /* ahead of the next row */
    Notices told;
} World;

static int setup(void **state) {
    World *x = calloc(1, sizeof(*x));
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource source = {str(documents), STR("test.yaml"), 1};
    x->arena = arena_new(0);
    x->catalog = catalog_compile(&source, 1, 3, lookup, NULL, &problems);
    if (!x->catalog) fail_msg("%s", problems.p);
    x->directory = directory_new(x->arena);
    directory_add_staff(x->directory, x->catalog, TENANT, LIN, STR("agent"), STR("lin"), true);
    directory_add_staff(x->directory, x->catalog, TENANT, WU, STR("lead"), STR("wu"), true);
    directory_add_staff(x->directory, x->catalog, TENANT, ZHOU, STR("新人"), STR("zhou"), true);
    directory_add_staff(x->directory, x->catalog, TENANT, BOSS, STR("manager"), STR("Boss"), true);
    directory_add_requester(x->directory, TENANT, ANNA, STR("安**"), true, true);
    x->w = (PlanWorld){
        .catalog = x->catalog, .directory = x->directory, .sms_gateway = "aliyun", .now_ms = NOON};
    x->told.arena = x->arena;
    *state = x;
    return 0;
}

static int teardown(void **state) {
    World *x = *state;
    catalog_unref(x->catalog);
    arena_free(x->arena);
    free(x);
    return 0;
}

/* ---- Rows ---- */

static Event created(const char *category) {
    return (Event){.tenant_id = TENANT,
                   .ticket_id = TICKET,
                   .seq = 1,
                   .kind = LEDGER_TICKET_CREATED,
                   .at_ms = NOON - 1000,
                   .created_ms = NOON - 1000,
                   .actor = STR("requester:1000000000007"),
                   .channel = STR("web"),
                   .description = STR("电话 138****5678"),
                   .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_CATEGORY | EDIT_GROUP |
                                   EDIT_REQUESTER | EDIT_SUBJECT,
                           .status = TICKET_NEW,
                           .priority = PRIORITY_NORMAL,
                           .group_id = G1,
                           .requester_id = ANNA,
                           .subject = STR("杯子碎了"),
                           .category = str(category)}};
}

static Event row(World *x, LedgerKind kind, const char *actor) {
    return (Event){.tenant_id = TENANT,
                   .ticket_id = TICKET,
                   .seq = x->view.seq + 1,
                   .kind = kind,
                   .at_ms = NOON - 500,
                   .actor = str(actor)};
}

/* What is told by this row, one line for each; the ticket moves on. */
static const char *tell(World *x, const Event *e) {
    CLEANUP(buf_done) Buf lines = {0};
    size_t from = x->told.n;
    plan_row(&x->w, &x->view, e, &x->told);
    assert_true(ticket_view_tell(&x->view, e));
    for (size_t i = from; i < x->told.n; i++) {
        const Notice *n = &x->told.all[i];
        buf_printf(&lines, "%.*s %.*s %s%s%.*s\n", STR_ARG(n->notification), STR_ARG(n->recipient),
                   notify_way_name(n->by),
                   n->dropped.n  ? " dropped: "
                   : n->in_storm ? " storm"
                                 : "",
                   STR_ARG(n->dropped));
    }
    return arena_str(x->arena, lines.n ? buf_str(&lines) : STR("")).p;
}

static Event comment(World *x, const char *actor, int64_t author, bool is_public) {
    Event e = row(x, LEDGER_TICKET_UPDATED, actor);
    e.set.comment = (EditComment){
        .present = true, .is_public = is_public, .author_id = author, .body = STR("就这样")};
    return e;
}

static void begin(World *x) {
    Event e = created("售后/破损");
    (void)tell(x, &e);
}

static void assigned_to(World *x, int64_t agent) {
    Event e = row(x, LEDGER_TICKET_ASSIGNED, "router");
    e.set.sets = EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE;
    e.set.status = TICKET_ASSIGNED;
    e.set.group_id = G1;
    e.set.assignee_id = agent;
    (void)tell(x, &e);
}

static const Notice *last(const World *x) {
    return &x->told.all[x->told.n - 1];
}

/* ---- Promises ---- */

static void a_requester_is_told_that_her_ticket_has_arrived(void **state) {
    World *x = *state;
    Event e = created("售后/破损");
    assert_string_equal(tell(x, &e), "收到 requester:1000000000007 mail\n"
                                     "收到 requester:1000000000007 sms\n"
                                     "新单 agent:12 mail\n"
                                     "新单 system:客服群 dingtalk\n"
                                     "新单 system:erp webhook\n"
                                     "新单 system:数仓 kafka\n");
    const Notice *n = x->told.all;
    assert_true(str_is(n[0].cause, "100007.1") && n[0].revision == 3 && n[0].seq == 1);
    assert_true(str_is(n[0].destination, "mail"));
    assert_true(str_is(n[1].destination, "sms:aliyun"));
    assert_true(str_is(n[3].destination, "robot:客服群"));
    assert_true(str_is(n[4].destination, "https://erp.example:443"));
    assert_true(str_is(n[5].destination, "topic:shop.tickets"));
}

static void nobody_is_told_of_what_she_did_herself(void **state) {
    World *x = *state;
    begin(x);
    assigned_to(x, LIN);
    Event e = comment(x, "agent:11", LIN, true);
    assert_string_equal(tell(x, &e), "回复 requester:1000000000007 mail\n");
    assert_int_equal(x->told.own, 1);
}

static void a_requester_who_solves_is_not_told_of_it_but_that_her_words_arrived(void **state) {
    World *x = *state;
    begin(x);
    assigned_to(x, LIN);
    Event e = comment(x, "requester:1000000000007", ANNA, true);
    assert_string_equal(tell(x, &e), "收到 requester:1000000000007 mail\n"
                                     "收到 requester:1000000000007 sms\n");
    e = row(x, LEDGER_TICKET_UPDATED, "requester:1000000000007");
    e.set.sets = EDIT_STATUS;
    e.set.status = TICKET_SOLVED;
    assert_string_equal(tell(x, &e), "回复 agent:11 mail\n");
}

static void a_private_note_reaches_nobody_who_may_not_read_notes(void **state) {
    World *x = *state;
    begin(x);
    assigned_to(x, LIN);
    Event e = comment(x, "agent:12", WU, false);
    assert_string_equal(tell(x, &e), "备注 agent:11 mail\n");
    assert_int_equal(x->told.private, 1);
    assert_true(strstr(last(x)->said.p, "就这样"));
}

static void a_private_note_is_in_no_other_message_of_its_row(void **state) {
    World *x = *state;
    begin(x);
    assigned_to(x, LIN);
    Event e = comment(x, "agent:11", LIN, false);
    e.set.sets = EDIT_STATUS;
    e.set.status = TICKET_SOLVED;
    e.set.note = STR("难缠");
    assert_string_equal(tell(x, &e), "回复 requester:1000000000007 mail\n");
    assert_null(strstr(last(x)->said.p, "就这样"));
    assert_null(strstr(last(x)->said.p, "难缠"));
}

static void one_who_replies_and_solves_tells_it_once_in_the_same_words(void **state) {
    World *x = *state;
    begin(x);
    assigned_to(x, LIN);
    Event e = comment(x, "agent:11", LIN, true);
    e.set.sets = EDIT_STATUS;
    e.set.status = TICKET_SOLVED;
    assert_string_equal(tell(x, &e), "回复 requester:1000000000007 mail\n");
}

static void quiet_hours_are_waited_for(void **state) {
    World *x = *state;
    begin(x);
    assigned_to(x, LIN);
    assert_true(str_is(last(x)->notification, "派单"));
    assert_int_equal(last(x)->due_ms, NOON + INT64_C(21) * 3600000); /* Monday, nine o'clock */
    assert_true(last(x)->expires_ms > last(x)->due_ms);
    assert_false(last(x)->urgent);
}

static void a_digest_is_of_the_events_own_window(void **state) {
    World *x = *state;
    begin(x);
    Event e = row(x, LEDGER_TICKET_QUEUED, "router");
    e.set.sets = EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE;
    e.set.status = TICKET_NEW;
    e.set.group_id = G2;
    assert_string_equal(tell(x, &e), "排队 agent:12 mail\n");
    assert_int_equal(last(x)->due_ms, NOON);
    Str fold = last(x)->fold;
    assert_true(fold.n > 0);
    x->w.now_ms += 3600000; /* a follower that comes an hour late folds it likewise */
    e.seq++;
    assert_string_equal(tell(x, &e), "排队 agent:12 mail\n");
    assert_true(str_eq(fold, last(x)->fold));
}

static void a_lead_is_of_the_tickets_group_and_without_one_it_is_the_manager(void **state) {
    World *x = *state;
    begin(x);
    Event e = row(x, LEDGER_PROMISE_BREACHED, "router");
    assert_string_equal(tell(x, &e), "违约 agent:12 mail\n");
    assert_true(last(x)->urgent);
    x->view.group_id = 0;
    e.seq++;
    assert_string_equal(tell(x, &e), "违约 user:21 mail\n");
}

static void what_a_policy_asks_for_comes_on_top_of_what_documents_tell(void **state) {
    World *x = *state;
    begin(x);
    Event e = row(x, LEDGER_PROMISE_BREACHED, "router");
    e.promise = (Promise){.metric = STR("first_reply"),
                          .policy = STR("VIP"),
                          .due_ms = NOON,
                          .notify_lead = true,
                          .notify_manager = true,
                          .notify_agent = ZHOU};
    assert_string_equal(tell(x, &e), "违约 agent:12 mail\n"
                                     "违约 user:21 mail\n"
                                     "违约 agent:13 mail\n");
    assert_true(strstr(last(x)->said.p, "\"policy\":\"VIP\""));
    e = row(x, LEDGER_PROMISE_WARNED, "router"); /* of which no document has words */
    e.promise.notify_lead = true;
    assert_string_equal(tell(x, &e), " agent:12 mail\n");
    assert_true(last(x)->urgent);
}

static void those_in_copy_and_those_who_follow_are_told_but_of_no_note(void **state) {
    World *x = *state;
    const int64_t copies[] = {ANNA + 2}, followers[] = {LIN, WU};
    directory_add_requester(x->directory, TENANT, ANNA + 2, STR("李*"), true, false);
    begin(x);
    assigned_to(x, LIN);
    Event e = comment(x, "agent:11", LIN, true);
    e.set.sets = EDIT_COLLABORATORS | EDIT_FOLLOWERS;
    e.set.collaborators = copies;
    e.set.collaborators_n = 1;
    e.set.followers = followers;
    e.set.followers_n = 2;
    assert_string_equal(tell(x, &e), "回复 requester:1000000000007 mail\n"
                                     "抄送 requester:1000000000009 mail\n"
                                     "抄送 agent:12 mail\n");
    e = comment(x, "user:21", BOSS, false);
    assert_string_equal(tell(x, &e), "备注 agent:11 mail\n"
                                     "关注 agent:12 mail\n");
}

static void who_has_no_address_is_not_told_and_it_says_so(void **state) {
    World *x = *state;
    Event e = created("售后/破损");
    e.set.requester_id = ANNA + 1; /* of whom nothing is known */
    e.actor = STR("requester:1000000000008");
    assert_non_null(strstr(tell(x, &e), "收到 requester:1000000000008 mail dropped: no address\n"));
    assert_int_equal(x->told.nobody, 1);
    x->told.n = 0;
    directory_add_requester(x->directory, TENANT, ANNA + 1, STR("李*"), false, true);
    x->view = (TicketView){0};
    const char *now = tell(x, &e);
    assert_non_null(strstr(now, "收到 requester:1000000000008 sms\n"));
    assert_null(strstr(now, "dropped"));
    x->told.n = 0;
    x->w.sms_gateway = "none";
    x->view = (TicketView){0};
    assert_non_null(strstr(tell(x, &e), "dropped: no address"));
}

static void what_a_storm_would_tell_is_marked_and_only_that(void **state) {
    World *x = *state;
    Event e = created("物流/丢件");
    assert_string_equal(tell(x, &e), "收到 requester:1000000000007 mail\n"
                                     "收到 requester:1000000000007 sms\n"
                                     "新单 agent:12 mail storm\n"
                                     "新单 system:客服群 dingtalk storm\n"
                                     "新单 system:erp webhook\n"
                                     "新单 system:数仓 kafka\n");
    assert_true(plan_counts(&x->w, &x->view));
    x->view.category = STR("售后/破损"); /* of which no storm is told */
    assert_false(plan_counts(&x->w, &x->view));
}

static void a_storm_is_told_to_the_leads_of_all_its_groups_once(void **state) {
    World *x = *state;
    const int64_t groups[] = {G2, G1};
    const StormTicket some[] = {{TICKET, STR("丢了"), STR("urgent"), STR("物流/丢件")}};
    const Storm storm = {.tenant_id = TENANT,
                         .category = STR("物流"),
                         .starts_ms = NOON - 300000,
                         .ends_ms = NOON,
                         .tickets = 312,
                         .urgent = 41,
                         .groups = groups,
                         .groups_n = 2,
                         .some = some,
                         .some_n = 1};
    plan_storm(&x->w, &storm, &x->told);
    assert_int_equal(x->told.n, 2);
    assert_true(str_is(x->told.all[0].recipient, "agent:12"));
    assert_true(str_is(x->told.all[1].recipient, "system:客服群"));
    assert_true(str_is(x->told.all[0].cause, "storm.物流.1795319700000.1"));
    assert_non_null(strstr(x->told.all[0].said.p,
                           "\"storm\":{\"count\":312,\"urgent\":41,\"minutes\":5,\"kind\":\"物流\","
                           "\"group\":\"物流\""));
    assert_int_equal(x->told.all[0].ticket_id, 0);
}

static void a_long_text_is_cut_at_a_characters_end(void **state) {
    World *x = *state;
    CLEANUP(buf_done) Buf text = {0};
    buf_addc(&text, 'x');
    while (text.n < 2 * SAID_TEXT_MAX)
        buf_adds(&text, "茶");
    Event e = created("售后");
    e.description = buf_str(&text);
    (void)tell(x, &e);
    Str said = x->told.all[0].said;
    assert_true(said.n < SAID_TEXT_MAX + 2000 && str_is_text(said));
    assert_non_null(strstr(said.p, "茶…\""));
}

static void the_name_in_clear_is_for_those_who_may_see_it(void **state) {
    World *x = *state;
    begin(x);
    for (size_t i = 0; i < x->told.n; i++) {
        bool lead = str_is(x->told.all[i].recipient, "agent:12");
        bool may = rights_builtin(ROLE_LEAD) & right_bit(RIGHT_PERSONAL_SHOW);
        assert_int_equal(strstr(x->told.all[i].said.p, "\"show\":true") != NULL, lead && may);
        assert_non_null(strstr(x->told.all[i].said.p, "\"requester\":\"安**\""));
    }
}

static void what_no_document_tells_is_not_even_looked_at(void **state) {
    World *x = *state;
    Event e = row(x, LEDGER_TICKET_NOTED, "router");
    assert_false(plan_interested(x->catalog, &e));
    e = row(x, LEDGER_TICKET_RELEASED, "router");
    assert_false(plan_interested(x->catalog, &e));
    e = row(x, LEDGER_PROMISE_ESCALATED, "router");
    assert_false(plan_interested(x->catalog, &e));
    e.promise.notify_manager = true;
    assert_true(plan_interested(x->catalog, &e));
    e = created("售后");
    assert_true(plan_interested(x->catalog, &e));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_requester_is_told_that_her_ticket_has_arrived),
        TEST(nobody_is_told_of_what_she_did_herself),
        TEST(a_requester_who_solves_is_not_told_of_it_but_that_her_words_arrived),
        TEST(a_private_note_reaches_nobody_who_may_not_read_notes),
        TEST(a_private_note_is_in_no_other_message_of_its_row),
        TEST(one_who_replies_and_solves_tells_it_once_in_the_same_words),
        TEST(quiet_hours_are_waited_for),
        TEST(a_digest_is_of_the_events_own_window),
        TEST(a_lead_is_of_the_tickets_group_and_without_one_it_is_the_manager),
        TEST(what_a_policy_asks_for_comes_on_top_of_what_documents_tell),
        TEST(those_in_copy_and_those_who_follow_are_told_but_of_no_note),
        TEST(who_has_no_address_is_not_told_and_it_says_so),
        TEST(what_a_storm_would_tell_is_marked_and_only_that),
        TEST(a_storm_is_told_to_the_leads_of_all_its_groups_once),
        TEST(a_long_text_is_cut_at_a_characters_end),
        TEST(the_name_in_clear_is_for_those_who_may_see_it),
        TEST(what_no_document_tells_is_not_even_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
