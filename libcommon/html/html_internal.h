/* What the files of the room share. */
#pragma once

#include <gumbo.h>

#include "base/arena.h"
#include "html/html.h"

/* What happens to an element. */
typedef enum HtmlFate {
    HTML_KEEP,   /* written, with what is in it */
    HTML_UNWRAP, /* only what is in it */
    HTML_DROP    /* neither */
} HtmlFate;

/* tree.c */

/* The body of the parsed text, in the arena; NULL when it is beyond the bounds. */
const GumboNode *html_tree(Str html, Arena *arena);
HtmlFate html_fate(const GumboElement *e);
bool html_is_block(GumboTag tag); /* begins and ends a line of its own */

/* Goes through a tree without recursion: `enter` before a node's children (false: not into them),
 * `leave` behind them, for each node that was entered. */
typedef struct HtmlWalk {
    bool (*enter)(void *arg, const GumboNode *n);
    void (*leave)(void *arg, const GumboNode *n);
    void *arg;
} HtmlWalk;
void html_walk(const GumboNode *root, const HtmlWalk *walk);

Str html_attribute(const GumboElement *e, const char *name); /* decoded; absent: {NULL, 0} */

/* url.c: both append the URL as it may be written into an attribute, not escaped yet; false, and
 * nothing appended, for what may not be linked to. */
bool html_link(Str url, Buf *ret);
bool html_own_picture(Str url, Buf *ret); /* /api/v2/attachments/{id}[/{name}] */
