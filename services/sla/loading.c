/* What is assigned is claimed: its epoch is raised unless nobody had it since it was ours; then
 * whatever is open in it comes into memory, before the first event is followed. */
#include <string.h>

#include "base/clock.h"
#include "sla/sla_internal.h"
#include "sla/statements.h"

enum { LOAD_PAGE = 20000 };

static void on_claimed(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Sla *s = arg;
    if (outcome != POSTGRES_COMMITTED) {
        sla_try_later(s, problem->state[0] ? problem->text : NULL);
        sla_turn_over(s);
        return;
    }
    s->retry_ms = 0;
    size_t fresh = 0;
    for (size_t row = 0; row < rows_count(results[0]); row++)
        fresh += !shares_claimed(s->shares, (int32_t)rows_int(results[0], row, 0),
                                 rows_int(results[0], row, 1));
    (void)shares_all_claimed(s->shares); /* or they were taken away meanwhile */
    size_t gone = clocks_keep_partitions(s->clocks, s->shares->loaded, SHARES_MAX_PARTITIONS / 64);
    log_info(NULL, "claimed %zu partitions, %zu of them anew; %zu tickets are no more ours",
             rows_count(results[0]), fresh, gone);
    s->load_tenant = s->load_ticket = 0;
    s->load_n = 0;
    s->load_since_ms = clock_monotonic_ms();
    if (fresh) chores_find(s);
    sla_turn_over(s);
}

static void claim(Sla *s) {
    Share shares[SHARES_MAX_PARTITIONS];
    size_t n = shares_list(s->shares, false, shares);
    sla_claim_params(&s->params[0], shares, n, str(s->instance));
    if (connection_run(s->postgres, 0, &(PostgresQuery){&sla_claim_statement, &s->params[0]}, 1,
                       on_claimed, s) == 0)
        s->work = WORK_CLAIM;
}

static void loaded(Sla *s) {
    shares_loaded(s->shares);
    metric_add(s->loads, 1);
    if (s->load_n)
        log_info(NULL, "%zu open tickets loaded in %lld ms", s->load_n,
                 (long long)(clock_monotonic_ms() - s->load_since_ms));
}

static void on_page(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Sla *s = arg;
    if (outcome != POSTGRES_COMMITTED) {
        sla_try_later(s, problem->state[0] ? problem->text : NULL);
        sla_turn_over(s);
        return;
    }
    s->retry_ms = 0;
    const PostgresRows *page = results[0];
    size_t n = rows_count(page);
    bool ours = shares_state(s->shares) == SHARES_TO_LOAD;
    if (!ours) n = 0; /* taken away meanwhile: it is claimed and loaded anew */
    for (size_t row = 0; row < n; row++) {
        TicketClock clock = {.tenant_id = rows_int(page, row, 0),
                             .ticket_id = rows_int(page, row, 1),
                             .partition = (uint16_t)rows_int(page, row, 2),
                             .seq = (int32_t)rows_int(page, row, 3),
                             .priority = (uint8_t)rows_int(page, row, 5),
                             .next_ms = rows_null(page, row, 6) ? NEVER : rows_int(page, row, 6)};
        (void)clocks_put(s->clocks, &clock);
        tenants_met(s->tenants, clock.tenant_id, rows_int(page, row, 4));
        s->load_tenant = clock.tenant_id;
        s->load_ticket = clock.ticket_id;
    }
    s->load_n += n;
    if (ours && n < LOAD_PAGE) loaded(s);
    sla_turn_over(s);
}

static void load(Sla *s) {
    Share shares[SHARES_MAX_PARTITIONS];
    size_t n = shares_list(s->shares, true, shares);
    sla_load_params(&s->params[0], shares, n, s->load_tenant, s->load_ticket, LOAD_PAGE);
    if (connection_run(s->postgres, POSTGRES_READ_ONLY,
                       &(PostgresQuery){&sla_load_statement, &s->params[0]}, 1, on_page, s) == 0)
        s->work = WORK_LOAD;
}

void loading_begin(Sla *s) {
    if (shares_state(s->shares) == SHARES_TO_CLAIM)
        claim(s);
    else
        load(s);
}
