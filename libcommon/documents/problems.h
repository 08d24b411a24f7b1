/* Problems -- what is wrong in documents, for the person who wrote them: file, line, what, remedy.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/nearest.h"
#include "base/text.h"

enum { PROBLEMS_MAX = 20 }; /* more are counted, not shown */

typedef struct Place {
    Str file;
    long line; /* from 1; 0: the file as a whole */
} Place;

typedef struct Problems {
    Buf *text; /* "shop.yaml:41: rule `x`: ...\n", one a line */
    size_t n;
} Problems;

void problem(Problems *p, Place at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void problems_end(Problems *p); /* says how many more there were */
