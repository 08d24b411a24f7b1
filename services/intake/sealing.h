/* Sealing -- personal data out of a draft: sealed, masked and hashed, so that what leaves the gate
 * holds none of it in clear (correctness.md 30).
 *
 * The vault's field name of a value, under which it is sealed and hashed, is its
 * PersonalField.field:
 *   name email phone address         of the requester; email and phone also hashed, by their normal
 *                                    form
 *   subject description custom:<key> a ticket's own text in which a phone, identity or card number
 *                                    stood, or a custom field marked personal: the whole original
 * contact_hash is the hash of email, else of phone; else of "<source>:<user id there>" under the
 * field "contact"; else of the sender itself. */
#pragma once

#include "base/arena.h"
#include "events/submission.h"
#include "intake/submission_form.h"
#include "vault/vault.h"

typedef struct Sender {
    int64_t tenant_id, source_id; /* source_id 0: no source */
    Str principal;                /* "source:1003" */
} Sender;

/* Custom fields that are personal whoever sends them: "id_card,bank_account". */
typedef struct PersonalKeys {
    Str *keys;
    size_t n;
} PersonalKeys;

PersonalKeys personal_keys_parse(const char *list, Arena *arena);

typedef struct Sealed {
    Str custom_answer; /* the custom fields as Zendesk lists them: [{"id":..,"value":..}], masked */
} Sealed;

/* Fills everything of *s that comes from the draft, with texts masked; ids, key, times and trace
 * are the caller's. Slices point into the draft and the arena. 0; -E2BIG when more fields hold
 * personal data than a submission carries (SUBMISSION_PERSONAL_MAX); -EIO when libcrypto refuses.
 */
int sealing_apply(Vault *vault, const PersonalKeys *keys, const Sender *sender, const Draft *draft,
                  Arena *arena, Submission *s, Sealed *ret);
