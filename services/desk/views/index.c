/* What other families ask of the projection, as sources of a listing. */
#include "desk/views/index.h"

#include <stdio.h>

#include "desk/views/view_list.h"

#define OPEN "x.status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold')"

/* "column = $n", with the value as that parameter. */
static const char *equals(Listing *l, const char *column, int64_t value) {
    const char *where =
        arena_printf(l->r->arena, "x.%s = $%d::bigint", column, (int)l->params->n + 1);
    params_i64(l->params, value);
    return where;
}

/* Who reaches some groups only has her tickets from where those are found. */
static void every_sources(Listing *l) {
    static const View every = {.id = 0};
    const Reach *reach = &l->r->subject.reach;
    if (reach->requested_only || reach->all_groups)
        listing_walk(l, "true");
    else
        view_sources(l, &every);
}

void index_list(Request *r, const IndexWanted *wanted, const Paging *paging, IndexDone done) {
    bool by_updated = wanted->by == INDEX_EVERY && str_is(paging->sort, "updated_at");
    Listing *l = listing_new(r, paging, by_updated, NULL, done);
    const char *where;
    switch (wanted->by) {
    case INDEX_EVERY:
        if (by_updated)
            every_sources(l);
        else
            listing_walk_tickets(l);
        break;
    case INDEX_EXTERNAL_ID:
        where = arena_printf(r->arena, "x.external_id = $%d::text AND x.external_id <> ''",
                             (int)l->params->n + 1);
        params_text(l->params, wanted->text);
        listing_walk(l, where);
        break;
    case INDEX_REQUESTED:
        listing_walk(l, equals(l, "requester_id", wanted->id));
        break;
    case INDEX_ASSIGNED:
        where = equals(l, "assignee_id", wanted->id);
        listing_pick(l, arena_printf(r->arena, "%s AND " OPEN, where));
        listing_walk(l, arena_printf(r->arena,
                                     "%s AND x.assignee_id <> 0 AND x.status IN ('solved', "
                                     "'closed')",
                                     where));
        break;
    case INDEX_ORGANIZATION:
        listing_pick_organization(l, wanted->id);
        break;
    }
    listing_run(l);
}
