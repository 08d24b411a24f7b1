#include "desk/links/page.h"

/* Whoever changes it computes the hash in the policy anew: base64 of its SHA-256. */
static const char style[] =
    "body { max-width: 34em; margin: 3em auto; padding: 0 1em; font: 1.1em/1.7 system-ui, "
    "sans-serif; color: #222; background: #fff }\n"
    "span { display: block; color: #666; font-size: .85em }\n"
    "button { font: inherit; padding: .6em 1.4em; border: 0; border-radius: .3em; color: #fff; "
    "background: #1456a0; cursor: pointer }\n"
    "button span { color: #fff }\n";
const char page_policy[] =
    "default-src 'none'; style-src 'sha256-NjFlMxeze66djoGGmiEYkZOY5q4OaqG9eaucPdyihds='; "
    "form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'";

static void add_escaped(Buf *ret, Str text) {
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            buf_adds(ret, "&amp;");
            break;
        case '<':
            buf_adds(ret, "&lt;");
            break;
        case '>':
            buf_adds(ret, "&gt;");
            break;
        case '"':
            buf_adds(ret, "&quot;");
            break;
        case '\'':
            buf_adds(ret, "&#39;");
            break;
        default:
            buf_addc(ret, text.p[i]);
        }
    }
}

static void add_both(Buf *ret, const PageText *t) {
    add_escaped(ret, t->zh);
    buf_adds(ret, " <span lang=\"en\">");
    add_escaped(ret, t->en);
    buf_adds(ret, "</span>");
}

void page_write(const Page *p, Buf *ret) {
    buf_adds(ret, "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"robots\" content=\"noindex\">\n<title>");
    add_escaped(ret, p->heading.zh);
    buf_adds(ret, "</title>\n<style>");
    buf_adds(ret, style);
    buf_adds(ret, "</style>\n</head>\n<body>\n<h1>");
    add_both(ret, &p->heading);
    buf_adds(ret, "</h1>\n<p>");
    add_both(ret, &p->text);
    buf_adds(ret, "</p>\n");
    if (p->button.zh.n) {
        buf_adds(ret, "<form method=\"post\">\n<input type=\"hidden\" name=\"action\" value=\"");
        add_escaped(ret, p->action);
        buf_adds(ret, "\">\n<button>");
        add_both(ret, &p->button);
        buf_adds(ret, "</button>\n</form>\n");
    }
    buf_adds(ret, "</body>\n</html>\n");
}
