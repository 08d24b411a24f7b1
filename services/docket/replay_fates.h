/* ReplayFates -- what became of the promises of replayed tickets: by their whole ledgers, judged
 * once more; compared with what the services wrote into them at the time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

typedef struct ReplayFates {
    const char *postgres; /* a role that may read every tenant */
    int64_t tenant_id, now_ms;
    const int64_t *tickets; /* numbers; 0: was never created */
    const Str *names;       /* as the file calls them */
    size_t n;
    bool json;
} ReplayFates;

/* Prints a table of metrics (kept, broken, still running, without a promise), or a line of JSON a
 * clock. How many moments the ledgers have too few or too many, each named on stderr; -errno with a
 * sentence. */
int64_t replay_fates(const ReplayFates *f, Buf *ret_problem);
