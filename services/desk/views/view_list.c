/* Which indexes hold a view's tickets is decided by its states: open ones are few and picked from
 * the tickets, solved and closed ones are walked, newest first, where the view or the subject's
 * reach names a few groups group by group. */
#include "desk/views/view_list.h"

#include "desk/views/counters.h"

enum {
    OPEN_STATES = 1 << TICKET_NEW | 1 << TICKET_ASSIGNED | 1 << TICKET_IN_PROGRESS |
                  1 << TICKET_PENDING | 1 << TICKET_ON_HOLD,
    DONE_STATES = 1 << TICKET_SOLVED | 1 << TICKET_CLOSED,
    GROUPS_WALKED = 8, /* more: all groups, and what does not fit is dropped */
};

static bool among(const int64_t *list, size_t n, int64_t id) {
    for (size_t i = 0; i < n; i++)
        if (list[i] == id) return true;
    return false;
}

bool view_shown(Request *r, const View *v) {
    const Reach *reach = &r->subject.reach;
    if (!v->groups || reach->all_groups) return true;
    PredicateWho who = listing_who(r);
    for (size_t i = 0; i < v->groups_n; i++)
        if (among(who.groups, who.groups_n, v->groups[i])) return true;
    return false;
}

const char *const *view_sorts(const View *v) {
    static const char *const created[] = {"created_at", "id", "updated_at", NULL};
    static const char *const newest[] = {"-created_at", "id", "updated_at", NULL};
    static const char *const updated[] = {"updated_at", "created_at", "id", NULL};
    static const char *const latest[] = {"-updated_at", "created_at", "id", NULL};
    static const char *const only_updated[] = {"updated_at", NULL};
    static const char *const only_latest[] = {"-updated_at", NULL};
    if (predicate_statuses(&v->filter) & DONE_STATES)
        return v->descending ? only_latest : only_updated;
    if (v->sort == VIEW_BY_CREATED) return v->descending ? newest : created;
    return v->descending ? latest : updated;
}

/* "x.status IN ('new', ...)": our own names, so that partial indexes are seen to fit. */
static char *in_states(Arena *arena, unsigned states) {
    Buf b = {0};
    const char *comma = "";
    buf_adds(&b, "x.status IN (");
    for (int s = 0; s < TICKET_STATUSES; s++) {
        if (!(states & 1U << s)) continue;
        buf_printf(&b, "%s'%s'", comma, ticket_status_name((TicketStatus)s));
        comma = ", ";
    }
    buf_addc(&b, ')');
    char *text = arena_strndup(arena, b.p, b.n);
    buf_done(&b);
    return text;
}

static void walk_everywhere(Listing *l, TicketStatus state) {
    listing_walk(l, arena_printf(l->r->arena, "x.status = '%s'", ticket_status_name(state)));
}

static void walk_groups(Listing *l, TicketStatus state, const int64_t *groups, size_t n) {
    const char *name = ticket_status_name(state);
    for (size_t i = 0; i < n; i++) {
        int at = (int)l->params->n + 1;
        params_i64(l->params, groups[i]);
        listing_walk(
            l, arena_printf(l->r->arena, "x.status = '%s' AND x.group_id = $%d::bigint", name, at));
    }
}

/* What is assigned to a person she reaches, whatever its group. */
static void walk_own(Listing *l, TicketStatus state) {
    int at = (int)l->params->n + 1;
    if (!l->r->subject.user_id) return;
    params_i64(l->params, l->r->subject.user_id);
    listing_walk_besides(l, arena_printf(l->r->arena,
                                         "x.assignee_id = $%d::bigint AND x.assignee_id <> 0 AND "
                                         "x.status = '%s'",
                                         at, ticket_status_name(state)));
}

void view_sources(Listing *l, const View *v) {
    Request *r = l->r;
    const Reach *reach = &r->subject.reach;
    PredicateWho who = listing_who(r);
    unsigned states = predicate_statuses(&v->filter);
    const int64_t *groups = NULL;
    size_t n = 0;
    bool named = predicate_groups(&v->filter, &who, r->arena, &groups, &n); /* by the view */
    bool by_reach = !named && !reach->all_groups && !reach->requested_only;
    if (by_reach) {
        groups = reach->groups;
        n = reach->groups_n;
    }
    bool everywhere = n > GROUPS_WALKED || (!named && !by_reach);
    if (states & OPEN_STATES) listing_pick(l, in_states(r->arena, states & OPEN_STATES));
    for (TicketStatus s = TICKET_SOLVED; s <= TICKET_CLOSED; s++) {
        if (!(states & 1U << s)) continue;
        if (everywhere)
            walk_everywhere(l, s);
        else
            walk_groups(l, s, groups, n);
        if (by_reach && !everywhere) walk_own(l, s);
    }
    if (l->sources_n == 0) listing_pick(l, "false");
}

/* ---- counting ---- */

typedef struct Kept { /* the request's context while a view is counted */
    ViewCounted done;
    void *context;
} Kept;

static void on_listed(Request *r, int64_t n, bool exact) {
    const Kept *k = r->context;
    r->context = k->context;
    k->done(r, (ViewCount){n, exact});
}

void view_count(Request *r, const View *v, ViewCounted done) {
    if (predicate_needs(&v->filter) == PREDICATE_COUNTERS && !r->subject.reach.requested_only) {
        counters_sum(r, &v->filter, done);
        return;
    }
    Kept *k = arena_alloc(r->arena, sizeof(*k));
    *k = (Kept){done, r->context};
    r->context = k;
    Listing *l = listing_new_count(r, &v->filter, COUNT_MAX, on_listed);
    view_sources(l, v);
    listing_run_count(l);
}
