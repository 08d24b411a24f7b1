/* One mail: libcurl finds the server, connects, does TLS and the login; the transaction is ours,
 * because libcurl's stops the whole loop until the server has judged the message (and again at
 * QUIT). */
#include <arpa/inet.h>
#include <errno.h>

#include "base/clock.h"
#include "outgoing/dialogue.h"
#include "outgoing/outgoing_internal.h"

enum { IDLE_MS = 10000, MAILS_OF_ONE = 100, READ_BYTES = 4096 };

typedef struct Mail Mail;

/* Each has an engine of its own: in a shared one libcurl would close a connection that it takes for
 * idle when another one is looked for. */
typedef struct MailConnection {
    Outgoing *owner;
    struct MailConnection *next; /* of the idle ones */
    Mail *mail;                  /* NULL while idle */
    Buf key;                     /* server and login: what it may be used again for */
    Engine *engine;
    CURL *easy;
    SocketGuard guard;
    char error[CURL_ERROR_SIZE];
    LoopFd *watch; /* since it is connected */
    LoopTimer *timer;
    bool connected, knows_utf8, knows_8bit, pipelines;
    int mails; /* delivered over it */
} MailConnection;

struct Mail {
    OutgoingRequest request; /* first: they are one */
    MailConnection *connection;
    Buf from, to, message, url, user, password, key;
    OutgoingTls tls;
    Dialogue dialogue;
    bool begun;  /* the dialogue */
    size_t sent; /* of what it has to send */
    int timeout_ms, connect_ms;
    int64_t until_ms;
};

static void on_socket(int fd, unsigned what, void *arg);
static int connect_to(Mail *m);

/* ---- connections ---- */

static void connection_close(MailConnection *c, bool politely) {
    size_t sent;
    if (!c) return;
    if (c->connected && politely) (void)curl_easy_send(c->easy, "QUIT\r\n", 6, &sent);
    c->watch = loop_fd_free(c->watch);
    c->timer = loop_timer_free(c->timer);
    if (c->easy) {
        engine_remove(c->engine, c->easy); /* closes the socket, waiting for nothing */
        curl_easy_cleanup(c->easy);
    }
    c->engine = engine_free(c->engine);
    buf_done(&c->key);
    free(c);
}

static void idle_remove(MailConnection *c) {
    Outgoing *o = c->owner;
    for (MailConnection **at = &o->idle; *at; at = &(*at)->next) {
        if (*at != c) continue;
        *at = c->next;
        o->idle_n--;
        return;
    }
}

static void close_idle(Outgoing *o) {
    MailConnection *next;
    for (MailConnection *c = o->idle; c; c = next) {
        next = c->next;
        connection_close(c, true);
    }
    o->idle = NULL;
    o->idle_n = 0;
}

static void idle_add(MailConnection *c) {
    Outgoing *o = c->owner;
    if (o->freeing || o->idle_n >= o->max_idle || c->mails >= MAILS_OF_ONE) {
        connection_close(c, true);
        return;
    }
    o->close_idle = close_idle;
    c->mail = NULL;
    c->next = o->idle;
    o->idle = c;
    o->idle_n++;
    loop_fd_want(c->watch, LOOP_READ); /* whatever it says now, it is of no use any more */
    loop_timer_arm(c->timer, IDLE_MS);
}

static MailConnection *idle_take(Outgoing *o, const Buf *key) {
    for (MailConnection *c = o->idle; c; c = c->next) {
        if (!str_eq(buf_str(&c->key), buf_str(key))) continue;
        idle_remove(c);
        return c;
    }
    return NULL;
}

/* ---- the end of a mail ---- */

static void mail_free(OutgoingRequest *r) {
    Mail *m = (Mail *)r;
    connection_close(m->connection, false);
    dialogue_done(&m->dialogue);
    buf_done(&m->from);
    buf_done(&m->to);
    buf_done(&m->message);
    buf_done(&m->url);
    buf_done(&m->user);
    buf_done(&m->password);
    buf_done(&m->key);
    free(m);
}

