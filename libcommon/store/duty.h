/* Duty -- whether somebody works now, and how many tickets she takes: changed with all that hangs
 * on it in one statement, whoever asks (the desk, its sweep, docket agents): the row, the signal to
 * the router in the outbox, the notice to those who keep the rows in memory, and what stays on
 * record of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "postgres/client.h"

typedef struct DutyChange {
    int64_t tenant_id, agent_id;
    bool set_duty, on_duty;
    int64_t capacity;    /* -1: stays */
    const char *by;      /* "operator" "desk" "silence": ticket.agents.duty_by, when duty is set */
    bool only_if_silent; /* a sweep's: only who is on duty by the desk */
    Str actor;           /* for access.audit: "user:1017" "system"; absent: no row there */
    Str network;         /* likewise */
    const char *why;     /* of the signal: "duty" "capacity" "silence" */
    int64_t now_ms;      /* of the signal */
} DutyChange;

/* Columns: on_duty, capacity, then the two before, outbox_id, changed_at. No row: there is no such
 * agent, or not in that state. */
extern const PostgresStatement duty_statement;
/* Its parameters. *key and *message, appended, are the outbox row's, for who publishes it at once;
 * they must live as long as *p. */
void duty_params(const DutyChange *c, Buf *key, Buf *message, Params *p);
