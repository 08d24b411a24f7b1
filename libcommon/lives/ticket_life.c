/* Rows and revisions become happenings of a Life. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "lives/ticket_life_internal.h"

/* 9999-12-31: what a life can be told of, whatever a ledger says. */
#define INSTANT_MAX INT64_C(253402300799999)

const FactField text_fields[TEXTS] = {
    FACT_CHANNEL,     FACT_KIND,    FACT_TIER,        FACT_REGION,   FACT_LANGUAGE,
    FACT_ORDER,       FACT_PRODUCT, FACT_BATCH,       FACT_DEVICE,   FACT_TAGS,
    FACT_EXTERNAL_ID, FACT_SUBJECT, FACT_DESCRIPTION, FACT_CATEGORY, FACT_CUSTOM};

#define BIT(field) (UINT32_C(1) << (field))

/* ---- Making ---- */

TicketLife *ticket_life_new(bool history, const Catalog *in_force) {
    TicketLife *l = xcalloc(1, sizeof(*l));
    l->history = history;
    l->whole = true;
    l->catalog = in_force ? catalog_ref(in_force) : NULL;
    l->judged_ms = l->revised_ms = l->chains_ms = l->acked_ms = INT64_MIN;
    return l;
}

TicketLife *ticket_life_free(TicketLife *l) {
    if (!l) return NULL;
    life_free(l->life);
    (void)catalog_unref(l->catalog);
    for (int i = 0; i < TEXTS; i++)
        free(l->texts[i].p);
    free(l->notes);
    free(l->forgotten);
    free(l->steps);
    for (size_t i = 0; i < l->past_n; i++)
        (void)catalog_unref(l->past[i]);
    free(l->past);
    arena_free(l->arena);
    free(l);
    return NULL;
}

void own_set(OwnText *t, Str s) {
    if (s.n > UINT32_MAX / 2) s.n = 0; /* no text of ours: they end at 256 KiB */
    if (s.n > t->n || !t->p) t->p = s.n ? xrealloc(t->p, s.n) : t->p;
    if (s.n) memcpy(t->p, s.p, s.n);
    t->n = (uint32_t)s.n;
}

/* ---- Facts and policy ---- */

typedef struct AskedFacts {
    Facts facts;
    char group[24], assignee[24], source[24];
} AskedFacts;

static Str decimal(char room[24], int64_t n) {
    if (!n) return (Str){NULL, 0};
    int length = snprintf(room, 24, "%lld", (long long)n);
    return (Str){room, (size_t)length};
}

static const Str *split_tags(const TicketLife *l, Arena *arena, size_t *ret_n) {
    Str all = own_str(&l->texts[TEXT_TAGS]);
    size_t n = 0;
    for (size_t i = 0; i < all.n; i++)
        n += all.p[i] == 0;
    Str *tags = arena_alloc(arena, (n + 1) * sizeof(*tags));
    const char *at = all.p;
    for (size_t i = 0; i < n; i++) {
        tags[i] = str(at);
        at += tags[i].n + 1;
    }
    *ret_n = n;
    return tags;
}

static const Policy *choose(const TicketLife *l) {
    AskedFacts a;
    uint32_t asks = catalog_policy_asks(l->catalog);
    Arena *arena = NULL;
    memset(&a.facts, 0, sizeof(a.facts));
    for (int i = 0; i < TEXTS; i++)
        if (text_fields[i] < FACT_CUSTOM && i != TEXT_TAGS)
            a.facts.at[text_fields[i]] = own_str(&l->texts[i]);
    a.facts.at[FACT_PRIORITY] = str(ticket_priority_name(l->priority));
    if (asks & BIT(FACT_STATUS)) a.facts.at[FACT_STATUS] = str(ticket_status_name(l->status));
    if (asks & BIT(FACT_GROUP)) a.facts.at[FACT_GROUP] = decimal(a.group, l->group_id);
    if (asks & BIT(FACT_ASSIGNEE)) a.facts.at[FACT_ASSIGNEE] = decimal(a.assignee, l->assignee_id);
    if (asks & BIT(FACT_SOURCE)) a.facts.at[FACT_SOURCE] = decimal(a.source, l->source_id);
    if (asks & (BIT(FACT_TAGS) | BIT(FACT_CUSTOM))) arena = arena_new(1024);
    if (asks & BIT(FACT_TAGS)) a.facts.tags = split_tags(l, arena, &a.facts.tags_n);
    if (asks & BIT(FACT_CUSTOM))
        a.facts.custom =
            catalog_policy_custom_values(l->catalog, own_str(&l->texts[TEXT_CUSTOM]), arena);
    const Policy *p = catalog_policy_for(l->catalog, &a.facts);
    arena_free(arena);
    return p;
}

