/* FactQuestion -- what a report asks a tenant's table: what is counted, of which of them, cut by
 * time and by up to two dimensions, measured how. FactAnswer is what comes of it. Pure: no clock,
 * no I/O: `now_ms` is an argument.
 *
 *   - Volume by channel and day: tickets, FACT_AT_CREATED, CUT_DAY, dims {FACT_CHANNEL}.
 *   - Promises kept by group: promises, dims {FACT_METRIC, FACT_PROMISE_GROUP}, share FACT_KEPT.
 *   - An agent's work: passages of agents, dims {FACT_PASSED_AGENT}, sum FACT_WORKED.
 *   - Transfers as a matrix: moves, dims {FACT_MOVED_FROM, FACT_MOVED_TO}, sum FACT_TIMES.
 *   - Backlog by age: status open, age_classes, dims {FACT_AGE_CLASS}.
 *   - Waiting, and the oldest, by group: status open, dims {FACT_GROUP}, most of FACT_AGE_NOW.
 *   - Promises due within the hour: between {FACT_AT_DUE, now, now + 1 h}, dims {FACT_GROUP}.
 *   - Arrivals by hour and weekday: dims {FACT_WEEKDAY, FACT_HOUR}.
 *   - Satisfaction with comments: FLAG_RATED_NOTE; fact_each() names the tickets.
 *
 * Instants are cut to whole seconds. Every count and sum is exact; percentiles lie within
 * QUANTILES_ERROR (sketches/quantiles.h); distinct counts are exact up to DISTINCT_EXACT, beyond
 * it DISTINCT_STANDARD_ERROR (sketches/distinct.h). */
#pragma once

#include "analytics/table/fact_table.h"
#include "base/arena.h"
#include "promise/zone.h"
#include "rights/rights.h"

enum {
    FACT_DIMS_MAX = 2,      /* of a question */
    FACT_MEASURES_MAX = 16, /* likewise, and of every kind of filter */
    FACT_FILTERS_MAX = 32,
    FACT_CUTS_MAX = 10000,     /* parts of time of an answer */
    FACT_SERIES_MAX = 10000,   /* pairs of values of an answer: `limit` at most */
    FACT_CELLS_MAX = 200000,   /* series times parts: rows of an answer */
    FACT_SKETCHES_MAX = 20000, /* rows times percentiles and distinct counts; of one number
                                * several percentiles are one */
    FACT_AGE_CLASSES_MAX = 16
};

/* ---- What there is ---- */

typedef enum FactSource { /* what is counted */
                          FACT_TICKETS,
                          FACT_AGENT_PASSAGES, /* ticket and agent that it came to, or who touched
                                                  it */
                          FACT_GROUP_PASSAGES, /* ticket and group */
                          FACT_PROMISES, /* ticket, metric and instance; those folded in the sheet
                                            are left out */
                          FACT_MOVES,    /* ticket and pair of groups */
                          FACT_SOURCES
} FactSource;

typedef enum FactTimeField { /* an instant of a ticket; "created" ... */
                             FACT_AT_CREATED,
                             FACT_AT_ASSIGNED, /* first */
                             FACT_AT_REPLIED,  /* first */
                             FACT_AT_SOLVED,   /* first */
                             FACT_AT_RESOLVED, /* last; none while it is open again */
                             FACT_AT_RATED,    /* last */
                             FACT_AT_ENTERED,  /* its state */
                             FACT_AT_DUE,      /* the earliest of its running promises */
                             FACT_TIMES_OF
} FactTimeField;

typedef enum FactDim {
    /* Of the ticket, with every source. Those of texts first, in the order of SheetText. */
    FACT_CHANNEL,
    FACT_KIND,
    FACT_CATEGORY, /* "跨境/清关" */
    FACT_PRODUCT,
    FACT_BATCH,
    FACT_DEVICE,
    FACT_REGION,
    FACT_TIER,
    FACT_LANGUAGE,
    FACT_SATISFACTION,
    FACT_CATEGORY_TOP, /* "跨境": up to the first slash */
    /* Ids; 0: none. */
    FACT_SOURCE,
    FACT_FORM,
    FACT_GROUP, /* now */
    FACT_ASSIGNEE,
    FACT_LAST_GROUP, /* now, or before it lay with none */
    FACT_LAST_ASSIGNEE,
    /* Numbers of enums: TicketStatus, TicketPriority. */
    FACT_STATUS,
    FACT_PRIORITY,
    /* Worked out: of the question's time field in its time zone, and of `now`. Not for filters. */
    FACT_WEEKDAY,    /* 0 Monday ... 6 */
    FACT_HOUR,       /* 0 ... 23 */
    FACT_AGE_CLASS,  /* place among age_classes of now - created; the last: older than all */
    FACT_WAIT_CLASS, /* likewise, of now - the entering of its state */
    FACT_TICKET_DIMS,
    /* Of what lies behind it, with its source only. */
    FACT_PASSED_AGENT = FACT_TICKET_DIMS,
    FACT_PASSED_GROUP,
    FACT_METRIC,  /* ClockMetric */
    FACT_OUTCOME, /* OutcomeState */
    FACT_PROMISE_GROUP,
    FACT_PROMISE_AGENT,
    FACT_MOVED_FROM,
    FACT_MOVED_TO,
    FACT_DIMS
} FactDim;

