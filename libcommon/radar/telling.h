/* Telling -- the words by which a group of texts differs from all others: its name. Chinese and
 * English. Pure.
 *
 * Terms are words of two letters and more, and runs of two to four neighbouring characters of a
 * script without spaces. What most texts of the group have and few others do tells most: share *
 * log(share / share elsewhere), the term's part in the divergence of the two (Kullback, Leibler).
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

enum {
    TELLING_TEXTS_MAX = 50, /* of a group: more are not looked at */
    TELLING_TERMS = 3,
    TELLING_BYTES_MAX = 2048 /* of a text likewise */
};

/* How many texts have each term: about 1 MiB, counted in a sketch (Cormode, Muthukrishnan 2005,
 * with conservative update: Estan, Varghese 2002) that may count too many, never too few, and
 * noticeably so once there are millions of different terms; then everything is halved. */
typedef struct Background Background;

Background *background_new(void);
Background *background_free(Background *b); /* accepts NULL, returns NULL */
DEFINE_FREEP(Background, background)

void background_add(Background *b, Str text);
uint64_t background_texts(const Background *b);

/* The most telling terms of the group, the best first, parted by " ", appended: "物流 包裹破损". At
 * most TELLING_TERMS, none of which says a part of another; none when nothing is shared. */
void background_name(const Background *b, const Str *texts, size_t n, Buf *ret);
