/* MailChannel -- letters to people, by the relay that an operator names (it signs by DKIM). */
#pragma once

#include "notifier/channels/channel.h"

typedef struct MailChannelSettings {
    const char *host; /* of the relay: a name or an address */
    int port;         /* 0: as `tls` is */
    OutgoingTls tls;
    const char *user, *password; /* "": no login */
    const char *from;            /* an address of ours; people see it with the tenant's name */
    const char *bounces;         /* of the envelope; "": the empty one, so that nothing answers */
    int timeout_ms;              /* 0: 60 s */
} MailChannelSettings;           /* borrowed: they outlive the channel */

/* NULL and a sentence in *ret_problem: no such address, a login without TLS. */
Channel *mail_channel_new(Outgoing *outgoing, const MailChannelSettings *settings,
                          Buf *ret_problem);
