#include "sla/drift.h"

int64_t drift_look(Drift *d, int64_t before_ms, int64_t wall_ms, int64_t after_ms) {
    if (after_ms - before_ms > DRIFT_APART_MS) return 0;
    int64_t step = (wall_ms - d->wall_ms) - (before_ms - d->monotonic_ms);
    int64_t seen = d->wall_ms;
    *d = (Drift){wall_ms, before_ms};
    return seen && (step >= DRIFT_STEP_MS || step <= -DRIFT_STEP_MS) ? step : 0;
}
