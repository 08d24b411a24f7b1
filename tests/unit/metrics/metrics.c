/* The page that Prometheus reads. */
#include "metrics/metrics.h"
#include "metrics/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char *page(void) {
    Buf b = {0};
    process_metrics_refresh();
    metrics_render(&b);
    return b.p;
}

static void has(const char *text) {
    CLEANUP(mem_freep) char *p = page();
    if (!strstr(p, text)) fail_msg("`%s` is not in\n%s", text, p);
}

static void a_family_stands_together_under_one_help(void **state) {
    (void)state;
    Metric *express = metric_counter("t_sent_total", "Sent.\nBack\\slash", "lane=\"express\"");
    (void)metric_gauge("t_between", "Between.", NULL);
    (void)metric_counter("t_sent_total", "Sent.", "lane=\"bulk\"");
    metric_add(express, 2);
    metric_add(express, 1);
    has("# HELP t_sent_total Sent.\\nBack\\\\slash\n"
        "# TYPE t_sent_total counter\n"
        "t_sent_total{lane=\"express\"} 3\n"
        "t_sent_total{lane=\"bulk\"} 0\n");
    has("# TYPE t_between gauge\nt_between 0\n");
}

static void the_same_name_and_labels_are_the_same_metric(void **state) {
    (void)state;
    Metric *a = metric_gauge("t_same", "Same.", "x=\"1\"");
    assert_ptr_equal(a, metric_gauge("t_same", "Same.", "x=\"1\""));
    assert_ptr_not_equal(a, metric_gauge("t_same", "Same.", "x=\"2\""));
    metric_set(a, 1.5);
    metric_add(a, -3);
    assert_true(metric_value(a) == -1.5);
    has("t_same{x=\"1\"} -1.5\n");
}

static void histograms_are_cumulative(void **state) {
    static const double bounds[] = {0.1, 1, 10};
    (void)state;
    Metric *m = metric_histogram("t_took_seconds", "Took.", "step=\"a\"", bounds, 3);
    metric_observe(m, 0.1); /* a bound is inclusive */
    metric_observe(m, 0.5);
    metric_observe(m, 10.5);
    assert_true(metric_value(m) == 3);
    has("# TYPE t_took_seconds histogram\n"
        "t_took_seconds_bucket{step=\"a\",le=\"0.1\"} 1\n"
        "t_took_seconds_bucket{step=\"a\",le=\"1\"} 2\n"
        "t_took_seconds_bucket{step=\"a\",le=\"10\"} 2\n"
        "t_took_seconds_bucket{step=\"a\",le=\"+Inf\"} 3\n"
        "t_took_seconds_sum{step=\"a\"} 11.1\n"
        "t_took_seconds_count{step=\"a\"} 3\n");
    Metric *bare =
        metric_histogram("t_bare_seconds", "Bare.", NULL, metric_latency_s, METRIC_LATENCY_BUCKETS);
    metric_observe(bare, 0.0015);
    has("t_bare_seconds_bucket{le=\"0.001\"} 0\nt_bare_seconds_bucket{le=\"0.0025\"} 1\n");
}

static void label_values_are_escaped(void **state) {
    CLEANUP(buf_done) Buf labels = {0};
    (void)state;
    metric_label(&labels, "a", STR("x\"y\\z\n"));
    metric_label(&labels, "b", STR("工单"));
    assert_string_equal(labels.p, "a=\"x\\\"y\\\\z\\n\",b=\"工单\"");
    metric_set(metric_gauge("t_label", "Label.", labels.p), 1e20);
    has("t_label{a=\"x\\\"y\\\\z\\n\",b=\"工单\"} 1e+20\n");
}

static void refresh(void *arg) {
    metric_add(arg, 1);
}

static void gauges_may_be_refreshed_at_a_scrape(void **state) {
    (void)state;
    Metric *m = metric_gauge("t_fresh", "Fresh.", NULL);
    metrics_on_scrape(refresh, m);
    has("t_fresh 1\n");
    has("t_fresh 2\n");
    metrics_off_scrape(refresh, m);
    has("t_fresh 2\n");
}

static double sample(const char *name) {
    CLEANUP(mem_freep) char *p = page();
    char line[128];
    (void)snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(p, line);
    assert_non_null(at);
    return strtod(at + strlen(line), NULL);
}

static void the_process_is_on_the_page(void **state) {
    (void)state;
    metrics_build_info("test", "1.2.3");
    has("docket_build_info{service=\"test\",version=\"1.2.3\"} 1\n");
    assert_true(sample("process_resident_memory_bytes") > 100000);
    assert_true(sample("process_cpu_seconds_total") >= 0);
    assert_true(sample("process_start_time_seconds") > 1.6e9);
    double before = sample("process_open_fds");
    FILE *f = fopen("/dev/null", "re");
    assert_true(sample("process_open_fds") == before + 1);
    (void)fclose(f);
}

static void every_line_is_well_formed(void **state) {
    CLEANUP(mem_freep) char *p = page();
    (void)state;
    assert_int_equal(p[strlen(p) - 1], '\n');
    for (char *line = strtok(p, "\n"); line; line = strtok(NULL, "\n")) {
        if (line[0] == '#') {
            assert_true(strncmp(line, "# HELP ", 7) == 0 || strncmp(line, "# TYPE ", 7) == 0);
            continue;
        }
        char *end, *value = strrchr(line, ' ');
        assert_non_null(value);
        (void)strtod(value + 1, &end);
        assert_true(end > value + 1 && *end == 0);
    }
}

static void beyond_the_limit_a_metric_works_but_is_not_shown(void **state) {
    Metric *last = NULL;
    (void)state;
    for (int i = 0; i < 8300; i++) {
        char labels[32];
        (void)snprintf(labels, sizeof(labels), "i=\"%d\"", i);
        last = metric_counter("t_many_total", "Many.", labels);
    }
    metric_add(last, 5);
    assert_true(metric_value(last) == 5);
    assert_true(sample("docket_metrics_refused_total") > 100);
    CLEANUP(mem_freep) char *p = page();
    assert_null(strstr(p, "i=\"8299\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_stands_together_under_one_help),
        cmocka_unit_test(the_same_name_and_labels_are_the_same_metric),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(gauges_may_be_refreshed_at_a_scrape),
        cmocka_unit_test(the_process_is_on_the_page),
        cmocka_unit_test(every_line_is_well_formed),
        cmocka_unit_test(beyond_the_limit_a_metric_works_but_is_not_shown),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
