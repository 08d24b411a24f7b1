#include "notifier/channels/robot_message.h"

#include <errno.h>

#include "signing/robots.h"
#include "json/json.h"

enum { NEAR_BYTES = 400, AROUND_BYTES = 1200 };

static const Str dots = STR("…");

/* ---- Sizes ---- */

static size_t escaped_size(char c) {
    if (c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r' || c == '\b' || c == '\f')
        return 2;
    return (unsigned char)c < 0x20 ? 6 : 1;
}

Str robot_cut(Str text, size_t room, bool escaped, bool *ret_cut) {
    size_t n = 0, used = 0;
    while (n < text.n) {
        size_t more = escaped ? escaped_size(text.p[n]) : 1;
        if (used + more > room) break;
        used += more;
        n++;
    }
    *ret_cut = n < text.n;
    if (!*ret_cut) return text;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--; /* the first byte that is left out begins a character */
    for (size_t back = 0; back < NEAR_BYTES && back < n; back++)
        if (text.p[n - back - 1] == '\n') return (Str){text.p, n - back};
    return (Str){text.p, n};
}

/* Into room bytes, with … where it was cut. */
static void add_cut(Str text, size_t room, bool escaped, Buf *ret) {
    bool cut;
    Str head = robot_cut(text, room, escaped, &cut);
    if (cut) head = robot_cut(text, room > dots.n ? room - dots.n : 0, escaped, &cut);
    buf_add_str(ret, head);
    if (cut) buf_add_str(ret, dots);
}

/* ---- Words ---- */

/* Of a heading or quote only its words. */
static Str without_marks(Str line) {
    while (line.n && strchr("#> *-", line.p[0])) {
        line.p++;
        line.n--;
    }
    return str_trim(line);
}

static void add_title(const RobotMessage *m, Buf *ret) {
    Str rest = m->markdown, line = m->title;
    while (rest.n && line.n == 0)
        line = without_marks(str_cut(rest, '\n', &rest));
    add_cut(line, ROBOT_TITLE_BYTES, false, ret);
    if (ret->n == 0) buf_adds(ret, "Docket");
}

static bool is_blank(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\r\n", s.p[i])) return false;
    return true;
}

/* One line break of a template is one on the screen too: DingTalk joins lines unless the first ends
 * in two blanks or an empty line follows. */
static void add_for_dingtalk(Str text, Buf *ret) {
    for (size_t i = 0; i < text.n; i++) {
        bool empty_before = i == 0 || text.p[i - 1] == '\n';
        bool empty_behind = i + 1 == text.n || text.p[i + 1] == '\n';
        if (text.p[i] == '\n' && !empty_before && !empty_behind) buf_adds(ret, "  ");
        buf_addc(ret, text.p[i]);
    }
}

/* Feishu's cards know no headings: they become bold. */
static void add_for_feishu(Str text, Buf *ret) {
    while (text.n) {
        Str line = str_cut(text, '\n', &text);
        size_t marks = 0;
        while (marks < line.n && line.p[marks] == '#')
            marks++;
        bool heading = marks > 0 && marks <= 6 && marks < line.n && line.p[marks] == ' ';
        Str words = heading ? str_trim((Str){line.p + marks, line.n - marks}) : line;
        if (heading && words.n && !memmem(words.p, words.n, "**", 2))
            buf_printf(ret, "**%.*s**", STR_ARG(words));
        else
            buf_add_str(ret, words);
        if (text.p) buf_addc(ret, '\n');
    }
}

/* ---- Requests ---- */

static void dingtalk(const RobotMessage *m, int64_t now_ms, Buf *url, Buf *body) {
    CLEANUP(buf_done) Buf title = {0}, words = {0}, text = {0};
    add_title(m, &title);
    add_for_dingtalk(m->markdown, &words);
    add_cut(buf_str(&words), ROBOT_DINGTALK_BYTES - AROUND_BYTES, true, &text);
    buf_adds(body, "{\"msgtype\":\"markdown\",\"markdown\":{\"title\":");
    buf_add_json(body, buf_str(&title));
    buf_adds(body, ",\"text\":");
    buf_add_json(body, buf_str(&text));
    buf_adds(body, "}}");
    buf_add_str(url, m->address);
    if (!m->sign.n) return;
    buf_addc(url, memchr(m->address.p, '?', m->address.n) ? '&' : '?');
    dingtalk_sign(m->sign, now_ms, url);
}

/* It shows no title: a list of chats has the first line. */
static void wecom(const RobotMessage *m, Buf *url, Buf *body) {
    CLEANUP(buf_done) Buf text = {0};
    add_cut(m->markdown, ROBOT_WECOM_BYTES, false, &text);
    buf_adds(body, "{\"msgtype\":\"markdown\",\"markdown\":{\"content\":");
    buf_add_json(body, buf_str(&text));
    buf_adds(body, "}}");
    buf_add_str(url, m->address);
}

static void feishu(const RobotMessage *m, int64_t now_ms, Buf *url, Buf *body) {
    CLEANUP(buf_done) Buf title = {0}, words = {0}, text = {0};
    char timestamp[FEISHU_SECONDS], sign[HMAC_BASE64];
    add_title(m, &title);
    add_for_feishu(m->markdown, &words);
    add_cut(buf_str(&words), ROBOT_FEISHU_BYTES - AROUND_BYTES, true, &text);
    buf_addc(body, '{');
    if (m->sign.n) {
        feishu_sign(m->sign, now_ms, timestamp, sign);
        buf_printf(body, "\"timestamp\":\"%s\",\"sign\":\"%s\",", timestamp, sign);
    }
    buf_printf(body,
               "\"msg_type\":\"interactive\",\"card\":{\"config\":{\"wide_screen_mode\":true},"
               "\"header\":{\"template\":\"%s\",\"title\":{\"tag\":\"plain_text\",\"content\":",
               m->urgent ? "red" : "blue");
    buf_add_json(body, buf_str(&title));
    buf_adds(body, "}},\"elements\":[{\"tag\":\"markdown\",\"content\":");
    buf_add_json(body, buf_str(&text));
    buf_adds(body, "}]}}");
    buf_add_str(url, m->address);
}

int robot_request(const RobotMessage *m, int64_t now_ms, Buf *ret_url, Buf *ret_body,
                  Buf *ret_problem) {
    if (is_blank(m->markdown)) {
        buf_adds(ret_problem, "there are no words for a robot: the template has no `markdown`");
        return -EINVAL;
    }
    if (m->by == NOTIFY_BY_DINGTALK)
        dingtalk(m, now_ms, ret_url, ret_body);
    else if (m->by == NOTIFY_BY_WECOM)
        wecom(m, ret_url, ret_body);
    else if (m->by == NOTIFY_BY_FEISHU)
        feishu(m, now_ms, ret_url, ret_body);
    else {
        buf_adds(ret_problem, "this is not told by a robot");
        return -EINVAL;
    }
    return 0;
}

/* ---- Answers ---- */

typedef enum Meaning {
    MEANS_BUSY,    /* try again soon */
    MEANS_RATE,    /* try again after a given time */
    MEANS_SETTING, /* our secret, keyword, clock or address is not what the robot was told: try
                      again, an operator may mend it meanwhile */
    MEANS_MESSAGE, /* this message will never be taken */
    MEANS_GONE     /* there is no such robot any more */
} Meaning;

typedef struct Code {
    NotifyWay by;
    int code;
    Meaning means;
    int wait_s; /* MEANS_RATE */
    const char *words;
} Code;

/* Those of notify-out's tables of each vendor; what is not here is tried again. */
static const Code codes[] = {
    {NOTIFY_BY_DINGTALK, -1, MEANS_BUSY, 0, "it is busy"},
    {NOTIFY_BY_DINGTALK, 130101, MEANS_RATE, 600, "it was sent too much"},
    {NOTIFY_BY_DINGTALK, 410100, MEANS_RATE, 600, "it was sent too much"},
    {NOTIFY_BY_DINGTALK, 310000, MEANS_SETTING, 0,
     "its safety check failed: signing secret, keyword, clock or our address"},
    {NOTIFY_BY_DINGTALK, 300001, MEANS_GONE, 0, "there is no robot with this token"},
    {NOTIFY_BY_DINGTALK, 400013, MEANS_GONE, 0, "its group was dissolved"},
    {NOTIFY_BY_DINGTALK, 400101, MEANS_GONE, 0, "there is no robot with this token"},
    {NOTIFY_BY_DINGTALK, 400102, MEANS_GONE, 0, "the robot was stopped"},
    {NOTIFY_BY_DINGTALK, 400106, MEANS_GONE, 0, "the robot was removed"},
    {NOTIFY_BY_DINGTALK, 400105, MEANS_MESSAGE, 0, "it does not know this kind of message"},
    {NOTIFY_BY_DINGTALK, 430101, MEANS_MESSAGE, 0, "it forbids the link in it"},
    {NOTIFY_BY_DINGTALK, 430102, MEANS_MESSAGE, 0, "it forbids these words"},
    {NOTIFY_BY_DINGTALK, 430103, MEANS_MESSAGE, 0, "it forbids this picture"},
    {NOTIFY_BY_DINGTALK, 430104, MEANS_MESSAGE, 0, "it forbids this content"},
    {NOTIFY_BY_DINGTALK, 460101, MEANS_MESSAGE, 0, "it is too long"},
    {NOTIFY_BY_WECOM, -1, MEANS_BUSY, 0, "it is busy"},
    {NOTIFY_BY_WECOM, 45009, MEANS_RATE, 60, "it was sent too much"},
    {NOTIFY_BY_WECOM, 93000, MEANS_GONE, 0, "there is no robot with this key"},
    {NOTIFY_BY_WECOM, 40008, MEANS_MESSAGE, 0, "it does not know this kind of message"},
    {NOTIFY_BY_WECOM, 40058, MEANS_MESSAGE, 0, "it does not like a parameter"},
    {NOTIFY_BY_WECOM, 44004, MEANS_MESSAGE, 0, "it was empty"},
    {NOTIFY_BY_WECOM, 45002, MEANS_MESSAGE, 0, "it is too long"},
    {NOTIFY_BY_FEISHU, 11232, MEANS_RATE, 5, "it was sent too much"},
    {NOTIFY_BY_FEISHU, 9499, MEANS_MESSAGE, 0, "it is no message to it, or too long"},
    {NOTIFY_BY_FEISHU, 19001, MEANS_GONE, 0, "there is no robot at this address"},
    {NOTIFY_BY_FEISHU, 19021, MEANS_SETTING, 0, "its signature or its time is not right"},
    {NOTIFY_BY_FEISHU, 19022, MEANS_SETTING, 0, "our address is not on its list"},
    {NOTIFY_BY_FEISHU, 19024, MEANS_MESSAGE, 0, "it holds none of the robot's keywords"},
};

static const Code *find_code(NotifyWay by, int64_t code) {
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (codes[i].by == by && codes[i].code == code) return &codes[i];
    return NULL;
}

/* 1 and the code; 0: the body is no answer of a robot. */
static int read_code(NotifyWay by, Str body, int64_t *ret) {
    cJSON *tree = NULL;
    int r = 0;
    if (json_parse(body, NULL, &tree, NULL) < 0) return 0;
    if (by != NOTIFY_BY_FEISHU)
        r = json_get_int(tree, "errcode", ret) > 0;
    else
        r = json_get_int(tree, "code", ret) > 0 || json_get_int(tree, "StatusCode", ret) > 0;
    cJSON_Delete(tree);
    return r;
}

static const char *vendor(NotifyWay by) {
    return by == NOTIFY_BY_DINGTALK ? "DingTalk" : by == NOTIFY_BY_WECOM ? "WeCom" : "Feishu";
}

static void judge_code(NotifyWay by, int64_t code, Buf *reason, Delivered *ret) {
    const Code *known = find_code(by, code);
    ret->doubtful = false;
    if (code == 0) {
        ret->outcome = OUTGOING_DELIVERED;
        buf_clear(reason);
        return;
    }
    Meaning means = known ? known->means : MEANS_BUSY;
    buf_printf(reason, "%s answered %lld: %s", vendor(by), (long long)code,
               known ? known->words : "a code that is not known here");
    ret->outcome =
        means == MEANS_MESSAGE || means == MEANS_GONE ? OUTGOING_REFUSED : OUTGOING_LATER;
    ret->destination_dead = means == MEANS_GONE;
    if (means == MEANS_RATE) ret->retry_after_ms = known->wait_s * INT64_C(1000);
}

void robot_judge(NotifyWay by, const OutgoingResult *answer, Buf *reason, Delivered *ret) {
    int64_t code;
    buf_clear(reason);
    *ret = channel_delivered(answer);
    if (answer->status == 0) {
        buf_add_str(reason, answer->reason);
    } else if (read_code(by, answer->response, &code)) {
        judge_code(by, code, reason, ret);
    } else if (answer->outcome == OUTGOING_DELIVERED) {
        /* Somebody else answered, or its answer was cut: the message may stand in the group. */
        ret->outcome = OUTGOING_LATER;
        ret->doubtful = true;
        buf_printf(reason, "%s answered without a code", vendor(by));
    } else {
        buf_add_str(reason, answer->reason);
        ret->destination_dead = answer->status == 410;
    }
    ret->reason = buf_str(reason);
}
