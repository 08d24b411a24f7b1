/* docket-sla: every promise has a clock, and the router is told in time what is about to be broken
 * or is broken. */
#include "runtime/runtime.h"
#include "sla/settings.h"
#include "sla/sla.h"

int main(int argc, char **argv) {
    Service sla = {
        .name = "sla",
        .summary = "keeps the clocks of what was promised, and tells the router what falls due",
        .keys = sla_keys,
        .n_keys = sla_keys_n,
        .config_size = sizeof(SlaSettings),
        .start = sla_start, /* documents, PostgreSQL, Kafka; then join the group */
        .drain = sla_drain, /* take nothing more; until what was taken is kept */
        .stop = sla_stop,   /* leave the group, flush, close; reverse of start */
    };
    return service_main(argc, argv, &sla);
}
