/* Channel -- one way in which people and systems are told: mail.c, webhook.c, robot.c, sms.c,
 * topic.c are siblings behind this header.
 *
 * A channel takes one rendered Letter at a time, tries once, and says how it ended. It keeps no
 * queue, repeats nothing and writes nothing to PostgreSQL: claims, order, limits, backoff and
 * circuits are delivering's, which also says until when the first byte may go out. One thread:
 * everything is called, and every callback comes, on the loop's thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "documents/notifications.h"
#include "outgoing/outgoing.h"
#include "signing/gateway.h"

/* One message, rendered. All of it is valid until the callback of its send() returns. */
typedef struct Letter {
    int64_t tenant_id, delivery_id;
    int64_t ticket_id; /* 0: about no single ticket */
    /* "d_<tenant>_<delivery>", of a digest that of its first row: the same at every try.
     * webhook-id, Aliyun's OutId, Tencent's SessionContext, the CloudEvents id, the left part of
     * Message-ID */
    Str key;
    NotifyWay by;
    const OutsideSystem *system; /* NULL: a person */
    Str address;                 /* mail address, E.164 number, URL, topic; absent of robots. In
                                    clear only here: never logged */
    Str name;                    /* of a person; absent: not known */
    Str language;                /* "zh" */
    Str event;                   /* "ticket_created" */
    int64_t occurred_ms;         /* when that happened, wall clock */
    int64_t seq;                 /* of the ledger row; 0: none */
    bool urgent;

    Str sender;              /* the tenant's name, for people */
    Str subject, text, html; /* mail; subject also a robot's title; html absent: none */
    Str markdown;            /* robots */
    Str json;                /* webhook, Kafka */
    bool json_is_event;      /* it is the event as it is, a `data`; else the documents' own body */
    Str sms_code;            /* of the gateway's template */
    const GatewayPair *sms;  /* its parameters, in the gateway's order */
    size_t sms_n;

    Str message_id;        /* mail, without < > */
    const Str *references; /* oldest first; the last one is what it answers */
    size_t references_n;
    Str reply_to;        /* an address with a signed token; absent: none */
    Str unsubscribe_url; /* absent: none */
} Letter;

/* What is kept of an outside system besides the documents, sealed (docket notify secret). */
typedef struct ChannelSecret {
    Str address;  /* of a robot: its URL with token or key; absent of others */
    Str current;  /* signs; absent: nothing is signed */
    Str previous; /* while it is being replaced; absent otherwise */
    Str manner;   /* of a webhook: "standard" "zendesk" "pagerduty"; absent: standard */
} ChannelSecret;

typedef enum ChannelSecretOutcome {
    CHANNEL_SECRET_FOUND,
    CHANNEL_SECRET_NONE,   /* nobody has set one */
    CHANNEL_SECRET_UNKNOWN /* not read yet, or its key is not in the ring: try later */
} ChannelSecretOutcome;

/* Valid until the end of this turn of the loop. */
typedef struct ChannelSecrets {
    ChannelSecretOutcome (*find)(void *arg, int64_t tenant_id, Str system, ChannelSecret *ret);
    void *arg;
} ChannelSecrets;

typedef struct Delivered {
    OutgoingOutcome outcome;
    int status;             /* HTTP's, SMTP's or the gateway's; 0: no answer came */
    int64_t retry_after_ms; /* as the other side asked for; -1: it did not ask */
    bool doubtful;          /* not DELIVERED, but it may have been taken */
    bool
        destination_dead; /* 410, a robot that was removed: pause the destination, tell its owner */
    bool destination_fine; /* LATER for this letter alone (greylisting): no mark against it */
    Str reason;            /* a sentence without personal data, secrets or URLs' paths */
} Delivered;               /* valid until the callback returns */

typedef void (*ChannelDone)(void *arg, const Delivered *delivered);

typedef struct Channel Channel;

typedef struct ChannelKind {
    const char *name; /* for the log and metrics' labels */
    uint32_t ways;    /* bits 1 << NotifyWay */
    int timeout_ms;   /* every send has ended after that; the lease is longer */
    /* Nobody repeats what may have been taken already (SMS): such a try is the last one. */
    bool doubt_ends;
    /* The least time between two letters to one destination, kept for all instances together; 0:
     * any. NULL: always 0. */
    int (*pace_ms)(NotifyWay way);
    /* 0: `done` comes exactly once, never inside this call, within timeout_ms, and not a byte of
     * the letter is sent after not_after_ms (clock_monotonic_ms()). -EBUSY: no room now, nothing
     * was sent. -EINVAL: it can never be sent, why stands in *ret_problem (as Delivered.reason). */
    int (*send)(Channel *c, const Letter *letter, int64_t not_after_ms, ChannelDone done, void *arg,
                Buf *ret_problem);
    Channel *(*free)(Channel *c); /* what runs is cancelled: no callback comes any more */
} ChannelKind;

/* The first member of every channel's own struct. Each has a constructor in its own header,
 * mail_channel_new() ..., that takes what it needs. */
struct Channel {
    const ChannelKind *kind;
};

static inline Channel *channel_free(Channel *c) {
    return c ? c->kind->free(c) : NULL;
}

/* What most channels do with an answer of the room outgoing; reason, status, doubt. */
static inline Delivered channel_delivered(const OutgoingResult *r) {
    return (Delivered){.outcome = r->outcome,
                       .status = r->status,
                       .retry_after_ms = r->retry_after_ms,
                       .doubtful = r->doubtful,
                       .reason = r->reason};
}
