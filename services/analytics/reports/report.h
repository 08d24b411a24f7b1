/* Reports -- what can be asked for, each on one page: what it counts, by what, measured how. Pure.
 *
 * A report is a preset of a FactQuestion (table/question.h): every dimension, filter and measure
 * that its source has may be asked for with it. Measures have names of their own, or name a number
 * and how to sum it up: sum:touches, avg:to_reply, min:, max:, p50: ... p99:, share:is_reopened,
 * n:to_reply (how many have it). */
#pragma once

#include "analytics/table/question.h"

typedef enum ReportUnit {
    UNIT_TEXT,
    UNIT_ID,
    UNIT_INSTANT, /* RFC 3339, with the zone's offset */
    UNIT_COUNT,   /* whole, exact */
    UNIT_NUMBER,
    UNIT_SECONDS,
    UNIT_SHARE, /* of 1 */
    UNIT_MONEY, /* in the unit of `agent_rate` */
    UNITS
} ReportUnit;

const char *report_unit_name(ReportUnit u); /* "seconds" */

typedef enum MeasureForm {
    FORM_COUNT,     /* rows counted */
    FORM_PART,      /* ... as a share of all that were */
    FORM_VALUE,     /* the measure's value; of averages and percentiles none where nothing has it */
    FORM_HAVING,    /* how many have the number */
    FORM_NOT,       /* of yes or no: those with no */
    FORM_WITHOUT,   /* how many have no such number */
    FORM_LESS,      /* less that of `second` */
    FORM_LESS_PART, /* that difference as a share of the first */
    FORM_COST,      /* seconds, by the agents' rate */
    FORM_COST_EACH, /* ... of each that is counted */
    FORM_JOINED     /* comes from the report's own question beside this (plan.c) */
} MeasureForm;

typedef struct ReportMeasure {
    const char *name, *zh, *en;
    ReportUnit unit;
    MeasureForm form;
    FactMeasure measure;
    FactMeasure second;
} ReportMeasure;

typedef enum ReportExtra { /* tables besides the main one, and what else is special */
                           EXTRA_STAGES = 1, /* the main table is one row a stage */
                           EXTRA_STAGES_BESIDE = 2,
                           EXTRA_COMMENTS = 4,
                           EXTRA_FORECAST = 8,
                           EXTRA_OPEN_NOW =
                               16,           /* FORM_JOINED: open tickets that lie with each now */
                           EXTRA_MATRIX = 32 /* from and to: read as a matrix */
} ReportExtra;

enum { REPORT_MEASURES_MAX = 12, REPORT_DAYS = 30 /* of the range, unless one is named */ };

typedef struct Report {
    const char *name, *zh, *en;
    const char *about_zh, *about_en;
    FactSource source;
    FactTimeField time;
    bool now;      /* of what is open now, whenever it was created: from and to may be left out */
    bool compares; /* with the period before, unless told not to */
    FactCut cut;   /* unless named */
    FactDim by[FACT_DIMS_MAX];
    size_t by_n;
    size_t limit;
    unsigned flags; /* FactFlags that are always set */
    unsigned extra;
    ReportMeasure measures[REPORT_MEASURES_MAX]; /* up to the one without a name */
} Report;

extern const Report reports[];       /* up to the one without a name */
const Report *report_find(Str name); /* NULL: none */

/* Words for people: Chinese, and English. */
const char *report_dim_zh(FactDim d);
const char *report_dim_en(FactDim d);
const char *report_number_zh(FactNumber n);
const char *report_flag_zh(FactFlag f);
const char *report_time_zh(FactTimeField f);
const char *report_outcome_name(OutcomeState s); /* "kept" */
int report_outcome_parse(Str name, OutcomeState *ret);
/* "mon" ... "sun" */
const char *report_weekday_name(int64_t weekday);

/* Upper ends of the classes of age, in seconds; and what a class is called: "<1h" "1h-4h" ">90d".
 */
enum { REPORT_AGE_CLASSES = 10 };
extern const int64_t report_age_classes[REPORT_AGE_CLASSES];
const char *report_age_class_name(int64_t place);

/* The one of `names` that was probably meant (base/nearest.h); NULL: none is near. NULL ones are
 * passed over. */
const char *report_nearest(Str name, const char *const *names, size_t n);
