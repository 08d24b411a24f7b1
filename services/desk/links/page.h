/* Page -- a small page for people who followed a link: a heading, a sentence, perhaps one button,
 * each in Chinese with English beside. Needs no script and loads nothing. Pure. */
#pragma once

#include "base/text.h"

typedef struct PageText {
    Str zh, en; /* plain text: escaped here */
} PageText;

typedef struct Page {
    PageText heading, text;
    PageText button; /* absent: none. It posts to where the page is from */
    Str action;      /* what it says */
} Page;

/* Appends the HTML. `nonce` stands in the Content-Security-Policy that goes with it. */
void page_write(const Page *p, const char *nonce, Buf *ret);
/* default-src 'none', its own style by that nonce, forms to where it is from, no frames. */
void page_policy(const char *nonce, Buf *ret);
