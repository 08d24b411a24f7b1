/* Publisher -- the gate's two topics behind one door. */
#include "intake/publish.h"

#include "metrics/metrics.h"

static const char *const topics[] = {"docket.submissions", "docket.submissions.bulk"};

struct Publisher {
    KafkaProducer *producer;
    Metric *sent[2]; /* by lane */
    Metric *unreported, *bytes, *replacements;
};

static void on_scrape(void *arg) {
    Publisher *p = arg;
    metric_set(p->unreported, (double)kafka_producer_in_flight(p->producer));
    metric_set(p->bytes, (double)kafka_producer_bytes(p->producer));
    metric_set(p->replacements, (double)kafka_producer_replacements(p->producer));
}

Publisher *publisher_new(Loop *loop, const PublisherSettings *settings, Buf *ret_problem) {
    KafkaProducer *producer =
        kafka_producer_new(loop,
                           &(KafkaProducerSettings){
                               .brokers = settings->brokers,
                               .client_id = settings->client_id,
                               .options = settings->options,
                               .max_bytes = settings->max_bytes,
                               .delivery_timeout_ms = settings->delivery_timeout_ms,
                               .topics = topics,
                               .n_topics = sizeof(topics) / sizeof(*topics),
                           },
                           ret_problem);
    if (!producer) return NULL;
    Publisher *p = xcalloc(1, sizeof(*p));
    p->producer = producer;
    p->sent[LANE_EXPRESS] = metric_counter("docket_intake_published_total",
                                           "Submissions given to Kafka.", "lane=\"express\"");
    p->sent[LANE_BULK] = metric_counter("docket_intake_published_total",
                                        "Submissions given to Kafka.", "lane=\"bulk\"");
    p->unreported = metric_gauge("docket_intake_unreported_records",
                                 "Submissions that Kafka has not reported on yet.", NULL);
    p->bytes = metric_gauge("docket_intake_unreported_bytes",
                            "Memory of submissions that Kafka has not reported on yet.", NULL);
    p->replacements =
        metric_counter("docket_intake_producer_replacements_total",
                       "Times the Kafka producer was replaced after a fatal error.", NULL);
    metrics_on_scrape(on_scrape, p);
    return p;
}

Publisher *publisher_free(Publisher *p) {
    if (!p) return NULL;
    metrics_off_scrape(on_scrape, p);
    kafka_producer_free(p->producer);
    free(p);
    return NULL;
}

int publisher_send(Publisher *p, Lane lane, Str message, KafkaReport report, void *arg) {
    const char *topic = lane == LANE_BULK ? topics[1] : topics[0];
    /* A new ticket travels without a key: sticky partitions batch better (correctness.md 17). */
    KafkaRecord record = {.topic = topic, .partition = -1, .value = message};
    int r = kafka_produce(p->producer, &record, report, arg);
    if (r == 0) metric_add(p->sent[lane == LANE_BULK ? LANE_BULK : LANE_EXPRESS], 1);
    return r;
}

bool publisher_healthy(const Publisher *p, Buf *reason) {
    return kafka_producer_healthy(p->producer, reason);
}

size_t publisher_unreported(const Publisher *p) {
    return kafka_producer_in_flight(p->producer);
}

size_t publisher_bytes(const Publisher *p) {
    return kafka_producer_bytes(p->producer);
}

size_t publisher_flush_for(Publisher *p, int64_t ms) {
    return kafka_producer_flush_for(p->producer, ms);
}
