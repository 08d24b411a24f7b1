/* WorkforcePlan -- splitmix64 dice, Box-Muller for the normal part of log-normal. */
#include "docket/workforce_plan.h"

#include <math.h>
#include <stdbool.h>

static const double sigma = 0.6;
static const double most = 20; /* times the mean: a longer one is cut, or a run never ends */

uint64_t work_dice(uint64_t *state) { /* splitmix64 */
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* In (0, 1]. */
static double unit(uint64_t *dice) {
    return ((double)(work_dice(dice) >> 11) + 1) / 9007199254740992.0;
}

int64_t work_duration(double mean_ms, uint64_t *dice) {
    double radius = sqrt(-2 * log(unit(dice)));
    double normal = radius * cos(2 * 3.14159265358979323846 * unit(dice));
    double ms = mean_ms * exp(sigma * normal - sigma * sigma / 2);
    if (ms > mean_ms * most) ms = mean_ms * most;
    return ms < 1 ? 1 : (int64_t)ms;
}

static bool roll(uint64_t *dice, int per_thousand) {
    return (int)(work_dice(dice) % 1000) < per_thousand;
}

static void add(WorkPlan *p, WorkStepKind kind, double after_ms, uint64_t *dice) {
    p->steps[p->n++] = (WorkStep){kind, after_ms < 1 ? 1 : (int64_t)after_ms, work_dice(dice)};
}

WorkPlan work_plan(const WorkHabits *h, int64_t agent, int64_t ticket, int visit) {
    WorkPlan p = {.n = 0};
    uint64_t dice = h->seed;
    dice = work_dice(&dice) ^ (uint64_t)agent;
    dice = work_dice(&dice) ^ (uint64_t)ticket;
    dice = work_dice(&dice) ^ (uint64_t)visit;
    double all = (double)work_duration(h->mean_ms, &dice);

    /* Each roll is made whether it matters or not, so that one habit does not shift the others. */
    bool note = roll(&dice, h->note), ask = roll(&dice, h->ask) && visit == 0,
         transfer = roll(&dice, h->transfer) && visit < 2;
    if (transfer) {
        if (note) add(&p, WORK_NOTE, all * 0.2, &dice);
        add(&p, WORK_TRANSFER, all * 0.2, &dice);
        return p;
    }
    if (ask) {
        if (note) add(&p, WORK_NOTE, all * 0.2, &dice);
        add(&p, WORK_ASK, all * 0.4, &dice);
        return p;
    }
    add(&p, WORK_REPLY, all * 0.35, &dice);
    if (note) add(&p, WORK_NOTE, all * 0.25, &dice);
    add(&p, WORK_SOLVE, note ? all * 0.4 : all * 0.65, &dice);
    return p;
}
