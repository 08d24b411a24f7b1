/* ClockTicket -- every minute of a ticket's promises in words, or as JSON. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The exit code: 0 good, 1 there is no such ticket, 2 not possible (said on stderr). `tenant` and
 * `postgres` may be NULL. */
int clock_ticket(const char *command, const char *postgres, const char *tenant, int64_t id,
                 bool json);
