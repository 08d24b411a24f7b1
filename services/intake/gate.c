/* Gate -- start in the order of what stands on what, stop in reverse. */
#include "intake/gate.h"

#include <errno.h>

#include "intake/acceptance.h"
#include "intake/api.h"
#include "intake/counts.h"
#include "log/log.h"
#include "runtime/keys.h"

enum { LANES = 65536, FLUSH_MS = 5000 };

#define KEY(field) .offset = offsetof(GateConfig, field)

const ConfigKey gate_keys[] = {
    KEY_LISTEN(GateConfig, "127.0.0.1:8080", "where clients send tickets; port 0 takes a free one"),
    KEY_PUBLIC_URL(GateConfig, "how clients see this gate (https://help.example.com), for the URLs "
                               "in answers; empty: http:// and the Host they sent"),
    KEY_KAFKA_BROKERS(GateConfig, "127.0.0.1:9092", "Kafka's brokers"),
    KEY_KAFKA_OPTIONS(GateConfig, "more librdkafka properties (TLS, SASL): key=value,key=value"),
    KEY_POSTGRES_URL(GateConfig, "postgresql://docket_intake@127.0.0.1:5432/docket",
                     "tokens are checked and ids leased here"),
    KEY_REDIS_URL(GateConfig, "redis://127.0.0.1:6379/0", "idempotency keys are claimed here"),
    KEY_KEYRING(GateConfig),
    {.name = "personal_custom_fields",
     .type = CONFIG_STRING,
     KEY(personal_custom_fields),
     .fallback = "",
     .help = "custom fields that are always encrypted: id_card,bank_account"},
    {.name = "body_bytes",
     .type = CONFIG_BYTES,
     KEY(body_bytes),
     .fallback = "256KiB",
     .min = 1024,
     .max = 256 * 1024,
     .help = "largest body; beyond it 413"},
    {.name = "in_flight_bytes",
     .type = CONFIG_BYTES,
     KEY(in_flight_bytes),
     .fallback = "32MiB",
     .min = 1024 * 1024,
     .max = 1024 * 1024 * 1024,
     .help = "memory for requests not yet answered or reported; beyond it 503"},
    KEY_CONNECTIONS(GateConfig),
    {.name = "answer_timeout",
     .type = CONFIG_DURATION,
     KEY(answer_ms),
     .fallback = "1500ms",
     .min = 100,
     .max = 1900,
     .help = "a request not stored by then is answered 503"},
    KEY_REDIS_TIMEOUT(GateConfig, "300ms", 10, 1500,
                      "an idempotency key not claimed by then is left to PostgreSQL"),
    KEY_DELIVERY_TIMEOUT(GateConfig, "5m",
                         "how long a submission may wait for Kafka, whatever its sender was told"),
    KEY_HEAD_TIMEOUT(GateConfig),
    KEY_BODY_TIMEOUT(GateConfig),
    KEY_IDLE_TIMEOUT(GateConfig),
    {.name = "tenant_rate",
     .type = CONFIG_INT,
     KEY(tenant_rate),
     .fallback = "0",
     .min = 0,
     .max = 1000000000,
     .help = "requests a second that one tenant may send to this gate; beyond it 429; 0: no limit"},
};
const size_t gate_keys_n = sizeof(gate_keys) / sizeof(*gate_keys);

static bool kafka_ready(void *arg, Buf *reason) {
    Gate *gate = arg;
    return publisher_healthy(gate->publisher, reason);
}

static bool ids_ready(void *arg, Buf *reason) {
    Gate *gate = arg;
    if (ids_left(gate->ids) > 0) return true;
    buf_adds(reason, "no ticket id is left; PostgreSQL is away");
    return false;
}

static bool ring_ready(void *arg, Buf *reason) {
    Gate *gate = arg;
    if (vault_active_key(gate->vault)) return true;
    buf_adds(reason, "no active key");
    return false;
}

static void on_redis_connected(void *arg, const char *run_id) {
    (void)arg;
    log_info(NULL, "Redis is there (run_id %.8s)", run_id);
}

static void on_redis_lost(void *arg) {
    Gate *gate = arg;
    log_warn(NULL, "Redis is away (%s); idempotency keys are left to PostgreSQL",
             redis_trouble(gate->redis));
}

