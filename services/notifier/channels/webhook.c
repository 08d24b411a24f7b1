/* {"type","timestamp","data"} of the event as it is, or the documents' own body; signed at every
 * try anew, under the same id. */
#include "notifier/channels/webhook.h"

#include <errno.h>

#include "base/arena.h"
#include "base/clock.h"
#include "signing/webhook.h"

enum { TIMEOUT_MS = 15000, CONNECT_MS = 5000, RESPONSE_BYTES = 64 * 1024, LINES_OURS = 1 };

typedef struct WebhookChannel {
    Channel channel; /* first: they are one */
    ChannelKind kind;
    Outgoing *outgoing;
    ChannelSecrets secrets;
    struct WebhookTry *first;
    Arena *arena; /* of one send() */
    Buf body;
} WebhookChannel;

typedef struct WebhookTry {
    struct WebhookTry *next, **self;
    OutgoingRequest *request;
    ChannelDone done;
    void *arg;
} WebhookTry;

static void try_free(WebhookTry *t) {
    *t->self = t->next;
    if (t->next) t->next->self = t->self;
    free(t);
}

static void on_posted(void *arg, const OutgoingResult *r) {
    WebhookTry *t = arg;
    ChannelDone done = t->done;
    void *done_arg = t->arg;
    Delivered d = channel_delivered(r);
    d.destination_dead = r->status == 410;
    try_free(t);
    done(done_arg, &d);
}

/* "ticket_created" is "ticket.created" to programs. */
static void write_body(Buf *to, const Letter *l) {
    char at[25];
    if (!l->json_is_event) {
        buf_add_str(to, l->json);
        return;
    }
    clock_format_ms(l->occurred_ms, at);
    buf_adds(to, "{\"type\":\"");
    bool dotted = false;
    for (size_t i = 0; i < l->event.n; i++) {
        bool dot = l->event.p[i] == '_' && !dotted;
        dotted = dotted || dot;
        buf_addc(to, dot ? '.' : l->event.p[i]);
    }
    buf_printf(to, "\",\"timestamp\":\"%s\",\"data\":", at);
    buf_add_str(to, l->json);
    buf_addc(to, '}');
}

static WebhookManner manner_of(const ChannelSecret *s) {
    return str_is(s->manner, "zendesk")     ? WEBHOOK_ZENDESK
           : str_is(s->manner, "pagerduty") ? WEBHOOK_PAGERDUTY
                                            : WEBHOOK_STANDARD;
}

/* How many lines, or why none. Without a secret it goes unsigned, with its id. */
static int sign(WebhookChannel *c, const Letter *l, Str *lines, Buf *problem) {
    ChannelSecret secret = {0};
    ChannelSecretOutcome found =
        l->system ? c->secrets.find(c->secrets.arg, l->tenant_id, l->system->name, &secret)
                  : CHANNEL_SECRET_NONE;
    if (found == CHANNEL_SECRET_UNKNOWN) return -EBUSY;
    if (found == CHANNEL_SECRET_NONE || !secret.current.n) {
        lines[0] = str(arena_printf(c->arena, "webhook-id: %.*s", STR_ARG(l->key)));
        return 1;
    }
    WebhookSecrets both = {.current = secret.current, .previous = secret.previous};
    int n = webhook_sign(manner_of(&secret), &both, l->key, clock_wall_ms(), buf_str(&c->body),
                         c->arena, lines);
    if (n < 0) buf_adds(problem, "its secret is none; set it again (docket notify secret set)");
    return n;
}

static int webhook_send(Channel *channel, const Letter *l, int64_t not_after_ms, ChannelDone done,
                        void *arg, Buf *ret_problem) {
    WebhookChannel *c = (WebhookChannel *)channel;
    Str lines[LINES_OURS + WEBHOOK_LINES_MAX] = {
        STR("Content-Type: application/json; charset=utf-8")};
    buf_clear(&c->body);
    arena_reset(c->arena);
    write_body(&c->body, l);
    int n = sign(c, l, lines + LINES_OURS, ret_problem);
    if (n < 0) return n;
    WebhookTry *t = xcalloc(1, sizeof(*t));
    *t = (WebhookTry){.next = c->first, .self = &c->first, .done = done, .arg = arg};
    if (c->first) c->first->self = &t->next;
    c->first = t;
    int r = outgoing_post(c->outgoing,
                          &(OutgoingPost){.url = l->address,
                                          .lines = lines,
                                          .lines_n = LINES_OURS + (size_t)n,
                                          .body = buf_str(&c->body),
                                          .timeout_ms = c->channel.kind->timeout_ms,
                                          .connect_ms = CONNECT_MS,
                                          .max_response = RESPONSE_BYTES,
                                          .not_after_ms = not_after_ms},
                          on_posted, t, &t->request, ret_problem);
    if (r == 0) return 0;
    try_free(t);
    return r == -EINVAL ? r : -EBUSY;
}

static Channel *webhook_free(Channel *channel) {
    WebhookChannel *c = (WebhookChannel *)channel;
    for (WebhookTry *t = c->first, *next; t; t = next) {
        next = t->next;
        outgoing_cancel(t->request);
        free(t);
    }
    arena_free(c->arena);
    buf_done(&c->body);
    free(c);
    return NULL;
}

Channel *webhook_channel_new(Outgoing *outgoing, ChannelSecrets secrets, int timeout_ms) {
    WebhookChannel *c = xcalloc(1, sizeof(*c));
    c->kind = (ChannelKind){
        .name = "webhook",
        .ways = 1U << NOTIFY_BY_WEBHOOK,
        .timeout_ms = timeout_ms ? timeout_ms : TIMEOUT_MS,
        .send = webhook_send,
        .free = webhook_free,
    };
    c->channel.kind = &c->kind;
    c->outgoing = outgoing;
    c->secrets = secrets;
    c->arena = arena_new(0);
    return &c->channel;
}
