/* WorkforcePlay -- one small state machine an agent. */
#include "docket/workforce_play.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "docket/http_link.h"
#include "docket/workforce_words.h"

enum {
    KNOWN = 128,           /* tickets that an agent remembers */
    TRIES_MAX = 5,         /* of one step */
    MINE = 1,              /* the view that everybody has: my open tickets */
    LOOK_AT = 25,          /* tickets of a look */
    LAST_ANSWERS_MS = 5000 /* for what is under way at the end */
};

/* The picture of an approval that a standard asks for: a PNG of one white pixel. */
static const uint8_t picture[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00,
    0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78,
    0xda, 0x63, 0xf8, 0x0f, 0x00, 0x01, 0x01, 0x01, 0x00, 0x1c, 0xb0, 0x8c, 0x99, 0x00,
    0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

typedef struct Play Play;

typedef enum Doing {
    SIGNING_IN,
    FINDING_OUT, /* who she is */
    GOING_ON_DUTY,
    LOOKING,   /* what is assigned to me? */
    READING,   /* the ticket in hand */
    WORKING,   /* at steps[at] of its plan */
    REREADING, /* somebody else changed it */
    PROVING,   /* uploading what a standard asked for */
    HOLDING,   /* it cannot be solved: put on hold */
    LEAVING,
    GONE
} Doing;

typedef struct Known {
    int64_t ticket;
    int visits;
    int64_t rest_until_us; /* asked back or put aside: left alone until then */
    bool set_aside;        /* refused for good */
} Known;

typedef struct Player {
    Play *play;
    const PlayAgent *agent;
    HttpLink link;
    LoopTimer *timer; /* armed: thinking, or resting until the next look */
    int64_t id;
    DeskIdentity who;
    Buf cookie, csrf;
    Doing doing;
    bool under_way, on_duty;
    DeskCall call;
    int64_t sent_us;
    DeskTicket ticket;
    WorkPlan plan;
    size_t at;
    int tries, idle_looks;
    bool filled;
    Buf upload;
    Known known[KNOWN];
    size_t known_next;
} Player;

struct Play {
    const PlaySettings *settings;
    PlayResult *result;
    Loop *loop;
    HttpAddress desk;
    LoopTimer *end, *second;
    LoopSignal *interrupt;
    Player *players;
    int64_t start_us;
    bool stopping;
    int64_t shown_handled;
    Buf body, text;
};

static int64_t now_us(const Play *p) {
    return clock_monotonic_us() - p->start_us;
}

/* ---- memory of tickets ---- */

static Known *known(Player *w, int64_t ticket) {
    for (size_t i = 0; i < KNOWN; i++)
        if (w->known[i].ticket == ticket) return &w->known[i];
    return NULL;
}

static Known *remember(Player *w, int64_t ticket) {
    Known *k = known(w, ticket);
    if (k) return k;
    k = &w->known[w->known_next++ % KNOWN];
    *k = (Known){.ticket = ticket};
    w->play->result->tickets++;
    return k;
}

/* ---- sending ---- */

static void ask(Player *w, DeskCall call, const char *method, const char *path, const char *type,
                Str body) {
    w->call = call;
    w->under_way = true;
    w->sent_us = now_us(w->play);
    desk_write(&w->link.out, w->play->desk.host, &w->who, method, path, type, body);
}

static void ask_json(Player *w, DeskCall call, const char *method, const char *path) {
    ask(w, call, method, path, "application/json",
        method[0] == 'G' ? (Str){NULL, 0} : buf_str(&w->play->body));
}

static const char *ticket_path(Player *w, const char *behind, char room[96]) {
    (void)snprintf(room, 96, "/api/v2/tickets/%lld%s", (long long)w->ticket.id, behind);
    return room;
}

static int64_t other_group(const Player *w, uint64_t dice) {
    const PlaySettings *s = w->play->settings;
    if (s->groups_n < 2) return 0;
    size_t i = (size_t)(dice % s->groups_n);
    return s->groups[s->groups[i] == w->ticket.group_id ? (i + 1) % s->groups_n : i];
}

static DeskCall call_of(WorkStepKind kind) {
    static const DeskCall calls[] = {[WORK_NOTE] = DESK_NOTE,
                                     [WORK_REPLY] = DESK_REPLY,
                                     [WORK_ASK] = DESK_ASK,
                                     [WORK_TRANSFER] = DESK_TRANSFER,
                                     [WORK_SOLVE] = DESK_SOLVE};
    return calls[kind];
}

static void ask_step(Player *w) {
    Play *p = w->play;
    const WorkStep *step = &w->plan.steps[w->at];
    char path[96];
    workforce_write(&p->text, step->kind, step->dice);
    if (step->kind == WORK_TRANSFER) {
        desk_transfer_body(&p->body, other_group(w, step->dice), buf_str(&p->text));
        ask_json(w, DESK_TRANSFER, "POST", ticket_path(w, "/transfer.json", path));
        return;
    }
    DeskChange change = {.text = buf_str(&p->text),
                         .is_public = step->kind != WORK_NOTE,
                         .status = step->kind == WORK_ASK     ? "pending"
                                   : step->kind == WORK_SOLVE ? "solved"
                                   : step->kind == WORK_REPLY ? "open"
                                                              : NULL};
    if (step->kind == WORK_SOLVE) { /* what the customer wrote meanwhile must not be overlooked */
        if (w->ticket.updated_at[0]) change.updated_stamp = str(w->ticket.updated_at);
        change.filled = w->filled;
        if (w->upload.n) change.upload = buf_str(&w->upload);
    }
    desk_change_body(&p->body, &change);
    ask_json(w, call_of(step->kind), "PUT", ticket_path(w, ".json", path));
}

/* The next request of what this agent is doing; nothing when she waits for an answer, a timer or a
 * connection. */
static void go_on(Player *w) {
    Play *p = w->play;
    char path[160];
    if (w->under_way || !w->link.open || loop_timer_armed(w->timer) || w->doing == GONE) return;
    if (p->stopping && w->doing != LEAVING) {
        w->doing = p->settings->leave && w->on_duty ? LEAVING : GONE;
        if (w->doing == GONE) return;
    }
    buf_clear(&p->body);
    buf_clear(&p->text);
    switch (w->doing) {
    case SIGNING_IN:
        desk_sign_in_body(&p->body, p->settings->tenant, w->agent->name, w->agent->password);
        ask_json(w, DESK_SIGN_IN, "POST", "/api/v2/sessions.json");
        break;
    case FINDING_OUT:
        ask_json(w, DESK_ME, "GET", "/api/v2/users/me.json");
        break;
    case GOING_ON_DUTY:
    case LEAVING:
        desk_duty_body(&p->body, w->doing == GOING_ON_DUTY);
        ask_json(w, DESK_DUTY, "PUT", "/api/v2/users/me/duty.json");
        break;
    case LOOKING:
        (void)snprintf(path, sizeof(path), "/api/v2/views/%d/tickets.json?page[size]=%d", MINE,
                       LOOK_AT);
        ask_json(w, DESK_ASSIGNED, "GET", path);
        break;
    case READING:
        ask_json(w, DESK_READ, "GET", ticket_path(w, "/comments.json?page[size]=100", path));
        break;
    case REREADING:
        ask_json(w, DESK_READ, "GET", ticket_path(w, ".json", path));
        break;
    case WORKING:
        ask_step(w);
        break;
    case PROVING:
        ask(w, DESK_UPLOAD, "POST",
            "/api/v2/uploads.json?filename=%E5%AE%A1%E6%89%B9.png"
            "&class=%E5%AE%A1%E6%89%B9%E6%88%AA%E5%9B%BE",
            "image/png", (Str){(const char *)picture, sizeof(picture)});
        break;
    case HOLDING:
        workforce_write_hold(&p->text, (uint64_t)w->ticket.id);
        desk_change_body(&p->body, &(DeskChange){.text = buf_str(&p->text), .status = "hold"});
        ask_json(w, DESK_HOLD, "PUT", ticket_path(w, ".json", path));
        break;
    case GONE:
        break;
    }
}

static void wait(Player *w, int64_t ms) {
    loop_timer_arm(w->timer, ms < 1 ? 1 : ms);
}

static void look_again(Player *w, int64_t ms) {
    w->doing = LOOKING;
    w->ticket.id = 0;
    if (ms > 0) wait(w, ms);
}

/* ---- a ticket in hand ---- */

static void take_up(Player *w, const DeskTicket *t) {
    Known *k = remember(w, t->id);
    w->ticket = *t;
    w->plan = work_plan(&w->play->settings->habits, w->id, t->id, k->visits);
    w->at = 0;
    w->tries = 0;
    w->filled = false;
    buf_clear(&w->upload);
    w->doing = READING;
}

static void end_visit(Player *w, bool rests) {
    Known *k = remember(w, w->ticket.id);
    k->visits++;
    k->rest_until_us = 0;
    if (rests)
        k->rest_until_us = now_us(w->play) + (int64_t)(w->play->settings->patience_ms * 1000);
    w->play->result->handled++;
    w->idle_looks = 0;
    look_again(w, 0);
}

static void put_aside(Player *w) {
    remember(w, w->ticket.id)->set_aside = true;
    w->play->result->given_up++;
    look_again(w, 1);
}

static void next_step(Player *w) {
    WorkStepKind kind = w->plan.steps[w->at].kind;
    w->tries = 0;
    if (++w->at == w->plan.n) {
        end_visit(w, kind == WORK_ASK);
        return;
    }
    w->doing = WORKING;
    wait(w, w->plan.steps[w->at].after_ms);
}

/* Most urgent first, then the oldest. A ticket waiting for its customer is left alone until the
 * agent's patience ends. */
static void choose(Player *w, const HttpReply *reply) {
    DeskTicket tickets[LOOK_AT];
    int64_t now = now_us(w->play);
    const DeskTicket *best = NULL;
    int n = desk_read_tickets(reply->body, tickets, LOOK_AT);
    if (n < 0) w->play->result->broken++;
    for (int i = 0; i < n; i++) {
        const DeskTicket *t = &tickets[i];
        const Known *k = known(w, t->id);
        if (t->solved || (k && k->set_aside)) continue;
        if (t->pending && (!k || k->rest_until_us == 0 || k->rest_until_us > now)) continue;
        if (!best || t->urgency > best->urgency ||
            (t->urgency == best->urgency && t->id < best->id))
            best = t;
    }
    if (best) {
        take_up(w, best);
        return;
    }
    if (w->idle_looks < 3) w->idle_looks++;
    uint64_t dice = (uint64_t)(w->id + now);
    int64_t poll = w->play->settings->poll_ms * (1 + w->idle_looks);
    look_again(w, poll + (int64_t)(work_dice(&dice) % (uint64_t)(poll / 2 + 1)));
}

/* ---- answers ---- */

static void signed_in(Player *w, const HttpReply *reply) {
    Str cookie = http_reply_header(reply, "Set-Cookie");
    buf_clear(&w->cookie);
    buf_clear(&w->csrf);
    buf_add_str(&w->cookie, str_cut(cookie, ';', &cookie));
    (void)desk_read_text(reply->body, "session", "csrf_token", &w->csrf);
    w->who = (DeskIdentity){.cookie = buf_str(&w->cookie), .csrf = buf_str(&w->csrf)};
    w->doing = w->id ? GOING_ON_DUTY : FINDING_OUT;
}

static void succeeded(Player *w, const HttpReply *reply) {
    switch (w->doing) {
    case SIGNING_IN:
        signed_in(w, reply);
        break;
    case FINDING_OUT:
        w->doing = desk_read_id(reply->body, "user", "id", &w->id) < 0 ? GONE : GOING_ON_DUTY;
        break;
    case GOING_ON_DUTY:
        w->on_duty = true;
        w->play->result->on_duty++;
        w->doing = LOOKING;
        break;
    case LOOKING:
        choose(w, reply);
        break;
    case READING:
        w->doing = WORKING;
        wait(w, w->plan.steps[0].after_ms);
        break;
    case REREADING:
        if (desk_read_tickets(reply->body, &w->ticket, 1) != 1 || w->ticket.solved)
            look_again(w, 1);
        else
            w->doing = WORKING;
        break;
    case WORKING:
        (void)desk_read_tickets(reply->body, &w->ticket, 1);
        next_step(w);
        break;
    case PROVING:
        buf_clear(&w->upload);
        (void)desk_read_text(reply->body, "upload", "token", &w->upload);
        w->filled = true;
        w->doing = WORKING;
        break;
    case HOLDING:
        put_aside(w);
        break;
    case LEAVING:
        w->doing = GONE;
        break;
    case GONE:
        break;
    }
}

static void refused(Player *w, const HttpReply *reply) {
    PlayResult *result = w->play->result;
    int status = reply->status;
    if (status == 429 || status == 503) { /* the same once more */
        wait(w, reply->retry_after_s > 0 ? reply->retry_after_s * 1000LL : 1000);
    } else if (status == 401 && w->agent->name.p && w->doing != SIGNING_IN) {
        w->who = (DeskIdentity){.cookie = {NULL, 0}};
        w->doing = SIGNING_IN;
    } else if (status == 404 && w->doing == GOING_ON_DUTY) {
        w->doing = LOOKING; /* no agent of the documents: she works on what is hers all the same */
    } else if (w->doing < LOOKING) {
        if (++w->tries < TRIES_MAX && status >= 500)
            wait(w, 1000);
        else
            w->doing = GONE;
    } else if (w->doing == LOOKING) {
        wait(w, w->play->settings->poll_ms * 4);
    } else if (w->doing == LEAVING) {
        w->doing = GONE;
    } else if (status == 409 && w->doing == WORKING && ++w->tries < TRIES_MAX) {
        result->overtaken++;
        w->doing = REREADING;
    } else if (status == 422 && w->doing == WORKING && !w->filled &&
               w->plan.steps[w->at].kind == WORK_SOLVE) {
        w->doing = PROVING;
    } else if (status == 422 && w->doing == WORKING && w->plan.steps[w->at].kind == WORK_SOLVE) {
        w->doing = HOLDING;
    } else if (w->doing == PROVING) { /* without the picture then */
        w->filled = true;
        w->doing = WORKING;
    } else if (status == 404 || status == 403) { /* no longer hers */
        look_again(w, 1);
        result->given_up++;
    } else {
        put_aside(w);
    }
}

static bool on_answered(void *arg, const HttpReply *reply) {
    Player *w = arg;
    if (!w->under_way) return false;
    PlayCall *call = &w->play->result->calls[w->call];
    w->under_way = false;
    call->answered++;
    latency_add(&call->latency, now_us(w->play) - w->sent_us);
    if (reply->status < 400) {
        succeeded(w, reply);
    } else {
        call->refused[reply->status < PLAY_STATUSES ? reply->status : 0]++;
        refused(w, reply);
    }
    go_on(w);
    return true;
}

static void on_opened(void *arg) {
    Player *w = arg;
    go_on(w);
    (void)http_link_flush(&w->link);
}

/* Whether the desk did what it was asked is not known: a look shows it. */
static void on_lost(void *arg, HttpLoss why) {
    Player *w = arg;
    PlayResult *result = w->play->result;
    if (why == HTTP_LOSS_BROKEN) result->broken++;
    if (why != HTTP_LOSS_REFUSED && !w->play->stopping) result->reconnects++;
    if (!w->under_way) return;
    w->under_way = false;
    result->no_answer++;
    if (w->doing >= LOOKING && w->doing < LEAVING) look_again(w, 0);
}

static const HttpLinkUser link_user = {on_opened, on_answered, on_lost, NULL};

static void on_timer(void *arg) {
    Player *w = arg;
    go_on(w);
    if (w->link.open) (void)http_link_flush(&w->link);
}

/* ---- time ---- */

static void show(Play *p) {
    int64_t working = 0, done = p->result->handled;
    for (size_t i = 0; i < p->settings->agents_n; i++)
        working += p->players[i].ticket.id != 0;
    (void)fprintf(
        stderr, "%4lld s  on duty %lld  at work %lld  handled %lld (%lld/s)  no answer %lld\n",
        (long long)(now_us(p) / 1000000), (long long)p->result->on_duty, (long long)working,
        (long long)done, (long long)(done - p->shown_handled), (long long)p->result->no_answer);
    p->shown_handled = done;
}

static void on_second(void *arg) {
    Play *p = arg;
    int64_t now = now_us(p);
    bool busy = false;
    for (size_t i = 0; i < p->settings->agents_n; i++) {
        Player *w = &p->players[i];
        if (w->under_way && now - w->sent_us > p->settings->timeout_us) http_link_drop(&w->link);
        busy = busy || (w->doing != GONE && (w->under_way || w->doing == LEAVING));
    }
    if (p->stopping && !busy) loop_stop(p->loop);
    if (p->settings->progress && !p->stopping) show(p);
    loop_timer_arm(p->second, p->stopping ? 20 : 1000);
}

static void stop(Play *p) {
    if (p->stopping) {
        loop_stop(p->loop);
        return;
    }
    p->stopping = true;
    for (size_t i = 0; i < p->settings->agents_n; i++) {
        loop_timer_disarm(p->players[i].timer);
        on_timer(&p->players[i]);
    }
    loop_timer_arm(p->end, LAST_ANSWERS_MS);
    loop_timer_arm(p->second, 1);
}

static void on_end(void *arg) {
    stop(arg);
}

/* ---- a run ---- */

static void player_start(Play *p, Player *w, const PlayAgent *a) {
    w->play = p;
    w->agent = a;
    w->id = a->id;
    w->doing = a->authorization.p ? GOING_ON_DUTY : SIGNING_IN;
    w->who.authorization = a->authorization;
    w->timer = loop_timer_new(p->loop, on_timer, w);
    http_link_init(&w->link, p->loop, &p->desk, &link_user, w);
}

static void play_done(Play *p) {
    p->stopping = true;
    for (size_t i = 0; i < p->settings->agents_n; i++) {
        Player *w = &p->players[i];
        http_link_done(&w->link);
        loop_timer_free(w->timer);
        buf_done(&w->cookie);
        buf_done(&w->csrf);
        buf_done(&w->upload);
    }
    loop_timer_free(p->end);
    loop_timer_free(p->second);
    loop_signal_free(p->interrupt);
    loop_free(p->loop);
    buf_done(&p->body);
    buf_done(&p->text);
    free(p->players);
}

int play_run(const PlaySettings *s, PlayResult *ret, Buf *ret_problem) {
    Play p = {.settings = s, .result = ret};
    *ret = (PlayResult){0};
    int r = http_address_resolve(str(s->url), &p.desk, ret_problem);
    if (r < 0) return r;
    p.loop = loop_new();
    p.start_us = clock_monotonic_us();
    p.end = loop_timer_new(p.loop, on_end, &p);
    p.second = loop_timer_new(p.loop, on_second, &p);
    p.interrupt = loop_signal_new(p.loop, SIGINT, on_end, &p);
    p.players = xcalloc(s->agents_n, sizeof(*p.players));
    for (size_t i = 0; i < s->agents_n; i++)
        player_start(&p, &p.players[i], &s->agents[i]);
    loop_timer_arm(p.end, s->length_us / 1000);
    loop_timer_arm(p.second, 1000);
    loop_run(p.loop);
    ret->took_us = now_us(&p);
    play_done(&p);
    return 0;
}
