/* What rows say, as columns keep it or worked out of them. */
#include "analytics/table/scan_internal.h"

static void read_column(const Lanes *l, const Column *c, uint32_t *ret) {
    if (l->run)
        column_read(c, l->first, l->n, ret);
    else
        column_gather(c, l->row, l->n, ret);
}

uint64_t reading_wide(const Lanes *l, const Column *c, uint32_t lane) {
    return column_get(c, l->run ? l->first + lane : l->row[lane]);
}

void reading_times(const Lanes *l, FactTimeField f, uint32_t *ret) {
    read_column(l, &l->block->times[f], ret);
}

static void behind(const Reading *r, const Lanes *l, int column, uint32_t *ret) {
    column_gather(&l->block->behind[r->source].columns[column], l->behind, l->n, ret);
}

/* Seconds from an instant to now. */
static void since(const Reading *r, const Lanes *l, FactTimeField f, uint32_t *ret) {
    reading_times(l, f, ret);
    for (uint32_t i = 0; i < l->n; i++) {
        int64_t age = r->now_s + 1 - (int64_t)ret[i];
        ret[i] = age < 0 ? 0 : age >= NO_NUMBER ? NO_NUMBER - 1 : (uint32_t)age;
    }
}

static void classes(const Reading *r, const Lanes *l, FactTimeField f, uint32_t *ret) {
    since(r, l, f, ret);
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t class = 0;
        for (size_t k = 0; k < r->classes_n; k++)
            class += (int64_t)ret[i] >= r->classes[k];
        ret[i] = class;
    }
}

void reading_codes(const Reading *r, const Lanes *l, FactDim d, uint32_t *ret) {
    static const uint8_t columns[FACT_DIMS] = {
        [FACT_PASSED_AGENT] = PASSAGE_PLACE,  [FACT_PASSED_GROUP] = PASSAGE_PLACE,
        [FACT_METRIC] = PROMISE_METRIC,       [FACT_OUTCOME] = PROMISE_OUTCOME,
        [FACT_PROMISE_GROUP] = PROMISE_GROUP, [FACT_PROMISE_AGENT] = PROMISE_AGENT,
        [FACT_MOVED_FROM] = MOVE_FROM,        [FACT_MOVED_TO] = MOVE_TO};
    if (d >= FACT_TICKET_DIMS) {
        behind(r, l, columns[d], ret);
    } else if (d == FACT_CATEGORY_TOP) {
        read_column(l, &l->block->codes[FACT_CATEGORY], ret);
        for (uint32_t i = 0; i < l->n; i++)
            ret[i] = ret[i] ? r->table->top_of[ret[i]] : 0;
    } else if ((int)d < FACT_CODED_DIMS) {
        read_column(l, &l->block->codes[d], ret);
    } else if (d == FACT_WEEKDAY || d == FACT_HOUR) {
        reading_times(l, r->time, ret);
        week_hours_of(&r->hours, ret, l->n, ret);
        for (uint32_t i = 0; i < l->n; i++)
            ret[i] = d == FACT_HOUR ? ret[i] % 24 : ret[i] / 24;
    } else {
        classes(r, l, d == FACT_AGE_CLASS ? FACT_AT_CREATED : FACT_AT_ENTERED, ret);
    }
}

/* 1 or 0 where one of the flags `of` is, else none. */
static void yes_no(const Lanes *l, unsigned of, FactFlag yes, uint32_t *ret) {
    read_column(l, &l->block->flags, ret);
    for (uint32_t i = 0; i < l->n; i++)
        ret[i] = of && !(ret[i] & of) ? NO_NUMBER : ret[i] >> yes & 1;
}

static void good(const Lanes *l, uint32_t *ret) {
    read_column(l, &l->block->codes[FACT_SATISFACTION], ret);
    for (uint32_t i = 0; i < l->n; i++)
        ret[i] = ret[i] == CODE_GOOD ? 1 : ret[i] == CODE_BAD ? 0 : NO_NUMBER;
}

static void of_flags(const Lanes *l, FactNumber n, uint32_t *ret) {
    static const struct {
        unsigned of;
        FactFlag yes;
    } flags[] = {{0, FLAG_ASSIGNED},
                 {0, FLAG_REPLIED},
                 {0, FLAG_SOLVED},
                 {0, FLAG_RESOLVED},
                 {1u << FLAG_SOLVED, FLAG_REOPENED},
                 {1u << FLAG_RESOLVED, FLAG_ONE_TOUCH},
                 {1u << FLAG_RESOLVED | 1u << FLAG_RATED, FLAG_RATED},
                 {0, FLAG_RATED}, /* good: not from here */
                 {1u << FLAG_PROMISED, FLAG_BREACHED}};
    if (n == FACT_IS_GOOD)
        good(l, ret);
    else
        yes_no(l, flags[n - FACT_IS_ASSIGNED].of, flags[n - FACT_IS_ASSIGNED].yes, ret);
}

static void kept(const Reading *r, const Lanes *l, uint32_t *ret) {
    behind(r, l, PROMISE_OUTCOME, ret);
    for (uint32_t i = 0; i < l->n; i++)
        ret[i] = ret[i] == OUTCOME_KEPT ? 1 : ret[i] == OUTCOME_BROKEN ? 0 : NO_NUMBER;
}

void reading_number(const Reading *r, const Lanes *l, FactNumber n, uint32_t *ret) {
    static const uint8_t columns[] = {PASSAGE_TIMES,      PASSAGE_REPLIES,  PASSAGE_TOUCHES,
                                      PASSAGE_HELD,       PASSAGE_HELD + 1, PASSAGE_WORKED,
                                      PASSAGE_WORKED + 1, PROMISE_TARGET,   PROMISE_ELAPSED};
    if (n < FACT_TICKET_COLUMNS) {
        read_column(l, &l->block->numbers[n], ret);
        if (!number_may_be_none(n)) return;
        for (uint32_t i = 0; i < l->n; i++)
            ret[i] -= 1; /* 0 becomes NO_NUMBER */
    } else if (n == FACT_AGE_NOW) {
        since(r, l, FACT_AT_CREATED, ret);
    } else if (n == FACT_IN_STATE_NOW) {
        since(r, l, FACT_AT_ENTERED, ret);
    } else if (n < FACT_TICKET_NUMBERS) {
        of_flags(l, n, ret);
    } else if (n == FACT_KEPT) {
        kept(r, l, ret);
    } else if (n == FACT_OVER) {
        behind(r, l, PROMISE_OVER, ret);
        for (uint32_t i = 0; i < l->n; i++)
            ret[i] -= 1;
    } else if (n == FACT_TIMES && r->source == FACT_MOVES) {
        behind(r, l, MOVE_TIMES, ret);
    } else {
        behind(r, l, columns[n - FACT_TIMES], ret);
    }
}
