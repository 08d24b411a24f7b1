/* WorkforceDesk -- the part of the desk's API that the played agents use: requests written, answers
 * read. Pure. Whatever an answer lacks is simply not there; only what is needed to go on is asked
 * for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "docket/http_reply.h"
#include "docket/workforce_plan.h"

typedef enum DeskCall {
    DESK_SIGN_IN,
    DESK_ME,
    DESK_STAFF,
    DESK_GROUPS,
    DESK_TOKEN,
    DESK_DUTY,
    DESK_ASSIGNED,
    DESK_READ,
    DESK_REPLY,
    DESK_NOTE,
    DESK_ASK,
    DESK_TRANSFER,
    DESK_UPLOAD,
    DESK_SOLVE,
    DESK_HOLD,
    DESK_CALLS
} DeskCall;

const char *desk_call_name(DeskCall c); /* "solve" */
const char *
desk_call_endpoint(DeskCall c); /* "PUT /tickets/{id}": calls of one endpoint share it */

typedef struct DeskIdentity {
    Str authorization; /* "Bearer ..."; or absent, and */
    Str cookie, csrf;  /* what signing in gave */
} DeskIdentity;

/* Appends a whole request. `query` with its '?', or absent; `body` absent: none. */
void desk_write(Buf *out, const char *host, const DeskIdentity *who, const char *method,
                const char *path, const char *type, Str body);

/* ---- What is sent: the JSON of a body ---- */

void desk_sign_in_body(Buf *ret, Str tenant, Str email, Str password);
void desk_token_body(Buf *ret, int64_t user_id);
void desk_duty_body(Buf *ret, bool on);
typedef struct DeskChange {
    Str text; /* of a comment; absent: none */
    bool is_public;
    const char *status; /* Zendesk's word, or NULL */
    Str updated_stamp;  /* absent: whatever it is now */
    bool filled;        /* with the fields that the demo shop's standards ask for */
    Str upload;         /* token of a file to attach, or absent */
} DeskChange;
void desk_change_body(Buf *ret, const DeskChange *c);
void desk_transfer_body(Buf *ret, int64_t group_id, Str note);

/* ---- What comes back ---- */

typedef struct DeskTicket {
    int64_t id, group_id;
    bool pending, solved; /* or closed; neither: it is to be worked on */
    int urgency;          /* 0 low ... 3 urgent */
    char updated_at[24];
} DeskTicket;
enum { DESK_TICKETS_MAX = 100 };

/* {"tickets":[...]} or {"ticket":{...}}: how many were read, -EINVAL for anything else. */
int desk_read_tickets(Str body, DeskTicket *ret, size_t max);

typedef struct DeskPerson {
    int64_t id;
    char name[64]; /* what she signs in with, when it is known */
} DeskPerson;
/* Members `plural` of an answer with their ids; *ret_more is the cursor of the next page, cleared
 * when there is none. */
int desk_read_people(Str body, const char *plural, DeskPerson *ret, size_t max, Buf *ret_more);
/* The string at {"a":{"b":...}}; -ENOENT. */
int desk_read_text(Str body, const char *object, const char *member, Buf *ret);
int desk_read_id(Str body, const char *object, const char *member, int64_t *ret);
