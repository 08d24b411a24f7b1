/* AgentsRelease -- a ticket goes back to its group's queue, through the same store as a router's or
 * a person's change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "postgres/session.h"

/* The command's exit code, after saying what happened. `url` is where `s` is connected. */
int agents_release(const char *command, PostgresSession *s, const char *url, int64_t tenant_id,
                   int64_t ticket_id, bool json);
