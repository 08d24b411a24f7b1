/* docket-desk -- where people work: agents, customers, managers and programs read and change
 * tickets. */
#include "desk/desk.h"

int main(int argc, char **argv) {
    static const Service desk = {
        .name = "desk",
        .summary = "Where people work: agents, customers, managers and programs read and change "
                   "tickets.",
        .config_size = sizeof(DeskConfig),
        .start = desk_start, /* ring, configuration, PostgreSQL, Redis, Kafka, then the port */
        .drain = desk_drain, /* nobody new; what was asked is answered */
        .stop = desk_stop,   /* everything in reverse */
    };
    Service service = desk;
    service.keys = desk_keys;
    service.n_keys = desk_keys_n;
    return service_main(argc, argv, &service);
}
