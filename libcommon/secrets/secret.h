/* Secret -- what outside systems know us by: what there is, what each must look like, what of it
 * may be shown, and how it is sealed. Pure but for the key ring.
 *
 *   address   the URL of a group robot, with its token or key in it
 *   sign      the secret by which DingTalk's and Feishu's robots check that a message is ours
 *   webhook   the secret by which a receiver checks that a webhook is ours; two live ones while it
 *             is being replaced
 *   sms       the account at an SMS gateway (secrets/account.h); a tenant has one, kept under the
 *             name SECRET_SMS_SYSTEM, which is no system of the documents */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "signing/webhook.h"
#include "vault/vault.h"

typedef enum SecretKind {
    SECRET_ADDRESS,
    SECRET_SIGN,
    SECRET_WEBHOOK,
    SECRET_SMS,
    SECRET_KINDS
} SecretKind;

#define SECRET_SMS_SYSTEM "sms"

enum { SECRET_BYTES_MAX = 4096 };

const char *secret_kind_name(SecretKind k);       /* "address" */
int secret_kind_parse(Str name, SecretKind *ret); /* -EINVAL */
const char *webhook_manner_name(WebhookManner m); /* "standard" */
int webhook_manner_parse(Str name, WebhookManner *ret);

/* The kinds, bits 1 << SecretKind, of a system that is told by "dingtalk", "wecom", "feishu",
 * "webhook" or "sms"; 0 for every other way. */
uint32_t secret_kinds_of(Str way);

typedef struct SecretUse { /* whose it is */
    SecretKind kind;
    Str way;              /* of its system, as in secret_kinds_of() */
    WebhookManner manner; /* of SECRET_WEBHOOK */
    bool plain;           /* an address may begin with http:// */
} SecretUse;

/* 0, or -EINVAL and what is wrong with it in *problem (never the secret, or a part of it). */
int secret_check(const SecretUse *use, Str clear, Buf *problem);
/* Appends what may be shown, by which somebody who has the secret recognises it: the host of an
 * address, an account's gateway and key id, a few last characters. */
void secret_hint(SecretKind kind, Str clear, Buf *ret);

/* Appends; a value that was sealed for one tenant, system and kind opens for no other. 0, -EIO. */
int secret_seal(Vault *v, int64_t tenant_id, Str system, SecretKind kind, Str clear, Buf *ret);
/* Appends the clear text. As vault_unseal(): -EINVAL, -ENOKEY, -EBADMSG. */
int secret_unseal(Vault *v, int64_t tenant_id, Str system, SecretKind kind, Str sealed, Buf *ret);
