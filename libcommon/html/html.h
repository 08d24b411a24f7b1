/* HTML -- what people send as HTML, made fit to be shown to somebody else; and plain text as HTML,
 * and HTML as plain text. Any bytes in, always something out, within
 * bounds of time and memory; no I/O.
 *
 * The text is parsed as a browser does (HTML5, libgumbo) and written anew from the tree: only
 * elements, attributes and URLs of a white list, everything else escaped or left out. So there is
 * no way to write something that our parser and a browser read differently. Kept: paragraphs,
 * headings, lists, quotations, tables, emphasis, code; links to http, https, mailto and tel. What
 * runs, embeds, asks for input or hides (script, style, iframe, svg, template, select ...) goes
 * with all that is in it; of every other unknown element the content stays. Pictures stay only
 * when they are attachments of our own: loading somebody else's would tell him who reads it and
 * when, so these become links. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum {
    HTML_BYTES_MAX = 256 << 10, /* of a text to be parsed */
    HTML_TAGS_MAX = 16384,      /* '<' in it */
    HTML_DEPTH_MAX = 64,        /* of the elements written; deeper ones only leave their content */
    HTML_TREE_BYTES = 24 << 20, /* memory of a tree: small texts can ask for enormous ones */
    HTML_CPU_MS = 100           /* of parsing: its cost grows with tags times depth */
};

typedef enum HtmlOutcome {
    HTML_CLEAN,  /* sanitised */
    HTML_AS_TEXT /* beyond the bounds above: shown with its markup, as text */
} HtmlOutcome;

/* Appends. The output can stand inside a <div> of any page and never ends it. */
HtmlOutcome html_sanitise(Str html, Buf *ret);
/* Plain text as HTML: paragraphs, line breaks, http(s) addresses as links. Appends. */
void html_from_text(Str text, Buf *ret);
/* What a reader would see of it: blocks on lines of their own, "* " before the items of lists,
 * addresses of links in parentheses. No markup is left; characters are not escaped. Appends. */
HtmlOutcome html_to_text(Str html, Buf *ret);
/* `s` with & < > " ' and ` escaped: for text and quoted attributes. Appends. */
void html_escape(Str s, Buf *ret);
