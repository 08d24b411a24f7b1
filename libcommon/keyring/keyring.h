/* Keyring -- the vault of a running service: its file is looked at every second, so that keys
 * rotate without a restart. What came of it is logged: when the ring was read again, and once when
 * a changed one was refused (the old one stays). One thread. */
#pragma once

#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"
#include "vault/vault.h"

typedef struct Keyring Keyring;

/* NULL with the reason, place and remedy in *ret_problem. */
Keyring *keyring_open(Loop *loop, const char *file, Buf *ret_problem);
Keyring *keyring_free(Keyring *k); /* wipes the keys */
DEFINE_FREEP(Keyring, keyring)

Vault *keyring_vault(const Keyring *k); /* as long as the Keyring lives */
