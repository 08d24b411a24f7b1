/* URL -- percent-decoding and the pairs of a query. Pure. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/* Appends the decoded text to *ret. 0, or -EINVAL (then *ret is as it was) for an escape that is
 * cut short or not hexadecimal, and for %00: no text of ours holds a NUL. */
int url_decode(Str text, bool plus_is_space, Buf *ret);

/* Takes the next `name=value` off *query. False when there is none left. A pair without '=' has an
 * absent value ({NULL, 0}); empty pairs ("a=1&&b=2") are skipped. Nothing is decoded. */
bool url_next_pair(Str *query, Str *ret_name, Str *ret_value);

/* Appends `text` with everything but RFC 3986's unreserved characters percent-encoded. */
void url_encode(Str text, Buf *ret);
