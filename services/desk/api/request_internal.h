/* What the files of api/ know of a request besides what handlers see. */
#pragma once

#include "access/limits.h"
#include "desk/api/request.h"
#include "desk/api/routes.h"
#include "metrics/metrics.h"

typedef struct QueryPair {
    Str name, value; /* decoded */
} QueryPair;

typedef struct HeldParams {
    Params params;
    struct HeldParams *next;
} HeldParams;

typedef struct FamilyMetrics {
    Metric *latency;
    Metric *answers[4]; /* 2xx 3xx 4xx 5xx */
} FamilyMetrics;

typedef enum TicketPhase { /* of a ROUTE_TICKET request, see api/waiting.c */
                           TICKET_UNASKED,
                           TICKET_ASKED, /* it waits; the handler has said "not found" once */
                           TICKET_SETTLED
} TicketPhase;

struct RequestInner {
    QueryPair *pairs;
    size_t pairs_n;
    HeldParams *params;
    Buf *bufs[REQUEST_BUFS];
    size_t bufs_n;
    LimitState limit;
    bool limited; /* `limit` is filled */
    TicketPhase phase;
    FamilyMetrics *metrics;
    Str base;                                       /* of URLs, once asked for */
    void (*heard)(void *arg, int status, Str body); /* of a request from inside */
    void *heard_arg;
};

/* request.c: false when the query string is malformed. */
bool request_read_query(Request *r);
/* Answers the exchange and frees what the arena does not; r is gone. */
void request_end(Request *r, int status, const char *type, Str body);

/* Frees what the arena does not, and leaves the exchange to whoever goes on answering it. */
void request_release(Request *r);

/* answer.c: every answer goes through here. */
void answer_end(Request *r, int status, const char *type, Str body);

/* waiting.c: the handler says that ids[0] is no ticket. True: the request waits, and the handler
 * will be called again; false: so it is. */
bool waiting_take(Request *r);
