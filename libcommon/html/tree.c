/* Parsing within bounds. libgumbo takes its memory from an arena of ours; a text that asks for more
 * than it may have is given up in the middle, and the arena takes everything back. Its own
 * destructor, which recurses as deep as the tree, is never called. */
#include <setjmp.h>
#include <time.h>

#include "html/html_internal.h"

typedef struct Budget {
    Arena *arena;
    size_t left;
    unsigned calls;
    int64_t until_us; /* of this thread's CPU time */
    jmp_buf spent;
} Budget;

static int64_t cpu_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Every tag asks for memory, and what a tag costs grows with the depth that it stands in. */
static void *budget_alloc(void *arg, size_t n) {
    Budget *b = arg;
    if (n > b->left || (++b->calls % 64 == 0 && cpu_us() > b->until_us)) longjmp(b->spent, 1);
    b->left -= n;
    return arena_alloc(b->arena, n);
}

static void budget_free(void *arg, void *p) {
    (void)arg;
    (void)p; /* the arena does */
}

static bool within_bounds(Str html) {
    size_t tags = 0;
    if (html.n == 0) return true;
    if (html.n > HTML_BYTES_MAX) return false;
    for (const char *p = html.p, *end = html.p + html.n; p < end; p++) {
        p = memchr(p, '<', (size_t)(end - p));
        if (!p) break;
        if (++tags > HTML_TAGS_MAX) return false;
    }
    return true;
}

const GumboNode *html_tree(Str html, Arena *arena) {
    if (!within_bounds(html)) return NULL;
    Budget budget = {.arena = arena, .left = HTML_TREE_BYTES};
    budget.until_us = cpu_us() + HTML_CPU_MS * 1000;
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = budget_alloc;
    options.deallocator = budget_free;
    options.userdata = &budget;
    options.max_errors = 0;
    options.fragment_context = GUMBO_TAG_DIV;
    if (setjmp(budget.spent)) return NULL;
    return gumbo_parse_with_options(&options, html.n ? html.p : "", html.n)->root;
}

HtmlFate html_fate(const GumboElement *e) {
    if (e->tag_namespace != GUMBO_NAMESPACE_HTML) return HTML_DROP;
    switch ((int)e->tag) { /* int: the other 100 need not be named */
    case GUMBO_TAG_A:
    case GUMBO_TAG_ABBR:
    case GUMBO_TAG_B:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_BR:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_CITE:
    case GUMBO_TAG_CODE:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DEL:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_EM:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_I:
    case GUMBO_TAG_IMG:
    case GUMBO_TAG_INS:
    case GUMBO_TAG_KBD:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_MARK:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_P:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_Q:
    case GUMBO_TAG_S:
    case GUMBO_TAG_SAMP:
    case GUMBO_TAG_SMALL:
    case GUMBO_TAG_SPAN:
    case GUMBO_TAG_STRONG:
    case GUMBO_TAG_SUB:
    case GUMBO_TAG_SUP:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TBODY:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TFOOT:
    case GUMBO_TAG_TH:
    case GUMBO_TAG_THEAD:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_U:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_VAR:
        return HTML_KEEP;
    case GUMBO_TAG_APPLET:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_EMBED:
    case GUMBO_TAG_FRAME:
    case GUMBO_TAG_FRAMESET:
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_INPUT:
    case GUMBO_TAG_LINK:
    case GUMBO_TAG_MATH:
    case GUMBO_TAG_META:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_PLAINTEXT:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_XMP:
        return HTML_DROP;
    default:
        return HTML_UNWRAP;
    }
}

bool html_is_block(GumboTag tag) {
    switch ((int)tag) {
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_P:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_UL:
        return true;
    default:
        return false;
    }
}

Str html_attribute(const GumboElement *e, const char *name) {
    for (unsigned i = 0; i < e->attributes.length; i++) {
        const GumboAttribute *a = e->attributes.data[i];
        if (a->attr_namespace == GUMBO_ATTR_NAMESPACE_NONE && strcmp(a->name, name) == 0)
            return str(a->value);
    }
    return (Str){0};
}

typedef struct Step {
    const GumboNode *node;
    unsigned next;
} Step;

static const GumboVector *children(const GumboNode *n) {
    static const GumboVector none = {0};
    return n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE ? &n->v.element.children
                                                                           : &none;
}

void html_walk(const GumboNode *root, const HtmlWalk *walk) {
    size_t depth = 0, room = 64;
    Step *steps = xmalloc(room * sizeof(*steps));
    steps[depth++] = (Step){root, 0};
    while (depth) {
        Step *top = &steps[depth - 1];
        const GumboVector *below = children(top->node);
        if (top->next == below->length) {
            depth--;
            if (depth) walk->leave(walk->arg, top->node); /* the root is nobody's business */
            continue;
        }
        const GumboNode *node = below->data[top->next++];
        if (!walk->enter(walk->arg, node)) continue;
        if (depth == room) steps = xrealloc(steps, (room *= 2) * sizeof(*steps));
        steps[depth++] = (Step){node, 0};
    }
    free(steps);
}
