/* Audit -- who signed in, who failed to, who showed personal data, who changed users, tokens and
 * rights: rows of access.audit, written in the transaction of what they tell of. Never personal
 * data, only what changed by name. */
#pragma once

#include "desk/api/request.h"

/* The query that writes one row; its parameters are the request's. `target`: "user:1017". `detail`:
 * a JSON object, or absent. The actor is the request's subject, or who acts for her: then the
 * detail says "for": "user:1017". */
PostgresQuery audit_query(Request *r, const char *action, Str target, Str detail);
/* "user:1017", "role:administrator" ... of the subject. */
Str audit_actor(Request *r);
Str audit_target(Request *r, const char *kind, int64_t id);
