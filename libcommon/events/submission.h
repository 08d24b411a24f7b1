/* Submission -- what the gate accepted, as both sides of docket.submissions see it; and its
 * protobuf form. Pure. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/cause.h"
#include "base/text.h"

typedef struct PersonalField { /* proto/ticket_submitted.proto */
    Str field, sealed, masked, hash;
} PersonalField;

enum {
    SUBMISSION_PERSONAL_MAX =
        32, /* personal fields of one submission, requester's and text's each */
    SUBMISSION_TAGS_MAX = 100
};

/* Every Str is borrowed: from the caller on the way out, from the arena on the way in. Absent ones
 * are {NULL, 0}. */
typedef struct Submission {
    int64_t tenant_id;
    int64_t ticket_id;
    Cause cause;
    int64_t accepted_ms; /* the gate's moment of acceptance, UTC */
    Trace trace;

    int64_t source_id;
    Str channel, subject, description;

    Str contact_hash; /* 32 bytes */
    Str source_user_id;
    PersonalField *requester_personal;
    size_t requester_personal_n;

    Str idempotency_key; /* as stored: "k:" + Idempotency-Key or "x:" + external_id; absent: none */
    Str key_fingerprint; /* 32 bytes when there is a key */
    Str external_id;

    Str kind, priority; /* absent: the rules decide */
    Str *tags;
    size_t tags_n;
    Str tier, region, order, product, batch, device, language;
    Str custom_fields; /* a JSON object; absent: {} */

    PersonalField *personal;
    size_t personal_n;

    int64_t group_id, assignee_id; /* 0: the router decides */
    int64_t followup_of;           /* the ticket that this one continues; 0: none */
    Str note;
} Submission;

/* Appends the Envelope's bytes to *ret. Limits (256 KiB and the like) are the gate's to check. */
void submission_encode(const Submission *s, Buf *ret);

/* 0 and *ret (slices into the arena), or -EBADMSG with the reason in *ret_problem: not protobuf,
 * not a submission, no tenant, no ticket id, no cause, wrong lengths, more than the limits above,
 * text that is no UTF-8 or holds NUL. */
int submission_decode(Str message, Arena *arena, Submission *ret, const char **ret_problem);
