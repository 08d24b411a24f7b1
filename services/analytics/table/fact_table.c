/* Rows come and are replaced in their place; what lies behind them moves when it grows, and is
 * written anew when too much of it is holes. */
#include "analytics/table/fact_table.h"

#include "analytics/table/table_internal.h"

enum { INDEX_LEAST = 64, ROOM_LEAST = 64 };

/* ---- Making ---- */

static void codings(FactTable *t) {
    for (int i = 0; i < SHEET_TEXTS; i++)
        coding_init(&t->texts[i], true);
    coding_init(&t->tops, true);
    coding_init(&t->sources, false);
    coding_init(&t->forms, false);
    coding_init(&t->groups, false);
    coding_init(&t->agents, false);
    (void)coding_text(&t->texts[SHEET_SATISFACTION], STR("good")); /* CODE_GOOD */
    (void)coding_text(&t->texts[SHEET_SATISFACTION], STR("bad"));  /* CODE_BAD */
    t->index_n = INDEX_LEAST;
    t->index = xcalloc(t->index_n, sizeof(*t->index));
}

FactTable *fact_table_new(void) {
    FactTable *t = xcalloc(1, sizeof(*t));
    codings(t);
    return t;
}

static void behind_done(Behind *b) {
    column_done(&b->start);
    column_done(&b->n);
    for (int i = 0; i < BEHIND_COLUMNS; i++)
        column_done(&b->columns[i]);
}

static void block_free(Block *b) {
    column_done(&b->id);
    column_done(&b->seq);
    column_done(&b->requester);
    column_done(&b->flags);
    for (int i = 0; i < FACT_TIMES_OF; i++)
        column_done(&b->times[i]);
    for (int i = 0; i < FACT_CODED_DIMS; i++)
        column_done(&b->codes[i]);
    for (int i = 0; i < FACT_TICKET_COLUMNS; i++)
        column_done(&b->numbers[i]);
    for (int i = 0; i < FACT_SOURCES; i++)
        behind_done(&b->behind[i]);
    free(b);
}

static void done(FactTable *t) {
    for (size_t i = 0; i < t->blocks_n; i++)
        block_free(t->blocks[i]);
    free(t->blocks);
    free(t->index);
    free(t->gone);
    free(t->top_of);
    for (int i = 0; i < SHEET_TEXTS; i++)
        coding_done(&t->texts[i]);
    coding_done(&t->tops);
    coding_done(&t->sources);
    coding_done(&t->forms);
    coding_done(&t->groups);
    coding_done(&t->agents);
}

FactTable *fact_table_free(FactTable *t) {
    if (!t) return NULL;
    done(t);
    free(t);
    return NULL;
}

void fact_table_empty(FactTable *t) {
    uint64_t version = t->version, emptied = t->emptied;
    done(t);
    *t = (FactTable){.version = version + 1, .emptied = emptied + 1};
    codings(t);
}

/* ---- Which row ---- */

static Block *block_of(const FactTable *t, uint32_t row) {
    return t->blocks[row >> BLOCK_SHIFT];
}

static int64_t id_of(const FactTable *t, uint32_t row) {
    return (int64_t)column_get(&block_of(t, row)->id, row & (BLOCK_ROWS - 1));
}

static size_t home(const FactTable *t, int64_t id) {
    return (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >>
                    (64 - __builtin_ctzll(t->index_n)));
}

/* Its slot, or the free one where it would be. */
static uint32_t *slot_of(const FactTable *t, int64_t id) {
    for (size_t at = home(t, id);; at++) {
        uint32_t *slot = &t->index[at & (t->index_n - 1)];
        if (!*slot || id_of(t, *slot - 1) == id) return slot;
    }
}

static void index_more(FactTable *t) {
    uint32_t *was = t->index;
    size_t was_n = t->index_n;
    t->index_n *= 2;
    t->index = xcalloc(t->index_n, sizeof(*t->index));
    for (size_t i = 0; i < was_n; i++)
        if (was[i]) *slot_of(t, id_of(t, was[i] - 1)) = was[i];
    free(was);
}

