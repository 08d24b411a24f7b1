/* Own roles: what they may, what they reach, and what a document may not say. */
#include "documents/roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char shop[] =
    "kinds: [咨询, 投诉, 售后]\n"
    "groups: [{name: 售后}, {name: 物流}, {name: VIP}]\n"
    "roles:\n"
    "  - {name: 售后专员, based_on: agent, grant: [tickets.delete], withdraw: [tickets.transfer],\n"
    "     reach: {groups: [VIP, own, 物流], kinds: [售后], categories: [退款], regions: [cn]}}\n"
    "  - {name: 质检, title: 质检员, based_on: auditor, grant: [tickets.note]}\n"
    "  - {name: 售后主管, based_on: manager, reach: {groups: 售后}}\n"
    "  - {name: 门店, based_on: customer}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    static const char *const names[] = {"VIP",  "物流",     "售后", "售后专员",
                                        "质检", "售后主管", "门店"};
    (void)arg;
    (void)kind;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_is(name, names[i])) return 1001 + (int64_t)i;
    return -1;
}

#include "shop.h"

static void an_own_role_has_its_bases_rights_and_what_is_granted(void **state) {
    Role r;
    assert_true(catalog_role(*state, STR("售后专员"), &r));
    assert_int_equal(r.id, 1004);
    assert_int_equal(r.like, ROLE_AGENT);
    assert_int_equal(r.rights, (rights_builtin(ROLE_AGENT) | right_bit(RIGHT_TICKETS_DELETE)) &
                                   ~right_bit(RIGHT_TICKETS_TRANSFER));
    assert_true(catalog_role(*state, STR("质检"), &r));
    assert_true(str_is(r.title, "质检员"));
    assert_true(r.rights & right_bit(RIGHT_TICKETS_NOTE));
    assert_false(r.own_groups);
    assert_true(rights_reach_all(&r.reach));
    const Role *all;
    assert_int_equal(catalog_roles(*state, &all), 4);
    assert_false(catalog_role(*state, STR("售后 专员"), &r));
    assert_false(catalog_role(NULL, STR("售后专员"), &r));
}

static void its_reach_is_narrowed_and_knows_the_persons_groups(void **state) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    static const int64_t own[] = {1000, 1001, 1003};
    Role r;
    assert_true(catalog_role(*state, STR("售后专员"), &r));
    Reach reach = role_reach(&r, own, 3, arena);
    static const int64_t all[] = {1000, 1001, 1002, 1003};
    assert_int_equal(reach.groups_n, 4);
    assert_memory_equal(reach.groups, all, sizeof(all));
    assert_int_equal(reach.kinds_n, 1);
    assert_true(str_is(reach.categories[0], "退款"));
    assert_true(str_is(reach.regions[0], "cn"));
    assert_int_equal(role_reach(&r, NULL, 0, arena).groups_n, 2);

    assert_true(catalog_role(*state, STR("售后主管"), &r)); /* one name is a list of one */
    reach = role_reach(&r, own, 3, arena);
    assert_false(reach.all_groups);
    assert_int_equal(reach.groups_n, 1);
    assert_int_equal(reach.groups[0], 1003);
    assert_null(reach.kinds);

    assert_true(catalog_role(*state, STR("门店"), &r));
    assert_true(role_reach(&r, own, 3, arena).requested_only);
}

static void built_in_roles_are_there_without_documents(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    static const int64_t own[] = {7, 9};
    Role r;
    assert_true(catalog_role(NULL, STR("lead"), &r));
    assert_int_equal(r.like, ROLE_LEAD);
    assert_int_equal(r.rights, rights_builtin(ROLE_LEAD));
    assert_int_equal(role_reach(&r, own, 2, arena).groups_n, 2);
    assert_true(catalog_role(NULL, STR("customer"), &r));
    assert_true(role_reach(&r, own, 2, arena).requested_only);
    assert_true(catalog_role(NULL, STR("administrator"), &r));
    assert_true(rights_reach_all(&r.reach));
    assert_false(catalog_role(NULL, STR(""), &r));
}

static void what_is_wrong_is_named_with_its_line_and_a_remedy(void **state) {
    (void)state;
    static const struct {
        const char *roles, *said;
    } wrong[] = {
        {"[{name: a}]", "shop.yaml:2: role `a`: it has no `based_on`; possible are customer"},
        {"[{name: a, based_on: agnet}]", "unknown role `agnet`; did you mean `agent`?"},
        {"[{name: lead, based_on: agent}]", "there is a built-in role of this name"},
        {"[{name: a, based_on: agent, grant: [ticket.merge]}]",
         "`grant`: unknown right `ticket.merge`; did you mean `tickets.merge`?"},
        {"[{name: a, based_on: agent, grant: [tickets.merge], withdraw: [tickets.merge]}]",
         "both granted and withdrawn"},
        {"[{name: a, based_on: agent, reach: {groups: [物硫]}}]",
         "unknown group `物硫`; did you mean `物流`?"},
        {"[{name: a, based_on: agent, reach: {groups: [all, 物流]}}]", "`all` is every group"},
        {"[{name: a, based_on: agent, reach: {groups: []}}]", "`groups` is empty"},
        {"[{name: a, based_on: agent, reach: {kinds: []}}]", "`kinds` is empty"},
        {"[{name: a, based_on: agent, reach: {regions: []}}]", "`regions` is empty"},
        {"[{name: a, based_on: agent, reach: {kinds: [售前]}}]", "unknown kind `售前`"},
        {"[{name: a, based_on: agent, reach: {group: [物流]}}]", "did you mean `groups`?"},
        {"[{name: a, based_on: agent, grants: [tickets.merge]}]", "did you mean `grant`?"},
        {"[{name: a, based_on: customer, reach: {kinds: [售后]}}]", "what he asked for"},
        {"[{name: 售后专员, based_on: agent}, {name: 售后专员, based_on: lead}]",
         "the name is taken already"},
        {"{name: a}", "here must be a list"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        CLEANUP(buf_done) Buf text = {0}, problems = {0};
        buf_printf(&text, "kinds: [售后]\nroles: %s\ngroups: [{name: 售后}, {name: 物流}]\n",
                   wrong[i].roles);
        Catalog *c = compile(text.p, &problems);
        if (c || !strstr(problems.p, wrong[i].said) || !strstr(problems.p, "shop.yaml:2: "))
            fail_msg("%s\nsaid %s", wrong[i].roles, c ? "nothing" : problems.p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_own_role_has_its_bases_rights_and_what_is_granted,
                                        open_shop, close_shop),
        cmocka_unit_test_setup_teardown(its_reach_is_narrowed_and_knows_the_persons_groups,
                                        open_shop, close_shop),
        cmocka_unit_test(built_in_roles_are_there_without_documents),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line_and_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
