/* SmsMessage -- what an SMS gateway (Aliyun's SendSms, Tencent's SendSms) is asked, and what its
 * answer means. Pure.
 *
 * Neither is idempotent: our key travels along (OutId, SessionContext) and stands in the receipts,
 * but a message that is asked for twice is sent twice. So an outcome that nobody knows is the last
 * one, and an operator decides. */
#pragma once

#include "notifier/channels/channel.h"
#include "secrets/account.h"

typedef struct SmsMessage {
    Str number; /* as people write it: "138 0013 8000", "+852 6123 4567" */
    Str code;   /* of the gateway's template */
    Str key;
    const GatewayPair *params; /* in the order of the gateway's form */
    size_t params_n;
} SmsMessage;

typedef struct SmsRequest { /* a POST */
    Str url;
    Str lines[GATEWAY_LINES_MAX];
    size_t lines_n;
    Str body;
} SmsRequest;

enum { SMS_KEY_BYTES = 511 };

/* All of *ret lives in the arena. `nonce`: random, new for every try. 0, or -EINVAL and why. */
int sms_request(const SmsAccount *account, const SmsMessage *m,
                const uint8_t nonce[GATEWAY_NONCE_BYTES], int64_t now_ms, Arena *arena,
                SmsRequest *ret, Buf *ret_problem);

/* What became of it: *ret, whose reason is in *reason (cleared first). */
void sms_judge(SmsGateway gateway, const OutgoingResult *answer, Buf *reason, Delivered *ret);
