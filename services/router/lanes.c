/* Two consumers, each a group of its own, so that a rebalance of one does not stop the other. */
#include "router/lanes.h"

#include <stdio.h>
#include <stdlib.h>

#include "log/log.h"
#include "metrics/metrics.h"

/* A lane in a storm is fetched in batches; what comes alone waits at most GATHER_MS. */
enum { TAKE_AT_ONCE = 16, RELEASE_MS = 4000, READY_MAX = 2000, GATHER_MS = 15 };

typedef struct Lane {
    Lanes *lanes;
    KafkaConsumer *consumer;
    int64_t taken_ms; /* when the last one taken was sent */
    int64_t empty_ms; /* when nothing waited; both 0: not known since the last assignment */
    char *group;
    const char *topic;
    bool revoking;
    Metric *lag, *alarms;
} Lane;

struct Lanes {
    Lane lane[LANES];
    LanesEvents events;
    void *arg;
};

static const char *const lane_names[LANES] = {"express", "bulk"};

static void on_readable(void *arg) {
    Lane *lane = arg;
    lane->lanes->events.readable(lane->lanes->arg);
}

static void on_assigned(void *arg, size_t n) {
    Lane *lane = arg;
    lane->revoking = false;
    lane->taken_ms = lane->empty_ms = 0;
    log_info(NULL, "%s lane: %zu partitions", lane_names[lane - lane->lanes->lane], n);
}

static void on_revoked(void *arg) {
    Lane *lane = arg;
    lane->revoking = true;
    lane->lanes->events.revoked(lane->lanes->arg);
}

static void on_alarm(void *arg, const char *text) {
    Lane *lane = arg;
    metric_add(lane->alarms, 1);
    log_error(NULL, "%s lane needs an operator: %s", lane_names[lane - lane->lanes->lane], text);
}

static void on_scrape(void *arg) {
    Lanes *l = arg;
    for (int i = 0; i < LANES; i++)
        metric_set(l->lane[i].lag, (double)lanes_lag(l, i));
}

Lanes *lanes_new(Loop *loop, const RouterSettings *settings, const char *instance,
                 const LanesEvents *events, void *arg, Buf *ret_problem) {
    Lanes *l = xcalloc(1, sizeof(*l));
    l->events = *events;
    l->arg = arg;
    for (int i = 0; i < LANES; i++) {
        Lane *lane = &l->lane[i];
        CLEANUP(buf_done) Buf group = {0}, labels = {0};
        buf_printf(&group, "%s%s", settings->group, i == LANE_BULK ? "-bulk" : "");
        lane->lanes = l;
        lane->group = xstrdup(group.p);
        lane->topic = i == LANE_BULK ? settings->topic_bulk : settings->topic_express;
        metric_label(&labels, "lane", str(lane_names[i]));
        lane->lag = metric_gauge("docket_router_lag_messages",
                                 "Messages not yet processed in the partitions owned", labels.p);
        lane->alarms = metric_counter("docket_router_consumer_alarms_total",
                                      "Troubles of a lane that need an operator", labels.p);
        lane->consumer = kafka_consumer_new(
            loop,
            &(KafkaConsumerSettings){
                .brokers = settings->kafka_brokers,
                .group = lane->group,
                .topics = &lane->topic,
                .n_topics = 1,
                .client_id = instance,
                .instance_id = settings->kafka_instance_id[0] ? settings->kafka_instance_id : NULL,
                .options = settings->kafka_options[0] ? settings->kafka_options : NULL,
                .start = KAFKA_START_EARLIEST,
                .reset = KAFKA_RESET_ALARM,
                .gather_ms = GATHER_MS,
                .max_ready = READY_MAX,
                .release_ms = RELEASE_MS},
            &(KafkaConsumerEvents){on_readable, on_assigned, on_revoked, on_alarm}, lane,
            ret_problem);
        if (!lane->consumer) return lanes_free(l);
    }
    metrics_on_scrape(on_scrape, l);
    return l;
}

Lanes *lanes_free(Lanes *l) {
    if (!l) return NULL;
    metrics_off_scrape(on_scrape, l);
    for (int i = 0; i < LANES; i++) {
        kafka_consumer_free(l->lane[i].consumer);
        free(l->lane[i].group);
    }
    free(l);
    return NULL;
}

size_t lanes_ready(const Lanes *l) {
    return kafka_consumer_ready(l->lane[LANE_EXPRESS].consumer) +
           kafka_consumer_ready(l->lane[LANE_BULK].consumer);
}

size_t lanes_take(Lanes *l, LaneMessage *ret, size_t max, size_t bytes) {
    size_t n = 0, taken_bytes = 0;
    for (int i = 0; i < LANES; i++) {
        while (n < max && taken_bytes < bytes) {
            KafkaMessage some[TAKE_AT_ONCE];
            size_t k = max - n < TAKE_AT_ONCE ? max - n : TAKE_AT_ONCE;
            k = kafka_consumer_take(l->lane[i].consumer, some, k);
            if (k == 0) break;
            if (some[k - 1].timestamp_ms > 0) l->lane[i].taken_ms = some[k - 1].timestamp_ms;
            for (size_t at = 0; at < k; at++) {
                taken_bytes += some[at].value.n;
                ret[n++] = (LaneMessage){some[at], i};
            }
        }
    }
    return n;
}

void lanes_store(Lanes *l, const LaneMessage *messages, size_t n) {
    /* The newest offset of each partition, by walking back: a batch spans few partitions. */
    enum { SEEN_MAX = 64 };
    struct {
        int lane;
        int32_t partition;
    } seen[SEEN_MAX];
    size_t seen_n = 0;
    for (size_t i = n; i-- > 0;) {
        const LaneMessage *m = &messages[i];
        size_t k = 0;
        while (k < seen_n && (seen[k].lane != m->lane || seen[k].partition != m->message.partition))
            k++;
        if (k < seen_n) continue;
        if (seen_n < SEEN_MAX) {
            seen[seen_n].lane = m->lane;
            seen[seen_n++].partition = m->message.partition;
        }
        (void)kafka_consumer_store(l->lane[m->lane].consumer, m->message.topic,
                                   m->message.partition, m->message.offset + 1);
    }
}

void lanes_release(Lanes *l) {
    for (int i = 0; i < LANES; i++) {
        if (!l->lane[i].revoking) continue;
        l->lane[i].revoking = false;
        kafka_consumer_release(l->lane[i].consumer);
    }
}

void lanes_pause(Lanes *l) {
    for (int i = 0; i < LANES; i++)
        kafka_consumer_pause(l->lane[i].consumer);
}

bool lanes_healthy(const Lanes *l, Buf *ret_reason) {
    for (int i = 0; i < LANES; i++)
        if (!kafka_consumer_healthy(l->lane[i].consumer, ret_reason)) return false;
    return true;
}

int64_t lanes_lag(const Lanes *l, int lane) {
    return kafka_consumer_lag(l->lane[lane].consumer, NULL);
}

/* What comes next is younger than what was taken last, and came after the moment when nothing
 * waited. Neither known yet: it may be as old as anything. */
int64_t lanes_oldest_ms(Lanes *l, int64_t now_ms) {
    int64_t oldest = 0;
    for (int i = 0; i < LANES; i++) {
        Lane *lane = &l->lane[i];
        if (lanes_lag(l, i) == 0) {
            lane->empty_ms = now_ms;
            continue;
        }
        int64_t since = lane->taken_ms > lane->empty_ms ? lane->taken_ms : lane->empty_ms;
        if (now_ms - since > oldest) oldest = now_ms - since;
    }
    return oldest;
}
