/* SurgeLoad -- one pass over what is due each millisecond; what finds no free connection waits as a
 * mere number, since a plan can always tell what its slot n is. */
#include "docket/surge_load.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/cause.h"
#include "base/clock.h"
#include "docket/http_link.h"
#include "docket/surge_reply.h"

enum {
    RETRIES_MAX = 1 << 20,
    ATTEMPTS_MAX = 60, /* of one request */
    MOST_LATE_S = 30   /* retries go on so long after the last request */
};

typedef struct Request {
    int64_t ticket;
    int64_t intended_us, sent_us;
    int attempt;
    bool again;
} Request;

typedef struct Load Load;

typedef struct Connection {
    Load *load;
    HttpLink link;
    bool idle;
    Request under_way[SURGE_DEPTH_MAX];
    unsigned first, n;
    struct Connection *next_idle;
} Connection;

typedef struct Retry { /* a heap by time */
    int64_t at_us;
    Request request;
} Retry;

struct Load {
    const SurgeSettings *settings;
    SurgeResult *result;
    Loop *loop;
    LoopTimer *tick, *second;
    LoopSignal *interrupt;
    HttpAddress gates[16];
    size_t gates_n;
    Connection *connections;
    Connection *idle_first, *idle_last;
    Retry *retries;
    size_t retries_n;
    int64_t *ids; /* by ticket; 0: none yet */
    int64_t next; /* slot */
    int64_t start_us, start_wall_ms, last_check_us;
    int64_t answered; /* slots with a final outcome */
    int64_t shown_sent, shown_accepted;
    Latency window; /* of the present second */
    char run[17];   /* makes the keys of two surges different */
    Buf body;
    bool stopping;
};

static int64_t now_us(const Load *l) {
    return clock_monotonic_us() - l->start_us;
}

/* -- retries: a binary heap, soonest first --------------------------------------------------------
 */

