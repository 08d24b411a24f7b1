/* What has fallen due, a few hundred tickets at a time, the most important first: between two of
 * these the events have their turn. */
#include <stdlib.h>

#include "base/clock.h"
#include "sla/sla_internal.h"

static void on_done(void *arg) {
    sla_turn_over(arg);
}

bool due_begin(Sla *s) {
    int64_t now = clock_wall_ms();
    if (clocks_next_ms(s->clocks) > now) return false;
    size_t max = (size_t)s->settings->due_max;
    CLEANUP(mem_freep) TicketClock *due = xmalloc(max * sizeof(*due));
    size_t n = clocks_take(s->clocks, now, due, max);
    if (n == 0) return false;
    batch_clear(s->batch);
    for (size_t i = 0; i < n; i++)
        (void)batch_story(s->batch, due[i].tenant_id, due[i].ticket_id, due[i].partition);
    s->work = WORK_DUE;
    batch_run(s->batch, BATCH_DUE, on_done, s);
    return true;
}
