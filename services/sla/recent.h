/* Recent -- what is kept of the tickets that were kept last, so that PostgreSQL need not be asked
 * for what it was given a moment ago. Pure.
 *
 * An entry is good for as long as its partition is ours by the same epoch: nobody else can have
 * written since. One place for each hash: a newcomer takes it over. About 20 MiB when it is full of
 * states of usual size, 70 MiB at most. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "sla/story.h"

typedef struct Recent Recent;

enum { RECENT_PLACES = 1 << 16, RECENT_STATE_MAX = 1024 /* larger ones are asked for */ };

Recent *recent_new(void);
Recent *recent_free(Recent *r); /* accepts NULL, returns NULL */
DEFINE_FREEP(Recent, recent)

/* This is kept of it now; the state is copied. Of one that is over nothing is remembered. */
void recent_put(Recent *r, int64_t tenant_id, int64_t ticket_id, int64_t epoch, const Kept *kept);
/* Only what was kept by this epoch, and with this seq told last; it lives until the next put or
 * drop. */
bool recent_get(const Recent *r, int64_t tenant_id, int64_t ticket_id, int64_t epoch, int32_t seq,
                Kept *ret);
void recent_drop(Recent *r, int64_t tenant_id, int64_t ticket_id);
