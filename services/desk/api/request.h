/* Request -- one HTTP request on its way through the desk: who asks, what for, and where its answer
 * goes. Made by api/routes.c, which has already checked method, path, credentials, the route's
 * right, CSRF, rate limit and the body's JSON before a handler sees it.
 *
 * A handler answers exactly once, now or in a later callback (api/answer.h); a Request lives until
 * then, and so does everything in its arena. */
#pragma once

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/cause.h"
#include "documents/catalog.h"
#include "http/server.h"
#include "postgres/client.h"
#include "rights/rights.h"

typedef struct Desk Desk; /* desk.h: what all handlers share */

enum { REQUEST_IDS = 2, REQUEST_BUFS = 4, REQUEST_QUERIES = POSTGRES_QUERIES_MAX - 1 };

typedef struct Request {
    HttpExchange *exchange; /* NULL: asked by the desk itself (api/inside.h) */
    Desk *desk;
    Arena *arena;
    const struct Route *route;
    Subject subject;              /* user_id 0 and no rights where the route is open to anybody */
    Str role;                     /* its name as people know it */
    int64_t token_id, session_id; /* one of them; 0: not by that */
    Str by; /* "user:1017" "token:1033": who acts for the subject (access/on_behalf.h); absent: she
               herself */
    const Catalog *catalog; /* of the tenant, held for the whole request; NULL: no documents yet */
    int64_t ids[REQUEST_IDS]; /* {id}s of the path, in order */
    Str name;                 /* {name} of the path, decoded */
    const cJSON *body;        /* an object, for routes with ROUTE_JSON */
    Cause cause;              /* of whatever this request changes */
    bool inside;              /* an item of a job: `cause` is the job, `step` the item */
    int32_t step;
    Trace trace;
    int64_t now_ms; /* wall clock when it came */
    void *context;  /* the handler's own, in the arena; NULL whenever the handler is called */
    struct RequestInner *inner; /* the frame's own */
} Request;

/* How clients see this desk, for URLs in answers: "https://help.example.com", without a slash at
 * its end. */
Str request_base(Request *r);

/* ---- Query string: decoded values in the arena ---- */

/* Absent {NULL, 0} when it is not there. Both spellings of brackets are the same name. */
Str request_query(Request *r, const char *name);
/* False, having answered 400 naming the parameter, when it is there and no integer within bounds;
 * *ret keeps its value when absent. */
bool request_query_int(Request *r, const char *name, int64_t low, int64_t high, int64_t *ret);
/* "ids=1,2,3": at most max positive ids, each once. False, having answered 400. */
bool request_query_ids(Request *r, const char *name, size_t max, int64_t **ret, size_t *ret_n);
/* Is `name` among the comma-separated words of ?include= */
bool request_includes(Request *r, const char *name);

/* ---- PostgreSQL: the desk's pool, fenced to the subject's tenant ---- */

/* Runs `queries` as one transaction on the next free connection of the pool, `SET LOCAL
 * docket.tenants` before them; results[i] belongs to queries[i]. 40001 and 40P01 are repeated.
 * `queries` and their Params must live until `done` (keep them in r->arena; request_params()).
 * When PostgreSQL is away or the pool's queue is full, 503 with Retry-After is answered and `done`
 * does not come; when it refuses (class 22, 23), `done` comes with results NULL and `problem`.
 * flags: POSTGRES_READ_ONLY, then it is repeated also when a connection breaks. At most
 * REQUEST_QUERIES. */
typedef void (*RequestRows)(Request *r, const PostgresRows *const *results,
                            const PostgresProblem *problem);
void request_query_rows(Request *r, unsigned flags, const PostgresQuery *queries, size_t n,
                        RequestRows done);
/* The same for whoever answers otherwise than by 503 when PostgreSQL is away: then `away` comes
 * instead of `done`, perhaps inside this call. */
void request_try_rows(Request *r, unsigned flags, const PostgresQuery *queries, size_t n,
                      RequestRows done, void (*away)(Request *r));
/* Empty parameters that go with the request. */
Params *request_params(Request *r);
/* An empty buffer that goes with the request: for its answer. At most REQUEST_BUFS. */
Buf *request_buf(Request *r);
