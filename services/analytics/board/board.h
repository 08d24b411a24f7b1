/* Board -- GET /live and /live.json: what is going on right now, for all who look at it.
 *
 *   views.c    one picture of a tenant a second, however many look at it; none when nobody does
 *   streams.c  one client of /live: each picture as it is drawn, unless the one before is not taken
 *   groups.c   how far the services are behind: which consumer groups are asked about
 *   board.c    the routes, the lags, life
 *
 * Whoever may see counts beyond her own reach (reports.read) sees the tenant; everybody else what
 * she reaches, drawn from the tickets that she reaches, and without the services. Neither
 * PostgreSQL nor Redis is asked for it. */
#pragma once

#include "analytics/board/groups.h"
#include "analytics/board/risk.h"
#include "analytics/board/views.h"
#include "analytics/parts.h"
#include "kafka/lag.h"

typedef struct Board {
    Analytics *analytics;
    LagGroups *groups;
    KafkaLag *lag;
    BoardService services[BOARD_SERVICES_MAX];
    size_t services_n;
    int64_t told_ms;  /* monotonic: `services` are of then; 0: never */
    BoardView *views; /* of everybody who looks, or did a moment ago */
    BoardView *drawn; /* that one is being drawn; NULL: none */
    LoopTimer *next;  /* to draw another */
    size_t streams_n;
    BoardRisk *risk;
    struct {
        struct Metric *viewers, *pictures, *skipped, *refused, *seconds;
    } metrics;
} Board;

enum {
    BOARD_EVERY_MS = 950,     /* a view is not drawn more often; looked at every second */
    BOARD_LAG_FRESH_MS = 5000 /* what the services were behind so long ago is still shown */
};

/* Something is to be drawn, perhaps: soon, not inside this call. */
void board_wake(Board *b);
/* Are the services' lags known, or not shown in it anyway? */
bool board_lag_fresh(const Board *b);
