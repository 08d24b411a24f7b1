/* TopicChannel -- CloudEvents on a Kafka topic, for programs. Delivered means that every replica in
 * sync has it. A record whose outcome nobody knows is sent again: its id tells its readers. */
#pragma once

#include "loop/loop.h"
#include "notifier/channels/channel.h"
#include "notifier/channels/cloud_event.h"

typedef struct TopicChannelSettings {
    const char *brokers, *options, *client_id; /* as KafkaProducerSettings */
    CloudEventMode mode;
} TopicChannelSettings; /* copied */

/* NULL and a sentence in *ret_problem when the settings are no good. Does not wait for a broker. */
Channel *topic_channel_new(Loop *loop, const TopicChannelSettings *settings, Buf *ret_problem);
