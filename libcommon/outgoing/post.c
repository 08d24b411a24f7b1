/* One HTTP POST: its answer kept up to a limit. The handle of one that has ended stays set up for
 * its URL, and serves the next one to the same: reading the URL and setting a handle up costs as
 * much as half of a small request. */
#include <errno.h>

#include "base/clock.h"
#include "outgoing/answer.h"
#include "outgoing/outgoing_internal.h"
#include "outgoing/target.h"

enum { LINES_MAX = 32, LINES_BYTES = 16 * 1024, HEAD_BYTES = 64 * 1024 };

typedef struct PostHandle {
    CURL *easy;
    CURLU *parsed; /* libcurl reads it at the beginning of each transfer */
    Buf url, destination;
    int timeout_ms, connect_ms;
    SocketGuard guard;
    char error[CURL_ERROR_SIZE];
    struct Post *post; /* that it serves now */
} PostHandle;

typedef struct Post {
    OutgoingRequest request; /* first: they are one */
    PostHandle *handle;
    struct curl_slist *lines;
    Buf body, response;
    size_t max_response, head_bytes;
    int64_t retry_after_ms;
    int status;
    bool late;      /* it would have begun after its time */
    bool head_done; /* of the final answer */
    bool cut;
} Post;

static void handle_free(PostHandle *h) {
    if (!h) return;
    if (h->easy) curl_easy_cleanup(h->easy);
    curl_url_cleanup(h->parsed);
    buf_done(&h->url);
    buf_done(&h->destination);
    free(h);
}

/* One that is set up for that, or NULL. */
static PostHandle *handle_take(Outgoing *o, const OutgoingPost *post, int timeout_ms,
                               int connect_ms) {
    for (size_t i = o->spare_n; i-- > 0;) { /* the youngest first */
        PostHandle *h = o->spare[i];
        if (h->timeout_ms != timeout_ms || h->connect_ms != connect_ms ||
            !str_eq(buf_str(&h->url), post->url))
            continue;
        o->spare_n--;
        memmove(o->spare + i, o->spare + i + 1, (o->spare_n - i) * sizeof(*o->spare));
        return h;
    }
    return NULL;
}

static void free_spare(Outgoing *o) {
    while (o->spare_n)
        handle_free(o->spare[--o->spare_n]);
}

/* The oldest goes when there are too many. */
static void handle_give(Outgoing *o, PostHandle *h) {
    h->post = NULL;
    if (o->freeing) {
        handle_free(h);
        return;
    }
    if (o->spare_n == OUTGOING_SPARE) {
        handle_free(o->spare[0]);
        memmove(o->spare, o->spare + 1, --o->spare_n * sizeof(*o->spare));
    }
    o->free_spare = free_spare;
    o->spare[o->spare_n++] = h;
}

static void post_free(OutgoingRequest *r) {
    Post *p = (Post *)r;
    if (p->handle) {
        engine_remove(r->owner->engine, p->handle->easy);
        handle_free(p->handle);
    }
    curl_slist_free_all(p->lines);
    buf_done(&p->body);
    buf_done(&p->response);
    free(p);
}

/* ---- inside libcurl ---- */

/* A connection is there; the first byte of the request comes next. Asked a second time: the
 * connection before died, after it may have taken the request. libcurl would send it once more and
 * say nothing. */
static int before_request(void *arg, char *remote, char *local, int remote_port, int local_port) {
    PostHandle *h = arg;
    Post *p = h->post;
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    h->guard.again = h->guard.begun;
    if (h->guard.again) return CURL_PREREQFUNC_ABORT;
    if (outgoing_too_late(&p->request)) {
        p->late = true;
        return CURL_PREREQFUNC_ABORT;
    }
    h->guard.begun = true;
    return CURL_PREREQFUNC_OK;
}

