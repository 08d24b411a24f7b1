/* Roster -- who has room and who waits: our calls of the scripts in Redis (scripts/common.lua).
 *
 * Every call ends in exactly one callback, never inside the call. Big calls are cut so that no
 * script runs longer than 2 ms. Arrays given stay the caller's and must live, unmoved, until the
 * callback. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "documents/catalog.h"
#include "loop/loop.h"
#include "redis/client.h"
#include "store/store.h"

typedef struct Roster Roster;

typedef enum RosterOutcome {
    ROSTER_DONE,
    ROSTER_COLD, /* nothing was done (of a part at least): this Redis does not hold the tenant, or
                    not all of it */
    ROSTER_AWAY  /* nobody knows whether it was done */
} RosterOutcome;

typedef struct RosterEvents {
    /* A script found the tenant cold; comes again with each call that does. */
    void (*cold)(void *arg, int64_t tenant_id);
    /* Something waits that she may serve, and she has room. */
    void (*hint)(void *arg, int64_t tenant_id, int64_t agent_id);
    void (*connected)(void *arg);
    void (*lost)(void *arg);
} RosterEvents;

typedef void (*RosterDone)(void *arg, RosterOutcome outcome);

Roster *roster_new(Loop *loop, const char *redis_url, int64_t timeout_ms,
                   const RosterEvents *events, void *arg, Buf *ret_problem);
Roster *roster_free(Roster *r); /* callbacks that are due come with ROSTER_AWAY */
bool roster_connected(const Roster *r);
const char *roster_trouble(const Roster *r);

/* How long a reservation may be used. Its router asks again rather than send one older than
 * FRESH to PostgreSQL, and PostgreSQL itself takes none older than USE, by its own clock
 * (NewTicket.use_by_ms). A rebuild reads no row before all of a former life are past that
 * (rebuild.c), half a second being left for the COMMIT; other routers look at one that is not
 * confirmed after 10 s by their wall clocks (scripts/common.lua), so these may differ by 7 s. */
enum { RESERVATION_FRESH_MS = 1000, RESERVATION_USE_MS = 2500 };

/* ---- New tickets ---- */

typedef enum ReserveWhy {
    RESERVE_NOW,       /* agent_id has it reserved for 10 s */
    RESERVE_AGAIN,     /* as said before */
    RESERVE_FULL,      /* nobody who may has room */
    RESERVE_BEHIND,    /* others of its kind wait already */
    RESERVE_KNOWN,     /* known as waiting or gone: a replay */
    RESERVE_NOT_ASKED, /* cold or away */
    RESERVE_RAN_OUT    /* PostgreSQL was too slow for it, more than a few times */
} ReserveWhy;

typedef struct Reservation {
    /* in */
    int64_t tenant_id, ticket_id, score;
    Str kind;
    /* out */
    ReserveWhy why;
    int64_t agent_id; /* 0: nobody */
    int64_t load, capacity;
} Reservation;

/* All of one tenant. */
void roster_reserve(Roster *r, Reservation *const *items, size_t n, int64_t now_ms, RosterDone done,
                    void *arg);

/* ---- Somebody else ---- */

typedef struct Another { /* an assigned ticket that is to be somebody else's of its kind */
    /* in */
    int64_t tenant_id, ticket_id, from_agent_id;
    int32_t version;
    Str kind;
    /* out */
    bool asked;       /* false: cold or away */
    int64_t agent_id; /* her place is held as a reservation is; 0: nobody else has room */
    int64_t load, capacity;
} Another;

/* All of one tenant. */
void roster_another(Roster *r, Another *const *items, size_t n, int64_t now_ms, RosterDone done,
                    void *arg);

/* ---- What rows say ---- */

typedef enum SettleFlags {
    SETTLE_ENDS_EXPIRED = 1, /* the rows were read after the reservations expired */
} SettleFlags;

typedef struct Settlement {
    int64_t ticket_id;
    int32_t version; /* 0: there is no such ticket */
    char state;      /* placement_state() */
    int64_t agent_id, score, since_ms;
    Str kind;
} Settlement;

