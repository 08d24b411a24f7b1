/* Authentication -- whose request is this? Fills subject, role, token_id or session_id.
 *
 * Bearer TOKEN, Basic EMAIL/token:TOKEN, Basic EMAIL:PASSWORD (access/check.h), or the session's
 * cookie; with the cookie, whatever may change something needs X-CSRF-Token besides. What is
 * revoked, suspended or signed out is refused within 5 s everywhere. */
#pragma once

#include "desk/api/request.h"

typedef enum AuthVerdict {
    AUTH_KNOWN,     /* subject is filled */
    AUTH_NOBODY,    /* no credentials at all: 401, unless the route is open */
    AUTH_REFUSED,   /* wrong, expired or revoked: 401 */
    AUTH_FORBIDDEN, /* known, but the request is not theirs (CSRF): 403 */
    AUTH_THROTTLED, /* too many wrong ones: 429 */
    AUTH_UNSURE     /* PostgreSQL is away, and this one is not known well enough, or the documents
                       are not read yet: 503 */
} AuthVerdict;

/* `done` comes exactly once, now or later. */
void authenticate(Request *r, void (*done)(Request *r, AuthVerdict verdict));
