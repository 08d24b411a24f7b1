/* Presence -- tells Redis who is there, from PostgreSQL's duties and the documents. */
#pragma once

#include <stdint.h>

#include "router/roster.h"
#include "store/configuration.h"

/* All agents of a tenant; those Redis knows and the documents do not are taken off. Hints come
 * through the roster. */
void presence_sync(Roster *r, const Configuration *c, int64_t tenant_id);
/* One of them changed. */
void presence_changed(Roster *r, const Configuration *c, int64_t tenant_id, const AgentDuty *duty);
