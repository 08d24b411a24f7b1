/* Who may what, written down by hand: this table is what the roles promise, not what the code
 * says. */
#include "rights/rights.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* One column a role, in the order customer, agent, lead, manager, administrator, auditor. */
static const struct {
    const char *right, *may;
} matrix[] = {
    {"tickets.read", "yyyyyy"},  {"tickets.create", "yyyyy-"},   {"tickets.reply", "yyyyy-"},
    {"tickets.note", "-yyyy-"},  {"notes.read", "-yyyyy"},       {"tickets.edit", "-yyyy-"},
    {"tickets.claim", "-yyyy-"}, {"tickets.transfer", "-yyyy-"}, {"tickets.solve", "yyyyy-"},
    {"tickets.merge", "-yyyy-"}, {"tickets.delete", "---yy-"},   {"tickets.export", "---yyy"},
    {"personal.show", "-yyyy-"}, {"ledger.read", "-yyyyy"},      {"audit.read", "---yyy"},
    {"users.read", "-yyyyy"},    {"users.manage", "----y-"},     {"tokens.manage", "----y-"},
    {"duty.own", "-yyyy-"},      {"duty.others", "--yyy-"},      {"config.read", "-yyyyy"},
    {"config.manage", "----y-"}, {"reports.read", "--yyyy"},
};

static void built_in_roles_may_what_the_table_says(void **state) {
    (void)state;
    assert_int_equal(sizeof(matrix) / sizeof(*matrix), RIGHTS);
    for (size_t i = 0; i < RIGHTS; i++) {
        Right right;
        assert_int_equal(rights_parse(str(matrix[i].right), &right), 0);
        assert_string_equal(rights_name(right), matrix[i].right);
        assert_int_equal(strlen(matrix[i].may), BUILTIN_ROLES);
        for (unsigned role = 0; role < BUILTIN_ROLES; role++) {
            Subject who = {.tenant_id = 1,
                           .user_id = 7,
                           .like = (BuiltinRole)role,
                           .rights = rights_builtin((BuiltinRole)role)};
            const char *reason = NULL;
            RightsVerdict said = rights_decide(&who, right, NULL, &reason);
            if ((said == RIGHTS_YES) != (matrix[i].may[role] == 'y'))
                fail_msg("%s: %s", rights_role_name((BuiltinRole)role), matrix[i].right);
            assert_true((reason != NULL) == (said != RIGHTS_YES));
        }
    }
}

