/* docket-router: decides what a ticket is and who should have it. */
#include "router/router.h"
#include "router/settings.h"
#include "runtime/runtime.h"

int main(int argc, char **argv) {
    Service router = {
        .name = "router",
        .summary = "decides what a ticket is and who should have it, stores it, and says so",
        .keys = router_keys,
        .n_keys = router_keys_n,
        .config_size = sizeof(RouterSettings),
        .start = router_start, /* stores, Redis, documents, then join the consumer groups */
        .drain = router_drain, /* take nothing more; until what was taken is through */
        .stop = router_stop,   /* leave the groups, flush, close; reverse of start */
    };
    return service_main(argc, argv, &router);
}