static void retry_push(Load *l, Request request, int64_t at_us) {
    size_t i = l->retries_n++;
    while (i > 0 && l->retries[(i - 1) / 2].at_us > at_us) {
        l->retries[i] = l->retries[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    l->retries[i] = (Retry){at_us, request};
}

static Request retry_pop(Load *l) {
    Request request = l->retries[0].request;
    Retry last = l->retries[--l->retries_n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < l->retries_n; i = child) {
        if (child + 1 < l->retries_n && l->retries[child + 1].at_us < l->retries[child].at_us)
            child++;
        if (l->retries[child].at_us >= last.at_us) break;
        l->retries[i] = l->retries[child];
    }
    if (l->retries_n) l->retries[i] = last;
    return request;
}

/* -- outcomes -------------------------------------------------------------------------------------
 */

static const SurgeSender *sender_of(const Load *l, int64_t ticket) {
    return &l->settings->senders[(size_t)ticket % l->settings->senders_n];
}

static void finish(Load *l) {
    l->answered++;
    if (l->answered == l->settings->plan->slots) loop_stop(l->loop);
}

static bool retry_later(Load *l, Request r, int after_s) {
    if (!l->settings->retry || l->retries_n == RETRIES_MAX || ++r.attempt >= ATTEMPTS_MAX ||
        l->stopping)
        return false;
    l->result->retries++;
    retry_push(l, r, now_us(l) + (after_s > 0 ? after_s : 1) * 1000000LL);
    return true;
}

static void lost(Load *l, Request r) {
    if (retry_later(l, r, 0)) return;
    l->result->no_answer++;
    finish(l);
}

static void accepted(Load *l, const Request *r, int64_t id) {
    SurgeResult *result = l->result;
    int64_t us = now_us(l) - r->intended_us;
    latency_add(&result->latency, us);
    latency_add(&l->window, us);
    int64_t *known = &l->ids[r->ticket];
    if (*known == id) {
        result->twice++;
        return;
    }
    if (*known)
        result->other_id++;
    else
        result->accepted++;
    *known = id;
    if (l->settings->accepted)
        (void)fprintf(l->settings->accepted, "%.*s %lld surge-%s-%lld %lld\n",
                      STR_ARG(sender_of(l, r->ticket)->tenant), (long long)id, l->run,
                      (long long)r->ticket, (long long)l->start_wall_ms + r->intended_us / 1000);
}

/* -- connections ----------------------------------------------------------------------------------
 */

static void idle_add(Connection *c) {
    if (c->idle || !c->link.open || (int)c->n >= c->load->settings->depth) return;
    c->idle = true;
    c->next_idle = NULL;
    if (c->load->idle_last)
        c->load->idle_last->next_idle = c;
    else
        c->load->idle_first = c;
    c->load->idle_last = c;
}

static Connection *idle_take(Load *l) { /* the one that rested longest */
    Connection *c = l->idle_first;
    if (!c) return NULL;
    l->idle_first = c->next_idle;
    if (!l->idle_first) l->idle_last = NULL;
    c->idle = false;
    return c;
}

static void idle_remove(Connection *c) {
    Load *l = c->load;
    if (!c->idle) return;
    Connection *before = NULL;
    for (Connection *i = l->idle_first; i != c; i = i->next_idle)
        before = i;
    if (before)
        before->next_idle = c->next_idle;
    else
        l->idle_first = c->next_idle;
    if (l->idle_last == c) l->idle_last = before;
    c->idle = false;
}

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

static void request_write(Connection *c, Request r) {
    Load *l = c->load;
    Buf *out = &c->link.out;
    r.sent_us = now_us(l);
    if (r.attempt == 0 && r.sent_us - r.intended_us > l->result->late_us)
        l->result->late_us = r.sent_us - r.intended_us;
    buf_clear(&l->body);
    surge_bodies_write(l->settings->bodies, r.ticket, &l->body);
    ADD(out, "POST /api/v2/tickets.json HTTP/1.1\r\nHost: ");
    buf_adds(out, c->link.server->host);
    ADD(out, "\r\nAuthorization: Bearer ");
    buf_add_str(out, sender_of(l, r.ticket)->token);
    ADD(out, "\r\nContent-Type: application/json\r\nIdempotency-Key: surge-");
    buf_add(out, l->run, 16);
    ADD(out, "-");
    buf_add_u64(out, (uint64_t)r.ticket);
    ADD(out, "\r\nContent-Length: ");
    buf_add_u64(out, l->body.n);
    ADD(out, "\r\n\r\n");
    buf_add(out, l->body.p, l->body.n);
    c->under_way[(c->first + c->n++) % SURGE_DEPTH_MAX] = r;
    l->result->sent++;
}

/* Sends what is due, retries first, as far as there are connections. */
static void send_due(Load *l) {
    const SurgePlan *plan = l->settings->plan;
    int64_t now = now_us(l);
    int64_t due = l->stopping ? l->next : surge_plan_due(plan, now);
    Connection *c;
    while (((l->retries_n && l->retries[0].at_us <= now) || l->next < due) && (c = idle_take(l))) {
        while ((int)c->n < l->settings->depth) {
            if (l->retries_n && l->retries[0].at_us <= now) {
                request_write(c, retry_pop(l));
            } else if (l->next < due) {
                SurgeSlot slot = surge_plan_slot(plan, l->next);
                request_write(c, (Request){.ticket = slot.ticket,
                                           .again = slot.again,
                                           .intended_us = surge_plan_time(plan, l->next)});
                l->next++;
            } else {
                break;
            }
            if (l->settings->depth > 1 && l->idle_first) break; /* spread while others rest */
        }
        if (http_link_flush(&c->link)) idle_add(c);
    }
}

static void on_opened(void *arg) {
    Connection *c = arg;
    idle_add(c);
    send_due(c->load);
}

static bool on_answered(void *arg, const HttpReply *http) {
    Connection *c = arg;
    Load *l = c->load;
    SurgeReply reply;
    if (c->n == 0 || !surge_reply_of(http, &reply)) return false;
    Request r = c->under_way[c->first];
    c->first = (c->first + 1) % SURGE_DEPTH_MAX;
    c->n--;
    if (reply.status == 201) {
        accepted(l, &r, reply.ticket_id);
        finish(l);
    } else if ((reply.status != 503 && reply.status != 429) ||
               !retry_later(l, r, reply.retry_after_s)) {
        l->result->refused[reply.status < SURGE_STATUSES ? reply.status : 0]++;
        finish(l);
    }
    return true;
}

static void on_lost(void *arg, HttpLoss why) {
    Connection *c = arg;
    idle_remove(c);
    if (why == HTTP_LOSS_BROKEN) c->load->result->broken++;
    if (why != HTTP_LOSS_REFUSED && !c->load->stopping) c->load->result->reconnects++;
    unsigned n = c->n, first = c->first;
    c->n = 0;
    for (unsigned i = 0; i < n; i++)
        lost(c->load, c->under_way[(first + i) % SURGE_DEPTH_MAX]);
}

static void on_rested(void *arg) {
    Connection *c = arg;
    idle_add(c);
    if (c->load->idle_first) send_due(c->load);
}

static const HttpLinkUser link_user = {on_opened, on_answered, on_lost, on_rested};

/* -- time -----------------------------------------------------------------------------------------
 */

static void check_timeouts(Load *l, int64_t now) {
    if (now - l->last_check_us < 100000) return;
    l->last_check_us = now;
    for (int i = 0; i < l->settings->connections; i++) {
        Connection *c = &l->connections[i];
        if (c->n && now - c->under_way[c->first].sent_us > l->settings->timeout_us)
            http_link_drop(&c->link);
    }
}

static void on_tick(void *arg) {
    Load *l = arg;
    int64_t now = now_us(l);
    const SurgePlan *plan = l->settings->plan;
    int64_t patience = plan->length_us + l->settings->timeout_us +
                       (l->settings->retry ? MOST_LATE_S * 1000000LL : 0);
    send_due(l);
    check_timeouts(l, now);
    if (now > patience) {
        loop_stop(l->loop);
        return;
    }
    int64_t wait_ms = 1;
    if (l->next < plan->slots && !l->retries_n) {
        int64_t next_us = surge_plan_time(plan, l->next) - now;
        wait_ms = next_us < 2000 ? 1 : next_us > 100000 ? 100 : next_us / 1000;
    } else if (l->next == plan->slots && !l->retries_n) {
        wait_ms = 10;
    }
    loop_timer_arm(l->tick, wait_ms);
}

static void show(const Load *l, const Latency *window, int64_t sent, int64_t got) {
    const SurgeResult *r = l->result;
    int64_t refused = 0, waiting = 0;
    for (int i = 0; i < SURGE_STATUSES; i++)
        refused += r->refused[i];
    for (int i = 0; i < l->settings->connections; i++)
        waiting += l->connections[i].n;
    int64_t backlog = surge_plan_due(l->settings->plan, now_us(l)) - l->next;
    (void)fprintf(stderr,
                  "%4lld s  sent %6lld/s  accepted %6lld/s  p50 %7.1f ms  p99 %7.1f ms  under way "
                  "%lld  behind %lld  refused %lld  lost %lld  retries %lld\n",
                  (long long)(now_us(l) / 1000000), (long long)sent, (long long)got,
                  (double)latency_at(window, 50) / 1000, (double)latency_at(window, 99) / 1000,
                  (long long)waiting, (long long)backlog, (long long)refused,
                  (long long)r->no_answer, (long long)r->retries);
}

static void on_second(void *arg) {
    Load *l = arg;
    if (l->settings->accepted) (void)fflush(l->settings->accepted); /* others read it meanwhile */
    loop_timer_arm(l->second, 1000);
    if (!l->settings->progress) return;
    int64_t got = l->result->accepted + l->result->twice + l->result->other_id;
    show(l, &l->window, l->result->sent - l->shown_sent, got - l->shown_accepted);
    l->shown_sent = l->result->sent;
    l->shown_accepted = got;
    l->window = (Latency){0};
}

static void on_interrupt(void *arg) {
    Load *l = arg;
    l->stopping = true;
    loop_stop(l->loop);
}

/* -- a run ----------------------------------------------------------------------------------------
 */

static double cpu_us(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec * 1e6 + (double)u.ru_utime.tv_usec +
           (double)u.ru_stime.tv_sec * 1e6 + (double)u.ru_stime.tv_usec;
}

static void load_free(Load *l) {
    l->stopping = true; /* nothing is retried or reopened any more */
    for (int i = 0; l->connections && i < l->settings->connections; i++)
        http_link_done(&l->connections[i].link);
    while (l->retries_n) {
        (void)retry_pop(l);
        l->result->no_answer++;
    }
    loop_timer_free(l->tick);
    loop_timer_free(l->second);
    loop_signal_free(l->interrupt);
    loop_free(l->loop);
    buf_done(&l->body);
    free(l->connections);
    free(l->retries);
    free(l->ids);
}

int surge_run(const SurgeSettings *s, SurgeResult *ret, Buf *ret_problem) {
    Load l = {.settings = s, .result = ret};
    *ret = (SurgeResult){0};
    Str urls = str(s->urls);
    while (urls.p && l.gates_n < sizeof(l.gates) / sizeof(*l.gates)) {
        Str url = str_trim(str_cut(urls, ',', &urls));
        int r = http_address_resolve(url, &l.gates[l.gates_n++], ret_problem);
        if (r < 0) return r;
    }
    l.loop = loop_new();
    uint8_t run[8];
    random_bytes(run, sizeof(run));
    text_hex(run, sizeof(run), l.run);
    l.ids = xcalloc((size_t)s->plan->tickets, sizeof(*l.ids));
    l.retries = xmalloc(s->retry ? RETRIES_MAX * sizeof(*l.retries) : 1);
    l.tick = loop_timer_new(l.loop, on_tick, &l);
    l.second = loop_timer_new(l.loop, on_second, &l);
    l.interrupt = loop_signal_new(l.loop, SIGINT, on_interrupt, &l);
    l.connections = xcalloc((size_t)s->connections, sizeof(*l.connections));
    l.start_us = clock_monotonic_us() + 50000; /* connections stand by then */
    l.start_wall_ms = clock_wall_ms() + 50;
    double cpu = cpu_us();
    for (int i = 0; i < s->connections; i++) {
        Connection *c = &l.connections[i];
        c->load = &l;
        http_link_init(&c->link, l.loop, &l.gates[(size_t)i % l.gates_n], &link_user, c);
    }
    loop_timer_arm(l.tick, 50);
    loop_timer_arm(l.second, 1050);
    loop_run(l.loop);
    ret->took_us = now_us(&l);
    ret->unsent = (l.stopping ? surge_plan_due(s->plan, now_us(&l)) : s->plan->slots) - l.next;
    load_free(&l);
    if (ret->sent) ret->cpu_us = (cpu_us() - cpu) / (double)ret->sent;
    return 0;
}
