/* Columns -- how wide a text stands on a terminal: two columns for what East Asian typography calls
 * wide or fullwidth (and emoji), none for combining marks, one for the rest. Pure.
 *
 * Characters of ambiguous width (box drawing, blocks, "…", "·") count as one, as terminals in UTF-8
 * show them. Bytes that are no UTF-8 count as one column each; control characters take none, so
 * whoever prints somebody else's text prints it through columns_add(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

size_t columns_of(Str s);
/* Appends `s` in exactly `columns`: cut with "…" where it is wider, filled with spaces behind it
 * (or, `right`, ahead of it) where it is narrower. Control characters and broken bytes become "?".
 */
void columns_add(Buf *b, Str s, size_t columns, bool right);
/* A bar of `value` in `most`, in eighths of a column, filled up with spaces to `columns`. What is
 * more than nothing is seen. */
void columns_add_bar(Buf *b, double value, double most, size_t columns);
