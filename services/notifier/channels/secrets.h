/* Secrets -- what the systems of all tenants know us by, as `docket notify secret` keeps it: read
 * again within 2 s of a change, sealed in memory, opened when a letter needs one. */
#pragma once

#include "loop/loop.h"
#include "notifier/channels/channel.h"
#include "vault/vault.h"

typedef struct Secrets Secrets;

/* The vault is the caller's and outlives it. NULL and a sentence in *ret_problem when the URL is no
 * good. Does not wait for PostgreSQL. */
Secrets *secrets_new(Loop *loop, const char *postgres_url, const char *application_name,
                     Vault *vault, Buf *ret_problem);
Secrets *secrets_free(Secrets *s);
DEFINE_FREEP(Secrets, secrets)

bool secrets_ready(const Secrets *s); /* all of them were read at least once */
/* For the channels. What it finds is wiped at the end of the turn. */
ChannelSecrets secrets_finder(Secrets *s);