/* Those behind it that would no longer be found move up. */
static void index_drop(FactTable *t, uint32_t *slot) {
    size_t mask = t->index_n - 1, hole = (size_t)(slot - t->index);
    *slot = 0;
    for (size_t at = (hole + 1) & mask; t->index[at]; at = (at + 1) & mask) {
        size_t want = home(t, id_of(t, t->index[at] - 1));
        if (((at - want) & mask) < ((at - hole) & mask)) continue;
        t->index[hole] = t->index[at];
        t->index[at] = 0;
        hole = at;
    }
}

static void block_grow(FactTable *t, Block *b) {
    uint32_t had = b->room, room = had ? had * 2 : ROOM_LEAST;
    column_grow(&b->id, had, room, &t->bytes);
    column_grow(&b->seq, had, room, &t->bytes);
    column_grow(&b->requester, had, room, &t->bytes);
    column_grow(&b->flags, had, room, &t->bytes);
    for (int i = 0; i < FACT_TIMES_OF; i++)
        column_grow(&b->times[i], had, room, &t->bytes);
    for (int i = 0; i < FACT_CODED_DIMS; i++)
        column_grow(&b->codes[i], had, room, &t->bytes);
    for (int i = 0; i < FACT_TICKET_COLUMNS; i++)
        column_grow(&b->numbers[i], had, room, &t->bytes);
    for (int i = 0; i < FACT_SOURCES; i++) {
        column_grow(&b->behind[i].start, had, room, &t->bytes);
        column_grow(&b->behind[i].n, had, room, &t->bytes);
    }
    b->room = room;
}

static Block *block_add(FactTable *t) {
    Block *b = xcalloc(1, sizeof(*b));
    for (int i = 0; i < FACT_TIMES_OF; i++)
        b->least[i] = UINT32_MAX;
    t->blocks = xrealloc(t->blocks, (t->blocks_n + 1) * sizeof(*t->blocks));
    t->blocks[t->blocks_n++] = b;
    t->bytes += sizeof(*b) + sizeof(b);
    return b;
}

/* A row of no ticket. */
static uint32_t row_get(FactTable *t) {
    if (t->gone_n) {
        uint32_t row = t->gone[--t->gone_n];
        block_of(t, row)->gone--;
        return row;
    }
    Block *b = t->blocks_n ? t->blocks[t->blocks_n - 1] : NULL;
    if (!b || b->rows == BLOCK_ROWS) b = block_add(t);
    if (b->rows == b->room) block_grow(t, b);
    return (uint32_t)(t->blocks_n - 1) << BLOCK_SHIFT | b->rows++;
}

/* ---- What lies behind a row ---- */

static void behind_grow(FactTable *t, Behind *b) {
    while (b->used > b->room) {
        uint32_t room = b->room ? b->room * 2 : ROOM_LEAST;
        for (int i = 0; i < BEHIND_COLUMNS; i++)
            column_grow(&b->columns[i], b->room, room, &t->bytes);
        b->room = room;
    }
}

static void behind_tidy(FactTable *t, Block *block, Behind *b) {
    Behind new = {.start = b->start, .n = b->n};
    for (uint32_t row = 0; row < block->rows; row++) {
        uint32_t n = (uint32_t)column_get(&b->n, row), from = (uint32_t)column_get(&b->start, row);
        column_set(&new.start, row, new.used, block->room, &t->bytes);
        b->start = new.start;
        uint32_t at = new.used;
        new.used += n;
        behind_grow(t, &new);
        for (int c = 0; c < BEHIND_COLUMNS; c++)
            for (uint32_t i = 0; i < n; i++)
                column_set(&new.columns[c], at + i, column_get(&b->columns[c], from + i), new.room,
                           &t->bytes);
    }
    for (int c = 0; c < BEHIND_COLUMNS; c++) {
        t->bytes -= (size_t)b->room * b->columns[c].width;
        column_done(&b->columns[c]);
    }
    *b = new;
}

