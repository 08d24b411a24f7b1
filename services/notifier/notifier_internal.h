/* The parts of docket-notifier. */
#pragma once

#include "keyring/keyring.h"
#include "notifier/settings.h"
#include "notifier/telling/telling.h"
#include "notifier/ways.h"
#include "runtime/runtime.h"
#include "store/configuration.h"

typedef struct Notifier {
    Runtime *runtime;
    Loop *loop;
    const NotifierSettings *settings;
    const char *instance;
    Keyring *keyring;
    Vault *vault;                 /* addresses of people are opened with it */
    Configuration *configuration; /* documents of all tenants, for both halves */
    Teller *teller;               /* docket.events -> notify.deliveries */
    Ways *ways;                   /* notify.deliveries -> people and systems */
    LoopTimer *tick;              /* every second */
    bool draining;
} Notifier;
