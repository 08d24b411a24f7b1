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

/* Appends the HTML. */
void page_write(const Page *p, Buf *ret);
/* The Content-Security-Policy that goes with it: nothing but its own style, forms to where it is
 * from, no frames. */
extern const char page_policy[];