/* Room for n behind the row; its first place. */
static uint32_t behind_place(FactTable *t, Block *block, Behind *b, uint32_t row, uint32_t n) {
    if (b->holes > b->used / 2 + BLOCK_ROWS / 16) behind_tidy(t, block, b);
    uint32_t had = (uint32_t)column_get(&b->n, row), at = (uint32_t)column_get(&b->start, row);
    if (n > had && had && at + had == b->used) {
        b->used += n - had;
    } else if (n > had) {
        b->holes += had;
        at = b->used;
        b->used += n;
    } else {
        b->holes += had - n;
    }
    behind_grow(t, b);
    if (!n) at = 0;
    column_set(&b->start, row, at, block->room, &t->bytes);
    column_set(&b->n, row, n, block->room, &t->bytes);
    return at;
}

/* ---- A row ---- */

static uint32_t seconds(int64_t ms) {
    return ms <= 0 ? 0 : ms / 1000 > UINT32_MAX - 2 ? UINT32_MAX - 2 : (uint32_t)(ms / 1000);
}

static uint32_t instant(int64_t ms) {
    return ms == SHEET_NEVER ? 0 : seconds(ms) + 1;
}

static uint32_t amount(int64_t n) {
    return n < 0 ? 0 : n > UINT32_MAX - 2 ? UINT32_MAX - 2 : (uint32_t)n;
}

static void put_number(FactTable *t, Block *b, uint32_t row, FactNumber n, uint32_t value) {
    column_set(&b->numbers[n], row, value, b->room, &t->bytes);
}

static void put_times(FactTable *t, Block *b, uint32_t row, const FactSheet *f, int64_t due_ms) {
    const uint32_t at[FACT_TIMES_OF] = {
        [FACT_AT_CREATED] = instant(f->created_ms),   [FACT_AT_ASSIGNED] = instant(f->assigned_ms),
        [FACT_AT_REPLIED] = instant(f->replied_ms),   [FACT_AT_SOLVED] = instant(f->solved_ms),
        [FACT_AT_RESOLVED] = instant(f->resolved_ms), [FACT_AT_RATED] = instant(f->rated_ms),
        [FACT_AT_ENTERED] = instant(f->entered_ms),   [FACT_AT_DUE] = instant(due_ms)};
    for (int i = 0; i < FACT_TIMES_OF; i++) {
        column_set(&b->times[i], row, at[i], b->room, &t->bytes);
        if (!at[i]) continue;
        if (at[i] < b->least[i]) b->least[i] = at[i];
        if (at[i] > b->most[i]) b->most[i] = at[i];
    }
    const struct {
        FactNumber number;
        int64_t at;
        FactTime took;
    } took[] = {{FACT_TO_ASSIGNED, f->assigned_ms, f->to_assigned},
                {FACT_TO_REPLY, f->replied_ms, f->to_reply},
                {FACT_TO_SOLVED, f->solved_ms, f->to_solved},
                {FACT_TO_RESOLVED, f->resolved_ms, f->to_resolved}};
    for (int i = 0; i < 4; i++) {
        bool is = took[i].at != SHEET_NEVER;
        put_number(t, b, row, took[i].number, is ? seconds(took[i].took.calendar_ms) + 1 : 0);
        put_number(t, b, row, took[i].number + 1, is ? seconds(took[i].took.business_ms) + 1 : 0);
    }
    for (int s = 0; s < SHEET_STAGES; s++) {
        const Stage *stage = &f->stages[s];
        bool is = stage->entered > 0;
        put_number(t, b, row, FACT_STAGE_TIME + s, is ? seconds(stage->time.calendar_ms) + 1 : 0);
        put_number(t, b, row, FACT_STAGE_TIME_BUSINESS + s,
                   is ? seconds(stage->time.business_ms) + 1 : 0);
        put_number(t, b, row, FACT_STAGE_TIMES_ENTERED + s, amount(stage->entered));
    }
    put_number(t, b, row, FACT_WORKED_BY_ALL, seconds(f->worked.calendar_ms));
    put_number(t, b, row, FACT_WORKED_BY_ALL_BUSINESS, seconds(f->worked.business_ms));
}

