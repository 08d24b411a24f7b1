/* The operator's port: is it alive, is it ready, what does it count. */
#include <errno.h>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "metrics/process.h"
#include "runtime/runtime_internal.h"

enum { LIVE_TURN_MS = 5000 }; /* a turn of the loop that takes longer is a hang */

static const char text_plain[] = "text/plain; charset=utf-8";

bool ops_is_ready(const Runtime *r, Buf *ret_lines, Buf *ret_failing) {
    bool all = r->state == RUNTIME_RUNNING;
    if (!all) {
        const char *why = r->state == RUNTIME_STARTING ? "starting" : "draining";
        buf_printf(ret_lines, "[-]%s\n", why);
        buf_adds(ret_failing, why);
    }
    for (size_t i = 0; i < r->n_checks; i++) {
        CLEANUP(buf_done) Buf reason = {0};
        if (r->checks[i].ok(r->checks[i].arg, &reason)) {
            buf_printf(ret_lines, "[+]%s ok\n", r->checks[i].name);
            continue;
        }
        const char *why = reason.n ? reason.p : "not yet";
        all = false;
        buf_printf(ret_lines, "[-]%s: %s\n", r->checks[i].name, why);
        buf_printf(ret_failing, "%s%s: %s", ret_failing->n ? "; " : "", r->checks[i].name, why);
    }
    return all;
}

static void answer_live(Runtime *r, HttpExchange *x) {
    CLEANUP(buf_done) Buf body = {0};
    int64_t late = clock_monotonic_ms() - loop_last_turn_ms(r->loop);
    if (late <= LIVE_TURN_MS)
        buf_adds(&body, "ok\n");
    else
        buf_printf(&body, "the loop has not turned for %lld ms\n", (long long)late);
    http_answer(x, late <= LIVE_TURN_MS ? 200 : 503, text_plain, buf_str(&body));
}

/* ?verbose, ?verbose=1, and so beside other words */
static bool wants_verbose(Str query) {
    while (query.p) {
        Str rest, value, one = str_cut(query, '&', &rest);
        if (str_is(str_cut(one, '=', &value), "verbose")) return true;
        query = rest;
    }
    return false;
}

static void answer_ready(const Runtime *r, HttpExchange *x) {
    CLEANUP(buf_done) Buf lines = {0}, failing = {0};
    bool ready = ops_is_ready(r, &lines, &failing);
    bool verbose = wants_verbose(http_query(x));
    if (!verbose) buf_clear(&lines);
    if (ready)
        buf_adds(&lines, "ok\n");
    else
        buf_printf(&lines, "not ready%s%s\n", verbose ? "" : ": ", verbose ? "" : failing.p);
    http_answer(x, ready ? 200 : 503, text_plain, buf_str(&lines));
}

static void on_request(HttpExchange *x, void *arg) {
    Runtime *r = arg;
    Str path = http_path(x), method = http_method(x);
    bool live = str_is(path, "/health/live"), ready = str_is(path, "/health/ready"),
         metrics = str_is(path, "/metrics");
    if (!live && !ready && !metrics)
        http_answer_problem(x, 404, NULL, "here are /health/live, /health/ready and /metrics", -1);
    else if (!str_is(method, "GET") && !str_is(method, "HEAD")) {
        http_answer_header(x, "Allow", "GET, HEAD");
        http_answer_problem(x, 405, NULL, "only GET and HEAD", -1);
    } else if (live)
        answer_live(r, x);
    else if (ready)
        answer_ready(r, x);
    else {
        CLEANUP(buf_done) Buf page = {0};
        process_metrics_refresh();
        metrics_render(&page);
        http_answer(x, 200, METRICS_CONTENT_TYPE, buf_str(&page));
    }
}

int ops_open(Runtime *r, Buf *ret_problem) {
    const HttpLimits limits = {.body_bytes = 1024, .connections = 100};
    r->ops = http_server_new(r->loop, &limits, on_request, r);
    int e = http_server_listen(r->ops, r->common->ops_listen, &r->ops_port);
    if (e < 0)
        buf_printf(ret_problem, "ops_listen %s: %s%s", r->common->ops_listen, strerror(-e),
                   e == -EINVAL ? "; write a numeric address, such as 127.0.0.1:0" : "");
    return e;
}
