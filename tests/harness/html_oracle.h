/* What sanitised HTML must be like, asked of the parser again and knowing nothing of how it was
 * made: put into a <div>, it stays inside, and holds nothing that is not in these lists. */
#pragma once

#include <gumbo.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

#include "base/text.h"

static inline bool oracle_word(const char *list, const char *word) { /* " a b c " */
    CLEANUP(buf_done) Buf spaced = {0};
    buf_printf(&spaced, " %s ", word);
    return strstr(list, spaced.p) != NULL;
}

static inline bool oracle_bad(const char *what, const char *which) {
    fprintf(stderr, "html oracle: %s: %s\n", what, which);
    return false;
}

/* "/a/../b" climbs, "/a/..b" is a name like any other. */
static inline bool oracle_climbs(const char *path) {
    for (const char *at = path; (at = strstr(at, "/.")); at++) {
        const char *end = at + (at[2] == '.' ? 3 : 2);
        if (*end == '/' || *end == 0) return true;
    }
    return false;
}

static inline bool oracle_attribute(const char *element, const GumboAttribute *a) {
    const char *v = a->value;
    if (strcmp(a->name, "href") == 0) {
        if (strcmp(element, "a") != 0) return oracle_bad("href of", element);
        if (strncasecmp(v, "http://", 7) && strncasecmp(v, "https://", 8) &&
            strncasecmp(v, "mailto:", 7) && strncasecmp(v, "tel:", 4))
            return oracle_bad("href", v);
        for (; *v; v++)
            if ((unsigned char)*v <= 0x20 || strchr("\\\"'`<>", *v))
                return oracle_bad("in href", a->value);
        return true;
    }
    if (strcmp(a->name, "src") == 0)
        return strcmp(element, "img") == 0 && strncmp(v, "/api/v2/attachments/", 20) == 0 &&
               !oracle_climbs(v) && !strpbrk(v, "?#");
    if (!oracle_word(" rel target title alt width height dir start colspan rowspan ", a->name))
        return oracle_bad("attribute", a->name);
    return true;
}

static inline bool oracle_nodes(const GumboNode *n, const char *elements, int depth) {
    if (depth > 80) return oracle_bad("depth", "");
    if (n->type == GUMBO_NODE_COMMENT || n->type == GUMBO_NODE_TEMPLATE ||
        n->type == GUMBO_NODE_CDATA)
        return oracle_bad("node", "no element and no text");
    if (n->type != GUMBO_NODE_ELEMENT) return true;
    const GumboElement *e = &n->v.element;
    const char *name = gumbo_normalized_tagname(e->tag);
    if (e->tag_namespace != GUMBO_NAMESPACE_HTML || e->tag == GUMBO_TAG_UNKNOWN ||
        !oracle_word(elements, name))
        return oracle_bad("element", name);
    for (unsigned i = 0; i < e->attributes.length; i++)
        if (!oracle_attribute(name, e->attributes.data[i])) return false;
    for (unsigned i = 0; i < e->children.length; i++)
        if (!oracle_nodes(e->children.data[i], elements, depth + 1)) return false;
    return true;
}

#define ORACLE_ELEMENTS                                                                            \
    " a abbr b blockquote br caption cite code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img "    \
    "ins kbd li mark ol p pre q s samp small span strong sub sup table tbody td tfoot th thead "   \
    "tr u ul var "

static inline bool oracle_holds(Str out, const char *elements) {
    CLEANUP(buf_done) Buf page = {0};
    buf_adds(&page, "<!doctype html><html><head></head><body><div>");
    buf_add_str(&page, out);
    buf_adds(&page, "</div><i></i></body></html>");
    GumboOptions options = kGumboDefaultOptions;
    GumboOutput *parsed = gumbo_parse_with_options(&options, page.p, page.n);
    const GumboNode *html = parsed->root, *body = NULL;
    for (unsigned i = 0; i < html->v.element.children.length; i++) {
        const GumboNode *n = html->v.element.children.data[i];
        if (n->type == GUMBO_NODE_ELEMENT && n->v.element.tag == GUMBO_TAG_BODY) body = n;
    }
    bool good =
        body && body->v.element.children.length == 2 && body->v.element.attributes.length == 0;
    if (good) {
        const GumboNode *fence = body->v.element.children.data[0];
        const GumboNode *behind = body->v.element.children.data[1];
        good = fence->type == GUMBO_NODE_ELEMENT && fence->v.element.tag == GUMBO_TAG_DIV &&
               behind->type == GUMBO_NODE_ELEMENT && behind->v.element.tag == GUMBO_TAG_I &&
               behind->v.element.children.length == 0;
        if (!good) oracle_bad("it left its <div>", page.p);
        good = good && oracle_nodes(fence, elements, 0);
    } else
        oracle_bad("it left its <div>", page.p);
    gumbo_destroy_output(&options, parsed);
    return good;
}
