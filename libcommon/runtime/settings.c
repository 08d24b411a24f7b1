/* The service's table and the common keys, laid behind one another in one struct. */
#include <assert.h>

#include "runtime/runtime_internal.h"

#define HERE(field) offsetof(CommonConfig, field)

static const ConfigKey common_keys[] = {
    {.name = "ops_listen",
     .type = CONFIG_ADDRESS,
     .offset = HERE(ops_listen),
     .fallback = "127.0.0.1:0",
     .help = "address of /health/live, /health/ready and /metrics; port 0 takes a free one"},
    {.name = "log_format",
     .type = CONFIG_CHOICE,
     .offset = HERE(log_format),
     .fallback = "logfmt",
     .choices = "logfmt json",
     .help = "form of the log lines on standard error: logfmt or json"},
    {.name = "log_level",
     .type = CONFIG_CHOICE,
     .offset = HERE(log_level),
     .fallback = "info",
     .choices = "debug info warn error",
     .help = "lowest level that is logged: debug, info, warn or error"},
    {.name = "drain_ms",
     .type = CONFIG_DURATION,
     .offset = HERE(drain_ms),
     .fallback = "20s",
     .max = 3600000,
     .help = "how long work in flight may take after SIGTERM"},
    {.name = "instance",
     .type = CONFIG_STRING,
     .offset = HERE(instance),
     .fallback = "",
     .help = "name of this process among its kind; empty: made from the service and a random part"},
};
enum { COMMON_KEYS = sizeof(common_keys) / sizeof(common_keys[0]) };

void settings_init(Runtime *r) {
    const Service *s = r->service;
    size_t common_at = (s->config_size + 15) & ~(size_t)15;
    r->n_keys = s->n_keys + COMMON_KEYS;
    r->keys = xcalloc(r->n_keys, sizeof(*r->keys));
    if (s->n_keys) memcpy(r->keys, s->keys, s->n_keys * sizeof(*r->keys));
    for (size_t i = 0; i < COMMON_KEYS; i++) {
        for (size_t j = 0; j < s->n_keys; j++)
            assert(strcmp(s->keys[j].name, common_keys[i].name) != 0); /* the name is taken */
        r->keys[s->n_keys + i] = common_keys[i];
        r->keys[s->n_keys + i].offset += common_at;
    }
    r->config = xcalloc(1, common_at + sizeof(CommonConfig));
    r->common = (const CommonConfig *)(const void *)((const char *)r->config + common_at);
}

int settings_load(Runtime *r, const char *file, Buf *ret_problem) {
    return config_load(r->keys, r->n_keys, file, r->config, ret_problem);
}

void settings_done(Runtime *r) {
    if (r->config) config_done(r->keys, r->n_keys, r->config);
    free(r->config);
    free(r->keys);
    r->config = NULL;
    r->keys = NULL;
}
