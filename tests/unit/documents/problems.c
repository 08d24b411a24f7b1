/* What a document's author promises to be told: where, what, and what to do about it. */
#include "documents/problems.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "documents/catalog.h"

static char *problems_of(Str text) {
    Buf problems = {0};
    DocumentSource source = {text, STR("shop.yaml"), 1};
    Catalog *c = catalog_compile(&source, 1, 1, NULL, NULL, &problems);
    if (c) {
        assert_int_equal(problems.n, 0);
        catalog_unref(c);
        return strdup("");
    }
    assert_true(problems.n > 0);
    return problems.p;
}

#define GOOD                                                                                       \
    "groups: [{name: 物流}, {name: 售后}]\n"                                                   \
    "skills: [英语, 清关]\n"                                                                   \
    "kinds: [咨询, 投诉]\n"                                                                    \
    "agents: [{name: lin, groups: [物流], skills: [英语]}]\n"

typedef struct Case {
    const char *text, *wanted;
} Case;

static const Case cases[] = {
    {GOOD, ""},
    {"", "shop.yaml: there is no section `groups`; at least one group must take the tickets\n"},
    {"groups: []\n", "shop.yaml:1: groups: 0 groups; there must be 1 to 1000\n"},
    {"- a\n", "shop.yaml:1: here must be `key: value` lines, not a list\n"},
    {GOOD "ruels: []\n", "shop.yaml:5: unknown section `ruels`; did you mean `rules`?\n"},
    {GOOD "groups: []\n",
     "shop.yaml:5: `groups` is here twice (first in line 1); remove one of them\n"},
    {"groups:\n  - {name: 物流\n", "shop.yaml:3: no valid YAML: did not find expected ',' or '}', "
                                   "while parsing a flow mapping\n"},
    {"groups: &g [{name: a}]\nrules: *g\n",
     "shop.yaml:1: anchors and aliases (`&g`) are not taken; write it out\n"},
    {"groups: !!seq [{name: a}]\n",
     "shop.yaml:1: tags (`tag:yaml.org,2002:seq`) are not taken; remove it\n"},
    {"groups: [{name: a}]\n---\na: 1\n",
     "shop.yaml:2: a second document begins; put it into a file of its own\n"},
    {"groups: [[[[[[[[[[[[[[[[[[[[\n", "shop.yaml:1: nested deeper than 16 levels\n"},
    {"{a: 1}: 2\n", "shop.yaml:1: a key must be plain text\n"},
    {"groups:\n  - name: \xff\n", "shop.yaml:2: no valid UTF-8 text: invalid leading UTF-8 octet; "
                                  "save the file as UTF-8\n"},
    {"groups:\r  - a\n", "shop.yaml:1: the line holds a carriage return without a line feed, which "
                         "nobody sees; remove it\n"},
    /* groups */
    {"groups: [{name: a, fallbak: b}]\n",
     "shop.yaml:1: group `a`: unknown key `fallbak`; did you mean `fallback`?\n"},
    {"groups: [{name: a}, {name: a}]\n",
     "shop.yaml:1: group `a`: the name is taken already further up; choose another\n"},
    {"groups: [{title: a}]\n", "shop.yaml:1: group: it has no `name`; give it one\n"},
    {"groups: [{name: 'a,b'}]\n",
     "shop.yaml:1: group `a,b`: the name holds a comma, an equals sign, a quote, a backslash or a "
     "control character; choose another\n"},
    {"groups: [{name: 物流, fallback: 物硫}]\n",
     "shop.yaml:1: group `物流`: unknown group `物硫`; did you mean `物流`?\n"},
    {"groups:\n  - {name: a, fallback: b}\n  - {name: b, fallback: c}\n  - {name: c, fallback: "
     "b}\n",
     "shop.yaml:3: group `b`: the fallbacks go in a circle: b -> c -> b; remove one of them\n"},
    {"groups: [{name: a, fallback_after: 5m}]\n",
     "shop.yaml:1: group `a`: `fallback_after` without `fallback`; name the group, or remove it\n"},
    {"groups: [{name: a}, {name: b, fallback: a, fallback_after: 5}]\n",
     "shop.yaml:1: group `b`: `fallback_after: 5`: must be a time such as 90s, 30m, 2h or 1d (at "
     "most 365d)\n"},
    {"groups: [{name: [a]}]\n", "shop.yaml:1: group: `name` must be one value, not a list\n"},
    {"groups: a\n", "shop.yaml:1: groups: here must be a list (`- ...` lines), not a text\n"},
    /* settings */
    {"groups: [{name: a}]\nsettings: {default_group: b, aging: 0s}\n",
     "shop.yaml:2: settings: `aging` must be at least 1s\n"
     "shop.yaml:2: settings: unknown group `b`\n"},
    {GOOD "settings: {default_priority: hihg, default_kind: 投送}\n",
     "shop.yaml:5: settings: unknown priority `hihg`; possible are low, normal, high and urgent\n"
     "shop.yaml:5: settings: unknown kind `投送`; did you mean `投诉`?\n"},
    /* agents */
    {"groups: [{name: a}]\nagents: [{name: x, groups: [a], capacity: 1001}, {name: y, groups: "
     "[a], capacity: -1}, {name: z, groups: a, capacity: ten, duty: maybe}]\n",
     "shop.yaml:2: agent `x`: `capacity: 1001`: must be a whole number from 0 to 1000\n"
     "shop.yaml:2: agent `y`: `capacity: -1`: must be a whole number from 0 to 1000\n"
     "shop.yaml:2: agent `z`: `capacity: ten`: must be a whole number from 0 to 1000\n"
     "shop.yaml:2: agent `z`: `duty: maybe`: must be on or off\n"},
    {"groups: [{name: a}]\nagents: [{name: x}]\n",
     "shop.yaml:2: agent `x`: it is in no group, so no ticket would ever reach it; add `groups`\n"},
    {GOOD "rules: [{name: r, set: {skills: [清官]}}]\n",
     "shop.yaml:5: rule `r`: unknown skill `清官`; did you mean `清关`?\n"},
    {GOOD "rules: [{name: r, set: {skills: [清关], group: 物流}}]\n",
     "shop.yaml:5: rule `r`: nobody in group `物流` has the skill; give it to an agent there, or "
     "remove it\n"},
    /* rules */
    {GOOD "rules: [{name: r, set: {group: 物硫}}]\n",
     "shop.yaml:5: rule `r`: unknown group `物硫`; did you mean `物流`?\n"},
    {GOOD "rules: [{name: r, set: {tags: [x]}}, {name: r, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: the name is taken already further up; choose another\n"},
    {GOOD "rules:\n  - name: r\n    when: {all: {text: {contains: [清关, '']}}}\n    set: {tags: "
          "[x]}\n",
     "shop.yaml:7: rule `r`: an empty text; remove it or fill it in\n"},
    {GOOD "rules: [{name: r, when: {all: {text: {contains: []}}}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: `text` has no keyword; give one, or remove it\n"},
    {GOOD "rules: [{name: r, when: {all: {chanel: web}}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: unknown field `chanel`; did you mean `channel`?\n"},
    {GOOD "rules: [{name: r, when: {all: {channel: {contain: web}}}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: unknown operator `contain`; did you mean `contains`?\n"},
    {GOOD "rules: [{name: r, when: {all: {text: {is: web}}}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: `text` takes contains, not_contains, present and absent\n"},
    {GOOD "rules: [{name: r, when: {channel: web}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: put the condition `channel` under `all:` or `any:`\n"},
    {GOOD "rules: [{name: r, when: {}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: `when` is empty; remove it if the rule is for every ticket\n"},
    {GOOD "rules: [{name: r, when: {any: [{channel: web, tier: vip}]}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: an item of `any` must be one condition, not 2; begin each with `-`\n"},
    {GOOD "rules: [{name: r, when: {all: {priority: hgh}}, set: {tags: [x]}}]\n",
     "shop.yaml:5: rule `r`: unknown priority `hgh`; possible are low, normal, high and urgent\n"},
    {GOOD "rules: [{name: r, when: {all: {kind: 投送}}, set: {kind: 资讯}}]\n",
     "shop.yaml:5: rule `r`: unknown kind `资讯`\n"
     "shop.yaml:5: rule `r`: unknown kind `投送`; did you mean `投诉`?\n"},
    {GOOD "rules: [{name: r, set: {priority: [low]}}]\n",
     "shop.yaml:5: rule `r`: `priority` must be one value, not a list\n"},
    {GOOD "rules: [{name: r}]\n",
     "shop.yaml:5: rule `r`: it sets nothing and does not stop; give it a `set`, or remove it\n"},
    {GOOD "rules:\n"
          "  - {name: first, when: {all: {channel: [web, app]}}, stop: on}\n"
          "  - {name: other, when: {all: {channel: phone}}, set: {tags: [x]}}\n"
          "  - {name: second, when: {all: {tier: vip, channel: [App, web]}}, set: {tags: [x]}}\n",
     "shop.yaml:8: rule `second`: it can never match: `first` (line 6) stops everything that it "
     "would take; move it up, or remove it\n"},
    {GOOD "rules:\n"
          "  - {name: first, when: {all: {tier: vip}, any: {channel: [web]}}, stop: on}\n"
          "  - {name: wider, when: {all: {tier: vip}}, set: {tags: [x]}}\n"
          "  - {name: other, when: {all: {tier: vip}, any: {channel: [app]}}, set: {tags: [x]}}\n"
          "  - {name: more, when: {all: {tier: vip}, any: [{channel: [web]}, {region: us}]}, set: "
          "{tags: [x]}}\n",
     ""},
    {GOOD "rules: [{name: r, when: {all: [{tier: vip}, {tier: {is_not: vip}}]}, set: {tags: "
          "[x]}}]\n",
     "shop.yaml:5: rule `r`: it can never match: `all` demands a condition and its opposite\n"},
};

