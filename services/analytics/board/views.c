#include "analytics/board/views.h"

#include <stdlib.h>

#include "analytics/board/board.h"
#include "analytics/keeping/keeping.h"
#include "analytics/table/tables.h"
#include "base/clock.h"
#include "log/log.h"

enum { MINUTE_MS = 60000, RECOUNT_MS = 60000, LINES_MAX = FACT_SERIES_MAX };

/* ---- who sees the same ---- */

static void key_add(Buf *key, const char *name, int64_t value) {
    buf_printf(key, "%s%lld;", name, (long long)value);
}

static void key_texts(Buf *key, const char *name, const Str *texts, size_t n) {
    key_add(key, name, texts ? (int64_t)n : -1);
    for (size_t i = 0; texts && i < n; i++) {
        key_add(key, "", (int64_t)texts[i].n);
        buf_add_str(key, texts[i]);
    }
}

static void write_key(const Subject *who, bool narrowed, Buf *ret) {
    key_add(ret, "tenant", who->tenant_id);
    if (!narrowed) return;
    const Reach *r = &who->reach;
    key_add(ret, "user", who->user_id);
    key_add(ret, "all", r->all_groups);
    for (size_t i = 0; i < r->groups_n; i++)
        key_add(ret, "group", r->groups[i]);
    key_texts(ret, "kinds", r->kinds, r->kinds_n);
    key_texts(ret, "categories", r->categories, r->categories_n);
    key_texts(ret, "regions", r->regions, r->regions_n);
}