/* The terms as they are now, told at `at`. */
static void tell_terms(TicketLife *l, int64_t at) {
    Terms terms = policy_terms(l->policy, l->priority);
    life_terms(l->life, at, &terms);
}

/* What of the facts a row changes: bits 1 << FactField. */
static uint32_t take_text(TicketLife *l, TextFact fact, Str value) {
    if (str_eq(own_str(&l->texts[fact]), value)) return 0;
    own_set(&l->texts[fact], value);
    return BIT(text_fields[fact]);
}

static uint32_t take_tags(TicketLife *l, const Str *tags, size_t n) {
    CLEANUP(buf_done) Buf all = {0};
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&all, tags[i]);
        buf_addc(&all, 0);
    }
    return take_text(l, TEXT_TAGS, buf_str(&all));
}

static uint32_t take_number(int64_t *fact, int64_t value, FactField field) {
    if (*fact == value) return 0;
    *fact = value;
    return BIT(field);
}

/* A packed life keeps only what is asked: what else changes is not looked at. */
static bool keeps(const TicketLife *l, FactField field) {
    return l->whole || l->kept & BIT(field);
}

static uint32_t take_facts(TicketLife *l, const TicketUpdate *u) {
    uint32_t changed = 0;
    if (u->sets & EDIT_STATUS && u->status != l->status) {
        l->status = u->status;
        changed |= BIT(FACT_STATUS);
    }
    if (u->sets & EDIT_PRIORITY && u->priority != l->priority) {
        l->priority = u->priority;
        changed |= BIT(FACT_PRIORITY);
    }
    if (u->sets & EDIT_GROUP) changed |= take_number(&l->group_id, u->group_id, FACT_GROUP);
    if (u->sets & EDIT_ASSIGNEE)
        changed |= take_number(&l->assignee_id, u->assignee_id, FACT_ASSIGNEE);
#define TEXT(bit, fact, value)                                                                     \
    if (u->sets & (bit) && keeps(l, text_fields[fact])) changed |= take_text(l, fact, value);
    TEXT(EDIT_KIND, TEXT_KIND, u->kind)
    TEXT(EDIT_CATEGORY, TEXT_CATEGORY, u->category)
    TEXT(EDIT_SUBJECT, TEXT_SUBJECT, u->subject)
    TEXT(EDIT_EXTERNAL_ID, TEXT_EXTERNAL_ID, u->external_id)
    TEXT(EDIT_CUSTOM_FIELDS, TEXT_CUSTOM, u->custom_fields)
#undef TEXT
    if (u->sets & EDIT_TAGS && keeps(l, FACT_TAGS)) changed |= take_tags(l, u->tags, u->tags_n);
    return changed;
}

/* ---- Telling ---- */

static Speaker speaker_of(Str actor) {
    if (str_starts(actor, STR("agent:")) || str_starts(actor, STR("user:"))) return SPEAKER_AGENT;
    if (str_starts(actor, STR("requester:"))) return SPEAKER_REQUESTER;
    return SPEAKER_BOT;
}

static bool is_acknowledgement(const Event *e) {
    return e->kind == LEDGER_TICKET_UPDATED && str_is(update_why(&e->set), "acknowledged");
}

static int64_t instant(int64_t at, int64_t not_before) {
    if (at > INSTANT_MAX) at = INSTANT_MAX;
    if (at < 0) at = 0;
    return at > not_before ? at : not_before;
}

static void add_step(TicketLife *l, const Event *e /* NULL: a revision */, int64_t at) {
    static const Event revision = {.kind = LEDGER_KINDS};
    if (!l->history) return;
    if (!e) e = &revision;
    if (l->steps_n == l->steps_room) {
        l->steps_room = l->steps_room ? l->steps_room * 2 : 16;
        l->steps = xrealloc(l->steps, l->steps_room * sizeof(*l->steps));
    }
    if (!l->arena) l->arena = arena_new(1024);
    LifeStep *s = &l->steps[l->steps_n++];
    *s = (LifeStep){.at_ms = at,
                    .seq = e->seq,
                    .kind = e->kind,
                    .actor = arena_str(l->arena, e->actor),
                    .by = speaker_of(e->actor),
                    .spoke = e->set.comment.present || e->kind == LEDGER_TICKET_CREATED,
                    .is_public = e->set.comment.is_public || e->kind == LEDGER_TICKET_CREATED,
                    .acknowledged = is_acknowledgement(e),
                    .status = l->status,
                    .priority = l->priority,
                    .policy = l->policy,
                    .revision = l->catalog ? catalog_revision(l->catalog) : 0};
    if (e->kind < LEDGER_PROMISE_WARNED || e->kind >= LEDGER_KINDS) return;
    if (metric_parse(e->promise.metric, &s->metric) < 0) s->metric = METRICS;
    s->instance = e->promise.instance;
    size_t n = e->promise.level.n < PROMISE_LEVEL_MAX ? e->promise.level.n : PROMISE_LEVEL_MAX;
    if (n) memcpy(s->level, e->promise.level.p, n);
    s->true_ms = e->promise.at_ms;
    s->late = e->promise.late;
}

