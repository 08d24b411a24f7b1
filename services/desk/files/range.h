/* Range -- which part of a file a request wants (RFC 9110 §14). Pure. One range only: several at
 * once are answered with the whole, as the standard allows. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

typedef struct FileRange {
    int64_t first, last; /* bytes, both included */
} FileRange;

typedef enum RangeVerdict {
    RANGE_WHOLE, /* none asked for, or nothing that we understand: 200 */
    RANGE_PART,  /* 206 */
    RANGE_NONE   /* nothing of it is in the file: 416 */
} RangeVerdict;

/* `size` > 0. *ret is written with RANGE_PART. */
RangeVerdict range_read(Str header, int64_t size, FileRange *ret);
/* Is the tag among those of If-None-Match? */
bool range_names_tag(Str header, Str tag);
