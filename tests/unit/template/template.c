/* Templates: what they mean, what is refused when they are saved, and that no value leaves its
 * place and no rendering its bounds. */
#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NAME(literal, is)                                                                          \
    { {literal, sizeof(literal) - 1}, is, NULL, 0 }
#define NAMES(literal, is, list)                                                                   \
    { {literal, sizeof(literal) - 1}, is, list, sizeof(list) / sizeof(*(list)) }
#define WORD(literal, value)                                                                       \
    { {literal, sizeof(literal) - 1}, {value, sizeof(value) - 1}, NULL, 0 }
#define GROUP(literal, list)                                                                       \
    { {literal, sizeof(literal) - 1}, {NULL, 0}, list, sizeof(list) / sizeof(*(list)) }

static const TemplateName comment_names[] = {NAME("author", TEMPLATE_IS_TEXT),
                                             NAME("text", TEMPLATE_IS_TEXT)};
static const TemplateName ticket_names[] = {
    NAME("id", TEMPLATE_IS_NUMBER),  NAME("subject", TEMPLATE_IS_TEXT),
    NAME("url", TEMPLATE_IS_URL),    NAME("urgent", TEMPLATE_IS_FLAG),
    NAME("tags", TEMPLATE_IS_LIST),  NAME("custom", TEMPLATE_IS_OPEN),
    NAME("order", TEMPLATE_IS_TEXT),
};
static const TemplateName names[] = {NAMES("ticket", TEMPLATE_IS_MAP, ticket_names),
                                     NAMES("comment", TEMPLATE_IS_MAP, comment_names),
                                     NAMES("comments", TEMPLATE_IS_LIST, comment_names),
                                     NAME("brand", TEMPLATE_IS_TEXT)};
enum { NAMES_N = sizeof(names) / sizeof(*names) };

static void note(void *arg, long line, const char *what) {
    buf_printf(arg, "%ld: %s\n", line, what);
}

static Template *compile(const char *source, TemplateEscape escape, Buf *problems) {
    return template_compile(str(source), escape, names, NAMES_N, note, problems);
}

static const TemplateValue tags[] = {WORD("", "易碎"), WORD("", "VIP")};
static const TemplateValue custom[] = {WORD("color", "red")};
static const TemplateValue ticket[] = {WORD("id", "1024"),
                                       WORD("subject", "杯子<碎>了"),
                                       WORD("url", "https://desk.example/t/1024?a=1&b=2"),
                                       WORD("urgent", "true"),
                                       GROUP("tags", tags),
                                       GROUP("custom", custom),
                                       WORD("order", "CB 1&2")};
static const TemplateValue first[] = {WORD("author", "林悦"), WORD("text", "您好\n请稍候")};
static const TemplateValue second[] = {WORD("author", "张三"), WORD("text", "好")};
static const TemplateValue comments[] = {GROUP("", first), GROUP("", second)};
static const TemplateValue values[] = {GROUP("ticket", ticket), GROUP("comments", comments),
                                       WORD("brand", "示例商城")};
enum { VALUES_N = sizeof(values) / sizeof(*values) };

static void shows(const char *source, TemplateEscape escape, const char *wanted) {
    CLEANUP(buf_done) Buf problems = {0}, text = {0};
    CLEANUP(template_freep) Template *t = compile(source, escape, &problems);
    if (!t) fail_msg("%s\n%s", source, problems.p);
    assert_int_equal(template_render(t, values, VALUES_N, TEMPLATE_OUTPUT_MAX, &text),
                     TEMPLATE_WHOLE);
    assert_string_equal(text.n ? text.p : "", wanted);
}

/* One value in place of the order, and what comes of it. */
static void becomes(const char *source, TemplateEscape escape, Str value, const char *wanted) {
    CLEANUP(buf_done) Buf problems = {0}, text = {0};
    CLEANUP(template_freep) Template *t = compile(source, escape, &problems);
    if (!t) fail_msg("%s\n%s", source, problems.p);
    const TemplateValue one[] = {{.name = STR("order"), .text = value},
                                 {.name = STR("url"), .text = value},
                                 {.name = STR("id"), .text = value}};
    const TemplateValue all[] = {GROUP("ticket", one)};
    assert_int_equal(template_render(t, all, 1, TEMPLATE_OUTPUT_MAX, &text), TEMPLATE_WHOLE);
    assert_string_equal(text.n ? text.p : "", wanted);
}

