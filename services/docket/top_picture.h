/* TopPicture -- the live board as lines of text, for a terminal. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/text.h"

typedef struct TopLook {
    size_t columns; /* 60 at least */
    size_t lines; /* of the terminal: groups that do not fit are counted; 0: as many as there are */
    bool colour;
    const char *trouble; /* a line at the end, or NULL */
} TopLook;

/* `board` is what GET /live.json gives; what is missing in it is shown as "–". Lines end in a line
 * feed. */
void top_picture_write(const cJSON *board, const TopLook *look, Buf *ret);
