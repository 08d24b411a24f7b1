#include "notifier/channels/robot.h"

#include <errno.h>

#include "base/clock.h"
#include "notifier/channels/robot_message.h"
#include "notifier/channels/try.h"

enum { POST_MS = 10000, TIMEOUT_MS = 12000, ANSWER_BYTES = 4096, SECRET_WAIT_MS = 2000 };

typedef struct RobotChannel {
    Channel channel;
    ChannelSecrets secrets;
    Tries tries;
} RobotChannel;

/* 20 a minute by DingTalk and WeCom, 100 a minute and 5 a second by Feishu: fewer, because a
 * message may take longer to them than the next one. */
static int robot_pace_ms(NotifyWay way) {
    return way == NOTIFY_BY_FEISHU ? 700 : 3200;
}

static void judge(int by, const OutgoingResult *answer, Buf *reason, Delivered *ret) {
    robot_judge((NotifyWay)by, answer, reason, ret);
}

static int robot_send(Channel *channel, const Letter *letter, int64_t not_after_ms,
                      ChannelDone done, void *arg, Buf *ret_problem) {
    RobotChannel *c = (RobotChannel *)channel;
    CLEANUP(buf_done) Buf url = {0}, body = {0};
    ChannelSecret secret = {0};
    if (!letter->system) {
        buf_adds(ret_problem, "a robot tells groups, not a person");
        return -EINVAL;
    }
    ChannelSecretOutcome found =
        c->secrets.find(c->secrets.arg, letter->tenant_id, letter->system->name, &secret);
    if (found == CHANNEL_SECRET_UNKNOWN) {
        try_end_later(try_new(&c->tries, done, arg), "the robot's address cannot be read just now",
                      true, SECRET_WAIT_MS);
        return 0;
    }
    if (found == CHANNEL_SECRET_NONE || !secret.address.n) {
        try_end_later(try_new(&c->tries, done, arg),
                      "the robot's address is not known: docket notify secret set", false, -1);
        return 0;
    }
    RobotMessage m = {.by = letter->by,
                      .address = secret.address,
                      .sign = secret.current,
                      .title = letter->subject,
                      .markdown = letter->markdown,
                      .urgent = letter->urgent};
    if (robot_request(&m, clock_wall_ms(), &url, &body, ret_problem) < 0) return -EINVAL;
    const Str type = STR("Content-Type: application/json; charset=utf-8");
    OutgoingPost post = {.url = buf_str(&url),
                         .lines = &type,
                         .lines_n = 1,
                         .body = buf_str(&body),
                         .timeout_ms = POST_MS,
                         .max_response = ANSWER_BYTES,
                         .not_after_ms = not_after_ms};
    return tries_post(&c->tries, &post, judge, (int)letter->by, done, arg, ret_problem);
}

static Channel *robot_free(Channel *channel) {
    RobotChannel *c = (RobotChannel *)channel;
    tries_cancel(&c->tries);
    free(c);
    return NULL;
}

static const ChannelKind kind = {.name = "robot",
                                 .ways = 1U << NOTIFY_BY_DINGTALK | 1U << NOTIFY_BY_WECOM |
                                         1U << NOTIFY_BY_FEISHU,
                                 .timeout_ms = TIMEOUT_MS,
                                 .pace_ms = robot_pace_ms,
                                 .send = robot_send,
                                 .free = robot_free};

Channel *robot_channel_new(Loop *loop, Outgoing *outgoing, ChannelSecrets secrets) {
    RobotChannel *c = xcalloc(1, sizeof(*c));
    c->channel.kind = &kind;
    c->secrets = secrets;
    c->tries = (Tries){.loop = loop, .outgoing = outgoing};
    return &c->channel;
}
