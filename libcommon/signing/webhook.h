/* Webhook -- the header lines by which a receiver knows that a webhook is ours. Pure.
 *
 * Three manners, for receivers that were written for them:
 *   standard    Standard Webhooks 1.0.0: webhook-id, webhook-timestamp (seconds) and
 *               webhook-signature, "v1,<base64>" for each live secret, over "<id>.<seconds>.<body>"
 *   zendesk     X-Zendesk-Webhook-Signature, base64 over timestamp and body, and its
 *               X-Zendesk-Webhook-Signature-Timestamp ("2026-11-22T05:43:00Z"), and our id in
 *               X-Zendesk-Webhook-Invocation-Id
 *   pagerduty   X-PagerDuty-Signature, "v1=<hex>" for each live secret, over the body alone; and
 * our id in X-Webhook-Id
 *
 * While a secret is replaced two are live. Standard and PagerDuty send a signature of each, and a
 * receiver accepts either. Zendesk's header holds one: it is always the current one's, so there the
 * receiver must know the new secret before it is made current. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

typedef enum WebhookManner { WEBHOOK_STANDARD, WEBHOOK_ZENDESK, WEBHOOK_PAGERDUTY } WebhookManner;

typedef struct WebhookSecrets {
    Str current;
    Str previous; /* absent unless one is being replaced */
} WebhookSecrets;

enum {
    WEBHOOK_LINES_MAX = 3,
    WEBHOOK_ID_BYTES = 128,   /* at most */
    WEBHOOK_SECRET_MIN = 16,  /* bytes of a secret in Zendesk's and PagerDuty's manner */
    WEBHOOK_SECRET_MAX = 256, /* of the text, in every manner */
    WEBHOOK_KEY_BYTES = 32,   /* of a new secret */
    WEBHOOK_SECRET_TEXT = 51, /* of a new secret's text, with its NUL */
};

/* 0, or -EINVAL and what is wrong in *problem (may be NULL; never the secret). In the standard
 * manner a secret is "whsec_" and the base64 of 24 to 64 bytes, "whsec_" may be missing; in the
 * others any printable ASCII, used as it stands. */
int webhook_secret_check(WebhookManner manner, Str secret, Buf *problem);
/* "whsec_<base64>": good for every manner. `key`: random. */
void webhook_secret_text(const uint8_t key[WEBHOOK_KEY_BYTES], char ret[WEBHOOK_SECRET_TEXT]);

/* The lines "Name: value", in the arena; returns how many. `id` is the same for every try of one
 * delivery (its receiver's idempotency key): letters, digits, '_' and '-'. now_ms: of this try.
 * -EINVAL: a secret or the id is none. */
int webhook_sign(WebhookManner manner, const WebhookSecrets *secrets, Str id, int64_t now_ms,
                 Str body, Arena *arena, Str ret_lines[WEBHOOK_LINES_MAX]);
