/* Every second: how late we are, for those who have to know whether a ticket may still come. */
#include "router/upkeep_internal.h"

static void on_told(void *arg, StoreOutcome outcome, const char *problem) {
    Upkeep *u = arg;
    (void)outcome, (void)problem; /* silence counts as late */
    turn_give(u->parts.turn);
    chore_end(u, CHORE_PULSE, -1);
}

static void on_turn(void *arg) {
    Upkeep *u = arg;
    int64_t oldest_ms = u->parts.oldest_ms(u->parts.arg);
    store_pulse(turn_store(u->parts.turn), u->parts.instance, oldest_ms < 0 ? 0 : oldest_ms,
                on_told, u);
}

void pulse_begin(Upkeep *u) {
    if (u->parts.oldest_ms(u->parts.arg) < 0)
        chore_end(u, CHORE_PULSE, -1);
    else
        turn_take(u->parts.turn, on_turn, u);
}
