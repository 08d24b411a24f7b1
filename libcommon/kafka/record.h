/* Record -- one message between kafka_produce() and its report: everything needed to hand it to
 * librdkafka, and to hand it over again. Of this room only. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "kafka/producer.h"

enum { RECORD_LIBRARY_BYTES = 256 }; /* what librdkafka keeps per message */

typedef struct Record {
    struct Record *prev, *next;
    struct Topic *topic;
    KafkaReport report;
    void *arg;
    int64_t since_ms;
    size_t bytes; /* counted against max_bytes */
    uint32_t key_n, value_n, n_headers;
    int32_t partition;
    uint8_t attempts;
    bool has_key;
    bool handed;     /* librdkafka has it */
    char bytes_of[]; /* key, value, then per header: length, value, name with its NUL */
} Record;

/* Copies key, value and headers; the rest is zero. Freed with free(). */
Record *kafka_record_new(const KafkaRecord *from, const KafkaHeader *headers, size_t n);
rd_kafka_headers_t *kafka_record_headers(const Record *r); /* the caller's */
