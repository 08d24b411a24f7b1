/* Counts -- metrics looked up once and kept in small tables. */
#include "intake/counts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "metrics/metrics.h"

static const int statuses[] = {201, 400, 401, 403, 404, 405, 413, 415, 422, 429, 503};
static const char *const reasons[] = {
    "path",  "method",        "token", "scope",      "placement", "rate",           "media_type",
    "json",  "field",         "key",   "other_body", "too_large", "in_flight",      "ids",
    "kafka", "tokens_unsure", "slow",  "not_stored", "vault",     "followup_unsure"};
static const char *const claim_results[] = {"miss", "hit", "other_body", "unknown"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static Metric *by_status[COUNT(statuses)], *by_reason[COUNT(reasons)],
    *by_claim[COUNT(claim_results)], *latency;

static Metric *labelled(const char *name, const char *help, const char *label, const char *value) {
    CLEANUP(buf_done) Buf labels = {0};
    metric_label(&labels, label, str(value));
    return metric_counter(name, help, labels.p);
}

void counts_register(void) {
    /* Finer than metric_latency_s below 10 ms, where most answers are. */
    static const double seconds[] = {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                     0.1,     0.25,   0.5,   1,      1.5,   2,    5};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", statuses[i]);
        by_status[i] = labelled("docket_intake_requests_total", "Requests answered, by status.",
                                "status", text);
    }
    for (size_t i = 0; i < COUNT(reasons); i++)
        by_reason[i] = labelled("docket_intake_refusals_total", "Requests not accepted, by reason.",
                                "reason", reasons[i]);
    for (size_t i = 0; i < COUNT(claim_results); i++)
        by_claim[i] =
            labelled("docket_intake_claims_total", "Idempotency keys looked up, by what was found.",
                     "result", claim_results[i]);
    latency =
        metric_histogram("docket_intake_accept_seconds", "From a request's first byte to its 201.",
                         NULL, seconds, COUNT(seconds));
}

void count_answer(int status) {
    for (size_t i = 0; i < COUNT(statuses); i++) {
        if (statuses[i] == status) {
            metric_add(by_status[i], 1);
            return;
        }
    }
    assert(!"a status that counts.c does not know");
}

static void count_in(Metric *const *metrics, const char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            metric_add(metrics[i], 1);
            return;
        }
    }
    assert(!"a word that counts.c does not know");
}

void count_refusal(const char *reason) {
    count_in(by_reason, reasons, COUNT(reasons), reason);
}

void count_claim(const char *result) {
    count_in(by_claim, claim_results, COUNT(claim_results), result);
}

void count_acceptance(int64_t us) {
    metric_observe(latency, (double)us / 1e6);
}
