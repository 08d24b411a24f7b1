/* What a catalog promises: documents become groups, agents and decisions. */
#include "documents/catalog.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char shop[] =
    "settings: {default_group: 售后, aging: 20m, default_category: 未分类, presence_timeout: 90s}\n"
    "skills: [清关, 英语, 退款审批]\n"
    "groups:\n"
    "  - {name: 售后, title: 售后服务}\n"
    "  - {name: 跨境, fallback: 售后, fallback_after: 90s}\n"
    "  - {name: VIP}\n"
    "agents:\n"
    "  - {name: lin.yue, title: 林悦, groups: [跨境, 售后], skills: [英语, 清关], capacity: 12,"
    " capacity_max: 30, duty: on}\n"
    "  - {name: zhao.ke, groups: [售后]}\n"
    "rules:\n"
    "  - name: 跨境清关\n"
    "    when:\n"
    "      all:\n"
    "        - region: [us, eu]\n"
    "      any:\n"
    "        - text: {contains: [清关, customs]}\n"
    "        - custom.duty: {present: true}\n"
    "    set: {group: 跨境, category: 跨境/清关, priority: high, skills: [清关], tags: [清关]}\n"
    "  - name: 英文\n"
    "    when: {all: {language: en}}\n"
    "    set: {skills: [英语], tags: [english]}\n"
    "  - name: 审批\n"
    "    when: {all: {tags: refund}}\n"
    "    set: {skills: [退款审批]}\n"
    "  - name: 拒收\n"
    "    when: {all: {channel: spam}}\n"
    "    set: {priority: low, category: 垃圾}\n"
    "    stop: on\n"
    "  - name: 贵宾\n"
    "    when: {all: {tier: vip}}\n"
    "    set: {group: VIP, priority: urgent, category: 贵宾, kind: 投诉}\n"
    "    override: on\n"
    "  - name: 其余\n"
    "    set: {priority: low, kind: 售后}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    if (strcmp(kind, "group") == 0)
        return str_is(name, "售后") ? 1001 : str_is(name, "跨境") ? 1002 : 999;
    return str_is(name, "lin.yue") ? 2002 : 2001;
}

static Catalog *compile(const char *text, Buf *problems) {
    DocumentSource source = {str(text), STR("shop.yaml"), 1};
    return catalog_compile(&source, 1, 12, lookup, NULL, problems);
}

typedef struct World {
    Catalog *c;
    Arena *arena;
    TicketFacts facts;
} World;

static int build(void **state) {
    static World w;
    Buf problems = {0};
    w.c = compile(shop, &problems);
    if (problems.n) print_error("%s", problems.p);
    buf_done(&problems);
    w.arena = arena_new(0);
    *state = &w;
    return w.c ? 0 : -1;
}

static int demolish(void **state) {
    World *w = *state;
    catalog_unref(w->c);
    arena_free(w->arena);
    return 0;
}

static const TicketFacts *classify(void **state, Submission s) {
    World *w = *state;
    catalog_classify(w->c, &s, w->arena, &w->facts);
    return &w->facts;
}

#define assert_str(a, literal) assert_true(str_eq((a), STR(literal)))

static void groups_and_agents_are_what_the_document_says(void **state) {
    const Catalog *c = ((World *)*state)->c;
    const Group *groups;
    const Agent *agents;
    assert_int_equal(catalog_groups(c, &groups), 3);
    assert_int_equal(catalog_agents(c, &agents), 2);
    assert_str(groups[0].title, "售后服务");
    assert_str(groups[1].title, "跨境");
    assert_int_equal(groups[1].fallback_id, 1001);
    assert_int_equal(groups[1].fallback_after_ms, 90000);
    assert_int_equal(groups[0].fallback_id, 0);
    const Agent *lin = catalog_agent(c, 2002);
    assert_ptr_equal(lin, &agents[0]);
    assert_str(lin->title, "林悦");
    assert_int_equal(lin->capacity, 12);
    assert_true(lin->on_duty);
    assert_int_equal(lin->groups_n, 2);
    assert_int_equal(lin->groups[0], 1002);
    assert_int_equal(lin->skills_n, 2);
    assert_str(lin->skills[0], "清关");
    assert_str(lin->skills[1], "英语");
    assert_int_equal(lin->capacity_max, 30);
    assert_int_equal(agents[1].capacity, 10);
    assert_int_equal(agents[1].capacity_max, 10);
    assert_int_equal(catalog_presence_timeout_ms(c), 90000);
    assert_false(agents[1].on_duty);
    assert_ptr_equal(catalog_group(c, 999), &groups[2]);
    assert_null(catalog_group(c, 1003));
    assert_null(catalog_agent(c, 1));
    assert_int_equal(catalog_aging_ms(c), 20 * 60 * 1000);
    assert_int_equal(catalog_revision(c), 12);
}

static void a_ticket_no_rule_wants_goes_to_the_default_group(void **state) {
    static const char plain[] =
        "groups: [{name: 售后}, {name: 跨境}]\nsettings: {default_group: 跨境}\n";
    Buf problems = {0};
    Catalog *c = compile(plain, &problems);
    assert_non_null(c);
    TicketFacts f;
    catalog_classify(c, &(Submission){.subject = STR("x")}, ((World *)*state)->arena, &f);
    assert_int_equal(f.group_id, 1002);
    assert_str(f.category, "其他");
    assert_str(f.kind, "咨询");
    assert_int_equal(f.priority, PRIORITY_NORMAL);
    assert_str(f.reason,
               "{\"rules\":[],\"matched\":\"没有规则符合，进入默认组 跨境\",\"revision\":12}");
    catalog_unref(c);
}

