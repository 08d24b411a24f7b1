/* Change -- what somebody asks of a ticket, decided: an edit for the store, or every reason why
 * not. Pure: no clock, no I/O (only the vault's sealing). Decided at one version of the ticket; if
 * that is overtaken, read again and decide again.
 *
 * Everything that people do passes here: rights, legal transitions, who may be given the ticket,
 * custom fields, the processing standards, personal numbers in texts. All problems are named at
 * once. Texts of the edit point into the request's JSON, the catalog, the ticket and the arena. */
#pragma once

#include "desk/api/answer.h"
#include "desk/tickets/ticket_row.h"
#include "documents/forms.h"
#include "store/edits.h"
#include "vault/vault.h"

enum {
    CHANGE_TAGS_MAX = 100,
    CHANGE_TAG_BYTES = 255,
    CHANGE_NOTE_BYTES = 8 << 10,
    CHANGE_UPLOADS_MAX = 20,
    CHANGE_MENTIONS_MAX = 50,
    CHANGE_COPIES_MAX = 48, /* customers in copy, as Zendesk has it; and followers */
    CHANGE_PEOPLE_MAX = 200,
};

typedef struct ChangeFile { /* an upload that the change attaches */
    int64_t id, size;
    Str name, type, class;
} ChangeFile;

typedef struct ChangeLoad { /* an agent who may come to have the ticket */
    int64_t agent_id;
    bool on_duty;
    int64_t capacity, load; /* load: tickets assigned and in progress */
} ChangeLoad;

typedef struct ChangePerson { /* somebody who is named as told besides */
    int64_t id;
    bool customer, staff; /* neither: nobody, or not any more */
} ChangePerson;

typedef struct ChangeTicket { /* as it was read, in one snapshot */
    TicketRow row;
    const Str *evidence; /* classes of the attachments that it has */
    size_t evidence_n;
    bool was_solved;         /* once, whatever it is now; read for ratings only */
    const ChangeLoad *loads; /* of its assignee, of who asks, and of whom she names */
    size_t loads_n;
    const ChangePerson *people; /* of change_people() */
    size_t people_n;
    const TicketRow *other; /* the one that the change names besides; NULL: there is none */
    bool acknowledged;      /* and no promise was broken or escalated since */
} ChangeTicket;

typedef struct ChangeActor {
    const Subject *who;
    const Catalog *catalog; /* NULL: the tenant has no documents yet */
    Vault *vault;           /* NULL (tests): masked all the same, the originals are lost */
    Str actor;              /* for the ledger: "agent:1012" */
    Str by;                 /* who acts for her: "token:1033"; absent: nobody */
    Str channel;            /* of a comment: "api" "web" */
    const ChangeFile *files;
    size_t files_n;
} ChangeActor;

typedef enum ChangeVerdict {
    VERDICT_EDIT,      /* ask the store for change->edit */
    VERDICT_NOTHING,   /* it is so already */
    VERDICT_HIDDEN,    /* 404 */
    VERDICT_FORBIDDEN, /* 403 with change->reason */
    VERDICT_INVALID,   /* 422 with change->invalid */
    VERDICT_STALE      /* 409 with change->reason */
} ChangeVerdict;

typedef struct Change {
    TicketEdit edit; /* without cause and trace */
    Invalid invalid;
    const char *reason;
    bool pinned; /* the client named a version or stamp: overtaken is 409, not another try */
} Change;

/* PUT of a ticket; `ticket` is the object inside {"ticket": ...}. Taken: subject, comment {body |
 * html_body, public, uploads}, status (Zendesk's and our names), priority, kind, category, tags,
 * additional_tags, remove_tags, custom_fields, external_id, group_id, assignee_id, ticket_form_id,
 * collaborator_ids or email_cc_ids, email_ccs, follower_ids, followers, handover_note, safe_update
 * with updated_stamp, version. Others are Zendesk's and do nothing.
 *
 * updated_stamp is what was shown as updated_at: two versions of one second never show the same
 * (TicketRow.same_second), so whoever read the one before gets 409. */
ChangeVerdict change_update(const ChangeActor *a, const ChangeTicket *t, const cJSON *ticket,
                            Arena *arena, Change *ret);
/* From the pool to oneself; above capacity is allowed and marked. */
ChangeVerdict change_claim(const ChangeActor *a, const ChangeTicket *t, Arena *arena, Change *ret);
/* {"group_id" or "group": name, "assignee_id" or "assignee": name, "note"} */
ChangeVerdict change_transfer(const ChangeActor *a, const ChangeTicket *t, const cJSON *body,
                              Arena *arena, Change *ret);
/* "I am on it": stops the escalation of what was broken, and keeps a promised acknowledgement. */
ChangeVerdict change_acknowledge(const ChangeActor *a, const ChangeTicket *t, Arena *arena,
                                 Change *ret);
typedef enum ChangeTags { TAGS_SET, TAGS_ADD, TAGS_REMOVE } ChangeTags;
ChangeVerdict change_tags(const ChangeActor *a, const ChangeTicket *t, ChangeTags how,
                          const cJSON *tags, Arena *arena, Change *ret);
/* Several tickets become part of one: each source, which must be open, is `merged` with a comment
 * that says into which; the target, which must not be closed, gets a comment that says which ones.
 */
typedef struct ChangeMerge {
    int64_t into;          /* a source's: the target, which is t->other */
    const int64_t *merged; /* the target's: the sources that were merged */
    size_t merged_n;
    const cJSON *comment; /* {"body", "public"}; NULL: what happened, for staff only */
} ChangeMerge;
ChangeVerdict change_merge_source(const ChangeActor *a, const ChangeTicket *t, const ChangeMerge *m,
                                  Arena *arena, Change *ret);
ChangeVerdict change_merge_target(const ChangeActor *a, const ChangeTicket *t, const ChangeMerge *m,
                                  Arena *arena, Change *ret);
ChangeVerdict change_delete(const ChangeActor *a, const ChangeTicket *t, Arena *arena, Change *ret);
/* The customer's: {"comment": {...}, "solved": true}. A reply wakes what is pending and reopens
 * what is solved: to her who had it if she is on duty and in its group, else to the queue. `solved`
 * solves, and closes what is solved already. */
ChangeVerdict change_request(const ChangeActor *a, const ChangeTicket *t, const cJSON *request,
                             Arena *arena, Change *ret);
/* {"score": "good" | "bad", "comment"} by its requester, once it was solved: also when it is closed
 * or open again. She may change her mind. */
ChangeVerdict change_satisfaction(const ChangeActor *a, const ChangeTicket *t, const cJSON *rating,
                                  Arena *arena, Change *ret);

/* ---- What the caller reads before it can ask ---- */

/* Upload tokens in the comment; at most CHANGE_UPLOADS_MAX, of more the rest is left out. */
size_t change_uploads(const cJSON *ticket, Str *ret);
/* Does it touch who has the ticket, so that loads are wanted? And evidence? */
bool change_wants_loads(const cJSON *ticket);
bool change_wants_evidence(const cJSON *ticket);
/* Who is named to be told besides; of more than CHANGE_PEOPLE_MAX the rest is left out. */
size_t change_people(const cJSON *ticket, int64_t ret[CHANGE_PEOPLE_MAX]);
int64_t change_assignee(const cJSON *ticket); /* whom it names; 0: nobody */
