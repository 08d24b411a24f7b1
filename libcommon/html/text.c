/* Plain text as HTML, and HTML as plain text. */
#include "html/html_internal.h"

/* ---- text -> HTML ---- */

enum { ADDRESS_BYTES_MAX = 2048 };

/* Where an address ends that begins at `at`: at a blank, a quotation mark or bracket, or any
 * character beyond ASCII (Chinese text follows without a blank); the sentence's own full stop does
 * not belong to it. */
static size_t address_end(Str s, size_t at) {
    size_t end = at;
    while (end < s.n && end - at < ADDRESS_BYTES_MAX) {
        unsigned char c = (unsigned char)s.p[end];
        if (c <= 0x20 || c >= 0x7f || strchr("<>\"'`\\{}|^", c)) break;
        end++;
    }
    while (end > at && strchr(".,;:!?)]", s.p[end - 1])) {
        if (s.p[end - 1] == ')' && memchr(s.p + at, '(', end - at)) break; /* .../Docket_(work) */
        end--;
    }
    return end;
}

static bool address_starts(Str s, size_t at) {
    Str rest = {s.p + at, s.n - at};
    return str_starts(rest, STR("http://")) || str_starts(rest, STR("https://"));
}

static void add_line(Str s, Buf *ret) {
    size_t from = 0;
    if (!s.n) return;
    for (size_t i = 0; i < s.n; i++) {
        const char *h = memchr(s.p + i, 'h', s.n - i);
        if (!h) break;
        i = (size_t)(h - s.p);
        if (!address_starts(s, i)) continue;
        CLEANUP(buf_done) Buf url = {0};
        size_t end = address_end(s, i);
        Str shown = {s.p + i, end - i};
        if (!html_link(shown, &url)) {
            i = end - 1; /* not to look at the same bytes again and again */
            continue;
        }
        html_escape((Str){s.p + from, i - from}, ret);
        buf_adds(ret, "<a href=\"");
        html_escape(buf_str(&url), ret);
        buf_adds(ret, "\" rel=\"nofollow noopener noreferrer\" target=\"_blank\">");
        html_escape(shown, ret);
        buf_adds(ret, "</a>");
        from = end;
        i = end - 1;
    }
    html_escape((Str){s.p + from, s.n - from}, ret);
}

static Str next_line(Str *rest) {
    Str line = str_cut(*rest, '\n', rest);
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    return line;
}

void html_from_text(Str text, Buf *ret) {
    bool open = false;
    for (Str rest = text; rest.p;) {
        Str line = next_line(&rest);
        if (str_trim(line).n == 0) { /* an empty line ends a paragraph */
            if (open) buf_adds(ret, "</p>");
            open = false;
            continue;
        }
        buf_adds(ret, open ? "<br>" : "<p dir=\"auto\">");
        open = true;
        add_line(line, ret);
    }
    if (open) buf_adds(ret, "</p>");
}

/* ---- HTML -> text ---- */

typedef struct Reader {
    Buf *out;
    size_t start;       /* of our part of out */
    bool space;         /* a blank is due before the next word */
    int lines;          /* line ends due before it */
    int preformatted;   /* <pre> open */
    size_t link_starts; /* in out, of the link open now */
} Reader;

static bool at_line_start(const Reader *r) {
    return r->out->n == r->start || r->out->p[r->out->n - 1] == '\n';
}

static void due_lines(Reader *r, int n) {
    if (r->lines < n) r->lines = n;
    r->space = false;
}

static void pay(Reader *r) {
    if (r->lines && r->out->n > r->start)
        for (int i = at_line_start(r) ? 1 : 0; i < r->lines; i++)
            buf_addc(r->out, '\n');
    else if (r->space && !at_line_start(r))
        buf_addc(r->out, ' ');
    r->lines = 0;
    r->space = false;
}

static void read_text(Reader *r, Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
        if (blank && !r->preformatted) {
            r->space = r->space || !r->lines;
            continue;
        }
        pay(r);
        buf_addc(r->out, c);
    }
}

static bool read_enter(void *arg, const GumboNode *n) {
    Reader *r = arg;
    if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE) {
        read_text(r, str(n->v.text.text));
        return false;
    }
    if (n->type != GUMBO_NODE_ELEMENT || html_fate(&n->v.element) == HTML_DROP) return false;
    const GumboElement *e = &n->v.element;
    if (html_is_block(e->tag)) due_lines(r, 1);
    if (e->tag == GUMBO_TAG_P) due_lines(r, 2);
    if (e->tag == GUMBO_TAG_TD || e->tag == GUMBO_TAG_TH) r->space = true;
    if (e->tag == GUMBO_TAG_PRE) r->preformatted++;
    if (e->tag == GUMBO_TAG_LI) {
        pay(r);
        buf_adds(r->out, "* ");
    }
    if (e->tag == GUMBO_TAG_BR) {
        pay(r);
        buf_addc(r->out, '\n');
    }
    if (e->tag == GUMBO_TAG_HR) {
        pay(r);
        buf_adds(r->out, "---");
        due_lines(r, 1);
    }
    if (e->tag == GUMBO_TAG_IMG) {
        Str alt = html_attribute(e, "alt");
        pay(r);
        buf_adds(r->out, "[图片");
        if (alt.n) buf_printf(r->out, ": %.*s", STR_ARG(alt));
        buf_addc(r->out, ']');
    }
    if (e->tag == GUMBO_TAG_A) {
        pay(r);
        r->link_starts = r->out->n;
    }
    return true;
}

static void read_leave(void *arg, const GumboNode *n) {
    Reader *r = arg;
    const GumboElement *e = &n->v.element;
    if (html_is_block(e->tag)) due_lines(r, e->tag == GUMBO_TAG_P ? 2 : 1);
    if (e->tag == GUMBO_TAG_PRE) r->preformatted--;
    if (e->tag != GUMBO_TAG_A) return;
    CLEANUP(buf_done) Buf url = {0};
    Str shown = {r->out->p + r->link_starts, r->out->n - r->link_starts};
    if (!html_link(html_attribute(e, "href"), &url)) return;
    Str bare = buf_str(&url);
    if (str_starts(bare, STR("mailto:"))) bare = (Str){bare.p + 7, bare.n - 7};
    if (str_starts(bare, STR("tel:"))) bare = (Str){bare.p + 4, bare.n - 4};
    if (!str_eq(shown, bare)) buf_printf(r->out, " (%.*s)", STR_ARG(bare));
}

HtmlOutcome html_to_text(Str html, Buf *ret) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    const GumboNode *root = html_tree(html, arena);
    if (!root) {
        buf_add_str(ret, html);
        return HTML_AS_TEXT;
    }
    buf_reserve(ret, 1);
    Reader r = {.out = ret, .start = ret->n};
    html_walk(root, &(HtmlWalk){.enter = read_enter, .leave = read_leave, .arg = &r});
    while (ret->n > r.start && strchr(" \n", ret->p[ret->n - 1]))
        ret->n--;
    ret->p[ret->n] = 0;
    return HTML_CLEAN;
}