static void variables_sections_and_loops_mean_what_mustache_says(void **state) {
    (void)state;
    shows("工单 {{ticket.id}}：{{ ticket.subject }}", TEMPLATE_TEXT, "工单 1024：杯子<碎>了");
    shows("{{#ticket}}{{id}} {{brand}}{{/ticket}}", TEMPLATE_TEXT, "1024 示例商城");
    shows("{{#comments}}{{author}};{{/comments}}", TEMPLATE_TEXT, "林悦;张三;");
    shows("{{#ticket.tags}}{{.}}{{^-last}}、{{/-last}}{{/ticket.tags}}", TEMPLATE_TEXT,
          "易碎、VIP");
    shows("{{#comments}}{{#-first}}>{{/-first}}{{author}}{{/comments}}", TEMPLATE_TEXT,
          ">林悦张三");
    shows("{{#ticket.urgent}}急{{/ticket.urgent}}{{^ticket.urgent}}缓{{/ticket.urgent}}",
          TEMPLATE_TEXT, "急");
    shows("{{#comment}}{{text}}{{/comment}}{{^comment}}无{{/comment}}", TEMPLATE_TEXT, "无");
    shows("{{ticket.custom.color}}|{{ticket.custom.size}}", TEMPLATE_TEXT, "red|");
    shows("{{#brand}}{{.}}{{/brand}}", TEMPLATE_TEXT, "示例商城");
    shows("a{{! {{ 谁 \n也不看 }}b", TEMPLATE_TEXT, "ab");
    shows("", TEMPLATE_HTML, "");
}

static void a_tag_alone_on_its_line_takes_the_line_with_it(void **state) {
    (void)state;
    shows("a\n  {{#comments}}\n- {{author}}\n  {{/comments}}\nb\n", TEMPLATE_TEXT,
          "a\n- 林悦\n- 张三\nb\n");
    shows("a\n{{! remark }}\nb", TEMPLATE_TEXT, "a\nb");
    shows("{{#brand}}\nx\n{{/brand}}", TEMPLATE_TEXT, "x\n");
    shows("a {{#brand}}\nx{{/brand}}", TEMPLATE_TEXT, "a \nx");
    shows("{{ticket.id}}\n{{ticket.id}}", TEMPLATE_TEXT, "1024\n1024");
}

static void html_is_escaped_for_text_attribute_and_address(void **state) {
    (void)state;
    shows("<p>{{ticket.subject}}</p>", TEMPLATE_HTML, "<p>杯子&lt;碎&gt;了</p>");
    shows("{{#comments}}{{text}}{{/comments}}", TEMPLATE_HTML, "您好<br>\n请稍候好");
    shows("<a href=\"{{ticket.url}}\">{{ticket.url}}</a>", TEMPLATE_HTML,
          "<a href=\"https://desk.example/t/1024?a=1&amp;b=2\">"
          "https://desk.example/t/1024?a=1&amp;b=2</a>");
    shows("<a href=\"https://shop.example/o?no={{ticket.order}}\">x</a>", TEMPLATE_HTML,
          "<a href=\"https://shop.example/o?no=CB%201%262\">x</a>");
    shows("<!DOCTYPE html><!-- a -- b --><p title='{{ticket.order}}'/>", TEMPLATE_HTML,
          "<!DOCTYPE html><!-- a -- b --><p title='CB 1&amp;2'/>");
    becomes("<p title=\"{{ticket.order}}\">", TEMPLATE_HTML, STR("\"><script>'`\n"),
            "<p title=\"&quot;&gt;&lt;script&gt;&#39;&#96; \">");
    becomes("<a href=\"{{ticket.url}}\">", TEMPLATE_HTML, STR("javascript:alert(1)"),
            "<a href=\"\">");
    becomes("<a href=\"{{ticket.url}}\">", TEMPLATE_HTML, STR("https://x\"onclick=\"a"),
            "<a href=\"\">");
    becomes("<a href=\"{{ticket.url}}?a={{ticket.order}}\">", TEMPLATE_HTML, STR("https://x/'&"),
            "<a href=\"https://x/&#39;&amp;?a=https%3A%2F%2Fx%2F%27%26\">");
}

