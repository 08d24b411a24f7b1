/* FactSheet -- what one ticket's ledger comes to: the figures that reports are made of. Pure: no
 * clock, no I/O.
 *
 * Told row by row in order of seq, it is a function of the rows, of the hours given with each, and
 * of the clocks it was shown, and of nothing else: kept packed between two rows it says what a fold
 * of the whole ledger says.
 *
 *   - Creation happens at the gate's moment of acceptance; later rows at their `at`, never before
 *     the row ahead of them. Only instants from 1970 to 9999 are known, others are cut.
 *   - Every time is kept twice: by the calendar, and as business time, counted through the hours
 *     that are given with the row at its end.
 *   - agent:N and user:N (staff without agent's documents) are agents, requester:N is the
 *     requester, everybody else is a machine.
 *   - A reply is an agent's public comment; the creation is nobody's reply. A touch is any
 *     ticket_updated of an agent's.
 *   - A transfer is a change from one group to another, a handover one from one agent to another,
 *     also when it lay with none in between: the one before it is remembered.
 *   - Solved: it enters solved, or is closed without ever having been. Reopened: from solved back
 *     to an open state. What is merged or deleted is not solved by that.
 *   - No time runs in closed, deleted and merged. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "events/event.h"
#include "promise/life.h"

enum {
    SHEET_STAGES = TICKET_SOLVED + 1, /* those in which time runs */
    SHEET_TEXT_MAX = 255,             /* bytes; longer ones are cut, between two characters */
    SHEET_PLACES_MAX = 32,            /* groups, and agents, with figures of their own */
    SHEET_MOVES_MAX = 32,             /* pairs of groups likewise */
    SHEET_OUTCOMES_MAX = 64,          /* promises likewise */
    SHEET_PACKED_MAX = 1 << 16        /* bytes that fact_sheet_unpack() looks at */
};

typedef enum SheetText {
    SHEET_CHANNEL,
    SHEET_KIND,
    SHEET_CATEGORY, /* "跨境/清关" */
    SHEET_PRODUCT,
    SHEET_BATCH,
    SHEET_DEVICE,
    SHEET_REGION,
    SHEET_TIER,
    SHEET_LANGUAGE,
    SHEET_SATISFACTION, /* "good" "bad" "offered"; absent: not asked */
    SHEET_TEXTS
} SheetText;

const char *sheet_text_name(SheetText t); /* "channel" */

typedef struct FactTime {
    int64_t calendar_ms, business_ms;
} FactTime;

typedef struct Stage {
    int32_t entered; /* so often */
    FactTime time;   /* up to the last row */
} Stage;

typedef struct Place { /* a group or an agent that it came to */
    int64_t id;
    int32_t times;            /* it came there */
    int32_t replies, touches; /* agents: their own, wherever it lay */
    FactTime held;            /* open */
    FactTime worked;          /* in progress */
} Place;

typedef struct Places {
    Place *p; /* in the order of their first appearance */
    size_t n;
    int32_t others; /* appearances of further ones, beyond SHEET_PLACES_MAX */
} Places;

typedef struct Move { /* transfers from one group to another */
    int64_t from, to;
    int32_t count;
} Move;

typedef struct Moves {
    Move *p; /* in the order of their first */
    size_t n;
    int32_t others; /* transfers between further pairs, beyond SHEET_MOVES_MAX */
} Moves;

typedef enum OutcomeState {
    OUTCOME_OPEN, /* runs or stands, not broken */
    OUTCOME_KEPT,
    OUTCOME_BROKEN,
    OUTCOME_CANCELLED, /* merged or deleted before it was either */
    OUTCOME_STATES
} OutcomeState;

typedef struct Outcome { /* of one promise: a clock that has or had a target */
    ClockMetric metric;
    int32_t instance;
    OutcomeState state;
    bool ended;                    /* its clock has, though a reopening may wake it */
    int64_t target_ms, elapsed_ms; /* as its clock has them, up to the last row */
    int64_t group_id, assignee_id; /* who had it, or had it last, at the row by which its state
                                    * was seen; 0: nobody */
} Outcome;

typedef struct OutcomeSum {
    int32_t open, kept, broken, cancelled;
    int64_t over_ms;  /* beyond their targets, all together */
    int64_t worst_ms; /* of one */
} OutcomeSum;

typedef struct PromiseRows { /* what the ledger says was told */
    int32_t warned, breached, escalated;
} PromiseRows;

#define SHEET_NEVER INT64_MAX

