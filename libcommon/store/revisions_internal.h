/* Revisions -- when which documents of a tenant came into force, and those of them that were used
 * last, compiled: for this room (store/histories.h). Revisions that promise the same as the one
 * before them are one span. */
#pragma once

#include "documents/catalog.h"
#include "postgres/client.h"

typedef struct Revisions Revisions;

enum { REVISIONS_CATALOGS_MAX = 64, REVISIONS_LOAD_MAX = 16 };

Revisions *revisions_new(void);
Revisions *revisions_free(Revisions *r);
/* Forgets when there is too much of it: only while nobody stands between two spans. */
void revisions_trim(Revisions *r);

/* What is younger than what is known already, of these tenants; `tenants` ascending, each once.
 * Its rows go to revisions_learn(). */
extern const PostgresStatement revisions_statement;
void revisions_params(const Revisions *r, const int64_t *tenants, size_t n, Params *p);
void revisions_learn(Revisions *r, const PostgresRows *rows);

/* Spans of a tenant, by their beginning. */
size_t revisions_spans(const Revisions *r, int64_t tenant);
int64_t revisions_span_ms(const Revisions *r, int64_t tenant, size_t span); /* its beginning */

typedef struct RevisionName {
    int64_t tenant, revision;
} RevisionName;

/* The documents of a span: 1 and *ret (NULL: not one revision of it compiles; borrowed until
 * another is kept), or 0 and the revision to be loaded. */
int revisions_catalog(Revisions *r, int64_t tenant, size_t span, const Catalog **ret,
                      RevisionName *ret_missing);
const Catalog *revisions_known(const Revisions *r, int64_t tenant, int64_t revision);

/* Documents and names of missing revisions; their rows go to revisions_keep(). At most
 * REVISIONS_LOAD_MAX. */
extern const PostgresStatement revision_documents_statement, revision_names_statement;
void revision_documents_params(const RevisionName *names, size_t n, Params *p);
void revision_names_params(const RevisionName *names, size_t n, Params *p);
void revisions_keep(Revisions *r, const RevisionName *names, size_t n,
                    const PostgresRows *documents, const PostgresRows *rows);
