/* The store is asynchronous: here it runs on a loop of its own, one question after the other.
 *
 * The signal that room was freed lies in the outbox twice, before the change and after it: died in
 * between, the first one is published by a sweep 2 s later, when the change is there. Once too
 * often does no harm. */
#include "docket/agents_release.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "docket/lookup.h"
#include "events/signal.h"
#include "loop/loop.h"
#include "store/store.h"

enum { PATIENCE_MS = 10000 };

typedef struct Release {
    const char *command;
    Loop *loop;
    Store *store;
    Arena *arena;
    StoreOutcome outcome;
    Buf problem;
    bool answered;
} Release;

static void release_done(Release *r) {
    store_free(r->store);
    loop_free(r->loop);
    arena_free(r->arena);
    buf_done(&r->problem);
}

static void on_answer(void *arg, StoreOutcome outcome, const char *problem) {
    Release *r = arg;
    r->outcome = outcome;
    r->answered = true;
    buf_clear(&r->problem);
    if (problem) buf_adds(&r->problem, problem);
    loop_stop(r->loop);
}

static int wait_for_answer(Release *r) {
    r->answered = false;
    loop_run_for(r->loop, PATIENCE_MS);
    if (r->answered && r->outcome == STORE_DONE) return 0;
    (void)fprintf(stderr, "%s: %s\n", r->command,
                  r->problem.n ? r->problem.p : "PostgreSQL does not answer");
    return 2;
}

static int tell(const char *command, PostgresSession *s, int64_t tenant_id, int64_t agent_id) {
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf message = {0}, key = {0};
    signal_encode(&(Signal){.kind = SIGNAL_CAPACITY_CHANGED,
                            .tenant_id = tenant_id,
                            .cause = cause_new(),
                            .at_ms = clock_wall_ms(),
                            .agent_id = agent_id,
                            .why = STR("released")},
                  &message);
    buf_printf(&key, "%lld:%lld", (long long)tenant_id, (long long)agent_id);
    params_i64(&p, tenant_id);
    params_bytea(&p, buf_str(&key));
    params_bytea(&p, buf_str(&message));
    return lookup_run(command, s,
                      "INSERT INTO ticket.outbox (tenant_id, topic, key, message)"
                      " VALUES ($1::bigint, 'docket.signals', $2::bytea, $3::bytea)",
                      &p, NULL);
}

static int put_back(Release *r, PostgresSession *s, const TicketPlace *was, TicketChange *c) {
    int e = tell(r->command, s, was->tenant_id, was->assignee_id);
    if (e) return e;
    *c = (TicketChange){.tenant_id = was->tenant_id,
                        .ticket_id = was->ticket_id,
                        .expected_version = was->version,
                        .cause = cause_new(),
                        .kind = LEDGER_TICKET_RELEASED,
                        .actor_kind = ACTOR_SYSTEM,
                        .actor = STR("system"),
                        .to_status = TICKET_NEW,
                        .to_group_id = was->group_id,
                        .reason = STR("{\"why\":\"released\"}"),
                        .trace = trace_new()};
    store_change_tickets(r->store, c, 1, r->arena, on_answer, r);
    if ((e = wait_for_answer(r)) != 0) return e;
    if (c->fate == CHANGE_DONE) return tell(r->command, s, was->tenant_id, was->assignee_id);
    (void)fprintf(stderr,
                  "%s: ticket %lld was changed by somebody else just now; look at it again: docket "
                  "ledger %lld\n",
                  r->command, (long long)was->ticket_id, (long long)was->ticket_id);
    return 1;
}

static void report(const TicketPlace *was, bool json) {
    if (json)
        (void)printf(
            "{\"ticket_id\":%lld,\"released_from\":%lld,\"group_id\":%lld,\"version\":%d}\n",
            (long long)was->ticket_id, (long long)was->assignee_id, (long long)was->group_id,
            was->version + 1);
    else
        (void)printf("工单 ticket %lld 已退回队列 waits in its group again\n",
                     (long long)was->ticket_id);
}

int agents_release(const char *command, PostgresSession *s, const char *url, int64_t tenant_id,
                   int64_t ticket_id, bool json) {
    CLEANUP(release_done)
    Release r = {.command = command, .loop = loop_new(), .arena = arena_new(0)};
    if (!r.loop) return 2;
    r.store = store_new(r.loop,
                        &(StoreSettings){.postgres_url = url,
                                         .application_name = "docket-agents",
                                         .row_level_security = true},
                        &r.problem);
    if (!r.store) {
        (void)fprintf(stderr, "%s: %s\n", command, r.problem.p);
        return 2;
    }
    TicketPlace place = {.tenant_id = tenant_id, .ticket_id = ticket_id};
    TicketChange change;
    store_places(r.store, &place, 1, r.arena, on_answer, &r);
    int e = wait_for_answer(&r);
    if (e) return e;
    if (place.version == 0) {
        (void)fprintf(stderr, "%s: there is no ticket %lld of this tenant\n", command,
                      (long long)ticket_id);
        return 1;
    }
    if (!ticket_status_is_load(place.status) || !place.assignee_id) {
        (void)fprintf(stderr,
                      "%s: ticket %lld is %s; only one that is assigned or in progress can be put "
                      "back\n",
                      command, (long long)ticket_id, ticket_status_name(place.status));
        return 1;
    }
    TicketPlace was = place;
    if ((e = put_back(&r, s, &was, &change)) != 0) return e;
    report(&was, json);
    return 0;
}
