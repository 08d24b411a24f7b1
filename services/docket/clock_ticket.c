/* The ticket's number is looked up, its ledger told by the code of the services, the page printed.
 */
#include "docket/clock_ticket.h"

#include <stdio.h>

#include "base/clock.h"
#include "docket/clock_words.h"
#include "docket/command.h"
#include "docket/lookup.h"
#include "store/histories.h"

enum { PATIENCE_MS = 15000 };

typedef struct Asked {
    Loop *loop;
    bool told;
    HistoriesOutcome outcome;
    Buf problem;
} Asked;

static void told(void *arg, HistoriesOutcome outcome, const char *problem) {
    Asked *a = arg;
    a->told = true;
    a->outcome = outcome;
    if (problem) buf_adds(&a->problem, problem);
    loop_stop(a->loop);
}

/* The life of one ticket; NULL after saying why not. */
static TicketLife *read_life(const char *command, const char *url, int64_t tenant, int64_t ticket) {
    Asked asked = {.loop = loop_new(), .outcome = HISTORIES_AGAIN};
    CLEANUP(buf_done) Buf problem = {0};
    History h = {.tenant_id = tenant,
                 .ticket_id = ticket,
                 .upto_ms = NEVER,
                 .judge_ms = clock_wall_ms(),
                 .history = true};
    PostgresPool *pool =
        postgres_pool_new(asked.loop,
                          &(PostgresPoolSettings){
                              .postgres = {.url = url, .application_name = command},
                              .connections = 1,
                              .patience_ms = PATIENCE_MS,
                          },
                          &problem);
    Histories *histories = pool ? histories_new(asked.loop, pool) : NULL;
    if (histories) {
        histories_lives(histories, &h, 1, told, &asked);
        loop_run_for(asked.loop, PATIENCE_MS + 1000);
    }
    if (!asked.told)
        (void)fprintf(stderr, "%s: %s\n", command,
                      problem.p ? problem.p : "PostgreSQL did not answer");
    else if (asked.outcome == HISTORIES_AGAIN)
        (void)fprintf(stderr, "%s: %s\n", command,
                      asked.problem.p ? asked.problem.p : "PostgreSQL did not answer");
    else if (h.fate != HISTORY_TOLD)
        (void)fprintf(stderr, "%s: ticket %lld: %s\n", command, (long long)ticket,
                      h.problem ? h.problem : "it has no ledger");
    bool good = asked.told && asked.outcome == HISTORIES_DONE && h.fate == HISTORY_TOLD;
    asked.told = true; /* what is told from here on is not heard */
    histories_free(histories);
    postgres_pool_free(pool);
    buf_done(&asked.problem);
    loop_free(asked.loop);
    return good ? h.life : ticket_life_free(h.life);
}

int clock_ticket(const char *command, const char *postgres, const char *tenant, int64_t id,
                 bool json) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(ticket_life_freep) TicketLife *life = NULL;
    int64_t tenant_id, ticket;
    int r = lookup_open(command, postgres, LOOKUP_READING, &s);
    if (r == 0) r = lookup_ticket(command, s, tenant, id, &tenant_id, &ticket);
    if (r) return r;
    if (!postgres) postgres = command_environment("DOCKET_POSTGRES", "a role that may read it");
    life = read_life(command, postgres, tenant_id, ticket);
    if (!life) return 2;
    ClockPage page = {.life = life, .ticket = ticket, .asked_for = id};
    if (json) {
        CLEANUP(buf_done) Buf out = {0};
        clock_page_json(&page, arena, &out);
        puts(out.p);
    } else {
        clock_page_print(&page, arena);
    }
    return 0;
}