static const Str *copy_texts(Arena *arena, const Str *texts, size_t n) {
    if (!texts) return NULL;
    Str *copy = arena_alloc(arena, (n + 1) * sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_str(arena, texts[i]);
    return copy;
}

static const Subject *copy_subject(Arena *arena, const Subject *who) {
    Subject *copy = arena_alloc(arena, sizeof(*copy));
    *copy = *who;
    Reach *r = &copy->reach;
    if (r->groups) {
        int64_t *groups = arena_alloc(arena, (r->groups_n + 1) * sizeof(*groups));
        if (r->groups_n) memcpy(groups, r->groups, r->groups_n * sizeof(*groups));
        r->groups = groups;
    }
    r->kinds = copy_texts(arena, r->kinds, r->kinds_n);
    r->categories = copy_texts(arena, r->categories, r->categories_n);
    r->regions = copy_texts(arena, r->regions, r->regions_n);
    return copy;
}

bool board_view_is_of(const BoardView *v, const Subject *who, bool narrowed) {
    CLEANUP(buf_done) Buf key = {0};
    write_key(who, narrowed, &key);
    return str_eq(buf_str(&v->key), buf_str(&key));
}

BoardView *board_view_of(Board *b, const Subject *who, bool narrowed) {
    for (BoardView *v = b->views; v; v = v->next)
        if (v->tenant_id == who->tenant_id && board_view_is_of(v, who, narrowed)) return v;
    BoardView *v = xcalloc(1, sizeof(*v));
    v->board = b;
    v->tenant_id = who->tenant_id;
    write_key(who, narrowed, &v->key);
    v->own = arena_new(0);
    if (narrowed) v->who = copy_subject(v->own, who);
    v->next = b->views;
    b->views = v;
    return v;
}

bool board_view_is_wanted(const BoardView *v) {
    return v->streams || v->waiters;
}

BoardView *board_view_free(BoardView *v) {
    if (!v) return NULL;
    board_view_give_up(v);
    buf_done(&v->key);
    buf_done(&v->picture);
    arena_free(v->own);
    free(v);
    return NULL;
}

/* ---- arrivals ---- */

typedef struct Counting {
    BoardView *view;
    int64_t now_ms;
} Counting;

static bool count_one(void *arg, const FactTicket *ticket) {
    Counting *c = arg;
    int64_t at = ticket->at_ms[FACT_AT_CREATED];
    int place = board_minute_place(c->now_ms, at);
    if (place >= 0) c->view->minutes[place]++;
    if (place >= 0 && at > c->now_ms - MINUTE_MS) c->view->figures.last_minute++;
    return true;
}

/* So many minutes have gone by. */
static void move_on(BoardView *v, int64_t minutes) {
    if (minutes <= 0) return;
    size_t gone = minutes < BOARD_MINUTES ? (size_t)minutes : BOARD_MINUTES;
    memmove(v->minutes, v->minutes + gone, (BOARD_MINUTES - gone) * sizeof(*v->minutes));
    memset(v->minutes + BOARD_MINUTES - gone, 0, gone * sizeof(*v->minutes));
}

static void count_arrivals(BoardView *v, FactTable *t, int64_t now_ms) {
    CLEANUP(buf_done) Buf problem = {0};
    int64_t minute = board_minute(now_ms), hour = minute - (int64_t)(BOARD_MINUTES - 1) * MINUTE_MS;
    int64_t from = v->minute_ms - MINUTE_MS; /* what came in late, too */
    if (!v->minute_ms || minute < v->minute_ms || now_ms - v->counted_ms >= RECOUNT_MS ||
        from < hour) {
        from = hour;
        v->counted_ms = now_ms;
    }
    move_on(v, v->minute_ms ? (minute - v->minute_ms) / MINUTE_MS : 0);
    v->minute_ms = minute;
    for (int i = (int)((from - hour) / MINUTE_MS); i < BOARD_MINUTES; i++)
        v->minutes[i] = 0;
    Counting counting = {v, now_ms};
    FactQuestion q = fact_question(FACT_TICKETS);
    q.time = FACT_AT_CREATED;
    q.from_ms = from;
    q.who = v->who;
    q.now_ms = now_ms;
    if (t && fact_each(t, &q, count_one, &counting, &problem) < 0)
        log_error(ABOUT(v->tenant_id, 0), "The board cannot count what arrives: %s", problem.p);
    memcpy(v->figures.minutes, v->minutes, sizeof(v->minutes));
}

/* ---- what is asked of the table ---- */

enum { WAITING, LOADS, AT_RISK, STAGES };

static void ask_waiting(BoardView *v) {
    static const int64_t fresh[] = {TICKET_NEW}, nobody[] = {0};
    FactQuestion *q = &v->question;
    q->dims[q->dims_n++] = FACT_GROUP;
    q->measures[q->measures_n++] = (FactMeasure){MEASURE_MOST, FACT_IN_STATE_NOW, 0};
    q->one_of[q->one_of_n++] = (FactOneOf){.dim = FACT_STATUS, .ids = fresh, .n = 1};
    q->one_of[q->one_of_n++] = (FactOneOf){.dim = FACT_ASSIGNEE, .ids = nobody, .n = 1};
}

/* Of everybody's tickets, also where somebody sees only some of them: it is how much room there is.
 */
static void ask_loads(BoardView *v) {
    static const int64_t in_hand[] = {TICKET_ASSIGNED, TICKET_IN_PROGRESS}, nobody[] = {0};
    FactQuestion *q = &v->question;
    q->who = NULL;
    q->dims[q->dims_n++] = FACT_ASSIGNEE;
    q->one_of[q->one_of_n++] = (FactOneOf){.dim = FACT_STATUS, .ids = in_hand, .n = 2};
    q->one_of[q->one_of_n++] =
        (FactOneOf){.dim = FACT_ASSIGNEE, .none_of = true, .ids = nobody, .n = 1};
}

static void ask_at_risk(BoardView *v) {
    FactQuestion *q = &v->question;
    q->dims[q->dims_n++] = FACT_GROUP;
    q->between[q->between_n++] =
        (FactBetween){FACT_AT_DUE, v->figures.now_ms, v->figures.now_ms + BOARD_RISK_MS};
    q->flags_set = 1U << FLAG_OPEN;
}

static BoardGroupCount *take_groups(BoardView *v, const FactAnswer *answer) {
    BoardGroupCount *counts = arena_alloc(v->arena, (answer->rows_n + 1) * sizeof(*counts));
    for (size_t i = 0; i < answer->rows_n; i++) {
        const FactRow *row = &answer->rows[i];
        counts[i] = (BoardGroupCount){.group_id = row->keys[0].id, .tickets = (int64_t)row->count};
        if (v->question.measures_n) counts[i].oldest_s = (int64_t)row->values[0].value;
    }
    return counts;
}

static int by_agent(const void *left, const void *right) {
    const BoardLoad *a = left, *b = right;
    return (a->agent_id > b->agent_id) - (a->agent_id < b->agent_id);
}

static BoardLoad *take_loads(BoardView *v, const FactAnswer *answer) {
    BoardLoad *loads = arena_alloc(v->arena, (answer->rows_n + 1) * sizeof(*loads));
    for (size_t i = 0; i < answer->rows_n; i++)
        loads[i] = (BoardLoad){answer->rows[i].keys[0].id, (int64_t)answer->rows[i].count};
    if (answer->rows_n) qsort(loads, answer->rows_n, sizeof(*loads), by_agent);
    return loads;
}

static void take_answer(BoardView *v, const FactAnswer *answer) {
    BoardFigures *f = &v->figures;
    if (v->stage == LOADS) {
        f->loads = take_loads(v, answer);
        f->loads_n = answer->rows_n;
    } else if (v->stage == WAITING) {
        f->waiting = take_groups(v, answer);
        f->waiting_n = answer->rows_n;
    } else {
        f->at_risk = take_groups(v, answer);
        f->at_risk_n = answer->rows_n;
    }
}

/* ---- drawing ---- */

static void finish(BoardView *v, bool whole) {
    Board *b = v->board;
    BoardFigures *f = &v->figures;
    if (whole) {
        const Configuration *c = b->analytics->configuration;
        f->catalog = configuration_catalog(c, v->tenant_id);
        f->duties = configuration_duties(c, v->tenant_id, &f->duties_n);
        f->who = v->who;
        if (!v->who) {
            f->services = b->services;
            f->services_n = b->services_n;
        }
        v->with_lag = v->who || board_lag_fresh(b);
        buf_clear(&v->picture);
        board_picture_write(f, &v->picture);
    }
    v->arena = arena_free(v->arena);
    board_view_drawn(v, whole);
}

static void on_answer(void *arg, int result, const FactAnswer *answer);

static void ask_next(BoardView *v) {
    CLEANUP(buf_done) Buf problem = {0};
    const FactTables *tables = v->board->analytics->tables;
    FactTable *t = tables ? fact_tables_find(tables, v->tenant_id) : NULL;
    if (v->stage == STAGES || !t) {
        finish(v, true);
        return;
    }
    v->question = fact_question(FACT_TICKETS);
    v->question.now_ms = v->figures.now_ms;
    v->question.who = v->who;
    v->question.limit = LINES_MAX;
    if (v->stage == WAITING)
        ask_waiting(v);
    else if (v->stage == LOADS)
        ask_loads(v);
    else
        ask_at_risk(v);
    if (asking_new(v->board->analytics->loop, t, &v->question, v->arena, on_answer, v, &v->asking,
                   &problem) < 0) {
        log_error(ABOUT(v->tenant_id, 0), "The board cannot ask: %s", problem.p);
        finish(v, false);
    }
}

static void on_answer(void *arg, int result, const FactAnswer *answer) {
    BoardView *v = arg;
    v->asking = NULL;
    if (result < 0) { /* the tickets are being read anew */
        finish(v, false);
        return;
    }
    take_answer(v, answer);
    v->stage++;
    ask_next(v);
}

void board_view_draw(BoardView *v, int64_t wall_ms) {
    const FactTables *tables = v->board->analytics->tables;
    v->begun_ms = clock_monotonic_ms();
    v->arena = arena_new(0);
    v->stage = 0;
    v->figures =
        (BoardFigures){.now_ms = wall_ms, .filled = keeper_filled(v->board->analytics->keeper)};
    count_arrivals(v, tables ? fact_tables_find(tables, v->tenant_id) : NULL, wall_ms);
    ask_next(v);
}

void board_view_give_up(BoardView *v) {
    v->asking = asking_free(v->asking);
    v->arena = arena_free(v->arena);
}
