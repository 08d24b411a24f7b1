/* Credential -- what PostgreSQL says of a token or a session's secret (access.find_credential()).
 */
#pragma once

#include "documents/catalog.h"
#include "rights/rights.h"
#include "store/secrets.h"

typedef struct Credential {
    bool session; /* else a token */
    int64_t tenant_id, id;
    int64_t user_id, source_id; /* 0: not a user's, not a source's */
    Str principal;              /* "user:1017" */
    Str role;                   /* "": an agent that only the documents know, or a source */
    RightSet scopes;
    int64_t expires_ms; /* 0: never */
    bool dead;          /* revoked, suspended, deleted, or its password was changed since */
    char text[];
} Credential;

extern const SecretsKind credential_kind; /* values are Credentials */

/* Who that is, by the tenant's documents (NULL: there are none). False: nobody any more (an agent
 * whom the documents no longer have). A role that the documents no longer have has no rights.
 * Texts and lists are the catalog's or in the arena. */
bool credential_subject(const Credential *c, const Catalog *catalog, Arena *arena, Subject *ret,
                        Str *ret_role);
