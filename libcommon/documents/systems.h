/* Systems -- what is told besides people, by which way and where; and the names of people's parts
 * in a ticket, which no system may bear. Pure. */
#pragma once

#include "documents/catalog.h"

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

const char *notify_way_name(NotifyWay w); /* "mail" */
const char *audience_name(Audience a);    /* "lead"; of a person or system "agent", "system" */
/* What a message of this way may have in bytes, its template's output. */
size_t notify_way_bytes(NotifyWay w);

typedef struct OutsideSystem {
    Str name, title;
    NotifyWay by;
    Str address; /* URL, topic; absent of robots */
} OutsideSystem;

size_t catalog_systems(const Catalog *c, const OutsideSystem **ret);
const OutsideSystem *catalog_system(const Catalog *c, Str name); /* NULL: unknown */