static void every_mistake_has_its_line_and_remedy(void **state) {
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *said = problems_of(str(cases[i].text));
        if (strcmp(said, cases[i].wanted) != 0) {
            print_error("of:\n%swanted:\n%ssaid:\n%s\n", cases[i].text, cases[i].wanted, said);
            wrong++;
        }
        free(said);
    }
    assert_int_equal(wrong, 0);
}

static void twenty_problems_are_shown_and_the_rest_counted(void **state) {
    (void)state;
    Buf text = {0};
    buf_adds(&text, "groups:\n");
    for (int i = 0; i < 25; i++)
        buf_printf(&text, "  - {name: g%d, fallback: nowhere}\n", i);
    char *said = problems_of(buf_str(&text));
    size_t lines = 0;
    for (const char *p = said; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 21);
    assert_non_null(strstr(said, "... and 5 more; mend these first\n"));
    free(said);
    buf_done(&text);
}

static void a_file_beyond_its_size_is_refused_unread(void **state) {
    (void)state;
    size_t n = (4 << 20) + 1;
    char *text = malloc(n);
    memset(text, '#', n);
    char *said = problems_of((Str){text, n});
    assert_string_equal(said, "shop.yaml: 4194305 bytes of documents; at most 4 MiB\n");
    free(said);
    free(text);
}

