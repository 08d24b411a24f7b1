/* Members -- a JSON text taken apart into slices, without a tree and without copies: an event is
 * made of its ledger row's payload for every ticket. The text comes from PostgreSQL or from
 * ledger_payload_*(), so only its structure is checked. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

/* Members of an object, elements of an array, one by one; start with *rest being the whole text.
 * 1 and the slices (a key without its quotes, still escaped), 0 behind the last, -EBADMSG. */
int members_next(Str *rest, Str *ret_key, Str *ret_value);
int elements_next(Str *rest, Str *ret_value);

/* A string value with its quotes, as text in the arena, NUL-terminated. -EBADMSG when it is none.
 */
int member_text(Str value, Arena *arena, Str *ret);
/* An integer, or null as 0. */
int member_int(Str value, int64_t *ret);

/* A value without the spaces between its parts, NUL-terminated: jsonb gives them back with spaces.
 */
Str member_compact(Str value, Arena *arena);
