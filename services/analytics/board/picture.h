/* BoardPicture -- the live board at one instant: what arrives, what waits, who is free, which
 * promises fall due, how far the services are behind. Pure: no clock, no I/O; figures in, JSON out.
 *
 *   arrived    tickets by their creation (the gate's moment of acceptance)
 *   waiting    tickets that are new and nobody's; oldest: since they entered that state
 *   at risk    open tickets whose first running promise falls due within the next hour
 *   agents     of those on duty: busy has as many tickets in hand as she may have, free fewer
 *   behind     messages that a service has not dealt with */
#pragma once

#include "documents/catalog.h"
#include "rights/rights.h"

enum { BOARD_MINUTES = 60, BOARD_RISK_MS = 60 * 60 * 1000, BOARD_SERVICES_MAX = 16 };

typedef struct BoardGroupCount { /* 0: no group */
    int64_t group_id, tickets;
    int64_t oldest_s;
} BoardGroupCount;

typedef struct BoardLoad { /* tickets in hand */
    int64_t agent_id, tickets;
} BoardLoad;

typedef struct BoardService {
    const char *name; /* "router" */
    int64_t behind;   /* -1: unknown */
} BoardService;

typedef struct BoardFigures {
    int64_t now_ms;
    double filled;       /* share of the ledger that the figures are of; 1: all of it */
    int64_t last_minute; /* arrived in the 60 s up to now */
    /* By the minute of the clock; the last is the one that runs. */
    int64_t minutes[BOARD_MINUTES];
    const BoardGroupCount *waiting, *at_risk;
    size_t waiting_n, at_risk_n;
    const BoardLoad *loads; /* ascending by agent */
    size_t loads_n;
    const AgentDuty *duties;
    size_t duties_n;
    const BoardService *services; /* none: not shown to this asker */
    size_t services_n;
    const Catalog *catalog; /* NULL: no documents, so no names */
    /* Who looks; NULL: somebody who may see all of the tenant's. Her groups and those in them. */
    const Subject *who;
} BoardFigures;

/* Beginning of the minute of the clock that an instant lies in. */
int64_t board_minute(int64_t ms);
/* Where among `minutes` an instant belongs; -1: in none. */
int board_minute_place(int64_t now_ms, int64_t at_ms);

/* One JSON object, appended, without a line break in it:
 *   {"at":"…Z","complete":true,"filled":1,
 *    "arrived":{"last_minute":0,"last_hour":0,"minutes_from":"…Z","minutes":[60 numbers]},
 *    "waiting":{"tickets":0,"oldest_s":0},"at_risk":{"tickets":0,"within_s":3600},
 *    "agents":{"on_duty":0,"free":0,"busy":0,"in_hand":0,"capacity":0},
 *    "groups":[{"id":1,"name":"售后","title":"售后服务","waiting":0,"oldest_s":0,"at_risk":0,
 *               "agents":{…}}],
 *    "services":[{"name":"router","behind":0}]}       null: unknown
 * Groups are all that the documents have or that something waits in, most waiting first. */
void board_picture_write(const BoardFigures *f, Buf *ret);
