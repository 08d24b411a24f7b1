/* The part's life, and the job that takes away what nobody attached. */
#include "desk/files/files.h"

#include <errno.h>

#include "filetype/detect.h"
#include "log/log.h"
#include "workers/workers.h"

enum { THREADS = 2, WAITING = 64, SWEEP_MS = 60000, SWEEP_ROWS = 500 };

struct Files {
    Desk *desk;
    Workers *workers;
    FileDetector *detector;
    LoopTimer *sweep;
    Params params; /* of the sweep */
    PostgresQuery query;
    bool sweeping, stopped;
};

/* ---- the head decides ---- */

static bool is_upload(Str method, Str path) {
    return str_is(method, "POST") &&
           (str_is(path, "/api/v2/uploads") || str_is(path, "/api/v2/uploads.json"));
}

size_t files_body_limit(const HttpExchange *x, void *desk) {
    const DeskConfig *c = ((const Desk *)desk)->config;
    bool large = is_upload(http_method(x), http_path(x));
    return (size_t)(large ? c->upload_bytes : c->body_bytes);
}

/* ---- beside the loop ---- */

bool files_beside(Desk *d, void (*work)(void *arg), void (*done)(void *arg, bool ran), void *arg) {
    return workers_run(d->files->workers, work, done, arg) == 0;
}

FileDetector *files_detector(Desk *d) {
    return d->files->detector;
}

/* ---- what nobody attached ---- */

static const PostgresStatement sweep_files = {"desk_sweep_files",
                                              "SELECT desk.sweep_files($1::integer)"};

static void files_free(struct Files *f) {
    file_detector_free(f->detector);
    params_done(&f->params);
    free(f);
}

static void on_swept(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    struct Files *f = arg;
    f->sweeping = false;
    if (f->stopped) {
        files_free(f);
        return;
    }
    if (outcome != POSTGRES_COMMITTED)
        log_warn(NULL, "Uploads that nobody attached were not swept: %s", problem->text);
    bool more = outcome == POSTGRES_COMMITTED && rows_int(results[0], 0, 0) == SWEEP_ROWS;
    loop_timer_arm(f->sweep, more ? 100 : SWEEP_MS);
}

static void on_sweep(void *arg) {
    struct Files *f = arg;
    f->sweeping = postgres_pool_run(f->desk->pool, 0, &f->query, 1, on_swept, f) == 0;
    if (!f->sweeping) loop_timer_arm(f->sweep, SWEEP_MS);
}

/* ---- life ---- */

static int files_start(Desk *d, Buf *problem) {
    struct Files *f = d->files = xcalloc(1, sizeof(*f));
    f->desk = d;
    f->detector = file_detector_new(problem);
    if (!f->detector) return -EINVAL;
    f->workers = workers_new(d->loop, THREADS, WAITING);
    if (!f->workers) {
        buf_adds(problem, "the system gives no threads");
        return -EAGAIN;
    }
    params_i32(&f->params, SWEEP_ROWS);
    f->query = (PostgresQuery){&sweep_files, &f->params};
    f->sweep = loop_timer_new(d->loop, on_sweep, f);
    loop_timer_arm(f->sweep, SWEEP_MS / 2);
    return 0;
}

static void files_stop(Desk *d) {
    struct Files *f = d->files;
    if (!f) return;
    loop_timer_free(f->sweep);
    workers_free(f->workers); /* whoever waits is answered 503, into the void */
    d->files = NULL;
    f->stopped = true;
    if (!f->sweeping) files_free(f); /* else with the last word of the pool, which outlives us */
}

const DeskPart files_part = {.name = "files", .start = files_start, .stop = files_stop};
