/* Access -- what signing in and asking need besides the desk's own: the cache of credentials, the
 * threads that hash passwords, and who asked too often. */
#pragma once

#include "desk/desk.h"
#include "store/secrets.h"
#include "workers/workers.h"

struct Limits;
struct Shown; /* basic.c: passwords that were right a moment ago */

enum { SEEN_SESSIONS = 4096 };

typedef struct SeenSession {
    int64_t session_id, at_ms;
} SeenSession;

typedef struct Access {
    Desk *desk;
    Secrets *credentials;
    Workers *workers;
    struct Limits *attempts; /* of a minute, by network */
    struct Shown *shown;
    LoopTimer *sweep;
    SeenSession seen[SEEN_SESSIONS]; /* by number: noted as used this minute */
} Access;

extern const DeskPart access_part;

/* The network that the request comes from, in its arena. */
Str access_network(Request *r);
/* A cookie of the request by name, or absent. */
Str access_cookie(Request *r, const char *name);
/* What goes with the session's secret in X-CSRF-Token: ret needs 44 bytes. */
void access_csrf(Str secret, char ret[44]);
