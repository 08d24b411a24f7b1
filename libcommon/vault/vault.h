/* Vault -- personal data at rest and in flight: a key ring, sealing, and keyed hashes for look-up.
 *
 * The ring is a text file of mode 0600 (or 0400):
 *     1 <64 hex digits>
 *     2 <64 hex digits> active       values are sealed with this one
 *     hash <64 hex digits>           never rotates: look-ups must keep matching
 * Key ids are 1 to 65535. A sealed value is 0x01 | key id (2) | nonce (12) | ciphertext | tag (16),
 * AES-256-GCM; tenant, field and key id are authenticated with it, so a value cannot be moved to
 * another tenant or field. Nonces are random: rotate before 2^32 values of one key
 * (vault_sealed()). Held by intake, desk and notifier only. Not thread safe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct Vault Vault;

enum { VAULT_OVERHEAD = 31, VAULT_HASH_BYTES = 32 };

/* NULL with the reason, place and remedy in *ret_problem. */
Vault *vault_open(const char *file, Buf *ret_problem);
Vault *vault_free(Vault *v); /* wipes the keys */
DEFINE_FREEP(Vault, vault)

/* Reads the file again when it has changed; call it every second or so. 1 reloaded, 0 unchanged,
 * -errno with *ret_problem (may be NULL) and the old ring still in force. A ring with another hash
 * key is refused. */
int vault_reload_if_changed(Vault *v, Buf *ret_problem);
uint16_t vault_active_key(const Vault *v);
uint64_t vault_sealed(const Vault *v); /* values sealed by this process with the active key */

/* Appends the sealed value to *ret. `field` names what it is ("requester.phone"), at most 64 bytes.
 * 0, or -EIO when libcrypto refuses. */
int vault_seal(Vault *v, int64_t tenant_id, Str field, Str clear, Buf *ret);
/* Appends the clear text. -EINVAL: not a sealed value; -ENOKEY: its key is not in the ring (the
 * file has been looked at again); -EBADMSG: altered, or of another tenant or field. */
int vault_unseal(Vault *v, int64_t tenant_id, Str field, Str sealed, Buf *ret);

/* HMAC-SHA256 over (tenant, field, normalized text) under the hash key: equal input, equal hash,
 * within one tenant and field. Normalize first: vault/personal.h. */
int vault_hash(Vault *v, int64_t tenant_id, Str field, Str normalized,
               uint8_t ret[VAULT_HASH_BYTES]);

/* For `docket keys`. create: a new file with key 1 and a hash key; -EEXIST leaves an existing one
 * alone. rotate: adds a key and makes it active, atomically; returns its id. Both -errno with
 * *ret_problem. */
int vault_ring_create(const char *file, Buf *ret_problem);
int vault_ring_rotate(const char *file, Buf *ret_problem);
