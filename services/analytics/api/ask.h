/* Ask -- one HTTP request on its way through docket-analytics: who asks, for what, and where the
 * answer goes. Made by api/routes.c, which has checked path, method, credentials, the route's right
 * and the query's escapes before a handler sees it. A handler answers exactly once, now or later;
 * an Ask and its arena live until then.
 *
 * Refusals are RFC 9457 problems with what is wrong, where, and what to do:
 *   {"type":"about:blank","title":"Bad Request","status":400,"field":"by","reason":"...","remedy":
 *    "...","detail":"by ...; ..."} */
#pragma once

#include "analytics/parts.h"
#include "base/arena.h"
#include "documents/catalog.h"
#include "http/server.h"
#include "rights/rights.h"

typedef struct AskPair {
    Str name, value; /* decoded; value "" without '=' */
} AskPair;

enum { ASK_PAIRS_MAX = 64 };

typedef struct Ask {
    HttpExchange *exchange;
    Analytics *analytics;
    Arena *arena;
    const struct ApiRoute *route;
    Subject subject; /* staff or a program, never a customer */
    Str role;
    int64_t token_id, session_id; /* one of them */
    Str secret;                   /* what she showed for it, until the exchange ends */
    const Catalog *catalog;       /* of the tenant, held; NULL: no documents yet */
    Str name;                     /* {name} of the path, decoded */
    const AskPair *pairs;         /* of the query, in their order */
    size_t pairs_n;
    int64_t now_ms; /* wall clock when it came */
    void *context;  /* the handler's own */
    struct AskInner *inner;
} Ask;

/* NULL in place of p: absent. The first of that name. */
Str ask_value(const Ask *a, const char *name);
/* What the asker's figures are narrowed to: NULL for whoever may see counts beyond her own reach
 * (reports.read). Lists of single tickets are narrowed by the subject itself in any case. */
const Subject *ask_narrowed(const Ask *a);
bool subject_is_narrowed(const Subject *who); /* the same of anybody */

/* ---- Each of these ends the ask ---- */

void ask_json(Ask *a, Str body);
void ask_bytes(Ask *a, int status, const char *type, Str body); /* after headers of the handler's */
/* A body without an end known beforehand, piece by piece (http/server.h). The Ask is gone; its
 * exchange and arena go on. */
void ask_open(Ask *a, const char *type, HttpMore more, void *arg);
void ask_refuse(Ask *a, int status, const char *field, const char *reason, const char *remedy);
void ask_forbidden(Ask *a, const char *reason);
void ask_not_found(Ask *a);
void ask_unavailable(Ask *a, const char *reason); /* 503, Retry-After one to three seconds */

/* ---- PostgreSQL, fenced to the asker's tenant; read only ---- */

typedef void (*AskRows)(Ask *a, const PostgresRows *rows);
/* One statement; `params` must live in the arena's lifetime: ask_params(). When PostgreSQL is away
 * or refuses, 503 is answered and `done` does not come. */
void ask_rows(Ask *a, const PostgresStatement *statement, const Params *params, AskRows done);
Params *ask_params(Ask *a); /* empty ones that go with the ask */
