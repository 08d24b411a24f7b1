/* SurgeBodies -- what a surge sends: the body of ticket n, always the same for the same n, so that
 * a duplicate or a retry is the same to the byte.
 *
 * Texts come from the generator or from a file; requesters are made up (addresses of example.com,
 * numbers counted through), so nobody real is ever in them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct SurgeBodies SurgeBodies;

SurgeBodies *surge_bodies_generate(uint64_t seed);
/* CSV (with or without a heading) or JSON lines, from a file or, as "-", from standard input; the
 * texts are repeated when there are fewer than tickets. Of CSV the column `column`, or when NULL
 * the first called text, body, description, content, message, review or comment, and beside it
 * subject or title; without such a heading all columns together. JSON lines: strings, objects with
 * members of those names, or {"ticket": {...}} sent as it is.
 * 0; -EINVAL or -errno with a sentence in *ret_problem. */
int surge_bodies_read(const char *file, const char *column, uint64_t seed, SurgeBodies **ret,
                      Buf *ret_problem);
SurgeBodies *surge_bodies_free(SurgeBodies *b);
DEFINE_FREEP(SurgeBodies, surge_bodies)

size_t surge_bodies_count(const SurgeBodies *b); /* texts of the file; 0: generated */
/* Channels that the tickets name instead of the generator's web, app and api: "email,chat"; "-":
 * none, so the source's default. Must outlive b. */
void surge_bodies_channels(SurgeBodies *b, const char *channels);
void surge_bodies_write(SurgeBodies *b, int64_t ticket, Buf *ret); /* appends */

/* Pure: the fields of the next CSV record (RFC 4180) of *text, unquoted into *store (cleared
 * first). How many (at most `max`; more are dropped), 0 at the end. */
size_t surge_csv_next(Str *text, Buf *store, Str *ret, size_t max);