static void create(TicketLife *l, const Event *e, int64_t at) {
    own_set(&l->texts[TEXT_CHANNEL], e->channel);
    own_set(&l->texts[TEXT_TIER], e->tier);
    own_set(&l->texts[TEXT_REGION], e->region);
    own_set(&l->texts[TEXT_LANGUAGE], e->language);
    own_set(&l->texts[TEXT_ORDER], e->order);
    own_set(&l->texts[TEXT_PRODUCT], e->product);
    own_set(&l->texts[TEXT_BATCH], e->batch);
    own_set(&l->texts[TEXT_DEVICE], e->device);
    own_set(&l->texts[TEXT_DESCRIPTION], e->description);
    l->source_id = e->source_id;
    (void)take_facts(l, &e->set);
    l->policy = l->catalog ? choose(l) : NULL;
    Terms terms = policy_terms(l->policy, l->priority);
    l->life = life_new(&terms, l->history);
    life_create(l->life, at, speaker_of(e->actor), true, l->status);
    l->chains_ms = at;
}

static void heed_mark(TicketLife *l, const Event *e) {
    ClockMetric m;
    PromiseAct act = (PromiseAct)(e->kind - LEDGER_PROMISE_WARNED);
    int64_t code = level_code(act, e->promise.level);
    if (code >= 0 && metric_parse(e->promise.metric, &m) == 0)
        note_tell(l, m, e->promise.instance, code);
}

static void tell_row(TicketLife *l, const Event *e, int64_t at) {
    TicketStatus was = l->status;
    const EditComment *comment = &e->set.comment;
    Speaker by = speaker_of(e->actor);
    uint32_t changed = take_facts(l, &e->set);
    life_reach(l->life, at);
    chains_advance(l, at, false);
    if (changed && l->catalog) {
        const Policy *before = l->policy;
        if (changed & catalog_policy_asks(l->catalog)) l->policy = choose(l);
        if (l->policy != before || changed & BIT(FACT_PRIORITY)) tell_terms(l, at);
    }
    if (e->kind >= LEDGER_PROMISE_WARNED && e->kind < LEDGER_KINDS) heed_mark(l, e);
    bool said_first = by == SPEAKER_REQUESTER && l->status != was && l->status == TICKET_SOLVED;
    if (comment->present && said_first) life_comment(l->life, at, by, comment->is_public);
    if (l->status != was) life_status(l->life, at, l->status);
    if (comment->present && !said_first) life_comment(l->life, at, by, comment->is_public);
    if (is_acknowledgement(e)) {
        life_acknowledge(l->life, at);
        chains_acknowledged(l, at);
    }
    chains_see_ends(l);
}

/* It says what was told, and changes nothing that is judged: it may come from a host whose clock is
 * behind that of the scheduler who told it. */
static bool only_records(const Event *e) {
    return e->kind >= LEDGER_PROMISE_WARNED && e->kind < LEDGER_KINDS && !e->set.sets &&
           !e->set.comment.present;
}

int ticket_life_tell(TicketLife *l, const Event *row) {
    if (row->seq <= l->seq) return -EALREADY;
    if (row->seq != l->seq + 1) return -EAGAIN;
    if (!l->life) {
        if (row->kind != LEDGER_TICKET_CREATED) return -EBADMSG;
        l->row_ms = instant(row->created_ms, 0);
        create(l, row, l->row_ms);
    } else {
        int64_t at = instant(row->at_ms, l->row_ms);
        bool over = life_ended(l->life); /* nothing changes any more */
        bool judged = !over && (at <= l->judged_ms || at < l->revised_ms);
        if (judged && !only_records(row)) return -ESTALE;
        l->row_ms = at;
        if (judged)
            heed_mark(l, row);
        else
            tell_row(l, row, at);
    }
    l->seq = row->seq;
    l->forgotten_n = 0;
    add_step(l, row, l->row_ms);
    if (!l->history) clocks_forget(l);
    return 0;
}

