/* ReplayWorld -- the running Docket as `docket replay` meets it: its doors, its clock, and whether
 * anything is still under way in it. Blocking. */
#pragma once

#include "docket/http_link.h"
#include "kafka/admin.h"
#include "postgres/session.h"

typedef struct ReplayWorld {
    HttpAddress gate, desk;
    const char *clock_file;
    int64_t tenant_id, clock_ms, wait_ms;
    PostgresSession *postgres;
    KafkaAdmin *kafka;
    Buf trouble; /* why something was not possible */
} ReplayWorld;

void replay_world_done(ReplayWorld *w);

/* What the clock file says; the time of day when there is no file yet. */
int64_t replay_clock_read(const char *file);
/* The clock stands at `ms` from here on, and every service has had the time to read it. */
int replay_clock_set(ReplayWorld *w, int64_t ms);

typedef enum ReplayDoor { REPLAY_GATE, REPLAY_DESK } ReplayDoor;

/* One request; its status, or -errno with w->trouble. A door that is busy (429, 503) is asked again
 * for as long as w->wait_ms. *ret_body: the answer's. */
int replay_ask(ReplayWorld *w, ReplayDoor door, Str token, const char *method, const char *path,
               Str body, Buf *ret_body);

/* Waits until nothing lags: every message read by router and scheduler, every outbox empty, every
 * ledger told, everything due by the clock told and written down. *ret_next_ms: when the next
 * promise warns, breaks or escalates; 0: never. -ETIMEDOUT after w->wait_ms, with w->trouble. */
int replay_quiet(ReplayWorld *w, int64_t *ret_next_ms);
