/* docket-desk -- where people work: agents, customers, managers and programs read and change
 * tickets. */
#include <stdio.h>

#include "desk/api/routes.h"
#include "desk/desk.h"

/* docket-desk --routes: "METHOD path right family [flag...]" a line. For whoever compares a
 * document or a table of tests with what is really there. */
static int print_routes(void) {
    CLEANUP(buf_done) Buf routes = {0};
    routes_print(&routes);
    return fputs(routes.p, stdout) < 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--routes")) return print_routes();
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