static void take_catalog(TicketLife *l, const Catalog *in_force) {
    const Catalog *before = l->catalog;
    l->catalog = in_force ? catalog_ref(in_force) : NULL;
    if (!l->history || !before) {
        (void)catalog_unref(before);
        return;
    }
    if (l->past_n == l->past_room) {
        l->past_room = l->past_room ? l->past_room * 2 : 4;
        l->past = xrealloc(l->past, l->past_room * sizeof(*l->past));
    }
    l->past[l->past_n++] = before;
}

/* The same policy of documents that promise the same. */
static const Policy *same_policy(const Policy *p, const Catalog *from, const Catalog *to) {
    const Policy *before, *after;
    if (!p) return NULL;
    (void)catalog_policies(from, &before);
    (void)catalog_policies(to, &after);
    return &after[p - before];
}

int ticket_life_revise(TicketLife *l, int64_t applied_at_ms, const Catalog *in_force) {
    if (in_force == l->catalog) return 0;
    if (!l->life) {
        take_catalog(l, in_force);
        return 0;
    }
    bool same = catalog_promises_mark(in_force) == catalog_promises_mark(l->catalog);
    int64_t at = instant(applied_at_ms, 0);
    if (!same) {
        uint32_t asks = in_force ? catalog_policy_asks(in_force) : 0;
        if (at <= l->row_ms || at <= l->judged_ms || at < l->revised_ms) return -ESTALE;
        if (!l->whole && asks & ~l->kept) return -ESTALE;
        life_reach(l->life, at);
        chains_advance(l, at, false);
    }
    const Catalog *before = l->catalog ? catalog_ref(l->catalog) : NULL;
    take_catalog(l, in_force);
    if (same) {
        l->policy = same_policy(l->policy, before, in_force);
        Terms terms = policy_terms(l->policy, l->priority);
        life_rehours(l->life, &terms);
    } else {
        l->revised_ms = at;
        l->policy = in_force ? choose(l) : NULL;
        tell_terms(l, at);
    }
    add_step(l, NULL, at);
    (void)catalog_unref(before);
    return 0;
}

void ticket_life_judge(TicketLife *l, int64_t now_ms) {
    int64_t at = instant(now_ms, 0);
    if (!l->life || at < l->row_ms || at < l->revised_ms || at <= l->judged_ms) return;
    life_settle(l->life, at);
    chains_advance(l, at, true);
    l->judged_ms = at;
}

/* ---- What it is ---- */

int32_t ticket_life_seq(const TicketLife *l) {
    return l->seq;
}

int64_t ticket_life_now_ms(const TicketLife *l) {
    int64_t now = l->row_ms;
    if (l->revised_ms > now) now = l->revised_ms;
    return l->judged_ms > now ? l->judged_ms : now;
}

const Policy *ticket_life_policy(const TicketLife *l) {
    return l->policy;
}

const Catalog *ticket_life_catalog(const TicketLife *l) {
    return l->catalog;
}

const Calendar *ticket_life_hours(const TicketLife *l) {
    const NamedCalendar *calendars;
    if (l->policy) {
        const Policy *p = l->policy;
        if (p->targets[METRIC_RESOLUTION][l->priority].within_ms)
            return p->targets[METRIC_RESOLUTION][l->priority].hours;
        for (int m = 0; m < METRICS; m++)
            if (p->targets[m][l->priority].within_ms) return p->targets[m][l->priority].hours;
    }
    return l->catalog && catalog_calendars(l->catalog, &calendars) ? calendars[0].calendar : NULL;
}

int64_t ticket_life_promised_ms(const TicketLife *l) {
    const Clock *clocks;
    int64_t first = NEVER;
    size_t n = l->life ? life_latest(l->life, &clocks) : 0;
    for (size_t i = 0; i < n; i++) {
        const Clock *c = &clocks[i];
        if (c->status != CLOCK_RUNNING || !c->target_ms || c->breached_ms != NEVER) continue;
        int64_t due = clock_reach(c, c->since_ms, c->target_ms);
        if (due < first) first = due;
    }
    return first;
}

TicketStatus ticket_life_status(const TicketLife *l) {
    return l->status;
}

TicketPriority ticket_life_priority(const TicketLife *l) {
    return l->priority;
}

int64_t ticket_life_group(const TicketLife *l) {
    return l->group_id;
}

int64_t ticket_life_assignee(const TicketLife *l) {
    return l->assignee_id;
}

size_t ticket_life_steps(const TicketLife *l, const LifeStep **ret) {
    *ret = l->steps;
    return l->steps_n;
}

size_t ticket_life_clocks(const TicketLife *l, const Clock **ret) {
    if (l->life) return life_clocks(l->life, ret);
    *ret = NULL;
    return 0;
}
