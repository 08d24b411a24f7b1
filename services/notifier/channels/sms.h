/* SmsChannel -- an SMS by the gateway where the tenant has an account: Aliyun's or Tencent's. */
#pragma once

#include "loop/loop.h"
#include "notifier/channels/channel.h"

/* The account is the secret of the system SECRET_SMS_SYSTEM, in `current` (secrets/account.h). */
Channel *sms_channel_new(Loop *loop, Outgoing *outgoing, ChannelSecrets secrets);
