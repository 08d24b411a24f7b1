/* Subject JSON -- what somebody might do at a moment, kept for what is done later in her name.
 * Pure. */
#pragma once

#include "base/arena.h"
#include "rights/rights.h"

void subject_json(const Subject *s, Buf *ret);
/* -EBADMSG when it is none. Everything in the arena. */
int subject_parse(Str json, int64_t tenant_id, Arena *arena, Subject *ret);
