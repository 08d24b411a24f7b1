/* What fields, forms and standards promise: what is asked of whom, and what a document may not say.
 */
#include "documents/forms.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char shop[] =
    "kinds: [咨询, 投诉, 售后]\n"
    "groups: [{name: 售后}]\n"
    "fields:\n"
    "  - {name: 退款金额, title: 退款金额（元）, type: decimal, required_in: [solved]}\n"
    "  - {name: 退款方式, type: tagger, options: [原路退回, {value: 余额, title: 退到余额}]}\n"
    "  - {name: 工单号, type: regexp, pattern: \"RF[0-9]{8}\"}\n"
    "  - {name: 银行卡号, personal: on}\n"
    "forms:\n"
    "  - {name: 退款单, kinds: [售后], fields: [退款金额, 退款方式], default: on}\n"
    "  - {name: 通用, fields: [工单号], default: on}\n"
    "standards:\n"
    "  - {name: 退款办结, title: 退款处理标准, kinds: [售后], categories: [退款], before: "
    "[solved],\n"
    "     fields: [退款金额], evidence: [{class: 审批截图, title: 主管同意的截图}, 录音]}\n"
    "  - {name: 合规用语, reply: {must_not: [绝对, 保证赔]}}\n"
    "  - {name: 致歉, kinds: [投诉], reply: {must: [抱歉, 对不起]}}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    static const char *const names[] = {"售后",     "退款金额", "退款方式", "工单号",
                                        "银行卡号", "退款单",   "通用"};
    (void)arg;
    (void)kind;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_is(name, names[i])) return 1001 + (int64_t)i;
    return -1;
}

#include "shop.h"

static void a_field_is_known_by_name_and_by_number(void **state) {
    const Catalog *c = *state;
    const Field *f = catalog_field_named(c, STR("退款金额"));
    assert_non_null(f);
    assert_int_equal(f->id, 1002);
    assert_int_equal(f->type, FIELD_DECIMAL);
    assert_int_equal(f->required_in, 1U << TICKET_SOLVED);
    assert_ptr_equal(catalog_field_named(c, STR("1002")), f);
    assert_ptr_equal(catalog_field(c, 1002), f);
    assert_null(catalog_field_named(c, STR("9")));
    assert_null(catalog_field_named(c, STR("赠品")));
    assert_true(catalog_field(c, 1005)->personal);
    assert_int_equal(catalog_field(c, 1005)->type, FIELD_TEXT);
}

static void an_option_has_a_value_and_a_title(void **state) {
    const Field *f = catalog_field(*state, 1003);
    assert_true(str_is(field_option(f, STR("余额"))->title, "退到余额"));
    assert_true(str_is(field_option(f, STR("原路退回"))->title, "原路退回"));
    assert_null(field_option(f, STR("现金")));
}

static void a_pattern_is_about_the_whole_value(void **state) {
    const Catalog *c = *state;
    const Field *f = catalog_field(c, 1004);
    assert_true(field_matches(c, f, STR("RF20261122")));
    assert_false(field_matches(c, f, STR("RF202611222")));
    assert_false(field_matches(c, f, STR("aRF20261122")));
    assert_false(field_matches(c, f, STR("RF20261122\n")));
}

static void a_form_is_named_or_its_kinds_default(void **state) {
    const Catalog *c = *state;
    const Form *refund = catalog_form_of(c, 0, STR("售后")),
               *any = catalog_form_of(c, 0, STR("咨询"));
    assert_true(str_is(refund->name, "退款单"));
    assert_true(str_is(any->name, "通用"));
    assert_ptr_equal(catalog_form_of(c, refund->id, STR("咨询")), refund);
    assert_false(form_fits(refund, STR("咨询")));
}

static void a_field_in_no_form_is_everybodys(void **state) {
    const Catalog *c = *state;
    const Form *refund = catalog_form_of(c, 0, STR("售后"));
    assert_true(form_has(refund, catalog_field(c, 1002)));
    assert_false(form_has(refund, catalog_field(c, 1004)));
    assert_true(form_has(refund, catalog_field(c, 1005)));
    assert_true(form_has(NULL, catalog_field(c, 1005)));
    assert_false(form_has(NULL, catalog_field(c, 1002)));
}

static void a_standard_covers_what_lies_below_its_category(void **state) {
    const Standard *s;
    assert_int_equal(catalog_standards(*state, &s), 3);
    assert_true(standard_covers(&s[0], STR("售后"), STR("退款")));
    assert_true(standard_covers(&s[0], STR("售后"), STR("退款/进度")));
    assert_false(standard_covers(&s[0], STR("售后"), STR("退款单据")));
    assert_false(standard_covers(&s[0], STR("咨询"), STR("退款/进度")));
    assert_true(standard_covers(&s[1], STR("咨询"), STR("")));
    assert_int_equal(s[0].evidence_n, 2);
    assert_true(str_is(s[0].evidence[1].title, "录音"));
}

static void words_of_all_standards_are_found_in_one_scan(void **state) {
    const Catalog *c = *state;
    const Standard *s;
    bool found[8];
    (void)catalog_standards(c, &s);
    assert_int_equal(catalog_words(c), 4);
    catalog_find_words(c, STR("对不起，我们绝对会处理"), found);
    assert_true(found[s[1].must_not.at]);
    assert_false(found[s[1].must_not.at + 1]);
    assert_false(found[s[2].must.at]);
    assert_true(found[s[2].must.at + 1]);
    catalog_find_words(c, STR(""), found);
    assert_false(found[s[1].must_not.at]);
}

