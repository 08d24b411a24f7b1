/* The outbox and the sweep: what concerns every tenant at once goes through functions of the
 * schema, which may pass the tenants' fence. */
#include "store/store_internal.h"

static const PostgresStatement take_statement = {
    "store_outbox_take", "SELECT tenant_id, outbox_id, topic, key, message FROM"
                         " ticket.take_outbox($1::bigint * interval '1 ms', $2::integer)"};
static const PostgresStatement delete_statement = {
    "store_outbox_delete",
    "DELETE FROM ticket.outbox o USING unnest($1::bigint[], $2::bigint[]) i (tenant_id, outbox_id)"
    " WHERE o.tenant_id = i.tenant_id AND o.outbox_id = i.outbox_id"};
static const PostgresStatement sweep_statement = {"store_sweep_keys",
                                                  "SELECT ticket.sweep_keys($1::integer)"};
static const PostgresStatement tokens_statement = {"store_sweep_tokens",
                                                   "SELECT access.sweep_tokens($1::integer)"};
static const PostgresStatement partitions_statement = {"store_make_partitions",
                                                       "SELECT ticket.make_partitions()"};
static const PostgresStatement pulse_statement = {"store_pulse",
                                                  "SELECT ticket.pulse($1::text, $2::bigint)"};

typedef struct TakeJob {
    OutboxRow *rows;
    size_t *ret_n;
    Arena *arena;
} TakeJob;

static void on_taken(Store *s, const PostgresRows *const *results) {
    TakeJob *job = s->job;
    size_t n = rows_count(results[0]);
    for (size_t i = 0; i < n; i++)
        job->rows[i] = (OutboxRow){.tenant_id = rows_int(results[0], i, 0),
                                   .outbox_id = rows_int(results[0], i, 1),
                                   .topic = arena_str(job->arena, rows_str(results[0], i, 2)),
                                   .key = arena_str(job->arena, rows_str(results[0], i, 3)),
                                   .message = arena_str(job->arena, rows_str(results[0], i, 4))};
    *job->ret_n = n;
    store_request_end(s, STORE_DONE, NULL);
}

void store_outbox_take(Store *s, int64_t older_ms, OutboxRow *ret, size_t max, size_t *ret_n,
                       Arena *arena, StoreDone done, void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    TakeJob *job = arena_alloc(arena, sizeof(*job));
    *job = (TakeJob){ret, ret_n, arena};
    s->job = job;
    params_i64(&s->params[0], older_ms);
    params_i32(&s->params[0], (int32_t)max);
    store_request_attempt(
        s,
        &(Attempt){.queries = {{&take_statement, &s->params[0]}}, .n = 1, .committed = on_taken});
}

static void on_done(Store *s, const PostgresRows *const *results) {
    (void)results;
    store_request_end(s, STORE_DONE, NULL);
}

void store_outbox_delete(Store *s, const OutboxRow *rows, size_t n, StoreDone done, void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    if (n == 0) {
        store_request_end_soon(s, STORE_DONE, NULL);
        return;
    }
    CLEANUP(mem_freep) int64_t *tenants = xcalloc(n, sizeof(*tenants));
    Params *p = &s->params[0];
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, tenants[i] = rows[i].tenant_id);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, rows[i].outbox_id);
    tenants_add_all(s, tenants, n);
    store_request_attempt(s, &(Attempt){.queries = {tenants_query(s), {&delete_statement, p}},
                                        .n = 2,
                                        .committed = on_done});
}

void store_sweep(Store *s, size_t max, StoreDone done, void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    params_i32(&s->params[0], (int32_t)max);
    store_request_attempt(s, &(Attempt){.queries = {{&sweep_statement, &s->params[0]},
                                                    {&tokens_statement, &s->params[0]},
                                                    {&partitions_statement, NULL}},
                                        .n = 3,
                                        .committed = on_done});
}

void store_pulse(Store *s, const char *instance, int64_t oldest_ms, StoreDone done, void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    params_text(&s->params[0], str(instance));
    params_i64(&s->params[0], oldest_ms);
    store_request_attempt(
        s,
        &(Attempt){.queries = {{&pulse_statement, &s->params[0]}}, .n = 1, .committed = on_done});
}
