/* Pipeline -- submissions become stored, placed and published tickets, a batch at a time; the order
 * of effects is in pipeline.c's first comment. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "publish/publication.h"
#include "router/lanes.h"
#include "router/roster.h"
#include "router/settings.h"
#include "router/settler.h"
#include "store/configuration.h"
#include "store/store.h"

typedef struct Pipeline Pipeline;

typedef struct PipelineParts { /* all of them outlive the pipeline */
    Loop *loop;
    const RouterSettings *settings;
    const char *instance;
    Lanes *lanes;
    Store *store; /* its own: nobody else uses it */
    Roster *roster;
    Settler *settler;
    const Publisher *publisher;
    const Configuration *configuration;
} PipelineParts;

Pipeline *pipeline_new(const PipelineParts *parts);
Pipeline *pipeline_free(Pipeline *p); /* idle, or what is under way comes again elsewhere */

void pipeline_pump(Pipeline *p);    /* there may be something to take */
void pipeline_revoked(Pipeline *p); /* finish what was taken, then give the partitions back */
void pipeline_stop(Pipeline *p);    /* takes nothing any more */
bool pipeline_idle(const Pipeline *p);
/* Age of the oldest submission taken and not yet stored; 0: none. */
int64_t pipeline_oldest_ms(const Pipeline *p, int64_t now_ms);
