/* SubmissionForm -- the body of POST /api/v2/tickets, and who sends it, to a validated draft; or
 * every reason why not, each with its field and its remedy. Pure.
 *
 * Texts of the draft point into the JSON tree, normal forms and lists into the arena: both must
 * outlive it. Nothing is sealed or masked yet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "json/json.h"

enum {
    FORM_SUBJECT_CHARS = 1024,
    FORM_REFERENCE_CHARS = 255, /* external_id, order, product, batch, device, region, tier ... */
    FORM_TAG_BYTES = 255,
    FORM_CUSTOM_FIELDS = 100,
    FORM_CUSTOM_KEY_BYTES = 56, /* "custom:<key>" must fit into a sealed value's field name */
    FORM_CUSTOM_VALUES = 100,   /* of one list */
    FORM_NOTES = 32             /* of one answer; what is left out is counted */
};

/* What the sender may do; from its token. Needed during the call only. */
typedef struct FormRights {
    const Str *channels; /* that it may name; the first is its default */
    size_t channels_n;   /* 0: any, and "api" by default */
    bool may_place;      /* may name group and assignee */
} FormRights;

typedef struct FormNote {
    Str field;         /* "requester.email", from the ticket inwards */
    const char *error; /* Zendesk's word: "InvalidValue" */
    const char *reason;
    const char *remedy;
} FormNote;

typedef struct FormNotes {
    FormNote *items; /* NULL until there is one */
    size_t n, left_out;
} FormNotes;

void form_note(FormNotes *notes, Arena *arena, Str field, const char *error, const char *reason,
               const char *remedy);

typedef struct CustomField {
    Str key;
    const cJSON *value; /* a string, number, boolean, null, or a list of those */
    bool personal;      /* the sender marked it so */
} CustomField;

typedef struct Draft {
    Str subject, description, channel, external_id;
    Str kind, priority, tier, region, order, product, batch, device, language;
    Str *tags;
    size_t tags_n;
    CustomField *custom;
    size_t custom_n;
    int64_t group_id, assignee_id; /* 0: the router decides */
    int64_t followup_of;           /* 0: continues no other */
    /* The requester, in clear; normal forms are absent where the field is. */
    Str name, email, phone, address, user_id;
    Str email_normal, phone_normal;
} Draft;

typedef enum FormVerdict {
    FORM_ACCEPTED,
    FORM_REFUSED,  /* 422: ret_problems */
    FORM_FORBIDDEN /* 403: ret_problems names what needs the right to place tickets */
} FormVerdict;

/* Fields that we do not know, or know and do not keep, go to *ret_warnings and are not fatal. */
FormVerdict submission_form_read(const cJSON *body, const FormRights *rights, Arena *arena,
                                 Draft *ret, FormNotes *ret_problems, FormNotes *ret_warnings);
