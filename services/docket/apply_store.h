/* ApplyStore -- what `docket apply` reads and writes in PostgreSQL, all inside one transaction that
 * holds the tenant's apply lock.
 *
 * Every function returns 0, or -EIO, -ENOTCONN or what its line says, with a sentence in
 * *ret_problem. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "documents/catalog.h"
#include "postgres/session.h"

typedef struct ApplyTenant {
    int64_t id;
    Str name, title;
} ApplyTenant;

/* By name; an absent name means the only tenant there is. -ENOENT. */
int apply_find_tenant(PostgresSession *s, Str name, Arena *arena, ApplyTenant *ret,
                      Buf *ret_problem);

/* BEGIN, and the tenant's lock: whoever comes second waits. */
int apply_begin(PostgresSession *s, int64_t tenant_id, Buf *ret_problem);

typedef struct ApplyDocuments { /* sections and where each stands; kinds[i] of sources[i] */
    DocumentSource *sources;
    Str *kinds;
    size_t n;
} ApplyDocuments;

/* The newest revision's; revision 0 and no documents when there is none. */
int apply_read(PostgresSession *s, int64_t tenant_id, Arena *arena, int64_t *ret_revision,
               ApplyDocuments *ret, Buf *ret_problem);

typedef struct ApplyThing { /* a group, agent, skill or role that a document no longer has */
    const char *kind;
    Str name;
    int64_t open_tickets;
    int64_t users; /* of a role: who has it, and tokens that stand for it */
    Str who;       /* the first of them, by name */
} ApplyThing;

/* Fills open_tickets of each (correctness.md 31). */
int apply_count_tickets(PostgresSession *s, int64_t tenant_id, ApplyThing *things, size_t n,
                        Buf *ret_problem);

/* Fills users and who of each role: the staff and customers who have it and are not deleted, and
 * tokens of programs that are good. */
int apply_find_users(PostgresSession *s, int64_t tenant_id, Arena *arena, ApplyThing *things,
                     size_t n, Buf *ret_problem);

/* Gives every group and agent a number that has none yet. */
int apply_write_names(PostgresSession *s, int64_t tenant_id, const Catalog *c, Buf *ret_problem);

/* Writes the revision, the names, and the agents' rows; tells the routers. `before` may be NULL.
 * *ret_agents: rows of agents that were added, changed or removed. */
int apply_write(PostgresSession *s, int64_t tenant_id, int64_t revision, Str by,
                const ApplyDocuments *documents, const Catalog *before, const Catalog *after,
                int64_t *ret_agents, Buf *ret_problem);
