/* WorkforceWords -- what the played agents write: Chinese sentences that pass the demo shop's
 * standards (合规用语: an apology in every reply, no promises that cannot be kept). Pure. */
#pragma once

#include "base/text.h"
#include "docket/workforce_plan.h"

/* Appends the text of a step; the same dice give the same text. At most 600 bytes, plain text
 * without anything that JSON would have to escape but line feeds. */
void workforce_write(Buf *ret, WorkStepKind kind, uint64_t dice);
/* A reply to nobody's fault: why the ticket stays on hold. */
void workforce_write_hold(Buf *ret, uint64_t dice);
