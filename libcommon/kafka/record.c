/* One allocation per record. */
#include "kafka/record.h"

static char *put(char *to, Str s) {
    if (s.p && s.n) memcpy(to, s.p, s.n);
    return to + s.n;
}

Record *kafka_record_new(const KafkaRecord *from, const KafkaHeader *headers, size_t n) {
    size_t size = sizeof(Record) + from->key.n + from->value.n;
    for (size_t i = 0; i < n; i++)
        size += sizeof(uint32_t) + headers[i].value.n + strlen(headers[i].name) + 1;
    Record *r = xmalloc(size);
    *r = (Record){.key_n = (uint32_t)from->key.n,
                  .value_n = (uint32_t)from->value.n,
                  .has_key = from->key.p != NULL,
                  .n_headers = (uint32_t)n,
                  .partition = from->partition,
                  .bytes = size + RECORD_LIBRARY_BYTES};
    char *to = r->bytes_of;
    to = put(to, from->key);
    to = put(to, from->value);
    for (size_t i = 0; i < n; i++) {
        uint32_t value_n = (uint32_t)headers[i].value.n;
        size_t name_n = strlen(headers[i].name) + 1;
        memcpy(to, &value_n, sizeof(value_n));
        to += sizeof(value_n);
        to = put(to, headers[i].value);
        memcpy(to, headers[i].name, name_n);
        to += name_n;
    }
    return r;
}

rd_kafka_headers_t *kafka_record_headers(const Record *r) {
    rd_kafka_headers_t *headers = rd_kafka_headers_new(r->n_headers);
    const char *at = r->bytes_of + r->key_n + r->value_n;
    for (uint32_t i = 0; i < r->n_headers; i++) {
        uint32_t value_n;
        memcpy(&value_n, at, sizeof(value_n));
        const char *value = at + sizeof(value_n), *name = value + value_n;
        (void)rd_kafka_header_add(headers, name, -1, value, value_n);
        at = name + strlen(name) + 1;
    }
    return headers;
}
