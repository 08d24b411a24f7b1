/* Problems -- the router's answer to surges that analytics found: each becomes one problem ticket,
 * under the id and the cause that its finding has had since it was recorded, and the tickets of the
 * surge become its incidents: a row in the ledger of each that names the problem.
 *
 * Told twice, it is found done: the ticket by its id and cause, each incident by the cause. So a
 * signal may come as often as it likes. What is over (closed, merged, deleted) stays as it is. */
#pragma once

#include "events/signal.h"
#include "loop/loop.h"
#include "publish/publication.h"
#include "router/settler.h"
#include "store/configuration.h"
#include "store/store.h"

typedef struct Problems Problems;

typedef struct ProblemsParts { /* all of them outlive the problems */
    Loop *loop;
    Store *store; /* its own */
    Settler *settler;
    const Publisher *publisher;
    const Configuration *configuration;
} ProblemsParts;

typedef struct ProblemsAsk {
    const Signal *signal; /* SIGNAL_SURGE_FOUND */
    const char *dead;     /* out: why it can never be processed, or NULL; until the next run */
} ProblemsAsk;

Problems *problems_new(const ProblemsParts *parts);
Problems *problems_free(Problems *p);

/* One after the other. `asked` and its signals live until done(arg), which comes once all of them
 * are stored, published and told to Redis, or refused; never inside this call. One run at a time.
 */
void problems_run(Problems *p, ProblemsAsk *asked, size_t n, LoopCallback done, void *arg);
