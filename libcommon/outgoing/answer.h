/* Answer -- what an answer of the other side means for a delivery. Pure. */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "outgoing/outgoing.h"

OutgoingOutcome answer_of_http(int status);
OutgoingOutcome answer_of_smtp(int code);

/* Retry-After's value: seconds or a date (RFC 9110 §10.2.3), as milliseconds from now, 0 to a week.
 * -1 when it is neither. */
int64_t answer_retry_after(Str value, int64_t now_ms);

/* "Name: value" that may be given to libcurl, with no way to add a second line, and of none of the
 * headers that are the client's own. */
int answer_check_line(Str line, Buf *problem);
