/* TicketUpdate -- what people do to a ticket in one step, and its form as the payload of a ledger
 * row of kind ticket_updated:
 *   {"set": {<column of ticket.tickets>: <new value>, ...},
 *    "comment": {"public", "author_id", "body", "html", "channel", "attachments": [...],
 *                "mentions": [...], "personal": [...]},
 *    "reason": {...}, "note": "...", "personal": [...]}
 * where "set" and "reason" are always there, the others when they say something. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "ticket/ticket.h"

typedef enum EditSet { /* which of the members below are to be set */
                       EDIT_STATUS = 1,
                       EDIT_GROUP = 2,
                       EDIT_ASSIGNEE = 4,
                       EDIT_PRIORITY = 8,
                       EDIT_KIND = 16,
                       EDIT_CATEGORY = 32,
                       EDIT_SUBJECT = 64,
                       EDIT_TAGS = 128,
                       EDIT_CUSTOM_FIELDS = 256, /* the whole new object */
                       EDIT_EXTERNAL_ID = 512,
                       EDIT_REQUESTER = 1024,
                       EDIT_FORM = 2048,
                       EDIT_FOLLOWUP_OF = 4096,
                       EDIT_SATISFACTION = 8192,
                       EDIT_COLLABORATORS = 16384, /* all of them, likewise below */
                       EDIT_FOLLOWERS = 32768,
                       EDIT_PROBLEM = 65536,
                       EDIT_SETS = 131071, /* all of these bits */
} EditSet;

typedef struct EditComment {
    bool present, is_public;
    int64_t author_id;
    Str body;        /* as sent, personal numbers masked */
    bool is_html;    /* body is HTML as sent; sanitised whenever it is shown */
    Str channel;     /* "api" "web" "email" */
    Str attachments; /* JSON array of {"id","name","type","size","class"}, or absent */
    Str mentions;    /* JSON array of user ids, or absent */
    Str personal;    /* JSON array of sealed originals (store/personal form), or absent */
} EditComment;

typedef struct TicketUpdate {
    unsigned sets; /* EditSet bits */
    TicketStatus status;
    TicketPriority priority;
    int64_t group_id, assignee_id, requester_id, form_id, followup_of; /* 0: none */
    int64_t problem_id; /* of which it is an incident; 0: none */
    Str kind, category, subject, external_id, satisfaction;
    Str custom_fields; /* JSON object */
    const Str *tags;
    size_t tags_n;
    const int64_t *collaborators, *followers; /* customers in copy; staff who follow it */
    size_t collaborators_n, followers_n;
    EditComment comment;
    Str note;
    Str reason;   /* JSON object, or absent */
    Str personal; /* JSON array of the sealed originals of "set" (fields "subject", "custom:NAME")
                     and of "note", or absent */
} TicketUpdate;

/* The "why" of its reason as written there ("acknowledged"); absent: none. */
Str update_why(const TicketUpdate *u);

/* Appends. The JSON members are taken as they are: the caller has checked them. */
void update_payload_write(const TicketUpdate *u, Buf *ret);
/* Reads one back, also from PostgreSQL's own spelling; everything lives in the arena or in
 * `payload`. -EBADMSG when it is none. */
int update_payload_read(Str payload, Arena *arena, TicketUpdate *ret);