static size_t on_head(char *line, size_t size, size_t n, void *arg) {
    Post *p = ((PostHandle *)arg)->post;
    Str value, text = {line, n * size};
    if ((p->head_bytes += text.n) > HEAD_BYTES) return 0;
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (p->head_done) return n * size; /* trailers */
    if (text.n == 0) {
        p->head_done = p->status >= 200;
        return n * size;
    }
    if (str_starts(text, STR("HTTP/"))) {
        long status = 0;
        (void)curl_easy_getinfo(p->handle->easy, CURLINFO_RESPONSE_CODE, &status);
        p->status = (int)status;
        p->retry_after_ms = -1;
        return n * size;
    }
    Str name = str_cut(text, ':', &value);
    if (str_eq_nocase(name, STR("Retry-After")))
        p->retry_after_ms = answer_retry_after(value, clock_wall_ms());
    return n * size;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg) {
    Post *p = ((PostHandle *)arg)->post;
    size_t room = p->max_response - p->response.n, got = size * n;
    buf_add(&p->response, bytes, got < room ? got : room);
    if (got <= room) return got;
    p->cut = true;
    return 0; /* the rest is not waited for */
}

/* ---- its end ---- */

static void judge(Post *p, CURLcode code, Buf *reason, OutgoingResult *ret) {
    const PostHandle *h = p->handle;
    curl_off_t sent = 0;
    (void)curl_easy_getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (p->head_done) {
        ret->outcome = answer_of_http(p->status);
        ret->status = p->status;
        ret->retry_after_ms = p->retry_after_ms;
        ret->cut = p->cut || code != CURLE_OK;
        if (ret->outcome != OUTGOING_DELIVERED) buf_printf(reason, "it answered %d", p->status);
        if (p->status >= 300 && p->status < 400) buf_adds(reason, "; redirects are not followed");
        return;
    }
    ret->doubtful = h->guard.begun && (h->guard.again || (size_t)sent >= p->body.n);
    if (p->late) {
        ret->outcome = OUTGOING_LATER;
        buf_adds(reason, "its time was over before it could be sent");
    } else if (h->guard.again) {
        ret->outcome = OUTGOING_LATER;
        buf_adds(reason, "the connection ended before an answer came");
    } else if (p->head_bytes > HEAD_BYTES) {
        ret->outcome = OUTGOING_LATER;
        buf_printf(reason, "the head of its answer has more than %d bytes", HEAD_BYTES);
    } else {
        outgoing_failure(code, &h->guard, h->error, h->timeout_ms, reason, ret);
    }
}

void post_done(void *arg, CURL *easy, CURLcode code) {
    Outgoing *o = arg;
    PostHandle *h = NULL;
    CLEANUP(buf_done) Buf reason = {0};
    OutgoingResult result = {.retry_after_ms = -1};
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&h);
    Post *p = h->post;
    judge(p, code, &reason, &result);
    engine_remove(o->engine, easy);
    handle_give(o, h);
    p->handle = NULL;
    result.reason = reason.p ? buf_str(&reason) : STR("");
    result.response = p->response.p ? buf_str(&p->response) : STR("");
    outgoing_end(&p->request, &result);
}

/* ---- its beginning ---- */

static int add_lines(Post *p, const OutgoingPost *post, Buf *problem) {
    CLEANUP(buf_done) Buf line = {0};
    size_t bytes = 0;
    bool typed = false;
    if (post->lines_n > LINES_MAX) {
        buf_printf(problem, "at most %d header lines", LINES_MAX);
        return -EINVAL;
    }
    for (size_t i = 0; i < post->lines_n; i++) {
        if (answer_check_line(post->lines[i], problem) < 0) return -EINVAL;
        Str value, name = str_cut(post->lines[i], ':', &value);
        buf_clear(&line);
        if (str_trim(value).n) /* libcurl takes "Name:" for "without that one" */
            buf_add_str(&line, post->lines[i]);
        else
            buf_printf(&line, "%.*s;", STR_ARG(name));
        p->lines = curl_slist_append(p->lines, line.p);
        typed = typed || str_eq_nocase(name, STR("Content-Type"));
        bytes += line.n;
    }
    if (bytes > LINES_BYTES) {
        buf_printf(problem, "at most %d bytes of header lines", LINES_BYTES);
        return -EINVAL;
    }
    p->lines = curl_slist_append(p->lines, "Expect:");
    if (!typed) p->lines = curl_slist_append(p->lines, "Content-Type:");
    return 0;
}

