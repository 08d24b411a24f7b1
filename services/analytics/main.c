/* docket-analytics: what happened to tickets becomes figures, reports and findings. */
#include "analytics/analytics.h"
#include "analytics/settings.h"
#include "runtime/runtime.h"

int main(int argc, char **argv) {
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
