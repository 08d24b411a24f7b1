/* RobotMessage -- what a group robot of DingTalk, WeCom or Feishu is sent, and what its answer
 * means. Pure.
 *
 * All three answer HTTP 200 whatever happened: only the code in the body counts, never its text. */
#pragma once

#include "notifier/channels/channel.h"

enum {
    ROBOT_DINGTALK_BYTES = 20000, /* of the whole body */
    ROBOT_WECOM_BYTES = 4096,     /* of the content, before it becomes JSON */
    ROBOT_FEISHU_BYTES = 20000,   /* of the whole body: 20 KB, whichever KB is meant */
    ROBOT_TITLE_BYTES = 200,
};

typedef struct RobotMessage {
    NotifyWay by;
    Str address; /* with its token or key */
    Str sign;    /* its signing secret; absent: nothing is signed */
    Str title;   /* one line; absent: the first one of the markdown */
    Str markdown;
    bool urgent;
} RobotMessage;

/* Appends. What is too long ends in …, at the end of a line or at least of a character.
 * 0; -EINVAL: there is nothing to send, or `by` is no robot. */
int robot_request(const RobotMessage *m, int64_t now_ms, Buf *ret_url, Buf *ret_body,
                  Buf *ret_problem);

/* What became of it: *ret, whose reason is in *reason (cleared first). */
void robot_judge(NotifyWay by, const OutgoingResult *answer, Buf *reason, Delivered *ret);

/* The most that fits into `room` bytes as it stands, or as a JSON string's inside (`escaped`);
 * *ret_cut: that is not all. Ends at the end of a line if one is near. */
Str robot_cut(Str text, size_t room, bool escaped, bool *ret_cut);
