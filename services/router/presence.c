/* agents_set with everybody, then once more with those who are no agents any longer. */
#include "router/presence.h"

#include <stdlib.h>

#include "base/clock.h"

typedef struct Sync {
    Roster *roster;
    const Configuration *configuration;
    int64_t tenant_id;
    Arena *arena;
    Str *containers;
    size_t containers_n;
} Sync;

static void on_done(void *arg, RosterOutcome outcome) {
    (void)outcome; /* cold: the rebuild does the same; away: so does the next connection */
    Sync *s = arg;
    arena_free(s->arena);
    free(s);
}

static void on_containers(void *arg, RosterOutcome outcome) {
    Sync *s = arg;
    const Catalog *catalog = configuration_catalog(s->configuration, s->tenant_id);
    if (outcome != ROSTER_DONE || !catalog) {
        on_done(s, outcome);
        return;
    }
    AgentDuty *gone = arena_zalloc(s->arena, (s->containers_n + 1) * sizeof(*gone));
    size_t n = 0;
    for (size_t i = 0; i < s->containers_n; i++) {
        Str name = s->containers[i];
        int64_t id;
        if (!str_starts(name, STR("l:")) || str_to_i64((Str){name.p + 2, name.n - 2}, &id) < 0)
            continue;
        if (!catalog_agent(catalog, id)) gone[n++].agent_id = id;
    }
    roster_agents_set(s->roster, s->tenant_id, catalog, gone, n, NULL, clock_wall_ms(), on_done, s);
}

static void on_set(void *arg, RosterOutcome outcome) {
    Sync *s = arg;
    if (outcome != ROSTER_DONE) {
        on_done(s, outcome);
        return;
    }
    roster_containers(s->roster, s->tenant_id, &s->containers, &s->containers_n, s->arena,
                      clock_wall_ms(), on_containers, s);
}

void presence_sync(Roster *r, const Configuration *c, int64_t tenant_id) {
    const Catalog *catalog = configuration_catalog(c, tenant_id);
    if (!catalog) return;
    Sync *s = xcalloc(1, sizeof(*s));
    *s = (Sync){.roster = r, .configuration = c, .tenant_id = tenant_id, .arena = arena_new(4096)};
    size_t n = 0;
    const AgentDuty *duties = configuration_duties(c, tenant_id, &n);
    roster_agents_set(r, tenant_id, catalog, duties, n, NULL, clock_wall_ms(), on_set, s);
}

void presence_changed(Roster *r, const Configuration *c, int64_t tenant_id, const AgentDuty *duty) {
    const Catalog *catalog = configuration_catalog(c, tenant_id);
    if (catalog)
        roster_agents_set(r, tenant_id, catalog, duty, 1, NULL, clock_wall_ms(), NULL, NULL);
}