static void everything_that_has_a_number_is_listed(void **state) {
    const CatalogName *names;
    assert_int_equal(catalog_names(*state, &names), 7);
    assert_string_equal(names[0].kind, "group");
    assert_string_equal(names[1].kind, "field");
    assert_string_equal(names[6].kind, "form");
}

#define GOOD "groups: [{name: 售后}]\n"

static const struct {
    const char *text, *wanted;
} wrong[] = {
    {"fields: [{name: a, type: texty}]\n",
     "shop.yaml:2: field `a`: unknown type `texty`; did you mean `text`?\n"},
    {"fields: [{name: \"12\"}]\n",
     "shop.yaml:2: field `12`: the name is a number, which stands for another field; choose "
     "words\n"},
    {"fields: [{name: a, type: tagger}]\n",
     "shop.yaml:2: field `a`: a tagger needs `options`, a list of 1 to 500\n"},
    {"fields: [{name: a, options: [b]}]\n",
     "shop.yaml:2: field `a`: `options` are for tagger and multiselect; remove them\n"},
    {"fields: [{name: a, type: tagger, options: [b, b]}]\n",
     "shop.yaml:2: field `a`: the option `b` is there twice; remove one\n"},
    {"fields: [{name: a, type: regexp}]\n",
     "shop.yaml:2: field `a`: a regexp needs a `pattern`, such as \"RF[0-9]{8}\"\n"},
    {"fields: [{name: a, type: regexp, pattern: \"(\"}]\n",
     "shop.yaml:2: field `a`: `pattern` is no POSIX extended expression: Unmatched ( or \\(\n"},
    {"fields: [{name: a, type: regexp, pattern: \"((a{200}){200}){200}\"}]\n",
     "shop.yaml:2: field `a`: `pattern` repeats too much, or refers back (\\1); a match could take "
     "for ever\n"},
    {"fields: [{name: a, type: regexp, pattern: '(.*)\\1'}]\n",
     "shop.yaml:2: field `a`: `pattern` repeats too much, or refers back (\\1); a match could take "
     "for ever\n"},
    {"fields: [{name: a, required_in: [done]}]\n",
     "shop.yaml:2: field `a`: `required_in: done`: no state that people take a ticket to; possible "
     "are assigned, in_progress, pending, on_hold and solved\n"},
    {"forms: [{name: f}]\n",
     "shop.yaml:2: form `f`: it has no `fields`; name some, or remove the form\n"},
    {"fields: [{name: refund}]\nforms: [{name: f, fields: [refunt]}]\n",
     "shop.yaml:3: form `f`: unknown field `refunt`; did you mean `refund`?\n"},
    {"fields: [{name: a}]\nforms:\n  - {name: f, fields: [a], default: on}\n"
     "  - {name: g, fields: [a], default: on}\n",
     "shop.yaml:5: form `g`: `f` is the default form already; only one may be\n"},
    {"standards: [{name: s}]\n", "shop.yaml:2: standard `s`: it demands nothing; give it `fields`, "
                                 "`evidence` or `reply`, or remove it\n"},
    {"standards: [{name: s, evidence: [录音]}]\n",
     "shop.yaml:2: standard `s`: it demands fields or evidence, but not when; add `before: "
     "[solved]`\n"},
    {"standards: [{name: s, before: [solved]}]\n",
     "shop.yaml:2: standard `s`: `before` without `fields` or `evidence`; say what is demanded, or "
     "remove it\n"},
    {"standards: [{name: s, reply: {must: [a], must_not: [a]}}]\n",
     "shop.yaml:2: standard `s`: `a` is both demanded and forbidden; remove one\n"},
    {"standards: [{name: s, before: [solved], evidence: [{title: x}]}]\n",
     "shop.yaml:2: standard `s`: evidence needs a `class`: the class of the attachment\n"},
};

static int64_t any_number(void *arg, const char *kind, Str name) {
    (void)arg;
    (void)kind;
    (void)name;
    return 7;
}

static void every_mistake_is_named_with_its_remedy(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        CLEANUP(buf_done) Buf text = {0};
        CLEANUP(buf_done) Buf said = {0};
        buf_printf(&text, GOOD "%s", wrong[i].text);
        DocumentSource source = {buf_str(&text), STR("shop.yaml"), 1};
        Catalog *c = catalog_compile(&source, 1, 1, any_number, NULL, &said);
        if (c) fail_msg("was taken: %s", wrong[i].text);
        assert_string_equal(said.p, wrong[i].wanted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_known_by_name_and_by_number),
        cmocka_unit_test(an_option_has_a_value_and_a_title),
        cmocka_unit_test(a_pattern_is_about_the_whole_value),
        cmocka_unit_test(a_form_is_named_or_its_kinds_default),
        cmocka_unit_test(a_field_in_no_form_is_everybodys),
        cmocka_unit_test(a_standard_covers_what_lies_below_its_category),
        cmocka_unit_test(words_of_all_standards_are_found_in_one_scan),
        cmocka_unit_test(everything_that_has_a_number_is_listed),
        cmocka_unit_test(every_mistake_is_named_with_its_remedy),
    };
    return cmocka_run_group_tests_name("documents/forms", tests, open_shop, close_shop);
}
