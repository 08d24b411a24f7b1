#include "analytics/board/risk.h"

#include <stdlib.h>

#include "analytics/board/picture.h"
#include "analytics/table/asking.h"
#include "analytics/table/tables.h"
#include "base/clock.h"
#include "metrics/metrics.h"

enum { EVERY_MS = 15000 };

struct BoardRisk {
    Analytics *analytics;
    Metric *tickets;
    int64_t begun_ms; /* monotonic; 0: never */
    /* While it is being asked. */
    Arena *arena; /* NULL: it is not */
    Asking *asking;
    FactQuestion question;
    int64_t now_ms, sum;
    size_t place; /* of the next tenant */
};

BoardRisk *board_risk_new(Analytics *a) {
    BoardRisk *r = xcalloc(1, sizeof(*r));
    r->analytics = a;
    r->tickets = metric_gauge("docket_analytics_at_risk_tickets",
                              "Open tickets with a promise that falls due within the hour, of "
                              "everybody's; each instance knows them all.",
                              NULL);
    return r;
}

static void give_up(BoardRisk *r) {
    r->asking = asking_free(r->asking);
    r->arena = arena_free(r->arena);
}

BoardRisk *board_risk_free(BoardRisk *r) {
    if (!r) return NULL;
    give_up(r);
    free(r);
    return NULL;
}

static void on_answer(void *arg, int result, const FactAnswer *answer);

static void ask_next(BoardRisk *r) {
    int64_t tenant_id;
    FactTable *t = fact_tables_at(r->analytics->tables, r->place, &tenant_id);
    if (!t) {
        metric_set(r->tickets, (double)r->sum);
        give_up(r);
        return;
    }
    r->place++;
    r->question = fact_question(FACT_TICKETS);
    r->question.now_ms = r->now_ms;
    r->question.between[r->question.between_n++] =
        (FactBetween){FACT_AT_DUE, r->now_ms, r->now_ms + BOARD_RISK_MS};
    r->question.flags_set = 1U << FLAG_OPEN;
    if (asking_new(r->analytics->loop, t, &r->question, r->arena, on_answer, r, &r->asking, NULL) <
        0)
        give_up(r);
}

static void on_answer(void *arg, int result, const FactAnswer *answer) {
    BoardRisk *r = arg;
    r->asking = NULL;
    if (result == 0) r->sum += (int64_t)answer->total.count;
    ask_next(r);
}

void board_risk_tick(BoardRisk *r) {
    int64_t now = clock_monotonic_ms();
    if (!r || r->arena || !r->analytics->tables) return;
    if (r->begun_ms && now - r->begun_ms < EVERY_MS) return;
    r->begun_ms = now;
    r->now_ms = clock_wall_ms();
    r->arena = arena_new(0);
    r->sum = 0;
    r->place = 0;
    ask_next(r);
}
