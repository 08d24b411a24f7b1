/* When each chore is due. */
#include "router/upkeep.h"

#include <stdlib.h>

#include "base/cause.h"
#include "base/clock.h"
#include "router/upkeep_internal.h"

enum { TICK_MS = 100 };

void chore_end(Upkeep *u, ChoreName name, int64_t again_ms) {
    Chore *c = &u->chores[name];
    uint8_t dice; /* routers do not all come at once */
    random_bytes(&dice, 1);
    int64_t pause =
        again_ms >= 0 ? again_ms : c->every_ms - c->every_ms / 4 + c->every_ms * dice / 512;
    c->due_ms = clock_monotonic_ms() + pause;
    c->running = false;
}

size_t upkeep_tenants(const Upkeep *u, int64_t *ret) {
    return configuration_tenants(u->parts.configuration, ret, UPKEEP_TENANTS_MAX);
}

static void on_tick(void *arg) {
    Upkeep *u = arg;
    int64_t now = clock_monotonic_ms();
    bool ready = configuration_ready(u->parts.configuration);
    for (int i = 0; i < CHORES && ready && !u->stopped; i++) {
        Chore *c = &u->chores[i];
        if (c->running || now < c->due_ms) continue;
        c->running = true;
        c->begin(u);
    }
    for (int64_t tenant; (tenant = settler_overflowed(u->parts.settler)) != 0;)
        rebuild_request(u->parts.rebuild, tenant, true);
    loop_timer_arm(u->tick, TICK_MS);
}

Upkeep *upkeep_new(const UpkeepParts *parts) {
    Upkeep *u = xcalloc(1, sizeof(*u));
    u->parts = *parts;
    u->chores[CHORE_EXPIRED] = (Chore){.begin = expired_begin, .every_ms = 2000};
    u->chores[CHORE_UNSETTLED] = (Chore){.begin = unsettled_begin, .every_ms = 200};
    u->chores[CHORE_OUTBOX] = (Chore){.begin = outbox_begin, .every_ms = 1000};
    u->chores[CHORE_FALLBACK] = (Chore){.begin = fallback_begin, .every_ms = 1000};
    u->chores[CHORE_RECONCILE] =
        (Chore){.begin = reconcile_begin, .every_ms = parts->settings->reconcile_ms};
    u->chores[CHORE_OVERVIEW] = (Chore){.begin = overview_begin, .every_ms = 5000};
    u->chores[CHORE_SWEEP] = (Chore){.begin = sweep_begin, .every_ms = 60000};
    u->chores[CHORE_PULSE] = (Chore){.begin = pulse_begin, .every_ms = 1000};
    for (int i = 0; i < CHORES; i++)
        chore_end(u, (ChoreName)i, i == CHORE_FALLBACK ? 0 : -1);
    u->tick = loop_timer_new(parts->loop, on_tick, u);
    loop_timer_arm(u->tick, TICK_MS);
    return u;
}

Upkeep *upkeep_free(Upkeep *u) {
    if (!u) return NULL;
    loop_timer_free(u->tick);
    expired_free(u);
    outbox_free(u);
    fallback_free(u);
    reconcile_free(u);
    overview_free(u);
    free(u);
    return NULL;
}

void upkeep_documents(Upkeep *u, int64_t tenant_id) {
    for (size_t i = 0; i < u->documented_n; i++)
        if (u->documented[i] == tenant_id) {
            reconcile_soon(u, tenant_id);
            return;
        }
    if (u->documented_n < UPKEEP_TENANTS_MAX) u->documented[u->documented_n++] = tenant_id;
}

void upkeep_stop(Upkeep *u) {
    u->stopped = true;
}

bool upkeep_idle(const Upkeep *u) {
    for (int i = 0; i < CHORES; i++)
        if (u->chores[i].running) return false;
    return true;
}
