/* Reading: where tickets are now. */
#include <assert.h>

#include "store/store_internal.h"

/* ---- Given tickets ---- */

typedef struct PlacesJob {
    TicketPlace *places;
    size_t n;
    Arena *arena;
} PlacesJob;

static void on_places(Store *s, const PostgresRows *const *results) {
    PlacesJob *job = s->job;
    assert(rows_count(results[1]) == job->n);
    for (size_t i = 0; i < job->n; i++)
        if (rows_null(results[1], i, 2))
            job->places[i].version = 0;
        else
            job->places[i] = place_read(results[1], i, job->arena);
    store_request_end(s, STORE_DONE, NULL);
}

void store_places(Store *s, TicketPlace *places, size_t n, Arena *arena, StoreDone done,
                  void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    int64_t *tenants = arena_alloc(arena, n * sizeof(*tenants));
    int64_t *ids = arena_alloc(arena, n * sizeof(*ids));
    for (size_t i = 0; i < n; i++) {
        tenants[i] = places[i].tenant_id;
        ids[i] = places[i].ticket_id;
    }
    PlacesJob *job = arena_alloc(arena, sizeof(*job));
    *job = (PlacesJob){places, n, arena};
    s->job = job;
    places_params(&s->params[0], tenants, ids, n);
    tenants_add_all(s, tenants, n); /* sorts */
    store_request_attempt(
        s, &(Attempt){.queries = {tenants_query(s), {&places_statement, &s->params[0]}},
                      .n = 2,
                      .flags = POSTGRES_READ_ONLY,
                      .committed = on_places});
}

/* ---- Open ones, page by page ---- */

static const PostgresStatement open_statement = {
    "store_open",
    "SELECT 1::bigint, tenant_id, id, version, status, priority, group_id, assignee_id, skills,"
    "  created_at FROM ticket.tickets"
    " WHERE tenant_id = $1::bigint AND id > $2::bigint"
    "   AND status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold')"
    " ORDER BY id LIMIT $3::bigint"};

typedef struct OpenJob {
    TicketPlace *places;
    size_t *ret_n;
    Arena *arena;
} OpenJob;

static void on_open(Store *s, const PostgresRows *const *results) {
    OpenJob *job = s->job;
    size_t n = rows_count(results[1]);
    for (size_t i = 0; i < n; i++)
        job->places[i] = place_read(results[1], i, job->arena);
    *job->ret_n = n;
    store_request_end(s, STORE_DONE, NULL);
}

void store_open_tickets(Store *s, int64_t tenant_id, int64_t after_id, TicketPlace *ret, size_t max,
                        size_t *ret_n, Arena *arena, StoreDone done, void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    OpenJob *job = arena_alloc(arena, sizeof(*job));
    *job = (OpenJob){ret, ret_n, arena};
    s->job = job;
    tenants_add(s, tenant_id);
    params_i64(&s->params[0], tenant_id);
    params_i64(&s->params[0], after_id);
    params_i64(&s->params[0], (int64_t)max);
    store_request_attempt(
        s, &(Attempt){.queries = {tenants_query(s), {&open_statement, &s->params[0]}},
                      .n = 2,
                      .flags = POSTGRES_READ_ONLY,
                      .committed = on_open});
}
