/* Work -- one change of one ticket, from reading to the commit: the ticket is read with what its
 * decision looks at, decided (change.h), and given to the store (changes.h); if somebody else was
 * faster, all of that again, at most WORK_TRIES times. Serves requests and jobs alike. */
#pragma once

#include "desk/desk.h"
#include "desk/tickets/change.h"

enum { WORK_TRIES = 5 };

typedef ChangeVerdict (*WorkDecide)(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                    Arena *arena, Change *ret);

typedef struct WorkAsk { /* all it points to must live until `done` */
    Desk *desk;
    Arena *arena;
    const Subject *who;
    const Catalog *catalog;
    Str actor, by, channel; /* by: see ChangeActor */
    Cause cause;
    int32_t step;
    Trace trace;
    int64_t ticket_id;
    bool wants_loads, wants_evidence, wants_acknowledged, wants_solved;
    int64_t names_agent;   /* whose load is wanted besides; 0: nobody */
    const int64_t *people; /* whom it names to be told besides */
    size_t people_n;
    int64_t other_id;   /* a second ticket, wanted for the decision; 0: none */
    const Str *uploads; /* tokens */
    size_t uploads_n;
    WorkDecide decide;
    void *decide_arg;
} WorkAsk;

typedef enum WorkOutcome {
    WORK_DONE,      /* result->edit is what the store says */
    WORK_NOTHING,   /* it was so already */
    WORK_HIDDEN,    /* 404 */
    WORK_FORBIDDEN, /* 403 */
    WORK_INVALID,   /* 422 */
    WORK_STALE,     /* 409 */
    WORK_AWAY       /* 503: whether it was done is not known; the same cause does it at most once */
} WorkOutcome;

typedef struct WorkResult {
    TicketRow before, after; /* DONE and NOTHING; tags and texts live as long as the arena */
    const TicketEdit *edit;  /* DONE */
    Invalid *invalid;        /* INVALID */
    const char *reason;      /* FORBIDDEN, STALE, AWAY */
} WorkResult;

typedef void (*WorkDone)(void *arg, WorkOutcome outcome, const WorkResult *result);

/* `done` comes exactly once, never inside this call. */
void work_begin(const WorkAsk *ask, WorkDone done, void *arg);

/* ---- For requests ---- */

/* "agent:1012", "requester:...", "user:1017", "token:1033" of a program. In the arena. */
Str work_actor(const Subject *who, const Catalog *catalog, int64_t token_id, Arena *arena);
/* An ask with all that the request itself says: its ids[0], subject, cause and channel. */
WorkAsk work_ask(Request *r, WorkDecide decide, void *decide_arg);
/* Answers whatever is not DONE or NOTHING. True when it has. */
bool work_refused(Request *r, WorkOutcome outcome, const WorkResult *result);
