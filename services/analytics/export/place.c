/* Directory: written beside under a name of its own, made durable, renamed; on a thread, because a
 * disk may take its time. Store: one PUT. */
#include "analytics/export/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analytics/export/sign.h"
#include "base/clock.h"
#include "outgoing/outgoing.h"
#include "workers/workers.h"

struct ExportPlace {
    Loop *loop;
    char *to;
    /* A directory. */
    Workers *thread;
    /* A store. */
    Outgoing *outgoing;
    OutgoingRequest *request;
    char *url; /* endpoint/bucket/prefix */
    char *region, *key, *secret;
    int timeout_ms;
    /* The file at hand. */
    Buf name, bytes;
    ExportPlaced done;
    void *arg;
    char why[256];
    LoopTimer *soon; /* to say what was clear at once */
    bool freeing;
};

static void finish(ExportPlace *p) {
    ExportPlaced done = p->done;
    p->done = NULL;
    buf_done(&p->bytes);
    if (!p->freeing) done(p->arg, p->why[0] ? p->why : NULL);
}

static void on_soon(void *arg) {
    finish(arg);
}

/* ---- a directory ---- */

static int make_directories(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        int r = mkdir(path, 0755);
        *slash = '/';
        if (r < 0 && errno != EEXIST) return -errno;
    }
    return 0;
}

