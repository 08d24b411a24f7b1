/* Each filter is a loop over a mask of the rows; what is left of it is gathered. Sets of values are
 * asked by code, from a list that was worked out once. */
#include <errno.h>

#include "analytics/table/scan_internal.h"

/* ---- Lists of what may pass ---- */

typedef bool (*MayPass)(const Filters *f, const void *arg, FactKey value);

static void allow(const Filters *f, Allowed *a, FactDim d, MayPass may, const void *arg) {
    uint32_t n = fact_codes(f->table, d);
    if (n > a->room) {
        a->room = n + n / 2;
        a->of = xrealloc(a->of, a->room);
    }
    for (; a->n < n; a->n++)
        a->of[a->n] = may(f, arg, fact_code_value(f->table, d, a->n));
}

static bool lies_below(Str category, Str top) {
    return category.n > top.n && str_starts(category, top) && category.p[top.n] == '/';
}

static bool is_one_of(const Filters *f, const void *arg, FactKey value) {
    const FactOneOf *o = arg;
    (void)f;
    bool is = false;
    for (size_t i = 0; i < o->n && !is; i++) {
        if (fact_dim_is_text(o->dim))
            is = str_eq(o->texts[i], value.text) ||
                 (o->dim == FACT_CATEGORY && o->texts[i].n && lies_below(value.text, o->texts[i]));
        else
            is = o->ids[i] == value.id;
    }
    return is != o->none_of;
}

/* One list of a reach alone, asked of the one who decides. */
static bool is_reached(const Filters *f, Reach narrowed, TicketScope ticket) {
    Subject who = {.tenant_id = 1, .reach = narrowed};
    (void)f;
    ticket.tenant_id = 1;
    return rights_reach(&who, &ticket);
}

static bool group_reached(const Filters *f, const void *arg, FactKey value) {
    const Reach *r = arg;
    return is_reached(
        f, (Reach){.all_groups = r->all_groups, .groups = r->groups, .groups_n = r->groups_n},
        (TicketScope){.group_id = value.id});
}

static bool kind_reached(const Filters *f, const void *arg, FactKey value) {
    const Reach *r = arg;
    return is_reached(f, (Reach){.all_groups = true, .kinds = r->kinds, .kinds_n = r->kinds_n},
                      (TicketScope){.kind = value.text});
}

static bool category_reached(const Filters *f, const void *arg, FactKey value) {
    const Reach *r = arg;
    return is_reached(
        f,
        (Reach){.all_groups = true, .categories = r->categories, .categories_n = r->categories_n},
        (TicketScope){.category = value.text});
}

static bool region_reached(const Filters *f, const void *arg, FactKey value) {
    const Reach *r = arg;
    return is_reached(f,
                      (Reach){.all_groups = true, .regions = r->regions, .regions_n = r->regions_n},
                      (TicketScope){.region = value.text});
}

void filters_renew(Filters *f) {
    for (size_t i = 0; i < f->q->one_of_n; i++)
        allow(f, &f->one_of[i], f->q->one_of[i].dim, is_one_of, &f->q->one_of[i]);
    if (f->all || f->requested_only) return;
    const Subject *who = f->q->who;
    allow(f, &f->groups, FACT_GROUP, group_reached, &who->reach);
    allow(f, &f->kinds, FACT_KIND, kind_reached, &who->reach);
    allow(f, &f->categories, FACT_CATEGORY, category_reached, &who->reach);
    allow(f, &f->regions, FACT_REGION, region_reached, &who->reach);
    f->own =
        who->user_id ? fact_code_of(f->table, FACT_ASSIGNEE, (FactKey){.id = who->user_id}) : 0;
}

/* ---- Making ---- */

static uint32_t to_instant(int64_t seconds) {
    return seconds < 0 ? 1 : seconds >= UINT32_MAX - 1 ? UINT32_MAX : (uint32_t)seconds + 1;
}

static int64_t floor_seconds(int64_t ms) {
    return ms / 1000 - (ms % 1000 < 0);
}

