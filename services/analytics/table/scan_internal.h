/* A scan: which rows (filters), what of them (reading), into which cells (cells), and what comes of
 * it (answering). For table/ alone.
 *
 * Rows are taken by LANES at a time. A question with few pairs of values has a cell for each from
 * the start and one pass; another first counts its pairs, chooses those that are named, and
 * measures them in a second pass. */
#pragma once

#include "analytics/table/cuts.h"
#include "analytics/table/table_internal.h"
#include "sketches/distinct.h"
#include "sketches/quantiles.h"

enum {
    LANES = 2048,
    LANES_ROOM = LANES + 128, /* what lies behind a row is never parted */
    CELLS_AT_ONCE = 1 << 14,  /* below: one pass */
    PAIRS_DIRECT = 1 << 20,   /* pairs counted in an array, else in a hash */
    PAIRS_MAX = 1 << 20       /* that are told apart */
};

typedef struct Lanes {
    const Block *block;
    uint32_t n, first;
    bool run; /* rows first ... first + n - 1; row is not filled */
    uint32_t row[LANES_ROOM];
    uint32_t behind[LANES_ROOM]; /* place of what lies behind it */
} Lanes;

/* ---- Filters ---- */

typedef struct Allowed { /* by code: 1 may pass */
    uint8_t *of;
    uint32_t n, room;
} Allowed;

typedef struct Filters {
    const FactTable *table;
    const FactQuestion *q;
    Arena *arena;                                       /* Allowed do not live in it */
    uint32_t least[FACT_TIMES_OF], most[FACT_TIMES_OF]; /* instants + 1; 0 and UINT32_MAX: any */
    bool timed[FACT_TIMES_OF];
    Allowed one_of[FACT_FILTERS_MAX];
    Allowed groups, kinds, categories, regions; /* that she who asks reaches */
    bool all, requested_only;                   /* reached */
    uint32_t own;                               /* code of her own; 0: none */
    uint16_t statuses;                          /* bits that may pass */
} Filters;

/* 0, or -EINVAL with a sentence. */
int filters_make(Filters *f, const FactTable *t, const FactQuestion *q, Buf *ret_problem);
void filters_done(Filters *f);
/* New codes may have come since. */
void filters_renew(Filters *f);
/* No row of it can pass. */
bool filters_skip(const Filters *f, const Block *b);
/* Those of rows first ... first + n - 1 (LANES at most) that pass, into `ret`; of a source other
 * than tickets their rows alone: what lies behind is filters_behind()'s. */
void filters_rows(const Filters *f, const Block *b, uint32_t first, uint32_t n, Lanes *ret);
/* Narrows lanes with `behind` filled. */
void filters_behind(const Filters *f, Lanes *l);

/* ---- Reading ---- */

typedef struct Reading {
    const FactTable *table;
    FactSource source;
    FactTimeField time;
    int64_t now_s;
    const int64_t *classes;
    size_t classes_n;
    WeekHours hours; /* made when asked for */
} Reading;

/* Of dims: codes, or the value itself. */
void reading_codes(const Reading *r, const Lanes *l, FactDim d, uint32_t *ret);
/* NO_NUMBER: none. */
void reading_number(const Reading *r, const Lanes *l, FactNumber n, uint32_t *ret);
/* Instants + 1. */
void reading_times(const Lanes *l, FactTimeField f, uint32_t *ret);
uint64_t reading_wide(const Lanes *l, const Column *c, uint32_t lane);

/* ---- Cells ---- */

typedef struct Field { /* a number that measures ask for */
    FactNumber number;
    bool sum, ends, percentiles;
    uint64_t *sums, *ns; /* by cell */
    uint32_t *least, *most;
    Quantiles **sketches;
} Field;

typedef struct Cells {
    size_t series, cuts, n; /* n = series * cuts; series 0 ... series-1, the last: others */
    uint64_t *counts;
    Field fields[FACT_MEASURES_MAX];
    size_t fields_n;
    Distinct **distinct[MEASURE_KINDS]; /* by cell; of kinds asked for */
} Cells;

/* Which field a measure reads; NULL: none. */
Field *cells_field(Cells *c, const FactMeasure *m);
/* The fields of the question, or only the one that it is ordered by. */
void cells_fields(Cells *c, const FactQuestion *q, bool order_only);
void cells_room(Cells *c, size_t series, size_t cuts);
void cells_done(Cells *c);
/* `cell` by lane; NULL: all in the first. */
void cells_add(Cells *c, const Reading *r, const Lanes *l, const uint32_t *cell);
/* Cell `from` of another (or of this) into `to`. */
void cells_merge(Cells *c, size_t to, const Cells *other, size_t from);
FactValue cells_value(const Cells *c, size_t cell, const FactMeasure *m);

/* ---- Pairs ---- */

typedef struct Pairs {             /* of codes, in order of appearance */
    uint64_t width[FACT_DIMS_MAX]; /* codes of each dim, when it began */
    uint32_t *direct;              /* pair + 1 by product; or */
    uint64_t *keys;                /* hash: key + 1; 0: free */
    uint32_t *of;
    size_t slots;
    uint64_t *key; /* by pair */
    size_t n, room;
    bool full;
} Pairs;

enum { NO_PAIR = UINT32_MAX };

void pairs_init(Pairs *p, const uint64_t width[FACT_DIMS_MAX]);
void pairs_done(Pairs *p);
/* Found or, with `add`, made; NO_PAIR: not there, or no room. */
uint32_t pairs_of(Pairs *p, uint32_t a, uint32_t b, bool add);

struct FactScan {
    const FactTable *table;
    const FactQuestion *q;
    Arena *arena;
    uint64_t emptied;
    Filters filters;
    Reading reading;
    Cuts cuts;
    uint64_t width[FACT_DIMS_MAX];
    size_t limit;
    bool at_once;  /* a cell for each pair from the start */
    bool one_pass; /* what is counted by pair is all that is asked */
    int pass;      /* 1 counts pairs, 2 measures, 3: done */
    size_t block, row;
    Pairs pairs;
    Cells order;    /* of pass 1, by pair + 1; 0: those with no pair */
    uint32_t *kept; /* by pair: series */
    Cells cells;    /* the last series: others */
    uint64_t *keys; /* by series, of two passes: its pair */
    size_t left_out;
    uint64_t scanned;
    Lanes lanes, part;
    uint32_t a[LANES_ROOM], b[LANES_ROOM], cell[LANES_ROOM];
    FactAnswer *answer;
};

/* Room for this many series and parts, with all that the question asks for. */
void scan_cells(const FactScan *s, Cells *c, size_t series, size_t cuts);
/* Between the passes: which pairs are named. With one pass everything goes into cells. */
void answering_choose(FactScan *s);
void answering_finish(FactScan *s);
