/* Tokens -- who shows this token, and what may they do? One room for gate and desk (correctness.md
 * 29). Cached; an answer is at most 4 s old while PostgreSQL is there (so a revoked token dies
 * within 5 s), and at most 5 minutes old while it is not. Bounded at 100,000 tokens; unknown ones
 * are remembered for 2 s, bounded too. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct Tokens Tokens;

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

typedef enum TokenVerdict {
    TOKEN_KNOWN,
    TOKEN_UNKNOWN, /* 401: never issued, revoked or expired */
    TOKEN_UNSURE   /* 503: PostgreSQL is away and this one is not known well enough */
} TokenVerdict;

/* `principal` is valid during the callback only. */
typedef void (*TokenCallback)(void *arg, TokenVerdict verdict, const Principal *principal);

Tokens *tokens_new(Loop *loop, const char *postgres_url, const char *application_name,
                   Buf *ret_problem);
Tokens *tokens_free(Tokens *t);
/* Calls back before it returns when the answer is in the cache: the hot path. `token` is the clear
 * text shown. */
void tokens_check(Tokens *t, Str token, TokenCallback cb, void *arg);