static uint32_t category(FactTable *t, Str text) {
    Coding *c = &t->texts[SHEET_CATEGORY];
    uint32_t had = c->n, code = coding_text(c, text);
    if (code < had) return code;
    if (code >= t->top_of_room) {
        uint32_t room = code * 2 + 16;
        t->top_of = xrealloc(t->top_of, room * sizeof(*t->top_of));
        memset(t->top_of + t->top_of_room, 0, (room - t->top_of_room) * sizeof(*t->top_of));
        t->top_of_room = room;
    }
    Str rest;
    t->top_of[code] = coding_text(&t->tops, str_cut(text, '/', &rest));
    return code;
}

static void put_codes(FactTable *t, Block *b, uint32_t row, const FactSheet *f) {
    uint32_t codes[FACT_CODED_DIMS] = {[FACT_SOURCE] = coding_id(&t->sources, f->source_id),
                                       [FACT_FORM] = coding_id(&t->forms, f->form_id),
                                       [FACT_GROUP] = coding_id(&t->groups, f->group_id),
                                       [FACT_ASSIGNEE] = coding_id(&t->agents, f->assignee_id),
                                       [FACT_LAST_GROUP] = coding_id(&t->groups, f->last_group_id),
                                       [FACT_LAST_ASSIGNEE] =
                                           coding_id(&t->agents, f->last_assignee_id),
                                       [FACT_STATUS] = (uint32_t)f->status,
                                       [FACT_PRIORITY] = (uint32_t)f->priority};
    for (int i = 0; i < SHEET_TEXTS; i++)
        codes[i] =
            i == SHEET_CATEGORY ? category(t, f->texts[i]) : coding_text(&t->texts[i], f->texts[i]);
    for (int i = 0; i < FACT_CODED_DIMS; i++)
        column_set(&b->codes[i], row, codes[i], b->room, &t->bytes);
}

static void put_counts(FactTable *t, Block *b, uint32_t row, const FactSheet *f) {
    const int32_t counts[] = {
        f->replies,   f->requester_comments, f->private_comments, f->machine_comments, f->touches,
        f->transfers, f->handovers,          f->reopenings,       f->priority_raises};
    OutcomeSum all = {0};
    for (int i = 0; i < 9; i++)
        put_number(t, b, row, FACT_REPLIES + i, amount(counts[i]));
    for (int m = 0; m < METRICS; m++) {
        OutcomeSum s = fact_sheet_promises(f, (ClockMetric)m);
        all.kept += s.kept;
        all.broken += s.broken;
        all.open += s.open;
        all.cancelled += s.cancelled;
    }
    put_number(t, b, row, FACT_PROMISES_KEPT, amount(all.kept));
    put_number(t, b, row, FACT_PROMISES_BROKEN, amount(all.broken));
    put_number(t, b, row, FACT_PROMISES_OPEN, amount(all.open));
    const bool flags[FACT_FLAGS] = {[FLAG_ONE_TOUCH] = fact_sheet_one_touch(f),
                                    [FLAG_REOPENED] = f->reopenings > 0,
                                    [FLAG_RATED_NOTE] = f->rated_ms != SHEET_NEVER && f->rated_note,
                                    [FLAG_FOLLOWUP] = f->followup_of != 0,
                                    [FLAG_ASSIGNED] = f->assigned_ms != SHEET_NEVER,
                                    [FLAG_REPLIED] = f->replied_ms != SHEET_NEVER,
                                    [FLAG_SOLVED] = f->solved_ms != SHEET_NEVER,
                                    [FLAG_RESOLVED] = f->resolved_ms != SHEET_NEVER,
                                    [FLAG_RATED] = f->rated_ms != SHEET_NEVER,
                                    [FLAG_BREACHED] = all.broken > 0,
                                    [FLAG_PROMISED] =
                                        all.kept || all.broken || all.open || all.cancelled,
                                    [FLAG_OPEN] = ticket_status_is_open(f->status)};
    uint32_t bits = 0;
    for (int i = 0; i < FACT_FLAGS; i++)
        bits |= (uint32_t)flags[i] << i;
    column_set(&b->flags, row, bits, b->room, &t->bytes);
}

static void set(FactTable *t, Behind *b, int column, uint32_t at, uint32_t value) {
    column_set(&b->columns[column], at, value, b->room, &t->bytes);
}

