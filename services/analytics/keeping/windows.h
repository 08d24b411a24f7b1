/* Windows -- what the rows of a batch add to each quarter of an hour. Pure.
 *
 * By partition as well: what belongs to a partition that somebody else has by now is not added. */
#pragma once

#include "analytics/keeping/tally.h"

typedef struct Windows Windows;

typedef struct Window {
    int64_t tenant_id, starts_ms;
    int32_t partition;
    Str category;
    int32_t counts[WINDOW_COUNTS];
} Window;

Windows *windows_new(void);
Windows *windows_free(Windows *w); /* accepts NULL, returns NULL */
DEFINE_FREEP(Windows, windows)

void windows_add(Windows *w, int64_t tenant_id, int32_t partition, const Tally *tally);
size_t windows_all(const Windows *w, const Window **ret); /* in no order */
void windows_clear(Windows *w);