static void finish(Mail *m) {
    const Dialogue *d = &m->dialogue;
    OutgoingResult result = {.outcome = d->outcome,
                             .status = d->code,
                             .retry_after_ms = -1,
                             .reason = d->reason.p ? buf_str(&d->reason) : STR(""),
                             .response = STR("")};
    MailConnection *c = m->connection;
    m->connection = NULL;
    if (d->outcome == OUTGOING_DELIVERED) {
        c->mails++;
        idle_add(c);
    } else {
        connection_close(c, true);
    }
    outgoing_end(&m->request, &result);
}

/* The connection ended, or its time; `code` is libcurl's. */
static void fail(Mail *m, CURLcode code) {
    CLEANUP(buf_done) Buf reason = {0};
    MailConnection *c = m->connection;
    OutgoingResult result = {.outcome = OUTGOING_LATER, .retry_after_ms = -1, .response = STR("")};
    bool stale =
        c->mails > 0 && m->begun && m->dialogue.state == DIALOGUE_MAIL && !m->dialogue.code;
    if (stale &&
        code != CURLE_OPERATION_TIMEDOUT) { /* closed while nobody looked: nothing was sent */
        m->connection = NULL;
        connection_close(c, false);
        dialogue_done(&m->dialogue);
        m->begun = false;
        if (connect_to(m) == 0) return;
        result.reason = STR("there is no memory for a connection");
        outgoing_end(&m->request, &result);
        return;
    }
    if (c->connected) {
        bool said = m->sent >= m->dialogue.to_send.n;
        result.doubtful = m->begun && said && dialogue_in_doubt(&m->dialogue);
        result.status = m->dialogue.code;
        if (code == CURLE_OPERATION_TIMEDOUT)
            buf_printf(&reason, "the mail server did not answer within %d ms", m->timeout_ms);
        else
            buf_adds(&reason, "the mail server ended the connection");
    } else {
        long status = 0;
        (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        result.status = (int)status;
        outgoing_failure(code, &c->guard, c->error, m->connect_ms, &reason, &result);
    }
    result.reason = buf_str(&reason);
    outgoing_end(&m->request, &result); /* closes the connection too */
}

/* ---- the transaction ---- */

typedef enum Heard { HEARD_SOMETHING, HEARD_NOTHING, HEARD_THE_END /* the mail is gone */ } Heard;

/* Reads what is there. */
static Heard hear(Mail *m) {
    char bytes[READ_BYTES];
    size_t n = 0;
    CURLcode code = curl_easy_recv(m->connection->easy, bytes, sizeof(bytes), &n);
    if (code == CURLE_AGAIN) return HEARD_NOTHING;
    if (code || n == 0) {
        fail(m, CURLE_RECV_ERROR);
        return HEARD_THE_END;
    }
    dialogue_hear(&m->dialogue, (Str){bytes, n});
    if (m->sent == 0 && dialogue_before_message(&m->dialogue) && outgoing_too_late(&m->request))
        dialogue_give_up(&m->dialogue, "its time was over before it could be sent");
    if (m->dialogue.state != DIALOGUE_ENDED) return HEARD_SOMETHING;
    finish(m);
    return HEARD_THE_END;
}

static void pump(Mail *m) {
    MailConnection *c = m->connection;
    Buf *out = &m->dialogue.to_send;
    for (;;) {
        while (m->sent < out->n) {
            size_t n = 0;
            CURLcode code = curl_easy_send(c->easy, out->p + m->sent, out->n - m->sent, &n);
            m->sent += n;
            if (code == CURLE_OK) continue;
            if (code != CURLE_AGAIN) { /* it may have said why before it hung up */
                Heard last = hear(m);
                while (last == HEARD_SOMETHING)
                    last = hear(m);
                if (last == HEARD_NOTHING) fail(m, code);
                return;
            }
            loop_fd_want(c->watch, LOOP_WRITE);
            return;
        }
        buf_clear(out);
        m->sent = 0;
        Heard heard = hear(m);
        if (heard == HEARD_THE_END) return;
        if (heard == HEARD_NOTHING) break;
    }
    loop_fd_want(c->watch, LOOP_READ);
}

static void begin(Mail *m) {
    MailConnection *c = m->connection;
    m->begun = true;
    m->sent = 0;
    dialogue_begin(&m->dialogue, buf_str(&m->from), buf_str(&m->to), buf_str(&m->message),
                   c->knows_utf8, c->knows_8bit, c->pipelines);
    if (outgoing_too_late(&m->request))
        dialogue_give_up(&m->dialogue, "its time was over before it could be sent");
    loop_timer_arm(c->timer, m->until_ms - clock_monotonic_ms());
    if (m->dialogue.state == DIALOGUE_ENDED)
        finish(m);
    else
        pump(m);
}

static void on_socket(int fd, unsigned what, void *arg) {
    MailConnection *c = arg;
    (void)fd;
    (void)what;
    if (!c->mail) {
        idle_remove(c);
        connection_close(c, false);
    } else if (c->mail->begun) {
        pump(c->mail);
    } /* else: taken off the idle ones in this very turn, and begins at its end */
}

static void on_time(void *arg) {
    MailConnection *c = arg;
    if (!c->mail) {
        idle_remove(c);
        connection_close(c, true);
    } else if (c->connected && !c->mail->begun) {
        begin(c->mail);
    } else {
        fail(c->mail, CURLE_OPERATION_TIMEDOUT);
    }
}

/* ---- connecting ---- */

static void on_connected(void *arg, CURL *easy, CURLcode code) {
    MailConnection *c = arg;
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code == CURLE_OK) (void)curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
    if (code == CURLE_OK && fd == CURL_SOCKET_BAD) code = CURLE_COULDNT_CONNECT;
    if (code) {
        fail(c->mail, code);
        return;
    }
    c->connected = true;
    c->watch = loop_fd_new(c->owner->loop, fd, on_socket, c);
    begin(c->mail);
}

