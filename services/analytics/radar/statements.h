/* Statements -- what the radar asks of PostgreSQL. */
#pragma once

#include "analytics/radar/account.h"
#include "postgres/client.h"

extern const PostgresStatement radar_tenant_statement;  /* whose rows are seen */
extern const PostgresStatement radar_surges_statement;  /* -> category, upto, fitted_to, profile,
                                                           state, raging */
extern const PostgresStatement radar_first_statement;   /* -> beginning of its first window */
extern const PostgresStatement radar_history_statement; /* -> category, ms of the hour, arrived */
extern const PostgresStatement radar_counts_statement; /* -> category, ms of the quarter, arrived */
extern const PostgresStatement radar_texts_statement;  /* -> id, subject, description */
extern const PostgresStatement radar_write_statement;  /* -> rows moved, findings recorded */

enum { RADAR_CATEGORIES_MAX = 500 };

typedef struct RadarSeries { /* a category as it is kept */
    Str category;
    Watch watch;
    int32_t *hours; /* of its past, to be fitted to */
    int64_t first_ms, total;
    int32_t *quarters; /* to be stepped through */
} RadarSeries;

typedef struct RadarFound { /* a surge that began */
    Account account;
    int64_t over_ms; /* 0: it goes on */
    int64_t problem_id;
    Cause cause;
    Str key, message; /* of its signal */
} RadarFound;

typedef struct RadarOver {
    Str category;
    int64_t began_ms, at_ms;
} RadarOver;

/* What a round comes to: nothing of it is written unless each row is still at `from_ms` (or not
 * there yet) and `instance` follows the tenant's partition. */
typedef struct RadarRound {
    int64_t tenant_id;
    const char *instance;
    int64_t from_ms, upto_ms, fitted_ms;
    bool fitted; /* in this round: profiles are written */
    const RadarSeries *series;
    size_t series_n;
    const RadarFound *found;
    size_t found_n;
    const RadarOver *over; /* of surges that earlier rounds found */
    size_t over_n;
} RadarRound;

void radar_write_params(Params *p, const RadarRound *r);