static PostHandle *handle_new(const Outgoing *o, Str url, int timeout_ms, int connect_ms) {
    PostHandle *h = xcalloc(1, sizeof(*h));
    h->easy = curl_easy_init();
    if (!h->easy) {
        free(h);
        return NULL;
    }
    buf_add_str(&h->url, url);
    h->timeout_ms = timeout_ms;
    h->connect_ms = connect_ms;
    CURL *easy = h->easy;
    outgoing_prepare(o, o->engine, easy, &h->guard, h->error);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, h);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, o->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, h);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, h);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, h);
    return h;
}

/* A handle for this URL, read and checked. 0, -EINVAL and what is wrong, -ENOBUFS. */
static int handle_get(Outgoing *o, const OutgoingPost *post, PostHandle **ret, Buf *problem) {
    int timeout_ms = post->timeout_ms ? post->timeout_ms : 15000;
    int connect_ms = post->connect_ms ? post->connect_ms : 5000;
    PostHandle *h = handle_take(o, post, timeout_ms, connect_ms);
    if (!h) {
        CLEANUP(buf_done) Buf destination = {0};
        CURLU *parsed = NULL;
        int r = target_parse(post->url, &o->allowed, &parsed, &destination, problem);
        if (r < 0) return r;
        h = handle_new(o, post->url, timeout_ms, connect_ms);
        if (!h) {
            curl_url_cleanup(parsed);
            return -ENOBUFS;
        }
        h->parsed = parsed;
        buf_add_str(&h->destination, buf_str(&destination));
        (void)curl_easy_setopt(h->easy, CURLOPT_CURLU, parsed);
    }
    *ret = h;
    return 0;
}

/* What is another one's each time. */
static void set_up(PostHandle *h, Post *p, const Outgoing *o) {
    h->post = p;
    h->guard = (SocketGuard){.allowed = &o->allowed, .engine = o->engine};
    h->error[0] = 0;
    (void)curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, p->lines);
    (void)curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.n);
    (void)curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, p->body.p ? p->body.p : "");
}

int outgoing_post(Outgoing *o, const OutgoingPost *post, OutgoingCallback cb, void *arg,
                  OutgoingRequest **ret, Buf *ret_problem) {
    CLEANUP(buf_done) Buf unsaid = {0};
    Buf *problem = ret_problem ? ret_problem : &unsaid;
    PostHandle *h = NULL;
    int r = handle_get(o, post, &h, problem);
    if (r < 0) return r;
    Post *p = xcalloc(1, sizeof(*p));
    p->request.owner = o;
    p->request.free_rest = post_free;
    p->max_response = post->max_response ? post->max_response : 64 * 1024;
    p->retry_after_ms = -1;
    r = add_lines(p, post, problem);
    if (r == 0) r = outgoing_room(o, buf_str(&h->destination), post->body.n);
    if (r == 0) {
        buf_add_str(&p->body, post->body);
        set_up(h, p, o);
        (void)curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, post->put ? "PUT" : NULL);
        if (engine_add(o->engine, h->easy) < 0) r = -ENOBUFS;
    }
    if (r < 0) {
        handle_give(o, h);
        post_free(&p->request);
        return r;
    }
    p->handle = h;
    outgoing_enter(o, &p->request, cb, arg, buf_str(&h->destination), post->body.n,
                   post->not_after_ms);
    if (ret) *ret = &p->request;
    return 0;
}

int outgoing_check(const Outgoing *o, Str url, Buf *ret_problem) {
    CLEANUP(buf_done) Buf destination = {0}, unsaid = {0};
    CURLU *parsed = NULL;
    int r =
        target_parse(url, &o->allowed, &parsed, &destination, ret_problem ? ret_problem : &unsaid);
    curl_url_cleanup(parsed);
    return r;
}

int outgoing_destination(const Outgoing *o, Str url, Buf *ret) {
    CLEANUP(buf_done) Buf unsaid = {0};
    CURLU *parsed = NULL;
    int r = target_parse(url, &o->allowed, &parsed, ret, &unsaid);
    curl_url_cleanup(parsed);
    return r;
}