/* The server's replies so far; of interest is what it can do. */
static size_t on_reply(char *line, size_t size, size_t n, void *arg) {
    MailConnection *c = arg;
    Str text = {line, size * n};
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (text.n > 4 && memcmp(text.p, "250", 3) == 0) {
        Str word = str_trim((Str){text.p + 4, text.n - 4});
        c->knows_utf8 = c->knows_utf8 || str_eq_nocase(word, STR("SMTPUTF8"));
        c->knows_8bit = c->knows_8bit || str_eq_nocase(word, STR("8BITMIME"));
        c->pipelines = c->pipelines || str_eq_nocase(word, STR("PIPELINING"));
    }
    return size * n;
}

static int connect_to(Mail *m) {
    Outgoing *o = m->request.owner;
    MailConnection *c = xcalloc(1, sizeof(*c));
    int64_t left = m->until_ms - clock_monotonic_ms();
    if (left > m->connect_ms) left = m->connect_ms;
    m->connect_ms = left > 0 ? (int)left : 1;
    c->owner = o;
    c->mail = m;
    c->timer = loop_timer_new(o->loop, on_time, c);
    c->easy = curl_easy_init();
    c->engine = engine_new(o->loop, 1, on_connected, c);
    if (!c->easy || !c->engine) {
        if (c->easy) curl_easy_cleanup(c->easy);
        c->easy = NULL;
        connection_close(c, false);
        return -ENOBUFS;
    }
    buf_add_str(&c->key, buf_str(&m->key));
    outgoing_prepare(o, NULL, c->easy, &c->guard, c->error);
    (void)curl_easy_setopt(c->easy, CURLOPT_URL, m->url.p);
    (void)curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(c->easy, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)m->connect_ms);
    (void)curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)m->connect_ms);
    (void)curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_reply);
    (void)curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_reply);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    if (m->tls == OUTGOING_TLS_STARTTLS)
        (void)curl_easy_setopt(c->easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    if (m->user.n) {
        (void)curl_easy_setopt(c->easy, CURLOPT_USERNAME, m->user.p);
        (void)curl_easy_setopt(c->easy, CURLOPT_PASSWORD, m->password.p ? m->password.p : "");
    }
    if (engine_add(c->engine, c->easy) < 0) {
        curl_easy_cleanup(c->easy);
        c->easy = NULL;
        connection_close(c, false);
        return -ENOBUFS;
    }
    m->connection = c;
    return 0;
}

/* ---- the beginning ---- */

static int bad(Buf *problem, const char *why) {
    buf_adds(problem, why);
    return -EINVAL;
}