static int64_t ceil_seconds(int64_t ms) {
    return ms / 1000 + (ms % 1000 > 0);
}

static void between(Filters *f, FactTimeField field, int64_t from_ms, int64_t to_ms) {
    uint32_t least = to_instant(floor_seconds(from_ms));
    uint32_t end = to_ms <= 0 ? 0 : to_instant(ceil_seconds(to_ms));
    uint32_t most = to_ms == INT64_MAX ? UINT32_MAX : end > 1 ? end - 1 : 0;
    if (!f->timed[field] || least > f->least[field]) f->least[field] = least;
    if (!f->timed[field] || most < f->most[field]) f->most[field] = most;
    f->timed[field] = true;
}

static int problem(Buf *ret, const char *what, const char *which) {
    if (ret) buf_printf(ret, "%s: %s", which, what);
    return -EINVAL;
}

static bool worked_out(FactDim d) {
    return d >= FACT_WEEKDAY && d < FACT_TICKET_DIMS;
}

static int check(const FactQuestion *q, Buf *ret) {
    for (size_t i = 0; i < q->one_of_n; i++) {
        const FactOneOf *o = &q->one_of[i];
        if (worked_out(o->dim))
            return problem(ret, "is worked out and is no filter", fact_dim_name(o->dim));
        if (!fact_dim_has(q->source, o->dim))
            return problem(ret, "is not there with these rows", fact_dim_name(o->dim));
    }
    for (size_t i = 0; i < q->ranges_n; i++) {
        const FactRange *r = &q->ranges[i];
        if (!fact_number_has(q->source, r->number))
            return problem(ret, "is not there with these rows", fact_number_name(r->number));
        if (r->least > r->most)
            return problem(ret, "the range ends before it begins", fact_number_name(r->number));
    }
    for (size_t i = 0; i < q->between_n; i++)
        if (q->between[i].from_ms > q->between[i].to_ms)
            return problem(ret, "ends before it begins", fact_time_name(q->between[i].field));
    if (q->from_ms > q->to_ms)
        return problem(ret, "ends before it begins", fact_time_name(q->time));
    return 0;
}

static uint16_t statuses(const FactQuestion *q) {
    uint16_t may = (1 << TICKET_STATUSES) - 1;
    for (int s = 0; s < TICKET_STATUSES; s++) {
        uint16_t bit = (uint16_t)(1 << s);
        bool open = ticket_status_is_open((TicketStatus)s);
        if (q->flags_set & 1u << FLAG_OPEN && !open) may &= (uint16_t)~bit;
        if (q->flags_clear & 1u << FLAG_OPEN && open) may &= (uint16_t)~bit;
        for (size_t i = 0; i < q->one_of_n; i++)
            if (q->one_of[i].dim == FACT_STATUS &&
                !is_one_of(NULL, &q->one_of[i], (FactKey){.id = s}))
                may &= (uint16_t)~bit;
    }
    return may;
}

int filters_make(Filters *f, const FactTable *t, const FactQuestion *q, Buf *ret_problem) {
    *f = (Filters){.table = t, .q = q, .all = true};
    int r = check(q, ret_problem);
    if (r < 0) return r;
    if (q->from_ms > 0 || q->to_ms != INT64_MAX) between(f, q->time, q->from_ms, q->to_ms);
    for (size_t i = 0; i < q->between_n; i++)
        between(f, q->between[i].field, q->between[i].from_ms, q->between[i].to_ms);
    f->statuses = statuses(q);
    if (q->who) {
        f->requested_only = q->who->reach.requested_only;
        f->all = rights_reach_all(&q->who->reach);
    }
    filters_renew(f);
    return 0;
}

void filters_done(Filters *f) {
    for (int i = 0; i < FACT_FILTERS_MAX; i++)
        free(f->one_of[i].of);
    free(f->groups.of);
    free(f->kinds.of);
    free(f->categories.of);
    free(f->regions.of);
}

