/* Upkeep -- what nobody asks for: reservations that were never confirmed, tickets that Redis did
 * not hear about, outbox rows of the dead, groups without anybody on duty, a slow comparison of
 * both stores, expiry of old keys, and the numbers per group for the metrics. Every router does all
 * of it; twice does no harm. */
#pragma once

#include <stdint.h>

#include "loop/loop.h"
#include "publish/publication.h"
#include "router/dispatch.h"
#include "router/rebuild.h"
#include "router/roster.h"
#include "router/settings.h"
#include "router/settler.h"
#include "router/turn.h"
#include "store/configuration.h"

typedef struct Upkeep Upkeep;

typedef struct UpkeepParts { /* all of them outlive the upkeep */
    Loop *loop;
    const RouterSettings *settings;
    Turn *turn;
    Roster *roster;
    Settler *settler;
    Rebuild *rebuild;
    Dispatch *dispatch;
    const Publisher *publisher;
    const Configuration *configuration;
    const char *instance;
    /* Age of the oldest submission that waits for this router; -1: not known. */
    int64_t (*oldest_ms)(void *arg);
    void *arg;
} UpkeepParts;

Upkeep *upkeep_new(const UpkeepParts *parts);
Upkeep *upkeep_free(Upkeep *u);
/* A tenant has new documents: whatever their change moved is compared at once, all of it. The first
 * ones of a tenant change nothing. */
void upkeep_documents(Upkeep *u, int64_t tenant_id);
void upkeep_stop(Upkeep *u); /* begins nothing any more */
bool upkeep_idle(const Upkeep *u);
