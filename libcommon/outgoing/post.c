/* One HTTP POST: a handle of its own, its answer kept up to a limit. */
#include <errno.h>

#include "base/clock.h"
#include "outgoing/answer.h"
#include "outgoing/outgoing_internal.h"
#include "outgoing/target.h"

enum { LINES_MAX = 32, LINES_BYTES = 16 * 1024, HEAD_BYTES = 64 * 1024 };

typedef struct Post {
    OutgoingRequest request; /* first: they are one */
    CURL *easy;
    CURLU *url; /* libcurl reads it as long as the transfer lasts */
    struct curl_slist *lines;
    SocketGuard guard;
    char error[CURL_ERROR_SIZE];
    Buf body, response;
    size_t max_response, head_bytes;
    int timeout_ms;
    int64_t retry_after_ms;
    int status;
    bool late;      /* it would have begun after its time */
    bool head_done; /* of the final answer */
    bool cut;
} Post;

/* Making one costs as much as half of a small request. */
static CURL *handle_take(Outgoing *o) {
    return o->spare_n ? o->spare[--o->spare_n] : curl_easy_init();
}

static void handle_give(Outgoing *o, CURL *easy) {
    if (o->freeing || o->spare_n == OUTGOING_SPARE) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    o->spare[o->spare_n++] = easy;
}

static void post_free(OutgoingRequest *r) {
    Post *p = (Post *)r;
    if (p->easy) {
        engine_remove(r->owner->engine, p->easy);
        curl_easy_cleanup(p->easy);
    }
    curl_url_cleanup(p->url);
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
    Post *p = arg;
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    p->guard.again = p->guard.begun;
    if (p->guard.again) return CURL_PREREQFUNC_ABORT;
    if (outgoing_too_late(&p->request)) {
        p->late = true;
        return CURL_PREREQFUNC_ABORT;
    }
    p->guard.begun = true;
    return CURL_PREREQFUNC_OK;
}

static size_t on_head(char *line, size_t size, size_t n, void *arg) {
    Post *p = arg;
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
        (void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
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
    Post *p = arg;
    size_t room = p->max_response - p->response.n, got = size * n;
    buf_add(&p->response, bytes, got < room ? got : room);
    if (got <= room) return got;
    p->cut = true;
    return 0; /* the rest is not waited for */
}

/* ---- its end ---- */

static void judge(Post *p, CURLcode code, Buf *reason, OutgoingResult *ret) {
    curl_off_t sent = 0;
    (void)curl_easy_getinfo(p->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (p->head_done) {
        ret->outcome = answer_of_http(p->status);
        ret->status = p->status;
        ret->retry_after_ms = p->retry_after_ms;
        ret->cut = p->cut || code != CURLE_OK;
        if (ret->outcome != OUTGOING_DELIVERED) buf_printf(reason, "it answered %d", p->status);
        if (p->status >= 300 && p->status < 400) buf_adds(reason, "; redirects are not followed");
        return;
    }
    ret->doubtful = p->guard.begun && (p->guard.again || (size_t)sent >= p->body.n);
    if (p->late) {
        ret->outcome = OUTGOING_LATER;
        buf_adds(reason, "its time was over before it could be sent");
    } else if (p->guard.again) {
        ret->outcome = OUTGOING_LATER;
        buf_adds(reason, "the connection ended before an answer came");
    } else if (p->head_bytes > HEAD_BYTES) {
        ret->outcome = OUTGOING_LATER;
        buf_printf(reason, "the head of its answer has more than %d bytes", HEAD_BYTES);
    } else {
        outgoing_failure(code, &p->guard, p->error, p->timeout_ms, reason, ret);
    }
}

void post_done(void *arg, CURL *easy, CURLcode code) {
    Outgoing *o = arg;
    Post *p = NULL;
    CLEANUP(buf_done) Buf reason = {0};
    OutgoingResult result = {.retry_after_ms = -1};
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&p);
    judge(p, code, &reason, &result);
    engine_remove(o->engine, easy);
    handle_give(o, p->easy);
    p->easy = NULL;
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

static void set_up(Post *p, const Outgoing *o, const OutgoingPost *post) {
    CURL *easy = p->easy;
    outgoing_prepare(o, o->engine, easy, &p->guard, p->error);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, p);
    (void)curl_easy_setopt(easy, CURLOPT_CURLU, p->url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, o->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, p->lines);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.n);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, p->body.p ? p->body.p : "");
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)(post->connect_ms ? post->connect_ms : 5000));
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, p);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, p);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, p);
}

int outgoing_post(Outgoing *o, const OutgoingPost *post, OutgoingCallback cb, void *arg,
                  OutgoingRequest **ret, Buf *ret_problem) {
    CLEANUP(buf_done) Buf destination = {0}, unsaid = {0};
    Buf *problem = ret_problem ? ret_problem : &unsaid;
    CURLU *url = NULL;
    int r = target_parse(post->url, &o->allowed, &url, &destination, problem);
    if (r < 0) return r;
    Post *p = xcalloc(1, sizeof(*p));
    p->request.free_rest = post_free;
    p->url = url;
    p->timeout_ms = post->timeout_ms ? post->timeout_ms : 15000;
    p->max_response = post->max_response ? post->max_response : 64 * 1024;
    p->retry_after_ms = -1;
    r = add_lines(p, post, problem);
    if (r == 0) r = outgoing_room(o, &destination, post->body.n);
    if (r == 0) {
        buf_add_str(&p->body, post->body);
        p->easy = handle_take(o);
        r = p->easy ? 0 : -ENOBUFS;
    }
    if (r == 0) {
        set_up(p, o, post);
        r = engine_add(o->engine, p->easy) < 0 ? -ENOBUFS : 0;
        if (r < 0) {
            curl_easy_cleanup(p->easy);
            p->easy = NULL;
        }
    }
    if (r < 0) {
        p->request.owner = o;
        post_free(&p->request);
        return r;
    }
    outgoing_enter(o, &p->request, cb, arg, &destination, post->body.n, post->not_after_ms);
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
