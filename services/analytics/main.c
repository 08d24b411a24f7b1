/* docket-analytics: what happened to tickets becomes figures, reports and findings. */
#include "analytics/analytics.h"
#include "analytics/api/routes.h"
#include "analytics/settings.h"
#include "runtime/runtime.h"

#include <stdio.h>

/* docket-analytics --routes: "GET path right family" a line, for whoever compares a document with
 * what is really there. */
static int print_routes(void) {
    CLEANUP(buf_done) Buf routes = {0};
    routes_print(&routes);
    return fputs(routes.p, stdout) < 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--routes")) return print_routes();
    Service analytics = {
        .name = "analytics",
        .summary = "keeps the figures of every ticket, answers reports and finds surges",
        .keys = analytics_keys,
        .n_keys = analytics_keys_n,
        .config_size = sizeof(AnalyticsSettings),
        .start = analytics_start, /* documents, PostgreSQL; then each part */
        .drain = analytics_drain, /* take nothing more; until what was taken is kept */
        .stop = analytics_stop,   /* reverse of start */
    };
    return service_main(argc, argv, &analytics);
}
