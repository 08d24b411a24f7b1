#include "desk/live/live.h"

#include <stdlib.h>

#include "base/clock.h"
#include "desk/access/access.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/live/reading.h"
#include "events/event_head.h"
#include "http/credentials.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    RING_EVENTS = 16384,
    RING_BYTES = 16 << 20,
    RECENT = 500, /* of each partition: read again by a desk that has just started */
    TAKE_AT_ONCE = 64,
    TAKE_IN_A_TURN = 2048,
    CATCHING_UP_MAX = 4,
    TICK_MS = 500,
    RETRY_MS = 500,
    BUSY_S = 5 /* Retry-After when there are too many */
};

/* ---- from Kafka into the ring, and on ---- */

static void take(Live *l) {
    KafkaMessage some[TAKE_AT_ONCE];
    size_t n, taken = 0;
    while (taken < TAKE_IN_A_TURN &&
           (n = kafka_consumer_take(l->consumer, some, TAKE_AT_ONCE)) > 0) {
        for (size_t i = 0; i < n; i++) {
            EventHead head;
            if (event_head_read(some[i].value, &head) == 0)
                (void)ring_add(l->ring, &(RingEvent){.tenant_id = head.tenant_id,
                                                     .ticket_id = head.ticket_id,
                                                     .offset = some[i].offset,
                                                     .partition = some[i].partition,
                                                     .message = some[i].value});
            kafka_message_done(&some[i]);
        }
        taken += n;
    }
}

static void flush_all(Live *l) {
    for (Stream *s = l->streams, *next; s; s = next) {
        next = s->next;
        stream_flush(s);
    }
}

static void go_on(Live *l) {
    bool room = true;
    while (room && !l->feeding && l->fed < ring_end(l->ring))
        room = reading_feed(l);
    for (Stream *s = l->streams; s && room && l->catching_up < CATCHING_UP_MAX; s = s->next)
        while (room && s->number < l->fed && s->known && !s->reading && !s->out.ending)
            room = reading_catch_up(l, s);
    if (!room) loop_timer_arm(l->retry, RETRY_MS);
    flush_all(l);
}

void live_go_on(Live *l, bool at_once) {
    if (at_once)
        go_on(l);
    else
        loop_timer_arm(l->retry, RETRY_MS);
}

static void on_readable(void *arg) {
    Live *l = arg;
    take(l);
    if (!loop_timer_armed(l->retry)) go_on(l);
    if (kafka_consumer_ready(l->consumer)) loop_timer_arm(l->more, 1); /* others have a turn */
}

static void on_retry(void *arg) {
    go_on(arg);
}

static void on_alarm(void *arg, const char *text) {
    (void)arg;
    log_error(NULL, "Those who listen hear nothing: %s", text);
}

static void on_tick(void *arg) {
    Live *l = arg;
    int64_t now = clock_monotonic_ms();
    for (Stream *s = l->streams, *next; s; s = next) {
        next = s->next;
        if (now - s->given_ms >= l->desk->config->live_heartbeat_ms) stream_beat(s);
        stream_check(s);
    }
    if (!loop_timer_armed(l->retry)) go_on(l); /* and whoever is known only now */
    loop_timer_arm(l->tick, TICK_MS);
}

/* ---- the route ---- */

/* A token, or the session's cookie; a password cannot be asked for again every second. */
static bool find_secret(Request *r, StreamStart *ret) {
    Str header = http_header(r->exchange, "Authorization");
    if (r->by.n) return false;
    ret->session = !header.p;
    if (header.p) return r->token_id && credentials_token(header, r->arena, &ret->secret) == 0;
    ret->secret = access_cookie(r, "docket_session");
    return r->session_id > 0 && ret->secret.n;
}

static bool has_room(const Live *l, const StreamStart *start, const Request *r) {
    int64_t credential = start->session ? r->session_id : r->token_id, own = 0;
    for (const Stream *s = l->streams; s; s = s->next)
        own += s->session == start->session && s->credential == credential;
    return (int64_t)l->streams_n < l->desk->config->live_streams &&
           own < l->desk->config->live_streams_of_one;
}

/* Where she goes on: from the position that she brings, if all behind it is still here. */
static void find_place(Request *r, Live *l, Position *position, StreamStart *ret) {
    Str sent = http_header(r->exchange, "Last-Event-ID");
    if (!sent.n) sent = request_query(r, "last_event_id");
    if (!sent.n) return;
    if (position_read(sent, position) < 0) {
        ret->reset = "unknown_position";
    } else if (!ring_covers(l->ring, position)) {
        ret->reset = "too_old";
    } else {
        ret->position = position;
        ret->number = ring_first(l->ring) < l->fed ? ring_first(l->ring) : l->fed;
    }
}