enum { FACT_CODED_DIMS = FACT_WEEKDAY }; /* those of the ticket that are kept */

typedef enum FactNumber { /* durations in seconds; "none" is no value: not averaged, not matched */
                          /* Of the ticket. */
                          FACT_TO_ASSIGNED,
                          FACT_TO_ASSIGNED_BUSINESS,
                          FACT_TO_REPLY, /* first */
                          FACT_TO_REPLY_BUSINESS,
                          FACT_TO_SOLVED, /* first */
                          FACT_TO_SOLVED_BUSINESS,
                          FACT_TO_RESOLVED, /* last */
                          FACT_TO_RESOLVED_BUSINESS,
                          FACT_STAGE_TIME, /* + TicketStatus, new ... solved; none: it never was
                                              there */
                          FACT_STAGE_TIME_BUSINESS = FACT_STAGE_TIME + SHEET_STAGES,
                          FACT_STAGE_TIMES_ENTERED =
                              FACT_STAGE_TIME_BUSINESS + SHEET_STAGES, /* so often */
                          FACT_WORKED_BY_ALL = FACT_STAGE_TIMES_ENTERED +
                                               SHEET_STAGES, /* in progress, with somebody */
                          FACT_WORKED_BY_ALL_BUSINESS,
                          FACT_REPLIES,
                          FACT_REQUESTER_COMMENTS,
                          FACT_PRIVATE_COMMENTS,
                          FACT_MACHINE_COMMENTS,
                          FACT_TOUCHES,
                          FACT_TRANSFERS,
                          FACT_HANDOVERS,
                          FACT_REOPENINGS,
                          FACT_PRIORITY_RAISES,
                          FACT_PROMISES_KEPT, /* of the ticket, those folded included, as the next
                                                 two */
                          FACT_PROMISES_BROKEN,
                          FACT_PROMISES_OPEN,
                          FACT_TICKET_COLUMNS,
                          /* Worked out of `now`. */
                          FACT_AGE_NOW = FACT_TICKET_COLUMNS, /* since its creation */
                          FACT_IN_STATE_NOW,                  /* since it entered its state */
                          /* Yes or no, as 1 or 0, of those that are asked: the average is the
                             share. */
                          FACT_IS_ASSIGNED,  /* ever; of all */
                          FACT_IS_REPLIED,   /* ever; of all */
                          FACT_IS_SOLVED,    /* ever; of all */
                          FACT_IS_RESOLVED,  /* now; of all */
                          FACT_IS_REOPENED,  /* of those ever solved */
                          FACT_IS_ONE_TOUCH, /* of those that are resolved */
                          FACT_IS_RATED,     /* of all that are resolved or rated */
                          FACT_IS_GOOD,      /* of those rated good or bad */
                          FACT_IS_BREACHED,  /* a promise broken; of those that were promised
                                                something */
                          FACT_TICKET_NUMBERS,
                          /* Of passages: of agents and of groups. */
                          FACT_TIMES =
                              FACT_TICKET_NUMBERS, /* it came there; of moves: it was moved so */
                          FACT_OWN_REPLIES,        /* of agents, as the next */
                          FACT_OWN_TOUCHES,
                          FACT_HELD, /* open */
                          FACT_HELD_BUSINESS,
                          FACT_WORKED, /* in progress */
                          FACT_WORKED_BUSINESS,
                          /* Of promises. */
                          FACT_TARGET,
                          FACT_ELAPSED,
                          FACT_OVER, /* beyond the target; of the broken */
                          FACT_KEPT, /* yes or no; of those kept or broken */
                          FACT_NUMBERS
} FactNumber;

