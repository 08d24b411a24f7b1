/* Secrets -- whose is this? Rows by the SHA-256 of a secret that somebody shows (a token, a
 * session's cookie). Cached; an answer is at most 4 s old while PostgreSQL is there (so what is
 * taken back dies within 5 s), and at most 5 minutes old while it is not. Bounded at 100,000
 * secrets; unknown ones are remembered for 2 s, bounded too. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "digest/digest.h"
#include "loop/loop.h"
#include "postgres/client.h"

typedef struct Secrets Secrets;

typedef struct SecretsKind {
    const PostgresStatement *statement; /* $1::bytea[] are hashes; column 0 is the row's own */
    void *(*read)(const PostgresRows *rows, size_t row); /* whatever is kept of it */
    void (*free)(void *value);
    bool (*good)(const void *value, int64_t wall_ms); /* neither revoked nor expired */
} SecretsKind;

typedef enum SecretVerdict {
    SECRET_KNOWN,
    SECRET_UNKNOWN, /* never issued, or no longer good */
    SECRET_UNSURE   /* PostgreSQL is away and this one is not known well enough */
} SecretVerdict;

/* `value` (NULL unless KNOWN) is valid during the callback only. */
typedef void (*SecretCallback)(void *arg, SecretVerdict verdict, const void *value);

Secrets *secrets_new(Loop *loop, const SecretsKind *kind /* kept */, const char *postgres_url,
                     const char *application_name, Buf *ret_problem);
Secrets *secrets_free(Secrets *s);
/* Calls back before it returns when the answer is in the cache: the hot path. `secret` is the clear
 * text shown. */
void secrets_check(Secrets *s, Str secret, SecretCallback cb, void *arg);
/* It has just changed: PostgreSQL is asked the next time. */
void secrets_forget(Secrets *s, const uint8_t hash[DIGEST_SHA256_BYTES]);
