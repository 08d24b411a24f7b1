/* Slas -- the side-load `slas` of tickets (?include=slas): what is promised to each, as Zendesk
 * shapes it, told from its ledger by the code of the scheduler; so of a closed ticket, too. */
#pragma once

#include "desk/desk.h"

extern const DeskPart slas_part;

/* `done` with one JSON object a ticket, in order of the ids (tickets' own numbers, at most 100):
 * {"policy_metrics":[...]}. In the arena. When PostgreSQL is away 503 is answered, and `done` does
 * not come. r->context is as it was. */
void slas_read(Request *r, const int64_t *ids, size_t n, void (*done)(Request *r, const Str *slas));
