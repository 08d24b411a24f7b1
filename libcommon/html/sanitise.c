/* The tree written anew, by the white list. */
#include "html/html_internal.h"

typedef struct Writer {
    Buf *out;
    size_t depth;                 /* elements open now */
    size_t links;                 /* of them, <a> */
    const GumboNode **open;       /* those that were written and must be ended; HTML_DEPTH_MAX */
    const GumboNode *fresh_block; /* <pre> whose first newline the parser would swallow */
} Writer;

static void add_attribute(Writer *w, const char *name, Str value) {
    buf_addc(w->out, ' ');
    buf_adds(w->out, name);
    buf_adds(w->out, "=\"");
    html_escape(value, w->out);
    buf_addc(w->out, '"');
}

static void copy_attribute(Writer *w, const GumboElement *e, const char *name) {
    Str value = html_attribute(e, name);
    if (value.p && value.n <= 512) add_attribute(w, name, value);
}

/* A number within bounds: a table of a million columns is an attack on the reader's browser. */
static void copy_number(Writer *w, const GumboElement *e, const char *name, int64_t max) {
    Str value = html_attribute(e, name);
    int64_t n;
    if (!value.p || str_to_i64(value, &n) < 0 || n < 0 || n > max) return;
    CLEANUP(buf_done) Buf digits = {0};
    buf_add_i64(&digits, n);
    add_attribute(w, name, buf_str(&digits));
}

static void copy_direction(Writer *w, const GumboElement *e) {
    Str dir = html_attribute(e, "dir");
    if (str_eq_nocase(dir, STR("ltr"))) add_attribute(w, "dir", STR("ltr"));
    if (str_eq_nocase(dir, STR("rtl"))) add_attribute(w, "dir", STR("rtl"));
    if (str_eq_nocase(dir, STR("auto"))) add_attribute(w, "dir", STR("auto"));
}

static void begin_link(Buf *out, Str href) {
    buf_adds(out, "<a href=\"");
    html_escape(href, out);
    buf_adds(out, "\" rel=\"nofollow noopener noreferrer\" target=\"_blank\"");
}

static void write_picture(Writer *w, const GumboElement *e) {
    CLEANUP(buf_done) Buf url = {0}, label = {0};
    Str alt = html_attribute(e, "alt");
    if (html_own_picture(html_attribute(e, "src"), &url)) {
        buf_adds(w->out, "<img");
        add_attribute(w, "src", buf_str(&url));
        copy_attribute(w, e, "alt");
        copy_number(w, e, "width", 4096);
        copy_number(w, e, "height", 4096);
        buf_addc(w->out, '>');
        return;
    }
    buf_adds(&label, "[图片");
    if (alt.n && alt.n <= 512) buf_printf(&label, ": %.*s", STR_ARG(alt));
    buf_addc(&label, ']');
    bool linked = !w->links && html_link(html_attribute(e, "src"), &url);
    if (linked) {
        begin_link(w->out, buf_str(&url));
        buf_addc(w->out, '>');
    }
    html_escape(buf_str(&label), w->out);
    if (linked) buf_adds(w->out, "</a>");
}

/* False: the element is not written after all, only what is in it. */
static bool begin_element(Writer *w, const GumboElement *e) {
    if (e->tag == GUMBO_TAG_A) {
        CLEANUP(buf_done) Buf url = {0};
        if (w->links || !html_link(html_attribute(e, "href"), &url)) return false;
        begin_link(w->out, buf_str(&url));
        copy_attribute(w, e, "title");
    } else {
        buf_addc(w->out, '<');
        buf_adds(w->out, gumbo_normalized_tagname(e->tag));
        copy_direction(w, e);
        if (e->tag == GUMBO_TAG_ABBR) copy_attribute(w, e, "title");
        if (e->tag == GUMBO_TAG_OL) copy_number(w, e, "start", 1000000);
        if (e->tag == GUMBO_TAG_TD || e->tag == GUMBO_TAG_TH) {
            copy_number(w, e, "colspan", 100);
            copy_number(w, e, "rowspan", 100);
        }
    }
    buf_addc(w->out, '>');
    return true;
}

static bool enter(void *arg, const GumboNode *n) {
    Writer *w = arg;
    if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE) {
        Str text = str(n->v.text.text);
        if (w->fresh_block == n->parent && text.n && text.p[0] == '\n') buf_addc(w->out, '\n');
        w->fresh_block = NULL;
        html_escape(text, w->out);
        return false;
    }
    if (n->type != GUMBO_NODE_ELEMENT) return false; /* comments, CDATA, templates */
    const GumboElement *e = &n->v.element;
    w->fresh_block = NULL;
    HtmlFate fate = html_fate(e);
    if (fate == HTML_DROP) return false;
    if (fate == HTML_UNWRAP || w->depth == HTML_DEPTH_MAX) return true;
    if (e->tag == GUMBO_TAG_IMG) {
        write_picture(w, e);
        return false;
    }
    if (!begin_element(w, e)) return true;
    if (e->tag == GUMBO_TAG_BR || e->tag == GUMBO_TAG_HR) return false;
    if (e->tag == GUMBO_TAG_A) w->links++;
    if (e->tag == GUMBO_TAG_PRE) w->fresh_block = n;
    w->open[w->depth++] = n;
    return true;
}

static void leave(void *arg, const GumboNode *n) {
    Writer *w = arg;
    w->fresh_block = NULL;
    if (!w->depth || w->open[w->depth - 1] != n) return; /* it was not written */
    w->depth--;
    if (n->v.element.tag == GUMBO_TAG_A) w->links--;
    buf_adds(w->out, "</");
    buf_adds(w->out, gumbo_normalized_tagname(n->v.element.tag));
    buf_addc(w->out, '>');
}

HtmlOutcome html_sanitise(Str html, Buf *ret) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    const GumboNode *root = html_tree(html, arena);
    if (!root) {
        html_from_text(html, ret);
        return HTML_AS_TEXT;
    }
    const GumboNode *open[HTML_DEPTH_MAX];
    Writer w = {.out = ret, .open = open};
    html_walk(root, &(HtmlWalk){.enter = enter, .leave = leave, .arg = &w});
    return HTML_CLEAN;
}
