/* PromiseWords -- rows of promises warned, broken and escalated, in words for `docket ledger` and
 * `docket explain`. */
#pragma once

#include <cjson/cJSON.h>

#include "base/text.h"

/* For a table's cell, behind what is said already: which promise, how much, by which policy, who is
 * told, and what was asked for in vain. Nothing when the payload has no promise. */
void promise_words_add(const cJSON *payload, Buf *ret);

/* Whole sentences. `group` and `assignee`: names of what was set, absent: nothing. */
typedef struct PromiseNames {
    Str group, assignee;
} PromiseNames;

void promise_words_explain(Str kind, const cJSON *payload, const PromiseNames *names, Buf *zh,
                           Buf *en);
