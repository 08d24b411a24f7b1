/* docket-notifier: the right people and systems are told of what happened to a ticket, once. */
#include "notifier/notifier.h"
#include "notifier/settings.h"
#include "runtime/runtime.h"

int main(int argc, char **argv) {
    Service notifier = {
        .name = "notifier",
        .summary = "tells people and systems what happened to tickets, each of it once",
        .keys = notifier_keys,
        .n_keys = notifier_keys_n,
        .config_size = sizeof(NotifierSettings),
        .start = notifier_start, /* key ring, documents, PostgreSQL; then join the group */
        .drain = notifier_drain, /* take nothing more; until what was taken is written down */
        .stop = notifier_stop,   /* leave the group, close; reverse of start */
    };
    return service_main(argc, argv, &notifier);
}