static void json_stays_json(void **state) {
    (void)state;
    shows("{\"id\": {{ticket.id}}, \"urgent\": {{ticket.urgent}}, \"s\": \"{{ticket.subject}}\"}",
          TEMPLATE_JSON, "{\"id\": 1024, \"urgent\": true, \"s\": \"杯子<碎>了\"}");
    becomes("[\"{{ticket.order}}\", {{ticket.id}}]", TEMPLATE_JSON, STR("\"],\\\n\t\x01"),
            "[\"\\\"],\\\\\\n\\t\", null]");
    becomes("[{{ticket.id}}]", TEMPLATE_JSON, STR("007"), "[null]");
    becomes("[{{ticket.id}}]", TEMPLATE_JSON, STR("-1.50"), "[-1.50]");
    becomes("[{{ticket.id}}]", TEMPLATE_JSON, STR("1,2"), "[null]");
}

static void words_of_strangers_mean_nothing_to_a_robot(void **state) {
    (void)state;
    becomes("> {{ticket.order}}", TEMPLATE_MARKDOWN,
            STR("[a](http://x) *b* `c` <@all> # @x a_b _c_"),
            "> ［a］(http://x) ＊b＊ ｀c｀ ＜＠all＞ ＃ ＠x a_b ＿c＿");
    becomes("{{ticket.order}}", TEMPLATE_MARKDOWN, STR("a\n   - b\n===\n\tc - d"),
            "a\n－ b\n＝==\nc - d");
    becomes("[打开]({{ticket.url}})", TEMPLATE_MARKDOWN, STR("https://x/a_(b)"),
            "[打开](https://x/a%5F%28b%29)");
    becomes("[打开]({{ticket.url}})", TEMPLATE_MARKDOWN, STR("https://x/) [y"), "[打开]()");
    becomes("差 {{ticket.id}} 分钟", TEMPLATE_MARKDOWN, STR("-5"), "差 -5 分钟");
}

static void a_header_is_one_line(void **state) {
    (void)state;
    becomes("[{{ticket.order}}]\n", TEMPLATE_HEADER, STR("a\r\nBcc: b@x\n\n\tc\xe2\x80\xae!"),
            "[a Bcc: b@x c!]");
}

static void broken_text_and_control_characters_reach_nobody(void **state) {
    (void)state;
    becomes("{{ticket.order}}", TEMPLATE_TEXT,
            STR("a\xff\xc3(\xed\xa0\x80\x1b[2J\xc2\x9b\0b\r\nc\rd"),
            "a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd[2Jb\nc\nd");
}

static void long_values_and_lists_are_shortened_until_it_fits(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf problems = {0}, text = {0}, value = {0};
    CLEANUP(template_freep)
    Template *t = compile("{{brand}}：{{ticket.order}}{{#comments}}{{text}}{{/comments}}",
                          TEMPLATE_HTML, &problems);
    assert_non_null(t);
    for (int i = 0; i < 400000; i++)
        buf_adds(&value, "<字");
    static TemplateValue many[100000];
    for (size_t i = 0; i < 100000; i++)
        many[i] = (TemplateValue){.members = first, .members_n = 2};
    const TemplateValue order[] = {{.name = STR("order"), .text = buf_str(&value)}};
    const TemplateValue all[] = {GROUP("ticket", order), WORD("brand", "店"),
                                 GROUP("comments", many)};
    for (size_t max = 2000; max <= 64000; max *= 2) {
        buf_clear(&text);
        buf_adds(&text, "before");
        assert_int_equal(template_render(t, all, 3, max, &text), TEMPLATE_SHORTENED);
        assert_in_range(text.n, max / 8, max + 6);
        assert_memory_equal(text.p, "before店：&lt;字", strlen("before店：&lt;字"));
        assert_non_null(strstr(text.p, "…"));
        assert_true(str_is_text(buf_str(&text)));
    }
    buf_clear(&text);
    assert_int_equal(template_render(t, all, 3, 10, &text), TEMPLATE_TOO_LONG);
    assert_int_equal(text.n, 0);
}

