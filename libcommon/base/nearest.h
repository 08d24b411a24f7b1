/* Nearest -- the name that somebody probably meant. Pure. */
#pragma once

#include <stddef.h>

#include "base/text.h"

/* The candidate nearest to `wrong` within a third of its characters; absent when none is. Equal
 * distance: the first. */
Str nearest(Str wrong, const Str *candidates, size_t n);
/* "; did you mean `x`?" or "", in a buffer that the next call overwrites. */
const char *did_you_mean(Str wrong, const Str *candidates, size_t n);
