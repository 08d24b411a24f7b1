/* docket-intake -- the public gate: turns any channel's message into one validated, durable
 * submission. */
#include "intake/gate.h"

int main(int argc, char **argv) {
    static const Service intake = {
        .name = "intake",
        .summary = "The public gate: turns any channel's message into one validated, durable "
                   "submission.",
        .config_size = sizeof(GateConfig),
        .start = gate_start, /* ring, ids, tokens, Redis, Kafka, then the port */
        .drain = gate_drain, /* nobody new; what was asked is answered */
        .stop = gate_stop,   /* flush, then everything in reverse */
    };
    Service service = intake;
    service.keys = gate_keys;
    service.n_keys = gate_keys_n;
    return service_main(argc, argv, &service);
}
