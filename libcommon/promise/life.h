/* Life -- the clocks of one ticket: what was promised, how long each promise has run, when it falls
 * due, and whether it was kept. Fed with what happened, in order; nothing else decides, so desk,
 * scheduler and reports cannot disagree. Pure: no clock, no I/O, every instant is an argument.
 *
 * Elapsed time is counted step by step, under the hours, targets and pauses in force at that step,
 * and never again: a later edit of a calendar or policy moves due times, not the past. Time that
 * ran without a target is kept aside and judged by the hours of the first target that follows;
 * until then it counts around the clock.
 *
 * What happens at one instant is applied together, before anything falls due at that instant: a
 * reply exactly at the due time keeps the promise. Semantics: Zendesk's metric events; where those
 * are silent, the choices are written beside the code that makes them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "promise/calendar.h"
#include "ticket/ticket.h"

typedef enum ClockMetric {
    METRIC_FIRST_REPLY,     /* from creation to the first reply; solving ends it too */
    METRIC_NEXT_REPLY,      /* from the oldest unanswered customer comment to the next reply */
    METRIC_PERIODIC_UPDATE, /* from one reply to the next */
    METRIC_RESOLUTION,      /* from creation to solved */
    METRIC_REQUESTER_WAIT,  /* likewise, without pending */
    METRIC_AGENT_WORK,      /* likewise, without pending and on hold */
    METRIC_ACK,             /* from creation to somebody's acknowledgement, a reply, or solved */
    /* From entering a state to leaving it, anew each time it is entered; only where and when it is
     * promised. One for each open state, in their order: metric_of_stage(). */
    METRIC_STAGE_NEW,
    METRIC_STAGE_ASSIGNED,
    METRIC_STAGE_IN_PROGRESS,
    METRIC_STAGE_PENDING,
    METRIC_STAGE_ON_HOLD,
    METRICS
} ClockMetric;

const char *metric_name(ClockMetric m); /* "first_reply" */
int metric_parse(Str name, ClockMetric *ret);
static inline ClockMetric metric_of_stage(TicketStatus open) {
    return (ClockMetric)(METRIC_STAGE_NEW + (int)open);
}

enum { SHARES_MAX = 4 };

typedef struct Warning { /* when a clock is to warn: one of the two */
    uint8_t percent;     /* of the target */
    int64_t left_ms;     /* before the target is reached */
} Warning;

/* What is in force: the policy's targets for the ticket's priority, resolved to calendars. */
typedef struct Terms {
    int64_t target_ms[METRICS];     /* 0: nothing promised */
    const Calendar *hours[METRICS]; /* NULL: around the clock */
    uint16_t pauses[METRICS];       /* bit 1 << TicketStatus */
    bool restart;                   /* reopening starts a new instance; else the old one goes on */
    bool bots_reply, private_replies;
    Warning warnings[SHARES_MAX];
    uint8_t warnings_n;
} Terms;

/* Pauses as they are without a policy: requester_wait in pending, agent_work in pending and
 * on_hold. */
Terms terms_default(void);

typedef enum ClockStatus {
    CLOCK_RUNNING,
    CLOCK_PAUSED,
    CLOCK_FULFILLED,
    CLOCK_CANCELLED /* merged or deleted: neither kept nor broken from here on */
} ClockStatus;

typedef enum BreachCause { BREACH_NONE, BREACH_TIME, BREACH_POLICY_CHANGE } BreachCause;

#define NEVER INT64_MAX

typedef struct Stretch { /* [from, to) */
    int64_t from, to;
} Stretch;

typedef struct Stretches {
    Stretch *p;
    size_t n, room;
} Stretches;

typedef struct Clock {
    ClockMetric metric;
    int32_t instance; /* from 1 */
    ClockStatus status;
    BreachCause breach_cause; /* before a breach: what it will be if it is found over its target */
    int64_t start_ms;
    int64_t elapsed_ms; /* judged; see clock_elapsed() */
    int64_t since_ms;   /* while running: judged up to here */
    int64_t target_ms;  /* in force, or when it ended; 0: none */
    const Calendar *hours;
    int64_t breached_ms;           /* NEVER: not */
    int64_t ended_ms;              /* fulfilled or cancelled; NEVER: not */
    int64_t warned_ms[SHARES_MAX]; /* NEVER: not, or no sooner than its breach */
    Stretches unjudged;            /* ran without a target */
    Stretches runs, counted;       /* only with a history */
} Clock;

typedef struct Life Life;

/* `history`: keep every stretch, for explaining; without it only what the future needs. */
Life *life_new(const Terms *terms, bool history);
Life *life_free(Life *l); /* accepts NULL, returns NULL */
DEFINE_FREEP(Life, life)

typedef enum Speaker { SPEAKER_REQUESTER, SPEAKER_AGENT, SPEAKER_BOT } Speaker;

/* Happenings. `at` never runs backwards: the caller sorts. Those of one instant must all be told
 * before life_settle() of a later one. After closed, merged and deleted everything is ignored. */
void life_create(Life *l, int64_t at, Speaker by, bool public_comment, TicketStatus status);
void life_comment(Life *l, int64_t at, Speaker by, bool is_public);
void life_status(Life *l, int64_t at, TicketStatus status);
/* Priority, policy or calendar changed: these terms hold from here on. */
void life_terms(Life *l, int64_t at, const Terms *terms);
/* The same terms, their hours being other objects from now on: nothing is judged. */
void life_rehours(Life *l, const Terms *terms);
void life_acknowledge(Life *l, int64_t at);
void life_merge(Life *l, int64_t at);
void life_delete(Life *l, int64_t at);
/* Judges everything before `at`, whose happenings follow. */
void life_reach(Life *l, int64_t at);
/* Judges everything up to and at `now`. */
void life_settle(Life *l, int64_t now);

/* By metric, then instance; until something is told or judged. It takes as long as there are many:
 * for whoever wants to see all of them. */
size_t life_clocks(const Life *l, const Clock **ret);
/* Of each metric only the latest instance: whatever still moves is among them. */
size_t life_latest(const Life *l, const Clock **ret);
/* The others, which are over: in the order in which they were followed by another one. */
size_t life_past(const Life *l, const Clock **ret);
TicketStatus life_ticket_status(const Life *l);
int64_t life_now(const Life *l);     /* the last instant told or judged */
int64_t life_entered(const Life *l); /* when its state was entered */
bool life_ended(const Life *l);      /* closed, merged or deleted: everything further is ignored */
void life_forget(Life *l, size_t place); /* one of life_past() */

/* Of a settled clock, at the instant of its life. */
int64_t clock_elapsed(const Clock *c); /* what has no hours yet counts around the clock */
/* The instant at which `amount` ms of it are or were reached, assuming that it goes on running from
 * `now`. Looks back into the history when it is over already (NEVER without one). NEVER unless it
 * is running. */
int64_t clock_reach(const Clock *c, int64_t now, int64_t amount);
/* How much of the target has run when it is to warn; the whole target where it is shorter than the
 * time that is to be left. */
int64_t clock_warning_ms(const Clock *c, const Warning *w);
