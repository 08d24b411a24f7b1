/* Field -- one piece of personal data as it is kept and travels: its masked form for people, the
 * sealed original, and the keyed hash by which it is found. JSON as PostgreSQL holds it:
 *   {"field": "email", "masked": "z***@example.com", "sealed": "<base64url>", "hash": "<hex>"} */
#pragma once

#include <stdbool.h>

#include "vault/vault.h"

typedef enum FieldKind { FIELD_NAME, FIELD_EMAIL, FIELD_PHONE, FIELD_ADDRESS } FieldKind;

typedef struct SealedField {
    Str field; /* "email", static: its name, and part of what is sealed with it */
    Buf masked, sealed;
    uint8_t hash[VAULT_HASH_BYTES];
    bool hashed; /* email and phone */
} SealedField;

/* 0 and *ret (to be emptied with field_done()), -EINVAL: no such address or number, -EIO. */
int field_seal(Vault *v, int64_t tenant_id, FieldKind kind, Str clear, SealedField *ret);
void field_done(SealedField *f);
/* The hash alone, for look-ups. 0, -EINVAL, -EIO. */
int field_hash(Vault *v, int64_t tenant_id, FieldKind kind, Str clear,
               uint8_t ret[VAULT_HASH_BYTES]);
/* One element, a comma before it when *array holds one already. */
void field_json(const SealedField *f, Buf *array);
/* The original of a "sealed" text. As vault_unseal(). */
int field_unseal(Vault *v, int64_t tenant_id, Str field, Str base64url, Buf *ret);
