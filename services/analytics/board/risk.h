/* BoardRisk -- how many tickets of all tenants have a promise that falls due within the hour, for
 * whoever watches the metrics: one short question a tenant every quarter of a minute, whether
 * somebody looks at the board or not. */
#pragma once

#include "analytics/parts.h"

typedef struct BoardRisk BoardRisk;

BoardRisk *board_risk_new(Analytics *a);
BoardRisk *board_risk_free(BoardRisk *r); /* accepts NULL, returns NULL */
void board_risk_tick(BoardRisk *r);       /* every second */
