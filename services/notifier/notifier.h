/* Notifier -- the parts of docket-notifier, introduced to each other. */
#pragma once

#include <stdbool.h>

#include "runtime/runtime.h"

int notifier_start(Runtime *runtime, const void *config, void **ret_self);
bool notifier_drain(void *self);
void notifier_stop(void *self);
