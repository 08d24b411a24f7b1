/* CloudEvent -- a letter as a CloudEvent 1.0 in the Kafka protocol binding: what is in the record's
 * headers, its key and its value. Pure. deploy/api/notifications.asyncapi.yaml describes it. */
#pragma once

#include "base/arena.h"
#include "kafka/producer.h"
#include "notifier/channels/channel.h"

typedef enum CloudEventMode {
    CLOUD_EVENT_BINARY,    /* attributes in headers (ce_id ...), the value is the data */
    CLOUD_EVENT_STRUCTURED /* the value is a JSON object with the attributes and the data */
} CloudEventMode;

enum { CLOUD_EVENT_HEADERS_MAX = 8 };

typedef struct CloudEventRecord {
    Str key; /* the ticket, decimal, so that what is told of it stays in order; absent without one
              */
    Str value;
    KafkaHeader headers[CLOUD_EVENT_HEADERS_MAX];
    size_t headers_n;
} CloudEventRecord;

/* 0 and *ret, which lives in the arena or is the letter's; -EINVAL: the letter has no JSON. */
int cloud_event_record(const Letter *letter, CloudEventMode mode, Arena *arena,
                       CloudEventRecord *ret, Buf *ret_problem);
