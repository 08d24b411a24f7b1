/* By which documents a tenant's promises are judged, and which of its lives were judged by others.
 */
#include "lives/tenants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TENANT = 7, MINUTE = 60000 };

static int64_t number_of(void *arg, const char *kind, Str name) {
    (void)arg, (void)kind, (void)name;
    return 1001;
}

static void put(Tenants *t, const char *within, int64_t revision, bool expected) {
    CLEANUP(buf_done) Buf text = {0}, problems = {0};
    buf_printf(&text, "groups: [{name: g}]\npolicies: [{name: p, targets: {first_reply: %s}}]\n",
               within);
    const Catalog *c = catalog_compile(&(DocumentSource){buf_str(&text), STR("shop.yaml"), 1}, 1,
                                       revision, number_of, NULL, &problems);
    if (!c) fail_msg("%s", problems.p);
    assert_int_equal(tenants_put(t, TENANT, c), expected);
    (void)catalog_unref(c);
}

static void what_holds_on_without_a_gap_is_not_asked_for_again(void **state) {
    (void)state;
    CLEANUP(tenants_freep) Tenants *t = tenants_new();
    put(t, "15m", 1, true);
    const JudgedTenant *tenant = tenants_find(t, TENANT);
    assert_false(tenant->asked);
    assert_true(tenant->since_ms == NEVER);
    tenants_answer(t, TENANT, 1, 1, 5 * MINUTE);
    assert_true(tenant->asked && tenant->since_ms == 5 * MINUTE);
    put(t, "15m", 2, false);
    assert_true(tenant->asked && tenant->since_ms == 5 * MINUTE);
    assert_true(tenant_holds(tenant, 1) && tenant_holds(tenant, 2));
    assert_false(tenant_revises(tenant));
}

static void documents_that_came_and_went_unseen_make_older_lives_doubtful(void **state) {
    (void)state;
    CLEANUP(tenants_freep) Tenants *t = tenants_new();
    put(t, "15m", 1, true);
    tenants_answer(t, TENANT, 1, 1, 0);
    put(t, "15m", 3, true); /* the second was never heard of */
    JudgedTenant *tenant = tenants_find(t, TENANT);
    assert_false(tenant_holds(tenant, 1)); /* until it is known */
    assert_false(tenant_revises(tenant));
    tenants_answer(t, TENANT, 1, 1, 0); /* of a question asked before */
    assert_false(tenant->asked);
    tenants_answer(t, TENANT, 3, 3, 9 * MINUTE);
    assert_false(tenant_holds(tenant, 1));
    assert_true(tenant_holds(tenant, 3));
    assert_true(tenant_revises(tenant));
    tenant_revised(tenant);
    assert_false(tenant_revises(tenant));
}

static void a_gap_of_the_same_promises_is_none(void **state) {
    (void)state;
    CLEANUP(tenants_freep) Tenants *t = tenants_new();
    put(t, "15m", 1, true);
    tenants_answer(t, TENANT, 1, 1, 0);
    put(t, "15m", 4, true);
    tenants_answer(t, TENANT, 4, 1, 0);
    JudgedTenant *tenant = tenants_find(t, TENANT);
    assert_true(tenant_holds(tenant, 1));
    assert_false(tenant_revises(tenant));
}

static void lives_loaded_that_older_promises_judged_are_looked_at(void **state) {
    (void)state;
    CLEANUP(tenants_freep) Tenants *t = tenants_new();
    put(t, "15m", 5, true);
    tenants_answer(t, TENANT, 5, 4, 0);
    JudgedTenant *tenant = tenants_find(t, TENANT);
    tenants_met(t, TENANT, 5);
    tenants_met(t, TENANT, 4);
    assert_false(tenant_revises(tenant));
    tenants_met(t, TENANT, 2);
    assert_true(tenant_revises(tenant));
    tenant->cursor = 40;
    tenants_met(t, TENANT, 1);
    assert_int_equal(tenant->cursor, 0); /* from the beginning */
    tenant_revised(tenant);
    put(t, "20m", 6, true);
    tenants_answer(t, TENANT, 6, 6, 0);
    assert_true(tenant_revises(tenant)); /* whatever lives now */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_on_without_a_gap_is_not_asked_for_again),
        cmocka_unit_test(documents_that_came_and_went_unseen_make_older_lives_doubtful),
        cmocka_unit_test(a_gap_of_the_same_promises_is_none),
        cmocka_unit_test(lives_loaded_that_older_promises_judged_are_looked_at),
    };
    return cmocka_run_group_tests_name("tenants", tests, NULL, NULL);
}
