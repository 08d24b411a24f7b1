/* User draft -- what a body says of a user, checked: everything that is wrong is named at once. */
#pragma once

#include "desk/api/answer.h"
#include "desk/people/person.h"

typedef struct UserDraft {
    /* Absent: not said. Empty where something is to be emptied. */
    Str name, email, phone, role, external_id, locale, time_zone, details, notes;
    const cJSON *tags; /* a list of words, or NULL */
    bool sets_organization, sets_suspended, suspended;
    int64_t organization_id; /* 0: none */
    Str agent;               /* of the documents who that is */
    int64_t agent_id;
} UserDraft;

/* The member "user" of the body. False, having answered 400 or 422. */
bool user_draft_read(Request *r, UserDraft *ret);
/* {"fields":["name","role"]}: what it says, for the audit; no values. In the arena. */
Str user_draft_detail(Request *r, const UserDraft *d);