typedef enum FactFlag {
    FLAG_ONE_TOUCH,
    FLAG_REOPENED,
    FLAG_RATED_NOTE, /* rated with words */
    FLAG_FOLLOWUP,
    FLAG_ASSIGNED, /* ever, as the next two */
    FLAG_REPLIED,
    FLAG_SOLVED,
    FLAG_RESOLVED, /* now */
    FLAG_RATED,
    FLAG_BREACHED, /* a promise of it was broken */
    FLAG_PROMISED, /* something was */
    FLAG_OPEN,     /* not solved, closed, deleted or merged */
    FACT_FLAGS
} FactFlag;

/* By name, as in reports: "category", "to_reply_business", "stage_time_pending", "one_touch".
 * -EINVAL. */
const char *fact_source_name(FactSource s);
const char *fact_time_name(FactTimeField f);
const char *fact_dim_name(FactDim d);
const char *fact_number_name(FactNumber n);
const char *fact_flag_name(FactFlag f);
int fact_source_parse(Str name, FactSource *ret);
int fact_time_parse(Str name, FactTimeField *ret);
int fact_dim_parse(Str name, FactDim *ret);
int fact_number_parse(Str name, FactNumber *ret);
int fact_flag_parse(Str name, FactFlag *ret);

bool fact_dim_is_text(FactDim d); /* else its values are numbers */
bool fact_number_is_duration(FactNumber n);
bool fact_number_is_yes_no(FactNumber n);
/* Is it there with rows of that source? Everything of the ticket is, with each. */
bool fact_dim_has(FactSource s, FactDim d);
bool fact_number_has(FactSource s, FactNumber n);

/* ---- A question ---- */

typedef enum FactCut { CUT_NONE, CUT_QUARTER, CUT_HOUR, CUT_DAY, CUT_WEEK, CUT_MONTH } FactCut;

int fact_cut_parse(Str name, FactCut *ret); /* "none" "quarter" "hour" "day" "week" "month" */
const char *fact_cut_name(FactCut c);

typedef struct FactOneOf { /* a dimension has one of these values */
    FactDim dim;
    bool none_of;       /* ... has none of them */
    const Str *texts;   /* of dims of texts: absent or "" is "none"; a category also reaches what
                         * lies below it */
    const int64_t *ids; /* of the others */
    size_t n;
} FactOneOf;

typedef struct FactRange { /* a number lies in [least, most]; INT64_MIN, INT64_MAX: no end */
    FactNumber number;
    int64_t least, most;
} FactRange;

typedef struct FactBetween { /* an instant lies in [from, to) */
    FactTimeField field;
    int64_t from_ms, to_ms;
} FactBetween;

typedef enum FactMeasureKind {
    MEASURE_SUM,
    MEASURE_AVERAGE, /* of a yes or no: the share */
    MEASURE_LEAST,
    MEASURE_MOST,
    MEASURE_PERCENTILE,
    MEASURE_REQUESTERS, /* different ones; no number, as the next two */
    MEASURE_AGENTS,     /* different assignees, last; of passages: the agents passed */
    MEASURE_TICKETS,    /* different ones: of tickets the count itself */
    MEASURE_KINDS
} FactMeasureKind;

typedef struct FactMeasure {
    FactMeasureKind kind;
    FactNumber number;
    double share; /* of percentiles: 0.95 */
} FactMeasure;

typedef struct FactQuestion {
    FactSource source;
    FactTimeField time;     /* by which from, to, cut, FACT_WEEKDAY and FACT_HOUR go */
    int64_t from_ms, to_ms; /* [from, to); 0 and INT64_MAX: no end, and then also those without
                             * that instant, if there is no cut */
    FactCut cut;
    const Zone *zone;           /* NULL: UTC */
    int64_t now_ms;             /* for ages */
    const int64_t *age_classes; /* upper ends in seconds, exclusive, ascending */
    size_t age_classes_n;
    /* 0: whatever is open now. Else: those that were open at that instant: created by then, and
     * neither resolved, closed, deleted nor merged by then; one that was solved at that instant and
     * reopened since counts as open. */
    int64_t open_at_ms;

    FactDim dims[FACT_DIMS_MAX];
    size_t dims_n;
    FactMeasure measures[FACT_MEASURES_MAX]; /* the count is always there */
    size_t measures_n;

    /* All of them together narrow. */
    FactOneOf one_of[FACT_FILTERS_MAX];
    size_t one_of_n;
    FactRange ranges[FACT_FILTERS_MAX];
    size_t ranges_n;
    FactBetween between[FACT_FILTERS_MAX];
    size_t between_n;
    unsigned flags_set, flags_clear; /* bits 1 << FactFlag that are, and are not */
    const int64_t *requesters;       /* one of these; NULL: any */
    size_t requesters_n;
    const Subject *who; /* counts what she reaches (rights_reach()); NULL: everything */

    /* Pairs of values that are named, by the order below; the rest is `others`. 0: 100. */
    size_t limit;
    int order_by; /* -1: by count; else the place of a sum, average, least or most among measures */
    bool least_first;
} FactQuestion;

