/* Condition -- one statement about a submission or a ticket: a field, an operator, values. The
 * vocabulary that every document's filters share. Pure.
 *
 * ASCII letters are equal in both cases everywhere. A negative operator is exactly the opposite of
 * its positive one, so `channel is_not web` holds where there is no channel at all. Of tags, the
 * positive operators hold when any tag does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef enum FactField {
    FACT_CHANNEL,
    FACT_KIND,
    FACT_TIER,
    FACT_REGION,
    FACT_PRIORITY,
    FACT_LANGUAGE,
    FACT_ORDER,
    FACT_PRODUCT,
    FACT_BATCH,
    FACT_DEVICE,
    FACT_TAGS,
    FACT_SOURCE, /* its number in decimal */
    FACT_EXTERNAL_ID,
    FACT_SUBJECT,
    FACT_DESCRIPTION,
    FACT_TEXT, /* subject or description: keywords and presence only */
    /* Of a ticket that is stored; no submission has them (fact_of_ticket()). */
    FACT_STATUS, /* "in_progress" */
    FACT_CATEGORY,
    FACT_GROUP,    /* its number in decimal; absent: none */
    FACT_ASSIGNEE, /* likewise */
    FACT_CUSTOM,   /* custom.<name> */
    FACT_FIELDS
} FactField;

typedef enum ConditionOperator {
    CONDITION_ONE_OF, /* also `is`: one value */
    CONDITION_NOT_ONE_OF,
    CONDITION_STARTS_WITH, /* any of the values */
    CONDITION_NOT_STARTS_WITH,
    CONDITION_CONTAINS, /* any of the keywords: conditions/keywords.h */
    CONDITION_NOT_CONTAINS,
    CONDITION_PRESENT, /* not empty; no values */
    CONDITION_ABSENT,
    CONDITION_OPERATORS
} ConditionOperator;

typedef struct Condition {
    FactField field;
    Str custom; /* the <name> of FACT_CUSTOM */
    ConditionOperator op;
    const Str *values; /* none empty */
    size_t values_n;
} Condition;

/* Holds when all of `all` hold and, if there are any, one of `any`. Empty: always. */
typedef struct Filter {
    const Condition *all, *any;
    size_t all_n, any_n;
} Filter;

static inline bool fact_of_ticket(FactField f) {
    return f >= FACT_STATUS && f < FACT_CUSTOM;
}

const char *fact_name(FactField f);  /* "external_id"; "custom" */
const char *fact_label(FactField f); /* "外部编号": in reasons */
int fact_parse(Str name,
               FactField *ret); /* -EINVAL; not FACT_CUSTOM, which has a name of its own */
const char *condition_operator_name(ConditionOperator o); /* "one_of" */
/* "is", "is not", "one_of", "not one of", "starts_with", "contains", "present" ...; blanks and
 * hyphens are as good as underscores. -EINVAL. */
int condition_operator_parse(Str name, ConditionOperator *ret);
bool condition_operator_fits(ConditionOperator o, FactField f);
