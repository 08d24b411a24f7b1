/* Text between tags and in attributes. */
#include "html/html_internal.h"

void html_escape(Str s, Buf *ret) {
    size_t from = 0;
    if (!s.n) return;
    for (size_t i = 0; i < s.n; i++) {
        const char *as = NULL;
        switch (s.p[i]) {
        case '&':
            as = "&amp;";
            break;
        case '<':
            as = "&lt;";
            break;
        case '>':
            as = "&gt;";
            break;
        case '"':
            as = "&quot;";
            break;
        case '\'':
            as = "&#39;";
            break;
        case '`':
            as = "&#96;";
            break;
        case 0: /* ends nothing, means nothing */
            as = "\xef\xbf\xbd";
            break;
        default:
            continue;
        }
        buf_add(ret, s.p + from, i - from);
        buf_adds(ret, as);
        from = i + 1;
    }
    buf_add(ret, s.p + from, s.n - from);
}
