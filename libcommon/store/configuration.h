/* Configuration -- every tenant's documents as a compiled Catalog, reloaded within 2 s of a change
 * (design.md rule 11). LISTEN docket_config, plus a poll every second of config.current_revisions()
 * in case it was missed. */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "documents/catalog.h"
#include "loop/loop.h"

typedef struct Configuration Configuration;

typedef struct ConfigurationEvents {
    /* A tenant has a new catalog (or its first). The old one stays valid until the end of the loop
     * turn, or until every catalog_ref() on it is gone. */
    void (*changed)(void *arg, int64_t tenant_id, const Catalog *catalog);
    /* Duty or capacity of an agent changed in PostgreSQL (NOTIFY docket_agents 'tenant,agent', and
     * the poll). */
    void (*agent_changed)(void *arg, int64_t tenant_id, const AgentDuty *duty);
} ConfigurationEvents;

Configuration *configuration_new(Loop *loop, const char *postgres_url, const char *application_name,
                                 const ConfigurationEvents *events, void *arg, Buf *ret_problem);
Configuration *configuration_free(Configuration *c);
bool configuration_ready(const Configuration *c); /* every tenant was read at least once */
const Catalog *configuration_catalog(const Configuration *c,
                                     int64_t tenant_id); /* NULL: no documents yet */
size_t configuration_tenants(const Configuration *c, int64_t *ret, size_t max);
const AgentDuty *configuration_duties(const Configuration *c, int64_t tenant_id, size_t *ret_n);
