/* Tokens -- who shows this token at the gate, and what may they do there? (correctness.md 29) As
 * fresh and as bounded as secrets.h says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"
#include "store/secrets.h"

typedef Secrets Tokens;

typedef struct Principal {
    int64_t tenant_id, token_id;
    int64_t source_id;          /* 0: not a source */
    Str principal;              /* "source:1003" */
    bool may_create, may_place; /* scopes tickets:create, tickets:place */
    Str *channels;
    size_t channels_n;
    bool dedup_by_external_id;
    int32_t rate_per_second; /* 0: no limit */
} Principal;

Tokens *tokens_new(Loop *loop, const char *postgres_url, const char *application_name,
                   Buf *ret_problem);
Tokens *tokens_free(Tokens *t);
/* As secrets_check(); the value is a Principal. */
void tokens_check(Tokens *t, Str token, SecretCallback cb, void *arg);
