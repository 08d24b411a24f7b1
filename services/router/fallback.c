/* Groups in which nobody has been on duty for too long: what waits there goes to the first group
 * down the line of fallbacks that has somebody. */
#include <stdlib.h>

#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/upkeep_internal.h"

enum { LINE_MAX = 16, GROUPS_MAX = 4096 };

typedef struct Unmanned {
    int64_t tenant_id, group_id, since_ms; /* monotonic */
    bool seen;                             /* in this round */
} Unmanned;

typedef struct Fallback {
    Upkeep *upkeep;
    Unmanned unmanned[GROUPS_MAX];
    size_t unmanned_n;
    size_t at; /* of `unmanned`: whose tickets are being asked for */
    int64_t to_group;
    Waiting waiting[ROSTER_WAITING_MAX];
    size_t waiting_n;
} Fallback;

static void next_group(Fallback *f);

static bool manned(const Upkeep *u, int64_t tenant, const Catalog *c, int64_t group) {
    size_t n = 0;
    const AgentDuty *duties = configuration_duties(u->parts.configuration, tenant, &n);
    return placement_staffing(c, duties, n, group, NULL, 0).on_duty > 0;
}

/* 0: nobody anywhere down the line. */
static int64_t target_of(const Upkeep *u, int64_t tenant, const Catalog *c, const Group *g) {
    int64_t at = g->fallback_id;
    for (int i = 0; i < LINE_MAX && at && at != g->id; i++) {
        if (manned(u, tenant, c, at)) return at;
        const Group *next = catalog_group(c, at);
        at = next ? next->fallback_id : 0;
    }
    return 0;
}

static void mark(Fallback *f, int64_t tenant, int64_t group, int64_t now) {
    for (size_t i = 0; i < f->unmanned_n; i++)
        if (f->unmanned[i].tenant_id == tenant && f->unmanned[i].group_id == group) {
            f->unmanned[i].seen = true;
            return;
        }
    if (f->unmanned_n < GROUPS_MAX)
        f->unmanned[f->unmanned_n++] = (Unmanned){tenant, group, now, true};
}

static void look(Fallback *f) {
    Upkeep *u = f->upkeep;
    int64_t now = clock_monotonic_ms();
    int64_t *tenants = xmalloc(UPKEEP_TENANTS_MAX * sizeof(*tenants));
    size_t tenants_n = upkeep_tenants(u, tenants);
    for (size_t i = 0; i < f->unmanned_n; i++)
        f->unmanned[i].seen = false;
    for (size_t i = 0; i < tenants_n; i++) {
        const Catalog *c = configuration_catalog(u->parts.configuration, tenants[i]);
        const Group *groups = NULL;
        size_t n = c ? catalog_groups(c, &groups) : 0;
        for (size_t k = 0; k < n; k++)
            if (groups[k].fallback_id && !manned(u, tenants[i], c, groups[k].id))
                mark(f, tenants[i], groups[k].id, now);
    }
    free(tenants);
    size_t kept = 0;
    for (size_t i = 0; i < f->unmanned_n; i++)
        if (f->unmanned[i].seen) f->unmanned[kept++] = f->unmanned[i];
    f->unmanned_n = kept;
}

static void on_waiting(void *arg, RosterOutcome outcome) {
    Fallback *f = arg;
    const Unmanned *m = &f->unmanned[f->at - 1];
    size_t moved = 0;
    for (size_t i = 0; outcome == ROSTER_DONE && i < f->waiting_n; i++)
        if (dispatch_move(f->upkeep->parts.dispatch, m->tenant_id, f->waiting[i].ticket_id,
                          f->waiting[i].version, m->group_id, f->to_group, (Staffing){0}))
            moved++;
    if (moved)
        log_info(ABOUT(m->tenant_id, 0),
                 "nobody is on duty in group %lld: %zu tickets go to its fallback group %lld",
                 (long long)m->group_id, moved, (long long)f->to_group);
    next_group(f);
}

static void next_group(Fallback *f) {
    Upkeep *u = f->upkeep;
    while (f->at < f->unmanned_n && !u->stopped) {
        const Unmanned *m = &f->unmanned[f->at++];
        const Catalog *c = configuration_catalog(u->parts.configuration, m->tenant_id);
        const Group *g = c ? catalog_group(c, m->group_id) : NULL;
        if (!g || clock_monotonic_ms() - m->since_ms < g->fallback_after_ms) continue;
        f->to_group = target_of(u, m->tenant_id, c, g);
        if (!f->to_group) continue;
        int64_t now = clock_wall_ms();
        roster_waiting(u->parts.roster, m->tenant_id, m->group_id, now - g->fallback_after_ms,
                       f->waiting, &f->waiting_n, now, on_waiting, f);
        return;
    }
    chore_end(u, CHORE_FALLBACK, -1);
}

void fallback_begin(Upkeep *u) {
    Fallback *f = u->fallback;
    if (!f) {
        f = u->fallback = xcalloc(1, sizeof(*f));
        f->upkeep = u;
    }
    look(f);
    f->at = 0;
    next_group(f);
}

void fallback_free(Upkeep *u) {
    free(u->fallback);
}
