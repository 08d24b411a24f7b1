/* Plain text shown as HTML, and HTML read as plain text. */
#include "html/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/cpu.h"

#define LINK " rel=\"nofollow noopener noreferrer\" target=\"_blank\">"

static void shows(const char *text, const char *html) {
    CLEANUP(buf_done) Buf got = {0};
    html_from_text(str(text), &got);
    assert_string_equal(got.p ? got.p : "", html);
}

static void reads(const char *html, const char *text) {
    CLEANUP(buf_done) Buf got = {0};
    assert_int_equal(html_to_text(str(html), &got), HTML_CLEAN);
    assert_string_equal(got.p ? got.p : "", text);
}

static void lines_and_paragraphs_are_kept(void **state) {
    (void)state;
    shows("一\n二\r\n\r\n三", "<p dir=\"auto\">一<br>二</p><p dir=\"auto\">三</p>");
    shows("", "");
    shows("\n\n \n", "");
    shows("a & <b> \"c\" 'd' `e`",
          "<p dir=\"auto\">a &amp; &lt;b&gt; &quot;c&quot; &#39;d&#39; &#96;e&#96;</p>");
}

static void addresses_become_links(void **state) {
    (void)state;
    shows("看 https://a.example/x?b=1&c=2。谢谢",
          "<p dir=\"auto\">看 <a href=\"https://a.example/x?b=1&amp;c=2\"" LINK
          "https://a.example/x?b=1&amp;c=2</a>。谢谢</p>");
    shows("(see http://a.example/).",
          "<p dir=\"auto\">(see <a href=\"http://a.example/\"" LINK "http://a.example/</a>).</p>");
    shows("http://a.example/D_(work) h https://",
          "<p dir=\"auto\"><a href=\"http://a.example/D_(work)\"" LINK
          "http://a.example/D_(work)</a> h https://</p>");
    shows("javascript:alert(1) http://a@b.example/",
          "<p dir=\"auto\">javascript:alert(1) http://a@b.example/</p>");
    shows("http://a.example/\"onclick=alert(1)",
          "<p dir=\"auto\"><a href=\"http://a.example/\"" LINK
          "http://a.example/</a>&quot;onclick=alert(1)</p>");
}

static void html_reads_as_people_see_it(void **state) {
    (void)state;
    reads("<p>一 <b>二</b></p><p>三<br>四</p>", "一 二\n\n三\n四");
    reads("<ul><li>甲</li><li>乙</li></ul>完", "* 甲\n* 乙\n完");
    reads("a <a href=\"https://x.example/\">b</a> "
          "<a href=\"https://x.example/\">https://x.example/</a>",
          "a b (https://x.example/) https://x.example/");
    reads("<a href=\"mailto:a@b.example\">a@b.example</a>", "a@b.example");
    reads("a\n   b\t c<script>x</script>&lt;d&gt;", "a b c<d>");
    reads("<pre>  a\n  b</pre>c", "  a\n  b\nc");
    reads("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3");
    reads("<img src=x alt=\"图\">", "[图片: 图]");
    reads("", "");
}

static void a_text_of_half_addresses_costs_little(void **state) {
    (void)state;
    static const char *const pieces[] = {"http://@", "https://a)",         ")",
                                         "h",        "http://a.example/(", "<a href=http://x>"};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        CLEANUP(buf_done) Buf in = {0}, out = {0};
        while (in.n < HTML_BYTES_MAX)
            buf_adds(&in, pieces[i]);
        int64_t began = cpu_ms();
        html_from_text(buf_str(&in), &out);
        assert_true(cpu_ms() - began < 5000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_paragraphs_are_kept),
        cmocka_unit_test(addresses_become_links),
        cmocka_unit_test(html_reads_as_people_see_it),
        cmocka_unit_test(a_text_of_half_addresses_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