/* ---- Rows ---- */

bool filters_skip(const Filters *f, const Block *b) {
    bool any = false;
    for (int i = 0; i < FACT_TIMES_OF; i++)
        if (f->timed[i] && (b->least[i] > f->most[i] || b->most[i] < f->least[i])) return true;
    for (int s = 0; s < TICKET_STATUSES; s++)
        any |= (f->statuses >> s & 1) && b->of_status[s];
    return !any;
}

typedef struct Mask {
    uint8_t of[LANES];
    bool whole; /* nothing has been taken out yet */
} Mask;

static void mask_times(const Filters *f, FactTimeField field, const Lanes *l, Mask *m) {
    uint32_t at[LANES], least = f->least[field], most = f->most[field];
    const Block *b = l->block;
    bool all_there = (field == FACT_AT_CREATED || field == FACT_AT_ENTERED) &&
                     b->least[field] >= least && b->most[field] <= most;
    if (all_there) return; /* these two are never missing */
    m->whole = false;
    reading_times(l, field, at);
    if (least > most) {
        memset(m->of, 0, l->n);
        return;
    }
    uint32_t span = most - least;
    for (uint32_t i = 0; i < l->n; i++)
        m->of[i] &= at[i] - least <= span;
}

static void mask_codes(const Allowed *a, const uint32_t *codes, uint32_t n, uint8_t *of) {
    for (uint32_t i = 0; i < n; i++)
        of[i] &= codes[i] < a->n ? a->of[codes[i]] : 0;
}

static void mask_range(const FactRange *r, const uint32_t *v, uint32_t n, uint8_t *of) {
    if (r->most < 0 || r->least >= NO_NUMBER) {
        memset(of, 0, n);
        return;
    }
    uint32_t least = r->least < 0 ? 0 : (uint32_t)r->least;
    uint32_t most = r->most >= NO_NUMBER ? NO_NUMBER - 1 : (uint32_t)r->most;
    for (uint32_t i = 0; i < n; i++)
        of[i] &= v[i] >= least && v[i] <= most;
}

static void mask_reach(const Filters *f, const Lanes *l, Mask *m) {
    const Block *b = l->block;
    uint32_t codes[LANES];
    uint8_t lists[LANES];
    m->whole = false;
    if (f->requested_only) {
        int64_t her = f->q->who->user_id;
        for (uint32_t i = 0; i < l->n; i++)
            m->of[i] &= her && (int64_t)column_get(&b->requester, l->first + i) == her;
        return;
    }
    memset(lists, 1, l->n);
    column_read(&b->codes[FACT_GROUP], l->first, l->n, codes);
    mask_codes(&f->groups, codes, l->n, lists);
    column_read(&b->codes[FACT_KIND], l->first, l->n, codes);
    mask_codes(&f->kinds, codes, l->n, lists);
    column_read(&b->codes[FACT_CATEGORY], l->first, l->n, codes);
    mask_codes(&f->categories, codes, l->n, lists);
    column_read(&b->codes[FACT_REGION], l->first, l->n, codes);
    mask_codes(&f->regions, codes, l->n, lists);
    column_read(&b->codes[FACT_ASSIGNEE], l->first, l->n, codes);
    for (uint32_t i = 0; i < l->n; i++)
        m->of[i] &= lists[i] | (f->own && codes[i] == f->own);
}

static void mask_open_at(const Filters *f, const Lanes *l, Mask *m) {
    uint32_t at[LANES], resolved[LANES], entered[LANES], status[LANES];
    uint32_t then = to_instant(floor_seconds(f->q->open_at_ms));
    m->whole = false;
    reading_times(l, FACT_AT_CREATED, at);
    reading_times(l, FACT_AT_RESOLVED, resolved);
    reading_times(l, FACT_AT_ENTERED, entered);
    column_read(&l->block->codes[FACT_STATUS], l->first, l->n, status);
    for (uint32_t i = 0; i < l->n; i++) {
        bool over = (resolved[i] && resolved[i] <= then) ||
                    (status[i] >= TICKET_CLOSED && entered[i] <= then);
        m->of[i] &= at[i] <= then && !over;
    }
}