static int64_t no_numbers(void *arg, const char *kind, Str name) {
    (void)arg, (void)kind, (void)name;
    return -1;
}

static void a_name_without_a_number_is_not_used(void **state) {
    (void)state;
    Buf problems = {0};
    DocumentSource source = {STR("groups: [{name: a}]\n"), STR("s.yaml"), 41};
    assert_null(catalog_compile(&source, 1, 1, no_numbers, NULL, &problems));
    assert_string_equal(
        problems.p, "s.yaml:41: group `a`: it has no number yet; run `docket apply` once more\n");
    buf_done(&problems);
}

static void sections_of_several_files_are_one_catalog(void **state) {
    (void)state;
    Buf problems = {0};
    DocumentSource sources[] = {{STR("groups: [{name: a}]\n"), STR("a.yaml"), 1},
                                {STR("rules: [{name: r, set: {group: a}}]\n"), STR("b.yaml"), 1},
                                {STR("groups: [{name: b}]\n"), STR("c.yaml"), 7}};
    Catalog *c = catalog_compile(sources, 2, 1, NULL, NULL, &problems);
    assert_non_null(c);
    catalog_unref(c);
    assert_null(catalog_compile(sources, 3, 1, NULL, NULL, &problems));
    assert_string_equal(problems.p,
                        "c.yaml:7: section `groups` is in a.yaml:1 already; put them together\n");
    buf_done(&problems);
}

static void a_guess_is_near_or_not_made(void **state) {
    (void)state;
    static const Str names[] = {{"物流", 6}, {"fallback", 8}, {"present", 7}};
    assert_true(str_is(nearest(STR("物硫"), names, 3), "物流"));
    assert_true(str_is(nearest(STR("Falback"), names, 3), "fallback"));
    assert_true(str_is(nearest(STR("presents"), names, 3), "present"));
    assert_null(nearest(STR("售后"), names, 3).p);
    assert_null(nearest(STR("x"), names, 3).p);
    assert_null(nearest(STR(""), names, 3).p);
}

static void an_unknown_section_is_told_all_known_ones(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf said = {0};
    DocumentSource source = {STR(GOOD "zebra: []\n"), STR("shop.yaml"), 1};
    assert_null(catalog_compile(&source, 1, 1, NULL, NULL, &said));
    assert_non_null(
        strstr(said.p, "shop.yaml:5: unknown section `zebra`; possible are settings, "));
    assert_non_null(strstr(said.p, ", rules"));
    assert_non_null(strstr(said.p, "standards"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_section_is_told_all_known_ones),
        cmocka_unit_test(every_mistake_has_its_line_and_remedy),
        cmocka_unit_test(twenty_problems_are_shown_and_the_rest_counted),
        cmocka_unit_test(a_file_beyond_its_size_is_refused_unread),
        cmocka_unit_test(a_name_without_a_number_is_not_used),
        cmocka_unit_test(sections_of_several_files_are_one_catalog),
        cmocka_unit_test(a_guess_is_near_or_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
