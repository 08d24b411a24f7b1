/* Robots -- how the chat programs' group robots know us by a secret. Pure.
 *
 * WeCom's has none: the key in its URL is all. The others allow an hour between their clock and
 * ours. Secrets and the results are of ASCII. */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "signing/hmac.h"

enum { FEISHU_SECONDS = 21 };

/* DingTalk: appends "timestamp=<ms>&sign=<percent-encoded>", which goes behind the URL's
 * "?access_token=...&". */
void dingtalk_sign(Str secret, int64_t now_ms, Buf *ret_query);
/* Feishu and Lark: the members `timestamp` (a string of seconds) and `sign` of the JSON body. */
void feishu_sign(Str secret, int64_t now_ms, char ret_timestamp[FEISHU_SECONDS],
                 char ret_sign[HMAC_BASE64]);
