#include "notifier/channels/sms.h"

#include <errno.h>

#include "base/cause.h"
#include "base/clock.h"
#include "notifier/channels/sms_message.h"
#include "notifier/channels/try.h"
#include "secrets/secret.h"

enum { POST_MS = 10000, TIMEOUT_MS = 12000, ANSWER_BYTES = 16 * 1024, SECRET_WAIT_MS = 2000 };

typedef struct SmsChannel {
    Channel channel;
    ChannelSecrets secrets;
    Tries tries;
} SmsChannel;

static void judge(int gateway, const OutgoingResult *answer, Buf *reason, Delivered *ret) {
    sms_judge((SmsGateway)gateway, answer, reason, ret);
}

static int later(SmsChannel *c, const char *why, bool fine, ChannelDone done, void *arg) {
    try_end_later(try_new(&c->tries, done, arg), why, fine, fine ? SECRET_WAIT_MS : -1);
    return 0;
}

static int sms_send(Channel *channel, const Letter *letter, int64_t not_after_ms, ChannelDone done,
                    void *arg, Buf *ret_problem) {
    SmsChannel *c = (SmsChannel *)channel;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf ignored = {0};
    ChannelSecret secret = {0};
    SmsAccount account;
    SmsRequest request;
    uint8_t nonce[GATEWAY_NONCE_BYTES];
    ChannelSecretOutcome found =
        c->secrets.find(c->secrets.arg, letter->tenant_id, STR(SECRET_SMS_SYSTEM), &secret);
    if (found == CHANNEL_SECRET_UNKNOWN)
        return later(c, "the account at the SMS gateway cannot be read just now", true, done, arg);
    if (found == CHANNEL_SECRET_NONE ||
        sms_account_parse(secret.current, arena, &account, &ignored) < 0)
        return later(c, "there is no account at an SMS gateway: docket notify secret set", false,
                     done, arg);
    SmsMessage m = {.number = letter->address,
                    .code = letter->sms_code,
                    .key = letter->key,
                    .params = letter->sms,
                    .params_n = letter->sms_n};
    random_bytes(nonce, sizeof(nonce));
    if (sms_request(&account, &m, nonce, clock_wall_ms(), arena, &request, ret_problem) < 0)
        return -EINVAL;
    OutgoingPost post = {.url = request.url,
                         .lines = request.lines,
                         .lines_n = request.lines_n,
                         .body = request.body,
                         .timeout_ms = POST_MS,
                         .max_response = ANSWER_BYTES,
                         .not_after_ms = not_after_ms};
    return tries_post(&c->tries, &post, judge, (int)account.gateway, done, arg, ret_problem);
}

static Channel *sms_free(Channel *channel) {
    SmsChannel *c = (SmsChannel *)channel;
    tries_cancel(&c->tries);
    free(c);
    return NULL;
}

static const ChannelKind kind = {.name = "sms",
                                 .ways = 1U << NOTIFY_BY_SMS,
                                 .timeout_ms = TIMEOUT_MS,
                                 .doubt_ends = true,
                                 .send = sms_send,
                                 .free = sms_free};

Channel *sms_channel_new(Loop *loop, Outgoing *outgoing, ChannelSecrets secrets) {
    SmsChannel *c = xcalloc(1, sizeof(*c));
    c->channel.kind = &kind;
    c->secrets = secrets;
    c->tries = (Tries){.loop = loop, .outgoing = outgoing};
    return &c->channel;
}
