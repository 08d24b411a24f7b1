/* Analytics -- the parts of docket-analytics, introduced to each other. */
#pragma once

#include <stdbool.h>

#include "runtime/runtime.h"

int analytics_start(Runtime *runtime, const void *config, void **ret_self);
bool analytics_drain(void *self);
void analytics_stop(void *self);
