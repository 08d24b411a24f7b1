/* docket.events ─▶ telling ─▶ notify.deliveries ─▶ delivering ─▶ channels */
#include "notifier/notifier.h"

#include <stdlib.h>

#include "log/log.h"
#include "notifier/notifier_internal.h"

enum { TICK_MS = 1000 };

static void on_documents(void *arg, int64_t tenant_id, const Catalog *catalog) {
    Notifier *n = arg;
    (void)tenant_id;
    (void)catalog;
    if (n->teller) teller_documents(n->teller);
}

static void on_tick(void *arg) {
    Notifier *n = arg;
    loop_timer_arm(n->tick, TICK_MS);
    teller_tick(n->teller);
}

static void on_told(void *arg) {
    Notifier *n = arg;
    if (n->ways) delivering_wake(ways_delivering(n->ways));
}

static bool delivering_ok(void *arg, Buf *ret_reason) {
    const Notifier *n = arg;
    return delivering_ready(ways_delivering(n->ways), ret_reason);
}

static bool documents_ok(void *arg, Buf *ret_reason) {
    const Notifier *n = arg;
    if (configuration_ready(n->configuration)) return true;
    buf_adds(ret_reason, "the tenants' documents are not read yet");
    return false;
}

static int failed(const char *what, const Buf *problem) {
    log_error(NULL, "%s: %s", what, problem->p ? problem->p : "cannot be made");
    return -1;
}

int notifier_start(Runtime *runtime, const void *config, void **ret_self) {
    Notifier *n = xcalloc(1, sizeof(*n));
    CLEANUP(buf_done) Buf problem = {0};
    *ret_self = n;
    n->runtime = runtime;
    n->loop = runtime_loop(runtime);
    n->settings = config;
    n->instance = runtime_instance(runtime);
    n->tick = loop_timer_new(n->loop, on_tick, n);
    if (!(n->keyring = keyring_open(n->loop, n->settings->keyring, &problem)))
        return failed("keyring", &problem);
    n->vault = keyring_vault(n->keyring);
    n->configuration =
        configuration_new(n->loop, n->settings->postgres_url, n->instance,
                          &(ConfigurationEvents){.changed = on_documents}, n, &problem);
    if (!n->configuration) return failed("postgres_url", &problem);
    n->ways = ways_new(&(WaysParts){.loop = n->loop,
                                    .settings = n->settings,
                                    .instance = n->instance,
                                    .vault = n->vault,
                                    .configuration = n->configuration},
                       &problem);
    if (!n->ways) return failed("ways", &problem);
    n->teller = teller_new(&(TellerParts){.runtime = runtime,
                                          .loop = n->loop,
                                          .settings = n->settings,
                                          .instance = n->instance,
                                          .configuration = n->configuration,
                                          .told = on_told,
                                          .arg = n},
                           &problem);
    if (!n->teller) return failed("kafka_brokers", &problem);
    runtime_ready_check(runtime, "documents", documents_ok, n);
    runtime_ready_check(runtime, "deliveries", delivering_ok, n);
    loop_timer_arm(n->tick, TICK_MS);
    return 0;
}

bool notifier_drain(void *self) {
    Notifier *n = self;
    n->draining = true;
    bool told = teller_drain(n->teller);
    return delivering_drain(ways_delivering(n->ways)) && told;
}

static void free_memory(void *p) {
    free(p);
}

void notifier_stop(void *self) {
    Notifier *n = self;
    if (!n) return;
    n->tick = loop_timer_free(n->tick);
    n->teller = teller_free(n->teller);
    n->ways = ways_free(n->ways);
    n->configuration = configuration_free(n->configuration);
    n->keyring = keyring_free(n->keyring);
    loop_free_later(n->loop, n, free_memory); /* its documents may just have been read */
}
