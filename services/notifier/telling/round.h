/* Round -- one batch of events, or one storm, from what is known of it to the commit of its
 * deliveries. One at a time on one connection; what fails is asked again until it succeeds. */
#pragma once

#include "events/event.h"
#include "loop/loop.h"
#include "notifier/settings.h"
#include "postgres/connection.h"
#include "store/configuration.h"

typedef struct Round Round;

typedef struct RoundParts {
    Loop *loop;
    Connection *postgres;
    Configuration *configuration;
    const NotifierSettings *settings;
} RoundParts;

Round *round_new(const RoundParts *parts);
Round *round_free(Round *r); /* safe while it runs: its callback does not come */

/* Begins anew; what was added before is gone. */
void round_clear(Round *r);
Arena *round_arena(Round *r); /* of what is added */
/* An event, in the arena. One that comes twice counts once. */
void round_add(Round *r, const Event *event);
size_t round_size(const Round *r);

/* `done` comes once everything is committed, never inside the call. */
void round_run(Round *r, LoopCallback done, void *arg);
/* Looks for a storm that is over and not told, and tells it. */
void round_run_storm(Round *r, LoopCallback done, void *arg);
bool round_running(const Round *r);
bool round_waiting(const Round *r); /* for the next try of what failed */
void round_wake(Round *r);          /* tries at once */

size_t round_written(const Round *r); /* deliveries, by what ran last */
bool round_found_storm(const Round *r);
