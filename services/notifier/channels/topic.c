#include "notifier/channels/topic.h"

#include <errno.h>

#include "notifier/channels/try.h"

/* The producer gives a record up well within the time that a lease allows for. */
enum { RECORD_MS = 10000, TIMEOUT_MS = 14000, BYTES_MAX = 16 << 20, AWAY_WAIT_MS = 1000 };

typedef struct TopicChannel {
    Channel channel;
    KafkaProducer *producer;
    CloudEventMode mode;
    Tries tries;
} TopicChannel;

static Delivered outcome_of(int error) {
    Delivered d = {.outcome = OUTGOING_LATER, .retry_after_ms = -1};
    switch (error) {
    case 0:
        d.outcome = OUTGOING_DELIVERED;
        break;
    case -EMSGSIZE:
        d.outcome = OUTGOING_REFUSED;
        d.reason = STR("the event is too long for the topic");
        break;
    case -ENOENT:
        d.reason = STR("Kafka has no such topic");
        break;
    case -EACCES:
        d.reason = STR("Kafka does not let us write to this topic");
        break;
    default:
        d.doubtful = true;
        d.reason =
            STR("Kafka did not say in time whether it has the event; is there such a topic?");
        break;
    }
    return d;
}

static void on_report(void *arg, int error, int32_t partition, int64_t offset) {
    (void)partition;
    (void)offset;
    Delivered d = outcome_of(error);
    try_end(arg, &d);
}

static int topic_send(Channel *channel, const Letter *letter, int64_t not_after_ms,
                      ChannelDone done, void *arg, Buf *ret_problem) {
    TopicChannel *c = (TopicChannel *)channel;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CloudEventRecord event;
    (void)not_after_ms; /* it goes to the library at once; a copy that comes late has the same id */
    if (cloud_event_record(letter, c->mode, arena, &event, ret_problem) < 0) return -EINVAL;
    Try *t = try_new(&c->tries, done, arg);
    KafkaRecord record = {.topic = arena_str(arena, letter->address).p,
                          .partition = -1,
                          .key = event.key,
                          .value = event.value};
    int r = kafka_produce_with_headers(c->producer, &record, event.headers, event.headers_n,
                                       on_report, t);
    if (r == -EHOSTDOWN)
        try_end_later(t, "Kafka is away", true, AWAY_WAIT_MS);
    else if (r < 0)
        try_drop(t);
    if (r == -EMSGSIZE) buf_adds(ret_problem, "the event is too long for a topic");
    return r == 0 || r == -EHOSTDOWN ? 0 : r == -EMSGSIZE ? -EINVAL : -EBUSY;
}

static Channel *topic_free(Channel *channel) {
    TopicChannel *c = (TopicChannel *)channel;
    tries_cancel(&c->tries);
    kafka_producer_free(c->producer); /* reports what is under way: nobody is told */
    free(c);
    return NULL;
}

static const ChannelKind kind = {.name = "topic",
                                 .ways = 1U << NOTIFY_BY_KAFKA,
                                 .timeout_ms = TIMEOUT_MS,
                                 .send = topic_send,
                                 .free = topic_free};

Channel *topic_channel_new(Loop *loop, const TopicChannelSettings *settings, Buf *ret_problem) {
    KafkaProducerSettings kafka = {.brokers = settings->brokers,
                                   .options = settings->options,
                                   .client_id = settings->client_id,
                                   .max_bytes = BYTES_MAX,
                                   .delivery_timeout_ms = RECORD_MS};
    KafkaProducer *producer = kafka_producer_new(loop, &kafka, ret_problem);
    if (!producer) return NULL;
    TopicChannel *c = xcalloc(1, sizeof(*c));
    c->channel.kind = &kind;
    c->producer = producer;
    c->mode = settings->mode;
    c->tries = (Tries){.loop = loop};
    return &c->channel;
}
