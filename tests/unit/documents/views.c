/* Own views: whom they list, in what order, and what a document may not say. */
#include "documents/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SHOP                                                                                       \
    "kinds: [咨询, 投诉, 售后]\n"                                                            \
    "groups: [{name: 售后}, {name: 跨境}]\n"                                                   \
    "agents: [{name: lin.yue, groups: [跨境], capacity: 3}]\n"

static const char shop[] = SHOP
    "views:\n"
    "  - name: 跨境加急\n"
    "    title: 跨境加急未结\n"
    "    when: {all: [{status: [open, hold, new]}, {group: 跨境}, {assignee: {is_not: lin.yue}},\n"
    "           {category: {starts_with: 清关}}], any: [{priority: urgent}, {tags: vip}]}\n"
    "    sort: -updated_at\n"
    "    columns: [id, subject, custom.level]\n"
    "    groups: [跨境]\n"
    "  - {name: 我的, when: {all: {assignee: me, group: own}}}\n"
    "  - {name: 一切}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    (void)kind;
    return 1001 + (int64_t)name.n;
}

#include "shop.h"

static void words_of_states_groups_and_agents_become_what_a_ticket_has(void **state) {
    const View *views;
    assert_int_equal(catalog_views(*state, &views), 3);
    const View *v = &views[0];
    assert_true(str_is(v->title, "跨境加急未结"));
    assert_int_equal(v->id, 1013);
    assert_int_equal(v->filter.all_n, 4);
    assert_int_equal(v->filter.any_n, 2);
    const Condition *status = &v->filter.all[0];
    assert_int_equal(status->values_n, 4);
    assert_true(str_is(status->values[0], "assigned"));
    assert_true(str_is(status->values[2], "on_hold"));
    assert_true(str_is(v->filter.all[1].values[0], "1007"));
    assert_true(str_is(v->filter.all[2].values[0], "1008"));
    assert_int_equal(v->filter.all[2].op, CONDITION_NOT_ONE_OF);
    assert_int_equal(v->sort, VIEW_BY_UPDATED);
    assert_true(v->descending);
    assert_int_equal(v->columns_n, 3);
    assert_int_equal(v->groups_n, 1);
    assert_int_equal(v->groups[0], 1007);
    assert_true(str_is(views[1].filter.all[0].values[0], "me"));
    assert_true(str_is(views[1].filter.all[1].values[0], "own"));
    assert_int_equal(views[2].filter.all_n + views[2].filter.any_n, 0);
    assert_true(views[2].columns_n > 3);
    assert_null(views[2].groups);
}

static void a_view_is_found_by_its_number_and_everybody_has_five(void **state) {
    assert_ptr_equal(catalog_view(*state, 3), &views_builtin[2]);
    assert_ptr_equal(catalog_view(NULL, 5), &views_builtin[4]);
    assert_true(str_is(catalog_view(*state, 1013)->name, "跨境加急"));
    assert_null(catalog_view(*state, 6));
    assert_null(catalog_view(NULL, 1013));
}

static void refuses(const char *text, const char *reason) {
    CLEANUP(buf_done) Buf problems = {0};
    Catalog *c = compile(text, &problems);
    if (c || !strstr(problems.p, reason))
        fail_msg("wanted `%s`, got %s", reason, c ? "no problem" : problems.p);
}

static void what_no_ticket_has_is_refused_with_its_line(void **state) {
    (void)state;
    refuses(SHOP "views: [{name: x, when: {all: {status: opened}}}]\n",
            "shop.yaml:4: view `x`: unknown status `opened`");
    refuses(SHOP "views: [{name: x, when: {all: {group: 跨镜}}}]\n", "did you mean `跨境`");
    refuses(SHOP "views: [{name: x, when: {all: {assignee: li}}}]\n", "unknown agent");
    refuses(SHOP "views: [{name: x, when: {all: {status: {starts_with: n}}}}]\n",
            "`status` takes is, is_not");
    refuses(SHOP "views: [{name: x, when: {all: {state: new}}}]\n", "did you mean `status`");
    refuses(SHOP "views: [{name: x, sort: subject}]\n", "unknown sort `subject`");
    refuses(SHOP "views: [{name: x, columns: [subjekt]}]\n", "did you mean `subject`");
    refuses(SHOP "views: [{name: x}, {name: x}]\n", "taken already");
    refuses(SHOP "views: [{name: x, colour: red}]\n", "unknown key `colour`");
    /* and a rule still knows nothing of states */
    refuses(SHOP "rules: [{name: x, when: {all: {status: new}}, stop: on}]\n",
            "unknown field `status`");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_states_groups_and_agents_become_what_a_ticket_has),
        cmocka_unit_test(a_view_is_found_by_its_number_and_everybody_has_five),
        cmocka_unit_test(what_no_ticket_has_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, open_shop, close_shop);
}
