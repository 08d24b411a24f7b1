/* Api -- the port: credentials, limits, and what is counted of requests. */
#pragma once

#include "access/limits.h"
#include "analytics/parts.h"
#include "analytics/reports/handlers.h"
#include "analytics/reports/zone_shelf.h"
#include "http/server.h"
#include "metrics/metrics.h"
#include "store/secrets.h"

enum { API_FAMILIES_MAX = 8 };

typedef struct ApiFamily {
    const char *name;
    Metric *latency;
    Metric *answers[4]; /* 2xx 3xx 4xx 5xx */
} ApiFamily;

typedef struct Api {
    Analytics *analytics;
    HttpServer *http;
    Secrets *credentials;
    Limits *limits;                           /* of a minute, by token or session */
    ApiFamily families[API_FAMILIES_MAX + 1]; /* [0]: no route at all */
    size_t families_n;
    ZoneShelf *zones;
    ReportRun *running; /* reports under way */
    size_t running_n;
} Api;

ApiFamily *api_family(Api *api, const char *name);