static void put_passages(FactTable *t, Block *block, FactSource source, uint32_t row,
                         const Places *places, Coding *coding) {
    Behind *b = &block->behind[source];
    uint32_t at = behind_place(t, block, b, row, (uint32_t)places->n);
    for (size_t i = 0; i < places->n; i++, at++) {
        const Place *p = &places->p[i];
        set(t, b, PASSAGE_PLACE, at, coding_id(coding, p->id));
        set(t, b, PASSAGE_TIMES, at, amount(p->times));
        set(t, b, PASSAGE_REPLIES, at, amount(p->replies));
        set(t, b, PASSAGE_TOUCHES, at, amount(p->touches));
        set(t, b, PASSAGE_HELD, at, seconds(p->held.calendar_ms));
        set(t, b, PASSAGE_HELD + 1, at, seconds(p->held.business_ms));
        set(t, b, PASSAGE_WORKED, at, seconds(p->worked.calendar_ms));
        set(t, b, PASSAGE_WORKED + 1, at, seconds(p->worked.business_ms));
    }
}

static void put_promises(FactTable *t, Block *block, uint32_t row, const FactSheet *f) {
    Behind *b = &block->behind[FACT_PROMISES];
    uint32_t at = behind_place(t, block, b, row, (uint32_t)f->outcomes_n);
    for (size_t i = 0; i < f->outcomes_n; i++, at++) {
        const Outcome *o = &f->outcomes[i];
        bool broken = o->state == OUTCOME_BROKEN;
        set(t, b, PROMISE_METRIC, at, (uint32_t)o->metric);
        set(t, b, PROMISE_OUTCOME, at, (uint32_t)o->state);
        set(t, b, PROMISE_TARGET, at, seconds(o->target_ms));
        set(t, b, PROMISE_ELAPSED, at, seconds(o->elapsed_ms));
        set(t, b, PROMISE_OVER, at, broken ? seconds(o->elapsed_ms - o->target_ms) + 1 : 0);
        set(t, b, PROMISE_GROUP, at, coding_id(&t->groups, o->group_id));
        set(t, b, PROMISE_AGENT, at, coding_id(&t->agents, o->assignee_id));
    }
}

static void put_moves(FactTable *t, Block *block, uint32_t row, const FactSheet *f) {
    Behind *b = &block->behind[FACT_MOVES];
    uint32_t at = behind_place(t, block, b, row, (uint32_t)f->moves.n);
    for (size_t i = 0; i < f->moves.n; i++, at++) {
        set(t, b, MOVE_FROM, at, coding_id(&t->groups, f->moves.p[i].from));
        set(t, b, MOVE_TO, at, coding_id(&t->groups, f->moves.p[i].to));
        set(t, b, MOVE_TIMES, at, amount(f->moves.p[i].count));
    }
}

bool fact_table_put(FactTable *t, int64_t ticket_id, const FactSheet *f, int64_t due_ms) {
    if (ticket_id <= 0 || !f->seq) return false;
    uint32_t *slot = slot_of(t, ticket_id);
    bool new = !*slot;
    uint32_t at = new ? row_get(t) : *slot - 1;
    Block *b = block_of(t, at);
    uint32_t row = at & (BLOCK_ROWS - 1);
    if (!new && (int32_t)column_get(&b->seq, row) > f->seq) return false;
    if (!new) b->of_status[column_get(&b->codes[FACT_STATUS], row)]--;
    column_set(&b->id, row, (uint64_t)ticket_id, b->room, &t->bytes);
    column_set(&b->seq, row, (uint64_t)f->seq, b->room, &t->bytes);
    column_set(&b->requester, row, (uint64_t)(f->requester_id > 0 ? f->requester_id : 0), b->room,
               &t->bytes);
    put_times(t, b, row, f, due_ms);
    put_codes(t, b, row, f);
    put_counts(t, b, row, f);
    put_passages(t, b, FACT_AGENT_PASSAGES, row, &f->agents, &t->agents);
    put_passages(t, b, FACT_GROUP_PASSAGES, row, &f->groups, &t->groups);
    put_promises(t, b, row, f);
    put_moves(t, b, row, f);
    b->of_status[f->status]++;
    t->version++;
    if (!new) return true;
    *slot = at + 1;
    t->count++;
    if (t->count > t->index_n / 4 * 3) index_more(t);
    return true;
}