static void mask_requesters(const FactQuestion *q, const Lanes *l, Mask *m) {
    m->whole = false;
    for (uint32_t i = 0; i < l->n; i++) {
        if (!m->of[i]) continue;
        int64_t who = (int64_t)column_get(&l->block->requester, l->first + i);
        bool is = false;
        for (size_t k = 0; k < q->requesters_n && !is; k++)
            is = q->requesters[k] == who;
        m->of[i] = is;
    }
}

static void mask_rest(const Filters *f, const Lanes *l, Mask *m) {
    const FactQuestion *q = f->q;
    const Block *b = l->block;
    uint32_t v[LANES];
    Reading r = {.table = f->table, .source = FACT_TICKETS, .now_s = floor_seconds(q->now_ms)};
    if (q->flags_set || q->flags_clear) {
        m->whole = false;
        column_read(&b->flags, l->first, l->n, v);
        for (uint32_t i = 0; i < l->n; i++)
            m->of[i] &= (v[i] & q->flags_set) == q->flags_set && !(v[i] & q->flags_clear);
    }
    for (size_t i = 0; i < q->one_of_n; i++) {
        if (q->one_of[i].dim >= FACT_TICKET_DIMS) continue;
        m->whole = false;
        reading_codes(&r, l, q->one_of[i].dim, v);
        mask_codes(&f->one_of[i], v, l->n, m->of);
    }
    for (size_t i = 0; i < q->ranges_n; i++) {
        if (q->ranges[i].number >= FACT_TICKET_NUMBERS) continue;
        m->whole = false;
        reading_number(&r, l, q->ranges[i].number, v);
        mask_range(&q->ranges[i], v, l->n, m->of);
    }
    if (!f->all) mask_reach(f, l, m);
    if (q->open_at_ms) mask_open_at(f, l, m);
    if (q->requesters) mask_requesters(q, l, m);
}

void filters_rows(const Filters *f, const Block *b, uint32_t first, uint32_t n, Lanes *ret) {
    Mask m;
    ret->block = b;
    ret->first = first;
    ret->n = n;
    ret->run = true;
    m.whole = true;
    memset(m.of, 1, n);
    if (b->gone) {
        m.whole = false;
        for (uint32_t i = 0; i < n; i++)
            m.of[i] = column_get(&b->id, first + i) != 0;
    }
    for (int i = 0; i < FACT_TIMES_OF; i++)
        if (f->timed[i]) mask_times(f, (FactTimeField)i, ret, &m);
    mask_rest(f, ret, &m);
    if (m.whole) return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        ret->row[kept] = first + i;
        kept += m.of[i];
    }
    ret->n = kept;
    ret->run = false;
}

void filters_behind(const Filters *f, Lanes *l) {
    const FactQuestion *q = f->q;
    uint8_t of[LANES_ROOM];
    uint32_t v[LANES_ROOM], kept = 0;
    bool whole = true;
    Reading r = {.table = f->table, .source = q->source};
    memset(of, 1, l->n);
    for (size_t i = 0; i < q->one_of_n; i++) {
        if (q->one_of[i].dim < FACT_TICKET_DIMS) continue;
        whole = false;
        reading_codes(&r, l, q->one_of[i].dim, v);
        mask_codes(&f->one_of[i], v, l->n, of);
    }
    for (size_t i = 0; i < q->ranges_n; i++) {
        if (q->ranges[i].number < FACT_TICKET_NUMBERS) continue;
        whole = false;
        reading_number(&r, l, q->ranges[i].number, v);
        mask_range(&q->ranges[i], v, l->n, of);
    }
    if (whole) return;
    for (uint32_t i = 0; i < l->n; i++) {
        l->row[kept] = l->row[i];
        l->behind[kept] = l->behind[i];
        kept += of[i];
    }
    l->n = kept;
}
