/* How many wait in each group, since when, and how many people have room: for the metrics. */
#include <stdlib.h>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "router/upkeep_internal.h"

typedef struct Overview {
    Upkeep *upkeep;
    int64_t tenants[UPKEEP_TENANTS_MAX];
    size_t tenants_n, at;
    GroupOverview *groups;
    size_t groups_n;
    int64_t unconfirmed;
} Overview;

static void next_tenant(Overview *x);

static void show(const Overview *x, int64_t tenant, const Catalog *c) {
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < x->groups_n; i++) {
        const GroupOverview *g = &x->groups[i];
        const Group *group = catalog_group(c, g->group_id);
        if (!group) continue;
        CLEANUP(buf_done) Buf labels = {0}, number = {0};
        buf_add_i64(&number, tenant);
        metric_label(&labels, "tenant", buf_str(&number));
        metric_label(&labels, "group", group->name);
        metric_set(metric_gauge("docket_router_waiting_tickets", "Tickets that wait for somebody",
                                labels.p),
                   (double)g->waiting);
        metric_set(metric_gauge("docket_router_waiting_oldest_age_seconds",
                                "Age of the oldest ticket that stands first in a queue", labels.p),
                   g->first_since_ms && now > g->first_since_ms
                       ? (double)(now - g->first_since_ms) / 1000
                       : 0);
        metric_set(metric_gauge("docket_router_agents_with_room",
                                "Agents on duty who could take something", labels.p),
                   (double)g->agents_with_room);
    }
    CLEANUP(buf_done) Buf labels = {0}, number = {0};
    buf_add_i64(&number, tenant);
    metric_label(&labels, "tenant", buf_str(&number));
    metric_set(
        metric_gauge("docket_router_reservations", "Reservations not yet confirmed", labels.p),
        (double)x->unconfirmed);
}

static void on_overview(void *arg, RosterOutcome outcome) {
    Overview *x = arg;
    int64_t tenant = x->tenants[x->at - 1];
    const Catalog *c = configuration_catalog(x->upkeep->parts.configuration, tenant);
    if (outcome == ROSTER_DONE && c) show(x, tenant, c);
    next_tenant(x);
}

static void next_tenant(Overview *x) {
    Upkeep *u = x->upkeep;
    for (; x->at < x->tenants_n && roster_connected(u->parts.roster); x->at++) {
        const Catalog *c = configuration_catalog(u->parts.configuration, x->tenants[x->at]);
        if (!c || rebuild_waiting(u->parts.rebuild, x->tenants[x->at])) continue;
        const Group *groups;
        x->groups_n = catalog_groups(c, &groups);
        free(x->groups);
        x->groups = xcalloc(x->groups_n + 1, sizeof(*x->groups));
        for (size_t i = 0; i < x->groups_n; i++)
            x->groups[i].group_id = groups[i].id;
        roster_overview(u->parts.roster, x->tenants[x->at++], x->groups, x->groups_n,
                        &x->unconfirmed, clock_wall_ms(), on_overview, x);
        return;
    }
    chore_end(u, CHORE_OVERVIEW, -1);
}

void overview_begin(Upkeep *u) {
    Overview *x = u->overview;
    if (!x) {
        x = u->overview = xcalloc(1, sizeof(*x));
        x->upkeep = u;
    }
    x->tenants_n = upkeep_tenants(u, x->tenants);
    x->at = 0;
    next_tenant(x);
}

void overview_free(Upkeep *u) {
    Overview *x = u->overview;
    if (!x) return;
    free(x->groups);
    free(x);
}
