/* A letter as RFC 5322 has it, handed to the relay. */
#include "notifier/channels/mail.h"

#include <errno.h>

#include "mail/mail.h"

enum { TIMEOUT_MS = 60000, CONNECT_MS = 10000 };

typedef struct MailChannel {
    Channel channel; /* first: they are one */
    ChannelKind kind;
    Outgoing *outgoing;
    const MailChannelSettings *settings;
    struct MailTry *first;
} MailChannel;

typedef struct MailTry {
    MailChannel *owner;
    struct MailTry *next, **self;
    OutgoingRequest *request;
    ChannelDone done;
    void *arg;
} MailTry;

static void try_free(MailTry *t) {
    *t->self = t->next;
    if (t->next) t->next->self = t->self;
    free(t);
}

/* What the relay says of this letter says nothing of the relay; and its words may hold addresses,
 * so they stay out of what is kept. */
static void on_mailed(void *arg, const OutgoingResult *r) {
    MailTry *t = arg;
    ChannelDone done = t->done;
    void *done_arg = t->arg;
    Delivered d = channel_delivered(r);
    CLEANUP(buf_done) Buf reason = {0};
    if (r->status >= 400) {
        buf_printf(&reason, "the mail server answered %d", r->status);
        d.reason = buf_str(&reason);
        d.destination_fine = r->status != 421;
    }
    try_free(t);
    done(done_arg, &d);
}

static int build(const MailChannel *c, const Letter *l, Str to, Buf *message, Buf *problem) {
    MailAddress recipient = {.name = l->name, .address = to};
    MailMessage m = {
        .from = {.name = l->sender, .address = str(c->settings->from)},
        .reply_to = {.name = l->sender, .address = l->reply_to},
        .to = &recipient,
        .to_n = 1,
        .subject = l->subject,
        .text = l->text,
        .html = l->html,
        .language = l->language,
        .at_ms = l->occurred_ms,
        .message_id = l->message_id,
        .in_reply_to = l->references_n ? l->references[l->references_n - 1] : (Str){NULL, 0},
        .references = l->references,
        .references_n = l->references_n,
        .origin = MAIL_GENERATED,
        .loop = STR("docket"),
        .unsubscribe_url = l->unsubscribe_url,
    };
    if (!l->reply_to.n) m.reply_to.name = (Str){NULL, 0};
    /* One click acts over https only; the link in the letter itself may be another. */
    if (!str_starts(m.unsubscribe_url, STR("https://"))) m.unsubscribe_url = (Str){NULL, 0};
    return mail_build(&m, message, problem) == MAIL_BUILT ? 0 : -EINVAL;
}

static int mail_send(Channel *channel, const Letter *l, int64_t not_after_ms, ChannelDone done,
                     void *arg, Buf *ret_problem) {
    MailChannel *c = (MailChannel *)channel;
    CLEANUP(buf_done) Buf message = {0}, to = {0};
    MailOutcome address = mail_address(l->address, &to, ret_problem);
    if (address != MAIL_BUILT) return -EINVAL;
    if (build(c, l, buf_str(&to), &message, ret_problem) < 0) return -EINVAL;
    OutgoingMail mail = {
        .host = str(c->settings->host),
        .port = c->settings->port,
        .tls = c->settings->tls,
        .from = str(c->settings->bounces ? c->settings->bounces : ""),
        .to = buf_str(&to),
        .message = buf_str(&message),
        .timeout_ms = c->kind.timeout_ms,
        .connect_ms = CONNECT_MS,
        .not_after_ms = not_after_ms,
    };
    if (c->settings->user && c->settings->user[0]) {
        mail.user = str(c->settings->user);
        mail.password = str(c->settings->password);
    }
    MailTry *t = xcalloc(1, sizeof(*t));
    *t = (MailTry){.owner = c, .next = c->first, .self = &c->first, .done = done, .arg = arg};
    if (c->first) c->first->self = &t->next;
    c->first = t;
    int r = outgoing_mail(c->outgoing, &mail, on_mailed, t, &t->request, ret_problem);
    if (r == 0) return 0;
    try_free(t);
    return r == -EINVAL ? r : -EBUSY;
}

static Channel *mail_free(Channel *channel) {
    MailChannel *c = (MailChannel *)channel;
    for (MailTry *t = c->first, *next; t; t = next) {
        next = t->next;
        outgoing_cancel(t->request);
        free(t);
    }
    free(c);
    return NULL;
}

Channel *mail_channel_new(Outgoing *outgoing, const MailChannelSettings *settings,
                          Buf *ret_problem) {
    CLEANUP(buf_done) Buf from = {0};
    if (mail_address(str(settings->from), &from, ret_problem) != MAIL_BUILT) return NULL;
    if (settings->user && settings->user[0] && settings->tls == OUTGOING_TLS_NONE) {
        buf_adds(ret_problem, "a login to the mail server needs TLS");
        return NULL;
    }
    MailChannel *c = xcalloc(1, sizeof(*c));
    c->kind = (ChannelKind){
        .name = "mail",
        .ways = 1U << NOTIFY_BY_MAIL,
        .timeout_ms = settings->timeout_ms ? settings->timeout_ms : TIMEOUT_MS,
        .send = mail_send,
        .free = mail_free,
    };
    c->channel.kind = &c->kind;
    c->outgoing = outgoing;
    c->settings = settings;
    return &c->channel;
}