static void listen_live(Request *r) {
    Live *l = r->desk->live;
    StreamStart start = {.number = l->fed};
    Position position;
    if (!event_stream_accepted(r->exchange)) {
        answer_not_acceptable(r, "text/event-stream");
        return;
    }
    if (!find_secret(r, &start)) {
        answer_forbidden(r, "实时推送需要自己的令牌或登录会话 The live stream takes a token or a "
                            "session of one's own");
        return;
    }
    if (l->draining || !has_room(l, &start, r)) {
        metric_add(l->metrics.refused, 1);
        answer_unavailable(r, "实时连接太多，请稍后再试 Too many live streams; try again", BUSY_S);
        return;
    }
    if (str_is(http_method(r->exchange), "HEAD")) {
        answer_bytes(r, 200, EVENT_STREAM_TYPE, (Str){NULL, 0});
        return;
    }
    find_place(r, l, &position, &start);
    stream_begin(l, r, &start);
}

static const Route routes[] = {
    {"GET", "/api/v2/live", RIGHT_TICKETS_READ, ROUTE_CUSTOMER, listen_live},
};
const RouteTable live_routes = {"live", routes, sizeof(routes) / sizeof(*routes)};

/* ---- life ---- */

static void measure(Live *l) {
    l->metrics.streams =
        metric_gauge("docket_desk_live_streams", "Clients that listen to GET /api/v2/live.", NULL);
    l->metrics.told =
        metric_counter("docket_desk_live_told_total", "Events told to one of them.", NULL);
    l->metrics.resets = metric_counter("docket_desk_live_resets_total",
                                       "Times one of them was told to read the lists again.", NULL);
    l->metrics.cut = metric_counter("docket_desk_live_too_slow_total",
                                    "Streams ended because too much waited for the client.", NULL);
    l->metrics.refused = metric_counter("docket_desk_live_refused_total",
                                        "Streams not begun because there were too many.", NULL);
}

static int start(Desk *d, Buf *ret_problem) {
    static const char *const topics[] = {"docket.events"};
    static const KafkaConsumerEvents events = {.readable = on_readable, .alarm = on_alarm};
    Live *l = d->live = xcalloc(1, sizeof(*l));
    char group[128], nonce[9];
    uint32_t dice;
    l->desk = d;
    l->ring = ring_new(RING_EVENTS, RING_BYTES);
    measure(l);
    l->retry = loop_timer_new(d->loop, on_retry, l);
    l->more = loop_timer_new(d->loop, on_readable, l);
    l->tick = loop_timer_new(d->loop, on_tick, l);
    loop_timer_arm(l->tick, TICK_MS);
    random_bytes(&dice, sizeof(dice));
    text_hex(&dice, sizeof(dice), nonce);
    (void)snprintf(group, sizeof(group), "docket-desk-live-%.64s-%s", runtime_instance(d->runtime),
                   nonce);
    l->consumer = kafka_consumer_new(
        d->loop,
        &(KafkaConsumerSettings){.brokers = d->config->kafka_brokers,
                                 .group = group,
                                 .topics = topics,
                                 .n_topics = 1,
                                 .client_id = runtime_instance(d->runtime),
                                 .options =
                                     d->config->kafka_options[0] ? d->config->kafka_options : NULL,
                                 .start = KAFKA_START_RECENT,
                                 .recent = RECENT,
                                 .reset = KAFKA_RESET_EARLIEST},
        &events, l, ret_problem);
    return l->consumer ? 0 : -1;
}

void live_release(Live *l) {
    if (l->dead && !l->feeding && !l->catching_up) free(l);
}

static void stop(Desk *d) {
    Live *l = d->live;
    if (!l) return;
    l->consumer = kafka_consumer_free(l->consumer);
    l->retry = loop_timer_free(l->retry);
    l->more = loop_timer_free(l->more);
    l->tick = loop_timer_free(l->tick);
    l->ring = ring_free(l->ring);
    l->dead = true;
    d->live = NULL;
    live_release(l);
}

const DeskPart live_part = {.name = "live", .start = start, .stop = stop};

void live_drain(Desk *d) {
    Live *l = d->live;
    if (!l) return;
    l->draining = true;
    for (Stream *s = l->streams, *next; s; s = next) {
        next = s->next;
        stream_end(s, "stopping");
    }
}
