/* Staffing -- how many agents does the work to come ask for? Pure.
 *
 * Tickets arrive at random (Poisson), take a time that is exponential around its mean, and are
 * answered in their order by whoever is free. Where nobody gives up this is Erlang's C (1917);
 * where each gives up after a time of her own, exponential around its mean, Erlang's A (Palm 1957;
 * the formulas by integrals: Zeltyn, Mandelbaum 2005). Against a birth-death chain solved by brute
 * force the shares below are right to 1e-7, waits to 1e-6 of themselves. */
#pragma once

#include <stdbool.h>

enum { STAFFING_AGENTS_MAX = 10000 };

typedef struct Workload {
    double per_hour;   /* arrivals; 0 to 10^6 */
    double handle_s;   /* mean time that one takes an agent; 1 to 10^6 */
    double patience_s; /* mean time after which one gives up; 0: nobody does; else 1 to 10^8 */
} Workload;

typedef struct ServiceLevel {
    double answered_in_time; /* share of all that arrive; who gives up is not answered */
    double waits;            /* share that is not answered at once */
    double gives_up;         /* share */
    double wait_s;           /* mean, of all, given up or not; INFINITY: the queue grows for ever */
    double occupancy;        /* share of the agents' time that is work */
} ServiceLevel;

typedef struct StaffingGoal {
    double share;     /* answered in time: 0.8; up to 0.9999 */
    double in_time_s; /* 20 */
    double occupancy; /* of nobody's time more than this is to be work: 0.85; 1: as it comes */
} StaffingGoal;

bool workload_ok(const Workload *w); /* within the limits above */
/* Of so many agents, 0 to STAFFING_AGENTS_MAX. */
ServiceLevel staffing_level(const Workload *w, int agents, double in_time_s);
/* The least number that reaches the goal; -ENOSPC: more than STAFFING_AGENTS_MAX; -EINVAL. */
int staffing_agents(const Workload *w, const StaffingGoal *goal);
