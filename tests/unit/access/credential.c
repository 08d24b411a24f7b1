/* Whom the documents make of a credential. */
#include "access/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char shop[] =
    "groups: [{name: 售后}, {name: 物流}, {name: VIP}]\n"
    "agents:\n"
    "  - {name: lin, groups: [VIP, 售后]}\n"
    "roles:\n"
    "  - {name: 只读, based_on: agent, withdraw: [tickets.edit, tickets.solve], reach: {groups: "
    "[物流, own]}}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    static const char *const names[] = {"售后", "物流", "VIP", "lin", "只读"};
    (void)arg;
    (void)kind;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_is(name, names[i])) return 1001 + (int64_t)i;
    return -1;
}

typedef struct World {
    Catalog *catalog;
    Arena *arena;
} World;

static int begin(void **state) {
    CLEANUP(buf_done) Buf problems = {0};
    World *w = xcalloc(1, sizeof(*w));
    DocumentSource source = {str(shop), STR("shop.yaml"), 1};
    w->catalog = catalog_compile(&source, 1, 1, lookup, NULL, &problems);
    if (!w->catalog) print_error("%s", problems.p);
    w->arena = arena_new(0);
    *state = w;
    return w->catalog ? 0 : -1;
}

static int end(void **state) {
    World *w = *state;
    (void)catalog_unref(w->catalog);
    arena_free(w->arena);
    free(w);
    return 0;
}

static void an_agent_of_the_documents_has_her_groups(void **state) {
    World *w = *state;
    Credential c = {.tenant_id = 5, .user_id = 1004, .scopes = RIGHTS_ALL};
    Subject who;
    Str role;
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_true(str_is(role, "agent"));
    assert_int_equal(who.tenant_id, 5);
    assert_int_equal(who.user_id, 1004);
    assert_int_equal(who.rights, rights_builtin(ROLE_AGENT));
    assert_int_equal(who.reach.groups_n, 2);
    assert_int_equal(who.reach.groups[0], 1001); /* ascending, whatever the documents' order */
    assert_int_equal(who.reach.groups[1], 1003);
    c.role = STR("只读");
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_int_equal(who.reach.groups_n, 3);
    assert_false(rights_has(&who, RIGHT_TICKETS_SOLVE));
    assert_true(rights_has(&who, RIGHT_TICKETS_REPLY));
}

static void whom_nobody_knows_any_more_is_nobody(void **state) {
    World *w = *state;
    Credential c = {.tenant_id = 5, .user_id = 1999, .scopes = RIGHTS_ALL};
    Subject who;
    Str role;
    assert_false(credential_subject(&c, w->catalog, w->arena, &who, &role));
    c.user_id = 1004;
    assert_false(credential_subject(&c, NULL, w->arena, &who, &role));
}

static void a_role_that_is_gone_opens_nothing(void **state) {
    World *w = *state;
    Credential c = {.tenant_id = 5, .user_id = 1004, .role = STR("撤销了的"), .scopes = RIGHTS_ALL};
    TicketScope own = {.tenant_id = 5, .group_id = 1001, .assignee_id = 1004};
    Subject who;
    Str role;
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_int_equal(who.rights, 0);
    assert_false(rights_reach(&who, &own));
}

static void scopes_cut_and_never_widen(void **state) {
    World *w = *state;
    Credential c = {.tenant_id = 5,
                    .user_id = 1004,
                    .role = STR("agent"),
                    .scopes = rights_of_scope(STR("read")) | rights_of_scope(STR("users:write"))};
    Subject who;
    Str role;
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_true(rights_has(&who, RIGHT_TICKETS_READ));
    assert_false(rights_has(&who, RIGHT_TICKETS_REPLY)); /* the role may, the token may not */
    assert_false(rights_has(&who, RIGHT_USERS_MANAGE));  /* the token may, the role may not */
    assert_false(rights_has(&who, RIGHT_AUDIT_READ));
}

static void a_program_without_a_person_has_no_groups_of_its_own(void **state) {
    World *w = *state;
    Credential c = {.tenant_id = 5, .role = STR("agent"), .scopes = RIGHTS_ALL};
    TicketScope nobodys = {.tenant_id = 5, .group_id = 1001};
    Subject who;
    Str role;
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_false(rights_reach(&who, &nobodys));
    c.role = STR("manager");
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_true(rights_reach(&who, &nobodys));
}

static void a_source_may_what_its_scopes_say_and_is_no_administrator(void **state) {
    World *w = *state;
    Credential c = {.tenant_id = 5, .source_id = 1010, .scopes = rights_of_scope(STR("write"))};
    Subject who;
    Str role;
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_true(str_is(role, "source"));
    assert_int_equal(who.user_id, 0);
    assert_false(rights_has(&who, RIGHT_USERS_MANAGE));
    c.scopes = rights_of_scope(STR("tickets:create"));
    assert_true(credential_subject(&c, w->catalog, w->arena, &who, &role));
    assert_int_equal(who.rights, right_bit(RIGHT_TICKETS_CREATE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_of_the_documents_has_her_groups),
        cmocka_unit_test(whom_nobody_knows_any_more_is_nobody),
        cmocka_unit_test(a_role_that_is_gone_opens_nothing),
        cmocka_unit_test(scopes_cut_and_never_widen),
        cmocka_unit_test(a_program_without_a_person_has_no_groups_of_its_own),
        cmocka_unit_test(a_source_may_what_its_scopes_say_and_is_no_administrator),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
