/* Erlang's B by its recursion, C from it, A by integrals over the wait that is offered. */
#include "staffing/staffing.h"

#include <errno.h>
#include <math.h>

#define NEGLIGIBLE 45.0 /* e^-45 */
enum { SPANS = 24, PANELS = 256 /* of Simpson's rule in each; even */ };

bool workload_ok(const Workload *w) {
    return w->per_hour >= 0 && w->per_hour <= 1e6 && w->handle_s >= 1 && w->handle_s <= 1e6 &&
           (w->patience_s == 0 || (w->patience_s >= 1 && w->patience_s <= 1e8));
}

/* 1 / B(agents, load): grows where B vanishes, to infinity at worst. */
static double inverse_b(int agents, double load) {
    double inverse = 1;
    for (int k = 1; k <= agents; k++)
        inverse = 1 + inverse * k / load;
    return inverse;
}

static ServiceLevel level_c(double load, int agents, double handle_s, double in_time) {
    if (load >= agents) return (ServiceLevel){0, 1, 0, INFINITY, 1};
    double b = 1 / inverse_b(agents, load);
    double waits = agents * b / (agents - load * (1 - b));
    return (ServiceLevel){1 - waits * exp(-(agents - load) * in_time / handle_s), waits, 0,
                          waits * handle_s / (agents - load), load / agents};
}

/* The offered wait's density but for a factor is exp(climb(x)); all rates are per second. */
typedef struct Offered {
    double arrivals, serving, leaving; /* lambda, n mu, theta */
    double top;                        /* the greatest climb, taken off so that nothing overflows */
    double start, end;                 /* nothing to speak of lies before and beyond */
} Offered;

static double climb(const Offered *o, double x) {
    return -o->arrivals * expm1(-o->leaving * x) / o->leaving - o->serving * x;
}

typedef enum Whom { ALL, STILL_THERE, GONE } Whom;

/* Of exp(climb(x) - top) from 0 to `to`; of those who wait so long without giving up, or who do
 * not. In spans that double from the start: patience may be a second where an agent takes an hour.
 */
static double integral(const Offered *o, double to, Whom whom) {
    if (to > o->end) to = o->end;
    if (to <= o->start) return 0;
    double all = 0, from = o->start, span = (to - o->start) / (1 << (SPANS - 1));
    for (int n = 0; n < SPANS; n++) {
        double step = span / PANELS, sum = 0;
        for (int k = 0; k <= PANELS; k++) {
            double x = from + k * step, weight = k == 0 || k == PANELS ? 1 : k % 2 ? 4 : 2;
            if (whom == STILL_THERE) weight *= exp(-o->leaving * x);
            if (whom == GONE) weight *= -expm1(-o->leaving * x);
            sum += weight * exp(climb(o, x) - o->top);
        }
        all += sum * step / 3;
        from += span;
        if (n) span *= 2;
    }
    return all;
}

/* Where it falls below what counts, between an instant where it does and one where it does not. */
static double edge(const Offered *o, double within, double beyond) {
    for (int k = 0; k < 60; k++) {
        double mid = (within + beyond) / 2;
        if (climb(o, mid) - o->top > -NEGLIGIBLE)
            within = mid;
        else
            beyond = mid;
    }
    return beyond;
}

static Offered offered(double arrivals, double serving, double leaving) {
    Offered o = {arrivals, serving, leaving, 0, 0, 0};
    double peak = arrivals > serving ? log(arrivals / serving) / leaving : 0;
    double beyond = 1 / serving;
    o.top = climb(&o, peak);
    while (climb(&o, peak + beyond) - o.top > -NEGLIGIBLE)
        beyond *= 2;
    o.end = edge(&o, peak, peak + beyond);
    if (-o.top < -NEGLIGIBLE) o.start = edge(&o, peak, 0);
    return o;
}

static ServiceLevel level_a(const Workload *w, double rate, double load, int agents,
                            double in_time) {
    double leaving = 1 / w->patience_s, serving = agents / w->handle_s;
    Offered o = offered(rate, serving, leaving);
    double scale = exp(-o.top), free = inverse_b(agents - 1, load) * scale;
    double all = rate * integral(&o, o.end, ALL), whole = free + all;
    if (!isfinite(whole)) return (ServiceLevel){1, 0, 0, 0, load / agents};
    double at_once = free / whole,
           answered = at_once + rate * integral(&o, o.end, STILL_THERE) / whole;
    double gives_up = rate * integral(&o, o.end, GONE) / whole;
    double in_time_of_waiting = in_time > 0 ? rate * integral(&o, in_time, STILL_THERE) / whole : 0;
    return (ServiceLevel){at_once + in_time_of_waiting, all / whole, gives_up,
                          gives_up * w->patience_s, fmin(1, load * answered / agents)};
}

ServiceLevel staffing_level(const Workload *w, int agents, double in_time_s) {
    double rate = w->per_hour / 3600, load = rate * w->handle_s;
    if (w->per_hour <= 0) return (ServiceLevel){1, 0, 0, 0, 0};
    if (agents < 1 && w->patience_s > 0) return (ServiceLevel){0, 1, 1, w->patience_s, 0};
    if (agents < 1) return (ServiceLevel){0, 1, 0, INFINITY, 0};
    if (w->patience_s > 0) return level_a(w, rate, load, agents, in_time_s);
    return level_c(load, agents, w->handle_s, in_time_s);
}

static bool reaches(const Workload *w, const StaffingGoal *goal, int agents) {
    ServiceLevel l = staffing_level(w, agents, goal->in_time_s);
    return l.answered_in_time >= goal->share && l.occupancy <= goal->occupancy;
}

int staffing_agents(const Workload *w, const StaffingGoal *goal) {
    if (!workload_ok(w) || !(goal->share > 0 && goal->share <= 0.9999) ||
        !(goal->in_time_s >= 0 && goal->in_time_s <= 1e8) ||
        !(goal->occupancy >= 0.01 && goal->occupancy <= 1))
        return -EINVAL;
    if (w->per_hour <= 0) return 0;
    int high = 1, low = 0; /* low does not reach it */
    while (high < STAFFING_AGENTS_MAX && !reaches(w, goal, high)) {
        low = high;
        high = high * 2 < STAFFING_AGENTS_MAX ? high * 2 : STAFFING_AGENTS_MAX;
    }
    if (!reaches(w, goal, high)) return -ENOSPC;
    while (high - low > 1) {
        int mid = low + (high - low) / 2;
        if (reaches(w, goal, mid))
            high = mid;
        else
            low = mid;
    }
    return high;
}