/* Read what you like; changed by the functions below alone. */
typedef struct FactSheet {
    int32_t seq; /* last row told; 0: none */
    TicketStatus status;
    TicketPriority priority;
    int64_t created_ms, row_ms; /* its creation; its last row */
    int64_t source_id, requester_id, form_id, followup_of;
    int64_t group_id, assignee_id;           /* now; 0: none */
    int64_t last_group_id, last_assignee_id; /* now, or before it lay with none */
    Str texts[SHEET_TEXTS];

    int64_t entered_ms; /* its state */
    FactTime age;       /* from creation to the last row, as far as time runs */
    Stage stages[SHEET_STAGES];
    int64_t assigned_ms; /* first; these four SHEET_NEVER: not */
    int64_t replied_ms;  /* first */
    int64_t solved_ms;   /* first */
    int64_t resolved_ms; /* last; SHEET_NEVER again while it is reopened */
    /* From creation to each of them. */
    FactTime to_assigned, to_reply, to_solved, to_resolved;

    int32_t replies, requester_comments, private_comments, machine_comments;
    int32_t touches, transfers, handovers, reopenings, priority_raises;
    Places groups, agents;
    Moves moves;     /* all together `transfers` */
    FactTime worked; /* in progress, with somebody: what an agent's time is charged by */

    int64_t rated_ms; /* last; SHEET_NEVER: not */
    int32_t rated_seq;
    bool rated_note; /* with words: the note of row rated_seq */

    Outcome *outcomes; /* by metric, then instance; the latest of each metric is always here */
    size_t outcomes_n;
    OutcomeSum folded[METRICS]; /* those no longer among them */
    PromiseRows told[METRICS];
} FactSheet;

FactSheet *fact_sheet_new(void);
FactSheet *fact_sheet_free(FactSheet *f); /* accepts NULL, returns NULL */
DEFINE_FREEP(FactSheet, fact_sheet)

typedef enum SheetDid { /* bits: what a row did */
                        DID_CREATE = 1,
                        DID_ENTER = 2, /* another state */
                        DID_ASSIGN = 4,
                        DID_REPLY = 8,
                        DID_FIRST_REPLY = 16,
                        DID_ASK = 32, /* the requester spoke */
                        DID_NOTE = 64,
                        DID_TOUCH = 128,
                        DID_TRANSFER = 256,
                        DID_HAND_OVER = 512,
                        DID_SOLVE = 1024,
                        DID_FIRST_SOLVE = 2048,
                        DID_REOPEN = 4096,
                        DID_RATE = 8192,
                        DID_RECATEGORISE = 16384 /* one of the texts changed */
} SheetDid;

typedef struct FactStep { /* for windows that move by what happens */
    unsigned did;
    int64_t at_ms; /* as the sheet has it */
    Speaker by;
    int64_t actor_id; /* the number in agent:N and the like; 0: none */
    TicketStatus from;
    int64_t from_group,
        from_assignee; /* before the row; of a transfer or handover the one before */
    FactTime stretch;  /* since the row before, in `from`; 0 where no time runs */
} FactStep;

/* The next row. `hours`: by which the time since the row before is business time; NULL: around the
 * clock. `ret_step` may be NULL. 0, or, with nothing changed,
 *   -EALREADY  its seq is not newer,
 *   -EAGAIN    rows between are missing,
 *   -EBADMSG   row 1 is no creation. */
int fact_sheet_tell(FactSheet *f, const Event *row, const Calendar *hours, FactStep *ret_step);

/* What its clocks (lives/ticket_life.h) say now: told after every row, or once at the end with
 * those of a life with history, in order of metric and instance. Of instances older than the latest
 * seen nothing is changed any more, so the same clocks may be shown again. */
void fact_sheet_clocks(FactSheet *f, const Clock *clocks, size_t n);
OutcomeSum fact_sheet_promises(const FactSheet *f, ClockMetric m);

/* From the last row to `now`, in its state: not in the sheet yet. 0 where no time runs. */
FactTime fact_sheet_since(const FactSheet *f, int64_t now_ms, const Calendar *hours);
/* Solved with at most one reply, touched by one agent alone, never reopened. */
bool fact_sheet_one_touch(const FactSheet *f);
/* NULL: it never came there. */
const Place *place_of(const Places *p, int64_t id);

/* Version 2, some 80 to 300 bytes; appended. */
void fact_sheet_pack(const FactSheet *f, Buf *ret);
/* 0 and a sheet that goes on where it was; -EBADMSG: another version, or not what fact_sheet_pack()
 * wrote: every count, length and instant in it is checked, the bytes may come from anywhere. */
int fact_sheet_unpack(Str packed, FactSheet **ret);
