/* Router -- the parts of docket-router, introduced to each other. */
#pragma once

#include <stdbool.h>

#include "runtime/runtime.h"

int router_start(Runtime *runtime, const void *config, void **ret_self);
bool router_drain(void *self);
void router_stop(void *self);