static void the_first_rule_that_holds_decides_and_says_why(void **state) {
    const TicketFacts *f = classify(
        state, (Submission){.region = STR("US"), .description = STR("包裹卡在Customs三天了")});
    assert_int_equal(f->group_id, 1002);
    assert_str(f->category, "跨境/清关");
    assert_int_equal(f->priority, PRIORITY_HIGH);
    assert_str(f->kind, "售后");
    assert_int_equal(f->skills_n, 1);
    assert_str(f->skills[0], "清关");
    assert_int_equal(f->tags_n, 1);
    assert_str(f->tags[0], "清关");
    assert_str(f->reason, "{\"rules\":[\"跨境清关\",\"其余\"],\"matched\":\"地区 us，关键词 "
                          "customs；总是适用\",\"revision\":12}");
}

static void custom_fields_are_read_from_the_submissions_json(void **state) {
    const TicketFacts *f = classify(
        state, (Submission){.region = STR("eu"), .custom_fields = STR("{\"duty\": 12.5}")});
    assert_int_equal(f->group_id, 1002);
    f = classify(state,
                 (Submission){.region = STR("eu"), .custom_fields = STR("{\"duty\": null}")});
    assert_int_equal(f->group_id, 1001);
    f = classify(state, (Submission){.region = STR("eu"), .custom_fields = STR("broken")});
    assert_int_equal(f->group_id, 1001);
}

static void what_the_submission_names_stands_before_the_rules(void **state) {
    const TicketFacts *f = classify(state, (Submission){.kind = STR("投诉"),
                                                        .priority = STR("normal"),
                                                        .group_id = 999,
                                                        .region = STR("us"),
                                                        .subject = STR("清关")});
    assert_str(f->kind, "投诉");
    assert_int_equal(f->priority, PRIORITY_NORMAL);
    assert_int_equal(f->group_id, 999);
    assert_int_equal(f->skills_n, 0); /* they belong to a group that was not taken */
    assert_str(f->category, "跨境/清关");
}

static void a_group_nobody_knows_is_as_good_as_none(void **state) {
    assert_int_equal(classify(state, (Submission){.group_id = 424242})->group_id, 1001);
}

static void an_overriding_rule_replaces_group_and_its_skills(void **state) {
    const TicketFacts *f = classify(state, (Submission){.region = STR("us"),
                                                        .subject = STR("清关"),
                                                        .tier = STR("VIP"),
                                                        .kind = STR("咨询"),
                                                        .priority = STR("low")});
    assert_int_equal(f->group_id, 999);
    assert_int_equal(f->priority, PRIORITY_URGENT);
    assert_int_equal(f->skills_n, 0);
    assert_str(f->category, "贵宾");
    assert_str(f->kind, "投诉");
}

static void a_stopping_rule_hides_the_later_ones(void **state) {
    const TicketFacts *f =
        classify(state, (Submission){.channel = STR("spam"), .tier = STR("vip")});
    assert_int_equal(f->group_id, 1001);
    assert_str(f->category, "垃圾");
    assert_str(f->kind, "咨询");
}

static void skills_nobody_in_the_group_has_are_waived_and_said(void **state) {
    Str tags[] = {STR("refund"), STR("english")};
    const TicketFacts *f = classify(state, (Submission){.region = STR("us"),
                                                        .subject = STR("清关"),
                                                        .language = STR("en"),
                                                        .tags = tags,
                                                        .tags_n = 2});
    assert_int_equal(f->skills_n, 2); /* 清关 of the group, 英语; nobody has 退款审批 as well */
    assert_str(f->skills[0], "清关");
    assert_str(f->skills[1], "英语");
    assert_int_equal(f->tags_n, 3); /* english was there already */
    assert_non_null(strstr(arena_strndup(((World *)*state)->arena, f->reason.p, f->reason.n),
                           "；组内无人具备 退款审批\""));
}

static void a_reference_keeps_the_catalog(void **state) {
    Buf problems = {0};
    Catalog *c = compile(shop, &problems);
    Catalog *shared = catalog_ref(c);
    assert_null(catalog_unref(c));
    assert_int_equal(catalog_revision(shared), 12);
    TicketFacts f;
    catalog_classify(shared, &(Submission){.tier = STR("vip")}, ((World *)*state)->arena, &f);
    assert_int_equal(f.group_id, 999);
    catalog_unref(shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_and_agents_are_what_the_document_says),
        cmocka_unit_test(a_ticket_no_rule_wants_goes_to_the_default_group),
        cmocka_unit_test(the_first_rule_that_holds_decides_and_says_why),
        cmocka_unit_test(custom_fields_are_read_from_the_submissions_json),
        cmocka_unit_test(what_the_submission_names_stands_before_the_rules),
        cmocka_unit_test(a_group_nobody_knows_is_as_good_as_none),
        cmocka_unit_test(an_overriding_rule_replaces_group_and_its_skills),
        cmocka_unit_test(a_stopping_rule_hides_the_later_ones),
        cmocka_unit_test(skills_nobody_in_the_group_has_are_waived_and_said),
        cmocka_unit_test(a_reference_keeps_the_catalog),
    };
    return cmocka_run_group_tests(tests, build, demolish);
}
