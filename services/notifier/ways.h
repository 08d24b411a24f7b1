/* Ways -- the channels that an operator has set up, and delivering on top of them. */
#pragma once

#include "notifier/channels/channel.h"
#include "notifier/delivering/delivering.h"
#include "notifier/settings.h"
#include "store/configuration.h"
#include "vault/vault.h"

typedef struct Ways Ways;

typedef struct WaysParts { /* all outlive it */
    Loop *loop;
    const NotifierSettings *settings;
    const char *instance;
    Vault *vault;
    Configuration *configuration;
} WaysParts;

/* NULL with what is wrong in *ret_problem. Waits for PostgreSQL by itself. */
Ways *ways_new(const WaysParts *parts, Buf *ret_problem);
Ways *ways_free(Ways *w);

Delivering *ways_delivering(Ways *w);
