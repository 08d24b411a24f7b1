/* Notifications -- the part of a catalog that says who is told of what, by which way and in which
 * words. Pure.
 *
 *   systems:                                    # what is told besides people
 *     - name: 客服群
 *       by: dingtalk                            # or wecom, feishu, webhook, kafka
 *     - {name: erp, by: webhook, address: "https://erp.example/hooks"}   # https only
 *     - {name: 数仓, by: kafka, address: shop.tickets}                    # a topic
 *   templates:                                  # template/template.h; checked when they are saved
 *     - name: 收到工单
 *       language: zh                            # of what follows; default zh
 *       subject: "[#{{ticket.id}}] 我们已收到您的来信"     # mail; also a robot's title
 *       text: |                                 # mail
 *         {{recipient.name}}，您好……
 *       html: |                                 # mail; absent: made from the text
 *       markdown: |                             # dingtalk, wecom, feishu
 *       json: |                                 # webhook, kafka; absent: the event as it is
 *       sms: {code: SMS_1001, params: {no: "{{ticket.id}}"}}   # in the order of the gateway's form
 *       in:                                     # the same for those who read something else
 *         en: {subject: "...", text: "..."}
 *   notifications:
 *     - name: 收到工单
 *       event: ticket_created                   # or a list of events
 *       when: {all: {channel: [web, email]}}    # as in policies; absent: always
 *       to: requester                           # requester, assignee, lead, manager,
 * collaborators, # followers, an agent, a system; or a list by: [mail, sms] # to people; default
 * mail. A system has its own way template: 收到工单                       # of webhook and kafka:
 * may be absent urgent: on                              # looks at no hours, joins no digest hours:
 * 客服班                            # a calendar: what comes outside waits for them digest: 15m #
 * one message for all of that time
 *
 * In their order: who is told of an event by one way is not told of it again by a later one. A
 * robot's keys and a webhook's secrets are no part of documents; they are kept by the system's
 * name. */
#pragma once

#include "conditions/matcher.h"
#include "documents/catalog.h"
#include "promise/calendar.h"
#include "template/template.h"

typedef enum NotifyEvent {
    NOTIFY_TICKET_CREATED,
    NOTIFY_TICKET_ASSIGNED,
    NOTIFY_TICKET_QUEUED,   /* waits for somebody in a group to have room */
    NOTIFY_TICKET_RELEASED, /* taken from who had it */
    NOTIFY_REPLY_SENT,      /* an agent's public comment */
    NOTIFY_REPLY_RECEIVED,  /* the requester's */
    NOTIFY_NOTE_ADDED,      /* a private one */
    NOTIFY_TICKET_SOLVED,
    NOTIFY_TICKET_CLOSED,
    NOTIFY_TICKET_REOPENED,
    NOTIFY_PROMISE_WARNED,
    NOTIFY_PROMISE_BREACHED,
    NOTIFY_PROMISE_ESCALATED,
    NOTIFY_STORM, /* many tickets of a kind in a short time, told as one */
    NOTIFY_EVENTS
} NotifyEvent;

typedef enum NotifyWay {
    NOTIFY_BY_MAIL,
    NOTIFY_BY_SMS,
    NOTIFY_BY_WEBHOOK,
    NOTIFY_BY_KAFKA,
    NOTIFY_BY_DINGTALK,
    NOTIFY_BY_WECOM,
    NOTIFY_BY_FEISHU,
    NOTIFY_WAYS
} NotifyWay;

typedef enum Audience {
    AUDIENCE_REQUESTER,
    AUDIENCE_ASSIGNEE,
    AUDIENCE_LEAD,
    AUDIENCE_MANAGER,
    AUDIENCE_COLLABORATORS,
    AUDIENCE_FOLLOWERS,
    AUDIENCE_AGENT,
    AUDIENCE_SYSTEM,
    AUDIENCES
} Audience;

const char *notify_event_name(NotifyEvent e);       /* "ticket_created" */
int notify_event_parse(Str name, NotifyEvent *ret); /* -EINVAL */
const char *notify_way_name(NotifyWay w);           /* "mail" */
const char *audience_name(Audience a); /* "lead"; of a person or system "agent", "system" */
/* What a message of this way may have in bytes, its template's output. */
size_t notify_way_bytes(NotifyWay w);

typedef struct OutsideSystem {
    Str name, title;
    NotifyWay by;
    Str address; /* URL, topic; absent of robots */
} OutsideSystem;

typedef struct SmsParam {
    Str name;
    const Template *text;
} SmsParam;

typedef struct Wording { /* one language; what is absent is NULL */
    Str language;        /* "zh", "en", "pt-BR" */
    const Template *subject, *text, *html, *markdown, *json;
    Str sms_code;
    const SmsParam *sms;
    size_t sms_n;
} Wording;

typedef struct MessageTemplate {
    Str name, title;
    const Wording *wordings; /* the first is that of who reads none of the others */
    size_t wordings_n;
} MessageTemplate;

typedef struct Recipient {
    Audience audience;
    int64_t agent_id;            /* AUDIENCE_AGENT */
    const OutsideSystem *system; /* AUDIENCE_SYSTEM */
} Recipient;

typedef struct Notification {
    Str name, title;
    uint32_t events; /* bits 1 << NotifyEvent */
    const Recipient *to;
    size_t to_n;
    uint32_t by;                  /* bits 1 << NotifyWay, to people */
    const MessageTemplate *words; /* NULL: the event as it is */
    bool urgent;
    Str hours_name;        /* absent: at any time */
    const Calendar *hours; /* NULL likewise */
    int64_t digest_ms;     /* 0: one message an event */
} Notification;

typedef struct Telling { /* somebody is to be told by one way */
    const Notification *notification;
    Recipient to;
    NotifyWay by;
} Telling;

enum { TELLINGS_MAX = 200 };

size_t catalog_systems(const Catalog *c, const OutsideSystem **ret);
size_t catalog_templates(const Catalog *c, const MessageTemplate **ret);
size_t catalog_notifications(const Catalog *c, const Notification **ret);
const OutsideSystem *catalog_system(const Catalog *c, Str name);     /* NULL: unknown */
const MessageTemplate *catalog_template(const Catalog *c, Str name); /* likewise */
const Notification *catalog_notification(const Catalog *c, Str name);

/* Everybody to be told of this event of a ticket with these facts, in order of the documents; each
 * recipient and way once. At most TELLINGS_MAX, in the arena. Facts as for policies; custom fields
 * in the order of catalog_notification_custom(). */
size_t catalog_notifications_for(const Catalog *c, const Facts *facts, NotifyEvent event,
                                 Arena *arena, const Telling **ret);
size_t catalog_notification_custom(const Catalog *c, const Str **ret);
const Str *catalog_notification_custom_values(const Catalog *c, Str custom_fields, Arena *arena);

/* The wording for who reads `language` ("en-US" takes "en"), else the first. */
const Wording *message_wording(const MessageTemplate *m, Str language);
/* The first moment from `now_ms` on at which it may be delivered; INT64_MAX: never again. */
int64_t notification_not_before(const Notification *n, int64_t now_ms);

/* What every template may use, and a ticket with everything (`complete`) or with no more than every
 * ticket has, to try one on. Of an event only those parts that it has. */
typedef struct Vocabulary {
    const TemplateName *names;
    size_t names_n;
} Vocabulary;
Vocabulary notification_vocabulary(void);
/* Bits 1 << i of the names at the root that are there for sure when this event is told. */
uint64_t notification_given(NotifyEvent e, bool digest);
size_t notification_sample(NotifyEvent e, bool digest, bool complete, Arena *arena,
                           const TemplateValue **ret);
