/* Target -- a URL that may be posted to, read by the very parser that will connect. Of this room
 * only. Pure. */
#pragma once

#include <curl/curl.h>

#include "base/text.h"
#include "outgoing/address.h"

enum { TARGET_BYTES = 2048 };

/* 0 and *ret (to be freed with curl_url_cleanup()), its destination appended to *destination; or
 * -EINVAL and what is wrong in *problem. */
int target_parse(Str url, const AddressList *allowed, CURLU **ret, Buf *destination, Buf *problem);
