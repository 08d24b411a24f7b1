/* Standard -- does a change keep to the processing standards (处理标准), the fields that a state
 * demands, and the words of replies? Pure. */
#pragma once

#include "desk/api/answer.h"
#include "documents/forms.h"

typedef struct StandardFacts { /* the ticket as the change will leave it */
    Str kind, category;
    int64_t form_id;            /* 0: its kind's default */
    const cJSON *custom_fields; /* an object; NULL: none */
    const Str *evidence;        /* classes of all attachments, those of this change too */
    size_t evidence_n;
    bool enters; /* it comes to be in `status`, where it was not */
    TicketStatus status;
    bool replies; /* an agent writes to the customer */
    Str reply;    /* in plain text */
} StandardFacts;

/* Adds an entry for each thing that is missing: its field is "custom_fields", "attachments" or
 * "comment", its description says what to do, Chinese first. How many it added. */
size_t standard_check(const Catalog *c, const StandardFacts *f, Invalid *missing);
/* The stored value of a field, under its name or its number; NULL: none. */
const cJSON *standard_value(const cJSON *custom_fields, const Field *f);
