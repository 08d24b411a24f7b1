/* Acceptance -- one request to create a ticket, from its token to its answer.
 *
 *   AUTHORISING -> CLAIMING -> PUBLISHING -> answered
 *
 * At most one thing is awaited at a time (token, claim, report). A request that is not through
 * after `answer_ms` is answered 503; what was awaited then comes to nobody: the claim stays, the
 * message may still be stored, and a retry under the same key is the same ticket (correctness.md
 * 2). */
#pragma once

#include "intake/gate.h"

Acceptances *acceptances_new(Gate *gate);
/* Every token, claim and report awaited must have come, or never come any more. */
Acceptances *acceptances_free(Acceptances *a);

/* Takes over the exchange. */
void acceptance_begin(Gate *gate, HttpExchange *x);
size_t acceptances_waiting(const Acceptances *a); /* requests not yet answered */
