/* WebhookChannel -- events to programs: a POST of JSON, signed as the receiver expects it. */
#pragma once

#include "notifier/channels/channel.h"

/* Redirects are not followed; which networks are refused is outgoing's. timeout_ms 0: 15 s. */
Channel *webhook_channel_new(Outgoing *outgoing, ChannelSecrets secrets, int timeout_ms);
