/* bare-producer -- the reference for the whole pipeline's Kafka side: copies every message of one
 * topic into another as fast as an idempotent acks=all producer can, with nothing else to do.
 * Prints messages, bytes and seconds as JSON.
 *
 * Usage: bare-producer BROKERS FROM_TOPIC TO_TOPIC     (messages are read into memory first,
 * untimed) */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Message {
    char *value;
    size_t n;
} Message;

static Message *messages;
static size_t messages_n, messages_room;
static size_t failed;

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why) {
    (void)fprintf(stderr, "bare-producer: %s: %s\n", what, why);
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) die(key, why);
}

static void read_topic(const char *brokers, const char *topic) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", "bare-producer");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!rk) die("consumer", why);
    rd_kafka_poll_set_consumer(rk);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, handle, &metadata, 10000);
    if (err) die("metadata", rd_kafka_err2str(err));
    int left = metadata->topics[0].partition_cnt;
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(left);
    for (int p = 0; p < left; p++)
        rd_kafka_topic_partition_list_add(all, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_metadata_destroy(metadata);
    (void)rd_kafka_assign(rk, all);
    rd_kafka_topic_partition_list_destroy(all);
    while (left > 0) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 10000);
        if (!m) die("reading", "no message for 10 s");
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            left--;
        else if (!m->err) {
            if (messages_n == messages_room) {
                messages_room = messages_room ? messages_room * 2 : 65536;
                messages = realloc(messages, messages_room * sizeof(*messages));
                if (!messages) die("reading", "out of memory");
            }
            messages[messages_n].value = malloc(m->len ? m->len : 1);
            if (!messages[messages_n].value) die("reading", "out of memory");
            memcpy(messages[messages_n].value, m->payload, m->len);
            messages[messages_n++].n = m->len;
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_destroy(handle);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk;
    (void)opaque;
    if (m->err) failed++;
}

int main(int argc, char **argv) {
    if (argc != 4) die("usage", "bare-producer BROKERS FROM_TOPIC TO_TOPIC");
    read_topic(argv[1], argv[2]);

    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "enable.idempotence", "true");
    set(conf, "acks", "all");
    set(conf, "linger.ms", "5");
    set(conf, "queue.buffering.max.messages", "500000");
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!rk) die("producer", why);
    rd_kafka_topic_t *to = rd_kafka_topic_new(rk, argv[3], NULL);

    double began = now();
    size_t bytes = 0;
    for (size_t i = 0; i < messages_n; i++) {
        while (rd_kafka_produce(to, RD_KAFKA_PARTITION_UA, 0 /* the memory stays ours */,
                                messages[i].value, messages[i].n, NULL, 0, NULL) == -1) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
                die("producing", rd_kafka_err2str(rd_kafka_last_error()));
            (void)rd_kafka_poll(rk, 50);
        }
        bytes += messages[i].n;
        if (i % 1000 == 0) (void)rd_kafka_poll(rk, 0);
    }
    if (rd_kafka_flush(rk, 120000)) die("flushing", "not everything was acknowledged");
    double seconds = now() - began;
    if (failed) die("producing", "some messages failed");
    printf("{\"messages\":%zu,\"bytes\":%zu,\"seconds\":%.3f}\n", messages_n, bytes, seconds);
    rd_kafka_topic_destroy(to);
    rd_kafka_destroy(rk);
    return 0;
}
