/* The Kafka room as a process, for tests that kill brokers and members.
 *
 *   kafka_driver produce BROKERS TOPIC SECONDS FILE
 *       Values 0, 1, 2 …, twenty every 5 ms, for so long; then waits for the last reports. FILE
 * gets the number of each record reported durable. Says "refused AGE_MS" when refusals begin,
 *       AGE_MS after the last report, "taken" when they end, and one line of sums at the end.
 *   kafka_driver consume BROKERS TOPIC GROUP
 *       Says "assigned N", "revoked", "got VALUE"; stores each message. Until SIGTERM.
 * Every line is flushed at once. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/consumer.h"
#include "kafka/producer.h"

enum { RECORDS_MAX = 4000000, PER_TICK = 20, TICK_MS = 5, LAST_REPORTS_MS = 60000 };

typedef struct Produce {
    Loop *loop;
    LoopTimer *tick;
    KafkaProducer *producer;
    const char *topic;
    FILE *durable;
    int64_t answered_ms, ended_ms; /* ended: SIGTERM came; 0 before */
    size_t taken, ok, failed, twice, refused;
    bool refusing;
    unsigned char reports[RECORDS_MAX];
} Produce;

static Produce world;

static void on_report(void *arg, int error, int32_t partition, int64_t offset) {
    size_t number = (size_t)arg;
    (void)partition;
    (void)offset;
    if (world.reports[number]++) world.twice++;
    if (error) {
        world.failed++;
        return;
    }
    world.ok++;
    world.answered_ms = clock_monotonic_ms();
    (void)fprintf(world.durable, "%zu\n", number);
}

static int produce_one(void) {
    char value[24];
    (void)snprintf(value, sizeof(value), "%zu", world.taken);
    KafkaRecord r = {world.topic, -1, {NULL, 0}, str(value)};
    return kafka_produce(world.producer, &r, on_report, (void *)world.taken);
}

static void on_tick(void *arg) {
    int64_t now = clock_monotonic_ms();
    (void)arg;
    for (int i = 0; i < PER_TICK && !world.ended_ms && world.taken < RECORDS_MAX; i++) {
        int r = produce_one();
        if (r == 0) {
            world.taken++;
            if (world.refusing) (void)printf("taken\n");
            world.refusing = false;
        } else {
            world.refused++;
            if (!world.refusing)
                (void)printf("refused %" PRId64 " %s\n", now - world.answered_ms, strerror(-r));
            world.refusing = true;
            break;
        }
    }
    if (world.ended_ms &&
        (kafka_producer_in_flight(world.producer) == 0 || now >= world.ended_ms + LAST_REPORTS_MS))
        loop_stop(world.loop);
    else
        loop_timer_arm(world.tick, TICK_MS);
}

static void on_end(void *arg) {
    (void)arg;
    world.ended_ms = clock_monotonic_ms();
}

static int produce(const char *brokers, const char *topic, const char *file) {
    CLEANUP(buf_done) Buf problem = {0};
    KafkaProducerSettings s = {.brokers = brokers, .topics = &topic, .n_topics = 1};
    world.topic = topic;
    world.durable = fopen(file, "w");
    world.loop = loop_new();
    world.producer = kafka_producer_new(world.loop, &s, &problem);
    if (!world.durable || !world.loop || !world.producer) {
        (void)fprintf(stderr, "%s\n", problem.p ? problem.p : file);
        return 1;
    }
    world.answered_ms = clock_monotonic_ms();
    LoopSignal *end = loop_signal_new(world.loop, SIGTERM, on_end, NULL);
    world.tick = loop_timer_new(world.loop, on_tick, NULL);
    loop_timer_arm(world.tick, 0);
    loop_run(world.loop);
    size_t missing = 0;
    for (size_t i = 0; i < world.taken; i++)
        if (!world.reports[i]) missing++;
    world.producer = kafka_producer_free(world.producer);
    world.tick = loop_timer_free(world.tick);
    (void)loop_signal_free(end);
    world.loop = loop_free(world.loop);
    if (fclose(world.durable) != 0) return 1;
    (void)printf("sums taken=%zu ok=%zu failed=%zu missing=%zu twice=%zu refused=%zu\n",
                 world.taken, world.ok, world.failed, missing, world.twice, world.refused);
    return 0;
}

typedef struct Consume {
    Loop *loop;
    LoopTimer *tick;
    KafkaConsumer *consumer;
} Consume;

static void on_readable(void *arg) {
    Consume *c = arg;
    KafkaMessage m[100];
    size_t n;
    while ((n = kafka_consumer_take(c->consumer, m, 100)))
        for (size_t i = 0; i < n; i++) {
            (void)printf("got %.*s\n", STR_ARG(m[i].value));
            (void)kafka_consumer_store(c->consumer, m[i].topic, m[i].partition, m[i].offset + 1);
            kafka_message_done(&m[i]);
        }
}

static void on_assigned(void *arg, size_t n) {
    (void)arg;
    (void)printf("assigned %zu\n", n);
}

static void on_revoked(void *arg) {
    (void)arg;
    (void)printf("revoked\n");
}

static void on_alarm(void *arg, const char *text) {
    (void)arg;
    (void)printf("alarm %s\n", text);
}

static void on_term(void *arg) {
    loop_stop(arg);
}

static int consume(const char *brokers, const char *topic, const char *group) {
    static const KafkaConsumerEvents events = {on_readable, on_assigned, on_revoked, on_alarm};
    CLEANUP(buf_done) Buf problem = {0};
    Consume c = {.loop = loop_new()};
    KafkaConsumerSettings s = {.brokers = brokers, .group = group, .topics = &topic, .n_topics = 1};
    c.consumer = kafka_consumer_new(c.loop, &s, &events, &c, &problem);
    if (!c.consumer) {
        (void)fprintf(stderr, "%s\n", problem.p);
        return 1;
    }
    LoopSignal *term = loop_signal_new(c.loop, SIGTERM, on_term, c.loop);
    loop_run(c.loop);
    c.consumer = kafka_consumer_free(c.consumer);
    (void)loop_signal_free(term);
    c.loop = loop_free(c.loop);
    return 0;
}

int main(int argc, char **argv) {
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 5 && strcmp(argv[1], "produce") == 0) return produce(argv[2], argv[3], argv[4]);
    if (argc == 5 && strcmp(argv[1], "consume") == 0) return consume(argv[2], argv[3], argv[4]);
    (void)fprintf(stderr, "see the head of kafka_driver.c\n");
    return 2;
}