bool fact_table_remove(FactTable *t, int64_t ticket_id) {
    uint32_t *slot = ticket_id > 0 ? slot_of(t, ticket_id) : NULL;
    if (!slot || !*slot) return false;
    uint32_t at = *slot - 1, row = at & (BLOCK_ROWS - 1);
    Block *b = block_of(t, at);
    index_drop(t, slot);
    b->of_status[column_get(&b->codes[FACT_STATUS], row)]--;
    column_set(&b->id, row, 0, b->room, &t->bytes);
    for (int i = 0; i < FACT_SOURCES; i++)
        (void)behind_place(t, b, &b->behind[i], row, 0);
    if (t->gone_n == t->gone_room) {
        t->gone_room = t->gone_room ? t->gone_room * 2 : ROOM_LEAST;
        t->gone = xrealloc(t->gone, t->gone_room * sizeof(*t->gone));
    }
    t->gone[t->gone_n++] = at;
    b->gone++;
    t->count--;
    t->version++;
    return true;
}

/* ---- Asking ---- */

size_t fact_table_count(const FactTable *t) {
    return t->count;
}

size_t fact_table_bytes(const FactTable *t) {
    size_t n = sizeof(*t) + t->bytes + t->index_n * sizeof(*t->index) +
               t->gone_room * sizeof(*t->gone) + t->top_of_room * sizeof(*t->top_of);
    for (int i = 0; i < SHEET_TEXTS; i++)
        n += coding_bytes(&t->texts[i]);
    return n + coding_bytes(&t->tops) + coding_bytes(&t->sources) + coding_bytes(&t->forms) +
           coding_bytes(&t->groups) + coding_bytes(&t->agents);
}

uint64_t fact_table_version(const FactTable *t) {
    return t->version;
}

int32_t fact_table_seq(const FactTable *t, int64_t ticket_id) {
    uint32_t slot = ticket_id > 0 ? *slot_of(t, ticket_id) : 0;
    if (!slot) return 0;
    return (int32_t)column_get(&block_of(t, slot - 1)->seq, (slot - 1) & (BLOCK_ROWS - 1));
}

const Coding *table_coding(const FactTable *t, FactDim d) {
    if (d < FACT_CATEGORY_TOP) return &t->texts[d];
    if (d == FACT_CATEGORY_TOP) return &t->tops;
    if (d == FACT_SOURCE) return &t->sources;
    if (d == FACT_FORM) return &t->forms;
    if (d == FACT_GROUP || d == FACT_LAST_GROUP || d == FACT_PASSED_GROUP ||
        d == FACT_PROMISE_GROUP || d == FACT_MOVED_FROM || d == FACT_MOVED_TO)
        return &t->groups;
    if (d == FACT_ASSIGNEE || d == FACT_LAST_ASSIGNEE || d == FACT_PASSED_AGENT ||
        d == FACT_PROMISE_AGENT)
        return &t->agents;
    return NULL;
}

uint32_t fact_codes(const FactTable *t, FactDim d) {
    const Coding *c = table_coding(t, d);
    if (c) return c->n;
    return d == FACT_STATUS     ? TICKET_STATUSES
           : d == FACT_PRIORITY ? PRIORITIES
           : d == FACT_METRIC   ? METRICS
           : d == FACT_OUTCOME  ? OUTCOME_STATES
                                : 0;
}

FactKey fact_code_value(const FactTable *t, FactDim d, uint32_t code) {
    const Coding *c = table_coding(t, d);
    if (!c) return (FactKey){.id = code};
    if (code >= c->n) return (FactKey){0};
    return c->is_text ? (FactKey){.text = c->texts[code]} : (FactKey){.id = c->ids[code]};
}

uint32_t fact_code_of(const FactTable *t, FactDim d, FactKey value) {
    const Coding *c = table_coding(t, d);
    if (c) return c->is_text ? coding_find_text(c, value.text) : coding_find_id(c, value.id);
    return value.id >= 0 && value.id < fact_codes(t, d) ? (uint32_t)value.id : 0;
}