static int failed(const char *what, const Buf *problem) {
    log_error(NULL, "%s: %s", what, problem->p ? problem->p : "no reason given");
    return -EINVAL;
}

int gate_start(Runtime *r, const void *config, void **ret_self) {
    const GateConfig *c = config;
    Gate *gate = xcalloc(1, sizeof(*gate));
    *ret_self = gate; /* from here on gate_stop() is safe at any point */
    gate->config = c;
    gate->runtime = r;
    gate->loop = runtime_loop(r);
    gate->arena = arena_new(0);
    gate->personal_keys = personal_keys_parse(c->personal_custom_fields, gate->arena);
    gate->lanes = lanes_new(LANES, c->tenant_rate);
    counts_register();

    CLEANUP(buf_done) Buf problem = {0};
    gate->keyring = keyring_open(gate->loop, c->keyring, &problem);
    if (!gate->keyring) return failed("keyring", &problem);
    gate->vault = keyring_vault(gate->keyring);

    gate->ids = ids_new(gate->loop, c->postgres_url, runtime_instance(r), &problem);
    if (!gate->ids) return failed("postgres_url", &problem);
    gate->tokens = tokens_new(gate->loop, c->postgres_url, runtime_instance(r), &problem);
    if (!gate->tokens) return failed("postgres_url", &problem);

    gate->followups = followups_new(gate->loop, c->postgres_url, runtime_instance(r), &problem);
    if (!gate->followups) return failed("postgres_url", &problem);

    static const RedisEvents redis_events = {on_redis_connected, on_redis_lost};
    RedisSettings redis = {.url = c->redis_url, .timeout_ms = (int)c->redis_ms};
    gate->redis = redis_client_new(gate->loop, &redis, &redis_events, gate, &problem);
    if (!gate->redis) return failed("redis_url", &problem);

    PublisherSettings publisher = {.brokers = c->kafka_brokers,
                                   .options = c->kafka_options[0] ? c->kafka_options : NULL,
                                   .client_id = runtime_instance(r),
                                   .max_bytes = (size_t)c->in_flight_bytes,
                                   .delivery_timeout_ms = (int)c->delivery_ms};
    gate->publisher = publisher_new(gate->loop, &publisher, &problem);
    if (!gate->publisher) return failed("kafka_brokers", &problem);

    gate->acceptances = acceptances_new(gate);
    HttpLimits limits = {.body_bytes = (size_t)c->body_bytes,
                         .connections = (size_t)c->connections,
                         .head_ms = c->head_ms,
                         .body_ms = c->body_ms,
                         .idle_ms = c->idle_ms};
    gate->http = http_server_new(gate->loop, &limits, api_serve, gate);
    int port;
    int listening = http_server_listen(gate->http, c->listen, &port);
    if (listening < 0) {
        buf_printf(&problem, "cannot listen on %s: %s", c->listen, strerror(-listening));
        return failed("listen", &problem);
    }
    runtime_ready_check(r, "kafka", kafka_ready, gate);
    runtime_ready_check(r, "ids", ids_ready, gate);
    runtime_ready_check(r, "keyring", ring_ready, gate);
    log_info(NULL, "Taking tickets on port %d", port);
    return 0;
}

bool gate_drain(void *self) {
    Gate *gate = self;
    if (!gate->draining) {
        gate->draining = true;
        http_server_stop_listening(gate->http);
    }
    return acceptances_waiting(gate->acceptances) == 0 && http_server_connections(gate->http) == 0;
}

void gate_stop(void *self) {
    Gate *gate = self;
    if (gate->publisher) {
        size_t left = publisher_flush_for(gate->publisher, FLUSH_MS);
        if (left)
            log_warn(NULL, "%zu submissions had no report from Kafka; their senders were told 503",
                     left);
    }
    /* Whoever calls back goes before what it calls back to. */
    http_server_free(gate->http);
    tokens_free(gate->tokens);
    followups_free(gate->followups);
    redis_client_free(gate->redis);
    publisher_free(gate->publisher);
    acceptances_free(gate->acceptances);
    ids_free(gate->ids);
    keyring_free(gate->keyring);
    lanes_free(gate->lanes);
    arena_free(gate->arena);
    free(gate);
}