static void it_is_known_what_a_template_cannot_do_without(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf problems = {0};
    static const struct {
        const char *source;
        uint64_t uses, needs;
    } cases[] = {
        {"{{ticket.id}}{{#comment}}{{text}}{{comment.author}}{{/comment}}", 3, 1},
        {"{{comment.text}}", 2, 2},
        {"{{^comment}}{{comment.text}}{{/comment}}", 2, 2},
        {"{{#comments}}{{text}}{{/comments}}", 4, 0},
        {"{{#ticket.urgent}}x{{/ticket.urgent}}", 1, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        CLEANUP(template_freep) Template *t = compile(cases[i].source, TEMPLATE_TEXT, &problems);
        assert_non_null(t);
        assert_int_equal(template_uses(t), cases[i].uses);
        assert_int_equal(template_needs(t), cases[i].needs);
    }
}

static void what_cannot_be_safe_is_refused_with_line_and_remedy(void **state) {
    (void)state;
    static const struct {
        const char *source;
        TemplateEscape escape;
        const char *says;
    } wrong[] = {
        {"a\nb {{ticket.subjct}}", TEMPLATE_TEXT,
         "2: unknown variable `ticket.subjct`; did you mean `ticket.subject`?"},
        {"{{tikcet.id}}", TEMPLATE_TEXT, "did you mean `ticket.id`?"},
        {"{{#comments}}\n{{autor}}\n{{/comments}}", TEMPLATE_TEXT,
         "2: unknown variable `autor`; did you mean `author`?"},
        {"{{author}}", TEMPLATE_TEXT, "possible are ticket, comment, comments, brand"},
        {"{{ticket.custom.a.b}}", TEMPLATE_TEXT, "unknown variable `ticket.custom.a.b`"},
        {"{{ticket}}", TEMPLATE_TEXT, "`ticket` is a map; write {{#ticket}}"},
        {"{{comments}}", TEMPLATE_TEXT, "`comments` is a list; write {{#comments}}"},
        {"{{.}}", TEMPLATE_TEXT, "there is none here"},
        {"{{#-first}}x{{/-first}}", TEMPLATE_TEXT, "inside of a loop only"},
        {"{{{ticket.id}}}", TEMPLATE_TEXT, "unescaped, which is never done"},
        {"{{& ticket.id}}", TEMPLATE_TEXT, "unescaped, which is never done"},
        {"{{> footer}}", TEMPLATE_TEXT, "another template, which is not done"},
        {"{{=<% %>=}}", TEMPLATE_TEXT, "change the braces"},
        {"{{}}", TEMPLATE_TEXT, "a tag without a name"},
        {"a\n\n{{ticket.id", TEMPLATE_TEXT, "3: `{{` without its `}}`"},
        {"{{a {{ticket.id}}", TEMPLATE_TEXT, "is `}}` missing?"},
        {"\n{{#comments}}\n", TEMPLATE_TEXT, "2: {{#comments}} is never closed"},
        {"{{/comments}}", TEMPLATE_TEXT, "closes nothing"},
        {"{{#ticket}}\n{{#brand}}{{/ticket}}{{/brand}}", TEMPLATE_TEXT,
         "2: {{/ticket}} where {{#brand}} of line 2 is open"},
        {"a\x01", TEMPLATE_TEXT, "a control character"},
        {"a\xff", TEMPLATE_TEXT, "no UTF-8"},
        {"a\nb", TEMPLATE_HEADER, "it must be one line"},
        {"<p title={{ticket.order}}>", TEMPLATE_HTML, "must stand in a quoted attribute"},
        {"<{{ticket.order}}>", TEMPLATE_HTML, "must stand in a quoted attribute"},
        {"<p {{ticket.order}}=\"\">", TEMPLATE_HTML, "must stand in a quoted attribute"},
        {"<p style=\"{{ticket.order}}\">", TEMPLATE_HTML, "no variable is safe"},
        {"<p\nonclick=\"a\">", TEMPLATE_HTML, "run a script"},
        {"<p ONCLICK=\"{{ticket.order}}\">", TEMPLATE_HTML, "run a script"},
        {"<script>{{ticket.order}}</script>", TEMPLATE_HTML, "<script>"},
        {"<STYLE>", TEMPLATE_HTML, "are not taken"},
        {"<iframe srcdoc=\"x\">", TEMPLATE_HTML, "are not taken"},
        {"<p srcdoc=\"x\">", TEMPLATE_HTML, "srcdoc"},
        {"<a href=\"{{ticket.order}}\">", TEMPLATE_HTML, "may begin a link"},
        {"<a href='https://{{ticket.order}}/'>", TEMPLATE_HTML, "may begin a link"},
        {"<!-- {{ticket.order}} -->", TEMPLATE_HTML, "must stand in a quoted attribute"},
        {"<!-- --!> x -->", TEMPLATE_HTML, "read differently"},
        {"<p title=\"{{#brand}}\">{{/brand}}", TEMPLATE_HTML, "stands in another place"},
        {"<p {{#brand}}a{{/brand}}=\"\">", TEMPLATE_HTML, "stands in another place"},
        {"<p title=\"a", TEMPLATE_HTML, "ends inside of a tag"},
        {"<p title=\"a\"\"b\">", TEMPLATE_HTML, "stray quote"},
        {"{\"a\": {{ticket.order}}}", TEMPLATE_JSON, "put it in quotes"},
        {"{\"a\": \"\\{{ticket.order}}\"}", TEMPLATE_JSON, "a backslash"},
        {"{\"a\": \"{{#brand}}\"{{/brand}}", TEMPLATE_JSON, "stands in another place"},
        {"[\"a", TEMPLATE_JSON, "ends inside of a JSON string"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        CLEANUP(buf_done) Buf problems = {0};
        CLEANUP(template_freep) Template *t = compile(wrong[i].source, wrong[i].escape, &problems);
        if (t) fail_msg("taken: %s", wrong[i].source);
        if (!strstr(problems.p, wrong[i].says))
            fail_msg("%s\nsays: %s\nand not: %s", wrong[i].source, problems.p, wrong[i].says);
    }
}

static void what_is_enormous_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf source = {0}, problems = {0};
    for (int i = 0; i <= TEMPLATE_DEPTH_MAX; i++)
        buf_adds(&source, "{{#ticket}}");
    assert_null(compile(source.p, TEMPLATE_TEXT, &problems));
    assert_non_null(strstr(problems.p, "deeper than 8"));
    buf_clear(&source);
    for (int i = 0; i < TEMPLATE_PARTS_MAX; i++)
        buf_adds(&source, "a{{brand}}");
    assert_null(compile(source.p, TEMPLATE_TEXT, &problems));
    assert_non_null(strstr(problems.p, "more than 4096"));
    while (source.n <= TEMPLATE_BYTES_MAX)
        buf_adds(&source, "a long one, ");
    assert_null(compile(source.p, TEMPLATE_TEXT, &problems));
    assert_non_null(strstr(problems.p, "at most 64 KiB"));
}

/* Eight loops in each other would take 10^24 steps. */
static void loops_in_loops_end(void **state) {
    (void)state;
    static TemplateValue level[8][1000];
    static TemplateName known[8];
    CLEANUP(buf_done) Buf source = {0}, problems = {0}, text = {0};
    for (size_t i = 8; i-- > 0;) {
        known[i] = (TemplateName){STR("a"), TEMPLATE_IS_LIST, i < 7 ? &known[i + 1] : NULL, i < 7};
        for (size_t k = 0; k < 1000; k++)
            level[i][k] = (TemplateValue){.name = STR("a"),
                                          .text = STR(""),
                                          .members = i < 7 ? level[i + 1] : NULL,
                                          .members_n = i < 7 ? 1000 : 0};
        buf_adds(&source, "{{#a}}");
    }
    for (int i = 0; i < 8; i++)
        buf_adds(&source, "{{/a}}");
    CLEANUP(template_freep)
    Template *t = template_compile(buf_str(&source), TEMPLATE_TEXT, known, 1, note, &problems);
    if (!t) fail_msg("%s", problems.p);
    const TemplateValue root[] = {{.name = STR("a"), .members = level[0], .members_n = 1000}};
    assert_int_equal(template_render(t, root, 1, 1000, &text), TEMPLATE_SHORTENED);
    assert_int_equal(text.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_sections_and_loops_mean_what_mustache_says),
        cmocka_unit_test(a_tag_alone_on_its_line_takes_the_line_with_it),
        cmocka_unit_test(html_is_escaped_for_text_attribute_and_address),
        cmocka_unit_test(json_stays_json),
        cmocka_unit_test(words_of_strangers_mean_nothing_to_a_robot),
        cmocka_unit_test(a_header_is_one_line),
        cmocka_unit_test(broken_text_and_control_characters_reach_nobody),
        cmocka_unit_test(long_values_and_lists_are_shortened_until_it_fits),
        cmocka_unit_test(it_is_known_what_a_template_cannot_do_without),
        cmocka_unit_test(what_cannot_be_safe_is_refused_with_line_and_remedy),
        cmocka_unit_test(what_is_enormous_is_refused),
        cmocka_unit_test(loops_in_loops_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