/* `fence`: NULL, or the rebuilder's own epoch. */
void roster_settle(Roster *r, int64_t tenant_id, const Settlement *items, size_t n, unsigned flags,
                   const char *fence, int64_t now_ms, RosterDone done, void *arg);

/* ---- Taking from the queues ---- */

typedef struct Taken {
    int64_t ticket_id;
    int32_t version;
    int64_t agent_id, load, capacity;
    Str kind; /* in `arena` */
} Taken;

enum {
    ROSTER_TAKE_MAX = 32,
    ROSTER_EXPIRED_MAX = 64,
    ROSTER_WAITING_MAX = 50,
    ROSTER_AUDIT_MAX = 256
};

/* Room for ROSTER_TAKE_MAX. *ret_more: the limit ended it, not the room. */
void roster_take(Roster *r, int64_t tenant_id, int64_t agent_id, Taken *ret, size_t *ret_n,
                 bool *ret_more, Arena *arena, int64_t now_ms, RosterDone done, void *arg);

typedef struct Unconfirmed {
    int64_t ticket_id;
    int32_t version;
    int64_t age_ms;
} Unconfirmed;

void roster_expired(Roster *r, int64_t tenant_id, Unconfirmed *ret, size_t *ret_n, int64_t now_ms,
                    RosterDone done, void *arg);

typedef struct Waiting {
    int64_t ticket_id;
    int32_t version;
} Waiting;

/* Those in a group that have waited since `since_ms` or longer: room for ROSTER_WAITING_MAX. */
void roster_waiting(Roster *r, int64_t tenant_id, int64_t group_id, int64_t since_ms, Waiting *ret,
                    size_t *ret_n, int64_t now_ms, RosterDone done, void *arg);

/* ---- Who is there ---- */

/* All of these agents as documents and duty say; one without a place in the catalog is taken off.
 */
void roster_agents_set(Roster *r, int64_t tenant_id, const Catalog *c, const AgentDuty *duties,
                       size_t n, const char *fence, int64_t now_ms, RosterDone done, void *arg);

/* ---- Looking after ---- */

typedef struct GroupOverview {
    int64_t group_id; /* in */
    int64_t waiting, first_since_ms, agents_with_room;
} GroupOverview;

void roster_overview(Roster *r, int64_t tenant_id, GroupOverview *groups, size_t n,
                     int64_t *ret_unconfirmed, int64_t now_ms, RosterDone done, void *arg);

/* Names of what Redis holds ("l:<agent>", "q:<kind>"), in `arena`. */
void roster_containers(Roster *r, int64_t tenant_id, Str **ret, size_t *ret_n, Arena *arena,
                       int64_t now_ms, RosterDone done, void *arg);
/* One page of a container: room for ROSTER_AUDIT_MAX tickets; *cursor 0 to begin with, 0 again at
 * the end. */
void roster_audit(Roster *r, int64_t tenant_id, Str container, uint64_t *cursor, int64_t *ret,
                  size_t *ret_n, int64_t now_ms, RosterDone done, void *arg);

typedef enum RebuildVerdict {
    REBUILD_OK,
    REBUILD_WARM, /* nothing to do */
    REBUILD_BUSY, /* somebody else is at it */
    REBUILD_LOST  /* somebody else took over */
} RebuildVerdict;

typedef enum RebuildVerb {
    REBUILD_BEGIN,
    REBUILD_FORCE,
    REBUILD_WIPE,
    REBUILD_KEEP,
    REBUILD_FINISH
} RebuildVerb;

/* `cursor` of REBUILD_WIPE as in roster_audit(); else NULL. */
void roster_rebuild(Roster *r, int64_t tenant_id, RebuildVerb verb, const char *nonce,
                    uint64_t *cursor, RebuildVerdict *ret, RosterDone done, void *arg);
/* The epoch that a rebuilder's own settles carry: "fill:<run_id>:<nonce>". */
void roster_fence(const Roster *r, int64_t tenant_id, const char *nonce, char ret[128]);