static void names_are_names_of_nothing_else(void **state) {
    (void)state;
    Right right = RIGHT_DUTY_OWN;
    BuiltinRole role = ROLE_LEAD;
    const char *const wrong[] = {
        "", "tickets", "tickets.", "tickets.reads", "TICKETS.READ", "tickets:read"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(rights_parse(str(wrong[i]), &right), -EINVAL);
    assert_int_equal(rights_parse((Str){"tickets.read\0", 13}, &right), -EINVAL);
    assert_int_equal(right, RIGHT_DUTY_OWN);
    assert_int_equal(rights_role_parse(STR("Agent"), &role), -EINVAL);
    assert_int_equal(rights_role_parse(STR(""), &role), -EINVAL);
    assert_int_equal(role, ROLE_LEAD);
    const char *const roles[] = {"customer", "agent",         "lead",
                                 "manager",  "administrator", "auditor"};
    for (unsigned i = 0; i < BUILTIN_ROLES; i++) {
        assert_int_equal(rights_role_parse(str(roles[i]), &role), 0);
        assert_int_equal(role, i);
    }
}

static RightSet set_of(const char *const *names) {
    RightSet all = 0;
    for (; *names; names++) {
        Right right;
        assert_int_equal(rights_parse(str(*names), &right), 0);
        all |= right_bit(right);
    }
    return all;
}
#define SET(...) set_of((const char *const[]){__VA_ARGS__, NULL})

static void scopes_name_rights(void **state) {
    (void)state;
    assert_int_equal(rights_of_scope(STR("write")), RIGHTS_ALL);
    assert_int_equal(rights_of_scope(STR("read")),
                     SET("tickets.read", "notes.read", "tickets.export", "ledger.read",
                         "audit.read", "users.read", "config.read", "reports.read"));
    assert_int_equal(rights_of_scope(STR("tickets:create")), SET("tickets.create"));
    assert_int_equal(rights_of_scope(STR("tickets.solve")), SET("tickets.solve"));
    assert_int_equal(rights_of_scope(STR("tickets:read")), SET("tickets.read"));
    assert_int_equal(rights_of_scope(STR("users")), SET("users.read", "users.manage"));
    assert_int_equal(rights_of_scope(STR("users:write")), SET("users.manage"));
    assert_int_equal(rights_of_scope(STR("tickets:write")),
                     SET("tickets.create", "tickets.reply", "tickets.note", "tickets.edit",
                         "tickets.claim", "tickets.transfer", "tickets.solve", "tickets.merge",
                         "tickets.delete"));
    const char *const none[] = {
        "",          "ticket", "tickets:", "tickets:place", ":read", "tickets:writes", "tickets.re",
        "readwrite", "Write",  "*",        "users:read:x",  "."};
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        if (rights_of_scope(str(none[i]))) fail_msg("`%s` is a scope", none[i]);
}

/* ---- reach ---- */

static const int64_t own_groups[] = {20, 30};
static const TicketScope in_own = {.tenant_id = 1,
                                   .group_id = 20,
                                   .assignee_id = 8,
                                   .requester_id = 1000,
                                   .kind = {"售后", 6},
                                   .category = {"退款/进度", 13},
                                   .region = {"cn", 2}};

static TicketScope with_group(int64_t group) {
    TicketScope t = in_own;
    t.group_id = group;
    return t;
}

static Subject person(BuiltinRole role) {
    return (Subject){.tenant_id = 1,
                     .user_id = 7,
                     .like = role,
                     .rights = rights_builtin(role),
                     .reach = rights_builtin_reach(role, own_groups, 2)};
}

static void agents_and_leads_reach_their_groups_others_all(void **state) {
    (void)state;
    static const bool everywhere[BUILTIN_ROLES] = {
        [ROLE_MANAGER] = true, [ROLE_ADMINISTRATOR] = true, [ROLE_AUDITOR] = true};
    TicketScope foreign = with_group(25), pool = with_group(0);
    for (unsigned role = ROLE_AGENT; role < BUILTIN_ROLES; role++) {
        Subject who = person((BuiltinRole)role);
        assert_true(rights_reach(&who, &in_own));
        assert_int_equal(rights_reach(&who, &foreign), everywhere[role]);
        assert_int_equal(rights_reach(&who, &pool), everywhere[role]);
        assert_int_equal(rights_reach_all(&who.reach), everywhere[role]);
    }
}

static void what_is_assigned_to_me_I_reach_wherever_it_is(void **state) {
    (void)state;
    Subject who = person(ROLE_AGENT);
    TicketScope mine = with_group(99);
    assert_false(rights_reach(&who, &mine));
    mine.assignee_id = who.user_id;
    assert_true(rights_reach(&who, &mine));
    Subject program = who;
    program.user_id = 0; /* nobody's ticket is not a program's */
    TicketScope nobodys = with_group(99);
    nobodys.assignee_id = 0;
    assert_false(rights_reach(&program, &nobodys));
}

static void customers_reach_what_they_asked_for(void **state) {
    (void)state;
    Subject who = person(ROLE_CUSTOMER);
    assert_false(rights_reach(&who, &in_own));
    TicketScope mine = with_group(99);
    mine.requester_id = who.user_id;
    assert_true(rights_reach(&who, &mine));
    mine.requester_id = 0;
    who.user_id = 0;
    assert_false(rights_reach(&who, &mine));
    mine.requester_id = 1000;
    mine.assignee_id = who.user_id = 7; /* assigned, but not asked for */
    assert_false(rights_reach(&who, &mine));
}

static void another_tenants_ticket_is_never_reached(void **state) {
    (void)state;
    for (unsigned role = 0; role < BUILTIN_ROLES; role++) {
        Subject who = person((BuiltinRole)role);
        TicketScope foreign = in_own;
        foreign.tenant_id = 2;
        foreign.assignee_id = foreign.requester_id = who.user_id;
        assert_false(rights_reach(&who, &foreign));
        for (unsigned right = 0; right < RIGHTS; right++)
            assert_int_equal(rights_decide(&who, (Right)right, &foreign, NULL), RIGHTS_HIDDEN);
    }
}

static void every_list_narrows(void **state) {
    (void)state;
    const Str kinds[] = {STR("售后"), STR("投诉")}, categories[] = {STR("退款")},
              regions[] = {STR("cn")};
    Subject who = person(ROLE_MANAGER);
    who.reach.kinds = kinds, who.reach.kinds_n = 2;
    who.reach.categories = categories, who.reach.categories_n = 1;
    who.reach.regions = regions, who.reach.regions_n = 1;
    assert_true(rights_reach(&who, &in_own));
    assert_false(rights_reach_all(&who.reach));
    TicketScope t = in_own;
    t.kind = STR("咨询");
    assert_false(rights_reach(&who, &t));
    t = in_own;
    t.region = STR("us");
    assert_false(rights_reach(&who, &t));
    t = in_own;
    t.category = STR("退款");
    assert_true(rights_reach(&who, &t));
    t.category = STR("退款进度"); /* not below it, only beginning like it */
    assert_false(rights_reach(&who, &t));
    t.category = STR("");
    assert_false(rights_reach(&who, &t));
    who.reach.kinds_n = 0; /* a list with nothing in it lets nothing through */
    assert_false(rights_reach(&who, &in_own));
}

static void nobody_reaches_and_may_nothing(void **state) {
    (void)state;
    Subject who = {0};
    TicketScope t = {0};
    assert_false(rights_reach(&who, &t));
    assert_false(rights_reach(&who, &in_own));
    for (unsigned right = 0; right < RIGHTS; right++)
        assert_int_equal(rights_decide(&who, (Right)right, NULL, NULL), RIGHTS_NO);
}

static void hidden_is_hidden_whatever_is_asked(void **state) {
    (void)state;
    Subject who = person(ROLE_AGENT);
    TicketScope foreign = with_group(25);
    const char *reason, *same;
    assert_int_equal(rights_decide(&who, RIGHT_TICKETS_READ, &foreign, &reason), RIGHTS_HIDDEN);
    assert_int_equal(rights_decide(&who, RIGHT_TICKETS_DELETE, &foreign, &same), RIGHTS_HIDDEN);
    assert_ptr_equal(reason, same);
    assert_int_equal(rights_decide(&who, RIGHT_TICKETS_DELETE, &in_own, &reason), RIGHTS_NO);
    assert_int_equal(rights_decide(&who, RIGHT_TICKETS_EDIT, &in_own, &reason), RIGHTS_YES);
    who.rights &= ~right_bit(RIGHT_TICKETS_READ); /* a token that may only write */
    assert_int_equal(rights_decide(&who, RIGHT_TICKETS_EDIT, &in_own, &reason), RIGHTS_HIDDEN);
    assert_int_equal(rights_decide(&who, RIGHT_TICKETS_EDIT, NULL, &reason), RIGHTS_YES);
}

static void nobody_gives_what_he_does_not_have(void **state) {
    (void)state;
    Subject admin = person(ROLE_ADMINISTRATOR), keeper = person(ROLE_AGENT);
    keeper.rights |= right_bit(RIGHT_USERS_MANAGE); /* may make users, is no administrator */
    static const int64_t fewer[] = {30}, others[] = {30, 40};
    for (unsigned role = 0; role < BUILTIN_ROLES; role++) {
        Reach reach = rights_builtin_reach((BuiltinRole)role, fewer, 1);
        assert_true(rights_may_give(&admin, rights_builtin((BuiltinRole)role), &reach));
        assert_int_equal(rights_may_give(&keeper, rights_builtin((BuiltinRole)role), &reach),
                         role == ROLE_CUSTOMER || role == ROLE_AGENT);
    }
    Reach wider = rights_builtin_reach(ROLE_AGENT, others, 2);
    assert_false(rights_may_give(&keeper, 0, &wider));
    const Str kinds[] = {STR("售后")}, categories[] = {STR("退款")}, below[] = {STR("退款/进度")};
    Reach narrow = rights_builtin_reach(ROLE_AGENT, fewer, 1);
    keeper.reach.kinds = kinds, keeper.reach.kinds_n = 1;
    assert_false(rights_may_give(&keeper, 0, &narrow)); /* without the list is every kind */
    narrow.kinds = kinds, narrow.kinds_n = 1;
    assert_true(rights_may_give(&keeper, 0, &narrow));
    keeper.reach.categories = categories, keeper.reach.categories_n = 1;
    narrow.categories = below, narrow.categories_n = 1;
    assert_true(rights_may_give(&keeper, 0, &narrow));
    keeper.reach.categories = below;
    narrow.categories = categories;
    assert_false(rights_may_give(&keeper, 0, &narrow));
}

static void one_shape_has_one_text_of_sql(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf a = {0}, b = {0}, c = {0};
    ReachValue values[REACH_VALUES_MAX];
    Subject who = person(ROLE_AGENT), other = person(ROLE_LEAD), all = person(ROLE_MANAGER);
    other.user_id = 0;
    other.tenant_id = 9;
    other.reach.groups_n = 0;
    assert_int_equal(rights_reach_sql(&who, "t", 3, &a, values), 3);
    assert_int_equal(values[0].numbers[0], 1);
    assert_int_equal(values[1].numbers[0], 7);
    assert_int_equal(values[2].n, 2);
    assert_int_equal(rights_reach_sql(&other, "t", 3, &b, values), 3);
    assert_string_equal(a.p, b.p);
    assert_int_equal(rights_reach_sql(&all, "t", 1, &c, values), 1);
    assert_string_equal(c.p, "(t.tenant_id = ($1::bigint[])[1])");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_roles_may_what_the_table_says),
        cmocka_unit_test(names_are_names_of_nothing_else),
        cmocka_unit_test(scopes_name_rights),
        cmocka_unit_test(agents_and_leads_reach_their_groups_others_all),
        cmocka_unit_test(what_is_assigned_to_me_I_reach_wherever_it_is),
        cmocka_unit_test(customers_reach_what_they_asked_for),
        cmocka_unit_test(another_tenants_ticket_is_never_reached),
        cmocka_unit_test(every_list_narrows),
        cmocka_unit_test(nobody_reaches_and_may_nothing),
        cmocka_unit_test(hidden_is_hidden_whatever_is_asked),
        cmocka_unit_test(nobody_gives_what_he_does_not_have),
        cmocka_unit_test(one_shape_has_one_text_of_sql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