/* Everything of this tenant, counted. */
FactQuestion fact_question(FactSource source);

/* ---- An answer ---- */

typedef struct FactKey {
    Str text;   /* of dims of texts; "": none */
    int64_t id; /* of the others */
} FactKey;

typedef struct FactValue {
    double value; /* 0 when n is 0; durations in seconds */
    uint64_t n;   /* rows with a value: what it stands on */
} FactValue;

typedef struct FactRow {
    int32_t cut; /* place in `cuts` */
    FactKey keys[FACT_DIMS_MAX];
    uint64_t count;
    const FactValue *values; /* of the measures, in their order */
} FactRow;

/* In the arena it was asked with. */
typedef struct FactAnswer {
    /* Beginnings of the parts of time; cuts[cuts_n] is the end of the last. Without a cut there is
     * one part, from and to as asked. Parts in which nothing is have no row. */
    const int64_t *cuts;
    size_t cuts_n;
    /* Series after series as ordered (equals by their keys), within it by time. */
    const FactRow *rows;
    size_t rows_n;
    size_t series_n; /* different pairs of keys among the rows */
    /* What the limit left out, by time; none when it left nothing out. */
    const FactRow *others;
    size_t others_n, others_series; /* of so many pairs: at least, see approximate */
    FactRow total;
    uint64_t scanned; /* rows looked at */
    /* More than a million different pairs: which come first was decided among the first million. */
    bool approximate;
} FactAnswer;

typedef struct FactScan FactScan;

/* Begins to ask; the question, and what it points to, stays as it is until the end, the table too
 * (but it may change between two steps: each row is looked at once, as it is then). 0, or, with a
 * sentence in *ret_problem (may be NULL): -EINVAL (a dimension or number that this source does not
 * have, a range without sense, a filter on what is worked out, order by a percentile), -E2BIG (more
 * parts of time, rows or percentiles than there may be). */
int fact_scan_new(const FactTable *t, const FactQuestion *q, Arena *arena, FactScan **ret,
                  Buf *ret_problem);
/* Looks at about so many rows more: 3 million take some 20 ms when little is asked. 1: not done;
 * 0: done; -ESTALE: the table was emptied. */
int fact_scan_step(FactScan *s, size_t rows);
/* Of a scan that is done. */
const FactAnswer *fact_scan_answer(FactScan *s);
FactScan *fact_scan_free(FactScan *s); /* accepts NULL, returns NULL; the answer stays */
DEFINE_FREEP(FactScan, fact_scan)

/* All of it at once. 0 or as fact_scan_new(). */
int fact_ask(const FactTable *t, const FactQuestion *q, Arena *arena, const FactAnswer **ret,
             Buf *ret_problem);

/* ---- One by one ---- */

typedef struct FactTicket {
    int64_t ticket_id, requester_id; /* 0: none */
    int64_t at_ms[FACT_TIMES_OF];    /* FACT_NEVER: not */
    uint32_t codes[FACT_CODED_DIMS]; /* 0: none; else for fact_code_value() */
} FactTicket;

/* Tickets that the question reaches (source FACT_TICKETS; no dims, measures or cut), in no order;
 * false ends it. 0 or -EINVAL as above. */
int fact_each(const FactTable *t, const FactQuestion *q,
              bool (*each)(void *arg, const FactTicket *ticket), void *arg, Buf *ret_problem);
/* The latest by the question's time field, the newest first, equals by ticket id; at most `limit`
 * of them, in the arena. */
int fact_latest(const FactTable *t, const FactQuestion *q, size_t limit, Arena *arena,
                const FactTicket **ret, size_t *ret_n, Buf *ret_problem);

/* Codes of a dimension are 0 ... below this. */
uint32_t fact_codes(const FactTable *t, FactDim d);
/* The text is the table's and stays until it is emptied. */
FactKey fact_code_value(const FactTable *t, FactDim d, uint32_t code);
/* 0: no row has it, or it is none. */
uint32_t fact_code_of(const FactTable *t, FactDim d, FactKey value);
