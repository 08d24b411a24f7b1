/* Sla -- the parts of docket-sla, introduced to each other. */
#pragma once

#include <stdbool.h>

#include "runtime/runtime.h"

int sla_start(Runtime *runtime, const void *config, void **ret_self);
bool sla_drain(void *self);
void sla_stop(void *self);
