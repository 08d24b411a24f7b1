/* Slas -- the side-load `slas` of tickets (?include=slas): what is promised to each, as Zendesk
 * shapes it, told from its ledger by the code of the scheduler; so of a closed ticket, too. */
#pragma once

#include "desk/desk.h"

extern const DeskPart slas_part;

/* `done` with one JSON object a ticket, in order of the ids (tickets' own numbers, at most
 * HISTORIES_TICKETS_MAX): {"policy_metrics":[...]}. In the arena. When PostgreSQL is away 503 is
 * answered, and `done` does not come. r->context is as it was. */
void slas_read(Request *r, const int64_t *ids, size_t n, void (*done)(Request *r, const Str *slas));
/* A body, the request's, as `body` is, but for a member `slas` at the end of each of its n objects;
 * `ends` are the places behind these. */
Buf *slas_insert(Request *r, const Buf *body, const size_t *ends, size_t n, const Str *slas);