static int check_host(const Outgoing *o, Str host, Buf *problem) {
    char text[256];
    if (host.n == 0 || host.n >= sizeof(text)) return bad(problem, "a mail server has a name");
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '.' || c == '-' || c == '_' || c == ':'))
            return bad(problem, "a mail server is a name or an address, without a port");
        text[i] = c;
    }
    text[host.n] = 0;
    struct in6_addr ignored;
    if (strchr(text, ':') && inet_pton(AF_INET6, text, &ignored) != 1)
        return bad(problem, "a mail server is a name or an address, without a port");
    const char *what = address_text_refusal(&o->allowed, text);
    if (!what) return 0;
    buf_printf(problem, "%s is of %s, which may not be reached from here", text, what);
    return -EINVAL;
}

static int check(const Outgoing *o, const OutgoingMail *mail, Buf *problem) {
    bool utf8;
    int r = check_host(o, mail->host, problem);
    if (r == 0) r = dialogue_check_message(mail->message, problem);
    if (r < 0) return r;
    if (mail->port < 0 || mail->port > 65535) return bad(problem, "a port is 1 to 65535");
    if (dialogue_check_address(mail->from, true, &utf8) < 0)
        return bad(problem, "the sender is no mail address");
    if (dialogue_check_address(mail->to, false, &utf8) < 0)
        return bad(problem, "the recipient is no mail address");
    if (mail->user.n && mail->tls == OUTGOING_TLS_NONE)
        return bad(problem, "a password is not sent without TLS");
    if (!str_is_text(mail->user) || !str_is_text(mail->password))
        return bad(problem, "a user's name and password are UTF-8 text");
    return 0;
}

int outgoing_mail(Outgoing *o, const OutgoingMail *mail, OutgoingCallback cb, void *arg,
                  OutgoingRequest **ret, Buf *ret_problem) {
    static const int ports[] = {
        [OUTGOING_TLS_STARTTLS] = 587, [OUTGOING_TLS_IMPLICIT] = 465, [OUTGOING_TLS_NONE] = 25};
    CLEANUP(buf_done) Buf destination = {0}, unsaid = {0};
    int r = check(o, mail, ret_problem ? ret_problem : &unsaid);
    if (r < 0) return r;
    bool is_ipv6 = memchr(mail->host.p, ':', mail->host.n) != NULL;
    buf_printf(&destination, "%s://%s%.*s%s:%d",
               mail->tls == OUTGOING_TLS_IMPLICIT ? "smtps" : "smtp", is_ipv6 ? "[" : "",
               STR_ARG(mail->host), is_ipv6 ? "]" : "", mail->port ? mail->port : ports[mail->tls]);
    for (size_t i = 0; i < destination.n; i++)
        if (destination.p[i] >= 'A' && destination.p[i] <= 'Z')
            destination.p[i] = (char)(destination.p[i] - 'A' + 'a');
    size_t bytes = 2 * mail->message.n; /* as given, and as it goes out */
    if ((r = outgoing_room(o, buf_str(&destination), bytes)) < 0) return r;

    Mail *m = xcalloc(1, sizeof(*m));
    m->request.free_rest = mail_free;
    m->request.owner = o;
    m->tls = mail->tls;
    m->timeout_ms = mail->timeout_ms ? mail->timeout_ms : 60000;
    m->connect_ms = mail->connect_ms ? mail->connect_ms : 10000;
    m->until_ms = clock_monotonic_ms() + m->timeout_ms;
    buf_add_str(&m->from, mail->from);
    buf_add_str(&m->to, mail->to);
    buf_add_str(&m->message, mail->message);
    buf_add_str(&m->user, mail->user);
    buf_add_str(&m->password, mail->password);
    buf_printf(&m->url, "%s/%s", destination.p, o->helo);
    buf_printf(&m->key, "%s %d %zu:", m->url.p, (int)m->tls, m->user.n);
    buf_add_str(&m->key, mail->user);
    buf_add_str(&m->key, mail->password);

    MailConnection *kept = idle_take(o, &m->key);
    if (kept) {
        m->connection = kept;
        kept->mail = m;
        loop_timer_arm(kept->timer, 0);
    } else if ((r = connect_to(m)) < 0) {
        mail_free(&m->request);
        return r;
    }
    outgoing_enter(o, &m->request, cb, arg, buf_str(&destination), bytes, mail->not_after_ms);
    if (ret) *ret = &m->request;
    return 0;
}