static int write_whole(int fd, const Buf *bytes) {
    for (size_t at = 0; at < bytes->n;) {
        ssize_t n = write(fd, bytes->p + at, bytes->n - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? -errno : -EIO;
        at += (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* The entry itself is to outlive a loss of power, too. */
static int sync_directory(char *path) {
    char *slash = strrchr(path, '/');
    *slash = 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *slash = '/';
    if (fd < 0) return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

static int write_file(char *path, const Buf *bytes) {
    CLEANUP(buf_done) Buf temporary = {0};
    int r = make_directories(path);
    if (r < 0) return r;
    buf_printf(&temporary, "%s.%d.part", path, (int)getpid());
    int fd = open(temporary.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return -errno;
    r = write_whole(fd, bytes);
    if (close(fd) < 0 && r == 0) r = -errno;
    if (r == 0 && rename(temporary.p, path) < 0) r = -errno;
    if (r < 0)
        (void)unlink(temporary.p);
    else
        r = sync_directory(path);
    return r;
}

static void work(void *arg) {
    ExportPlace *p = arg;
    CLEANUP(buf_done) Buf path = {0};
    buf_printf(&path, "%s/%s", p->to, p->name.p);
    int r = write_file(path.p, &p->bytes);
    if (r < 0) (void)snprintf(p->why, sizeof(p->why), "%.180s: %s", path.p, strerror(-r));
}

static void worked(void *arg, bool ran) {
    ExportPlace *p = arg;
    if (!ran) (void)snprintf(p->why, sizeof(p->why), "it is stopping");
    finish(p);
}

/* ---- a store ---- */

static void on_sent(void *arg, const OutgoingResult *result) {
    ExportPlace *p = arg;
    p->request = NULL;
    if (result->outcome != OUTGOING_DELIVERED)
        (void)snprintf(p->why, sizeof(p->why), "%.*s %.*s", STR_ARG(result->reason),
                       result->response.n < 120 ? (int)result->response.n : 120,
                       result->response.p ? result->response.p : "");
    finish(p);
}

static void send_file(ExportPlace *p, const char *type) {
    CLEANUP(buf_done) Buf url = {0}, path = {0}, problem = {0};
    Buf signed_lines[SIGN_LINES] = {{0}};
    Str lines[SIGN_LINES], rest;
    /* scheme://host/bucket/prefix: what is signed is what is sent */
    Str base = str(strstr(p->url, "://") + 3), host = str_cut(base, '/', &rest);
    buf_addc(&path, '/');
    sign_encode_path(rest, &path);
    buf_addc(&path, '/');
    sign_encode_path(buf_str(&p->name), &path);
    buf_printf(&url, "%.*s%s", (int)(host.p + host.n - p->url), p->url, path.p);
    sign_put(&(SignKey){p->region, p->key, p->secret}, host, buf_str(&path), str(type),
             buf_str(&p->bytes), clock_wall_ms(), signed_lines);
    for (size_t i = 0; i < SIGN_LINES; i++)
        lines[i] = buf_str(&signed_lines[i]);
    OutgoingPost post = {.url = buf_str(&url),
                         .lines = lines,
                         .lines_n = SIGN_LINES,
                         .body = buf_str(&p->bytes),
                         .put = true,
                         .timeout_ms = p->timeout_ms,
                         .max_response = 4096};
    int r = outgoing_post(p->outgoing, &post, on_sent, p, &p->request, &problem);
    for (size_t i = 0; i < SIGN_LINES; i++)
        buf_done(&signed_lines[i]);
    if (r == 0) return;
    (void)snprintf(p->why, sizeof(p->why), "%.200s", problem.p ? problem.p : "it is busy");
    loop_timer_arm(p->soon, 0);
}

void export_place_put(ExportPlace *p, const char *name, const char *type, Buf *bytes,
                      ExportPlaced done, void *arg) {
    buf_clear(&p->name);
    buf_adds(&p->name, name);
    buf_done(&p->bytes);
    p->bytes = *bytes;
    *bytes = (Buf){0};
    p->done = done;
    p->arg = arg;
    p->why[0] = 0;
    if (p->outgoing) {
        send_file(p, type);
    } else if (workers_run(p->thread, work, worked, p) < 0) {
        (void)snprintf(p->why, sizeof(p->why), "too much is being written");
        loop_timer_arm(p->soon, 0);
    }
}

/* ---- life ---- */

static bool open_store(ExportPlace *p, const ExportPlaceSettings *s, Buf *problem) {
    CLEANUP(buf_done) Buf url = {0};
    if (!*s->endpoint || !*s->key || !*s->secret) {
        buf_adds(problem, "export_to is a bucket: export_s3_endpoint, export_s3_key and "
                          "export_s3_secret say where it is and how to get in");
        return false;
    }
    Str endpoint = str(s->endpoint), path = str(s->to + strlen("s3://"));
    while (endpoint.n && endpoint.p[endpoint.n - 1] == '/')
        endpoint.n--;
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    buf_printf(&url, "%.*s/%.*s", STR_ARG(endpoint), STR_ARG(path));
    OutgoingSettings outgoing = {.allow = *s->allow_networks ? s->allow_networks : NULL,
                                 .max_running = 1};
    p->outgoing = outgoing_new(p->loop, &outgoing, problem);
    if (!p->outgoing || !path.n || outgoing_check(p->outgoing, buf_str(&url), problem) < 0)
        return false;
    p->url = xstrdup(url.p);
    p->region = xstrdup(s->region);
    p->key = xstrdup(s->key);
    p->secret = xstrdup(s->secret);
    p->timeout_ms = (int)s->timeout_ms;
    return true;
}

ExportPlace *export_place_new(Loop *loop, const ExportPlaceSettings *settings, Buf *ret_problem) {
    CLEANUP(export_place_freep) ExportPlace *p = xcalloc(1, sizeof(*p));
    p->loop = loop;
    p->to = xstrdup(settings->to);
    p->soon = loop_timer_new(loop, on_soon, p);
    if (strncmp(p->to, "s3://", 5) == 0)
        return open_store(p, settings, ret_problem) ? TAKE(p) : NULL;
    if (p->to[0] != '/') {
        buf_printf(ret_problem, "export_to: \"%s\" is neither a path from / nor s3://bucket/prefix",
                   p->to);
        return NULL;
    }
    p->thread = workers_new(loop, 1, 1);
    if (!p->thread) {
        buf_adds(ret_problem, "the system gives no thread");
        return NULL;
    }
    return TAKE(p);
}

ExportPlace *export_place_free(ExportPlace *p) {
    if (!p) return NULL;
    p->freeing = true;
    p->thread = workers_free(p->thread); /* a file that is being written is finished */
    p->outgoing = outgoing_free(p->outgoing);
    p->soon = loop_timer_free(p->soon);
    if (p->secret) explicit_bzero(p->secret, strlen(p->secret));
    free(p->to);
    free(p->url);
    free(p->region);
    free(p->key);
    free(p->secret);
    buf_done(&p->name);
    buf_done(&p->bytes);
    free(p);
    return NULL;
}
