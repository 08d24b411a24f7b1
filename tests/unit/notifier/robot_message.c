/* What group robots are sent, and what their answers mean. */
#include "notifier/channels/robot_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json/json.h"

typedef struct Sent {
    Buf url, body, problem;
    cJSON *json;
} Sent;

static void sent_done(Sent *s) {
    buf_done(&s->url);
    buf_done(&s->body);
    buf_done(&s->problem);
    cJSON_Delete(s->json);
}

static int sent(RobotMessage m, int64_t now_ms, Sent *ret) {
    int r = robot_request(&m, now_ms, &ret->url, &ret->body, &ret->problem);
    if (r == 0) assert_int_equal(json_parse(buf_str(&ret->body), NULL, &ret->json, NULL), 0);
    return r;
}

static Str member(const Sent *s, const char *const *path) {
    const cJSON *at = s->json;
    Str ret = {NULL, 0};
    for (; path[1]; path++)
        assert_true(json_get_object(at, *path, &at) > 0);
    (void)json_get_string(at, *path, &ret);
    return ret;
}
#define MEMBER(s, ...) member(&(s), (const char *const[]){__VA_ARGS__, NULL})

/* The vector was computed with OpenSSL by hand from DingTalk's page. */
static void dingtalk_is_signed_in_its_url(void **state) {
    CLEANUP(sent_done) Sent s = {0};
    (void)state;
    assert_int_equal(
        sent((RobotMessage){.by = NOTIFY_BY_DINGTALK,
                            .address = STR("https://oapi.dingtalk.com/robot/send?access_token=T"),
                            .sign = STR("SECtestsecret0001"),
                            .title = STR("#7 违约"),
                            .markdown = STR("### \"7\"\n一\n二\n\n三")},
             1700000000000, &s),
        0);
    assert_string_equal(s.url.p,
                        "https://oapi.dingtalk.com/robot/send?access_token=T&timestamp="
                        "1700000000000&sign=VAolOw%2Fcfl1UkWd3YB7Jai3ENz1yksp%2FK2WvBpzZlGk%3D");
    assert_true(str_is(MEMBER(s, "msgtype"), "markdown"));
    assert_true(str_is(MEMBER(s, "markdown", "title"), "#7 违约"));
    assert_true(str_is(MEMBER(s, "markdown", "text"), "### \"7\"  \n一  \n二\n\n三"));
}

static void feishu_is_signed_in_its_body(void **state) {
    CLEANUP(sent_done) Sent s = {0};
    const cJSON *card, *elements;
    Str content;
    (void)state;
    assert_int_equal(
        sent((RobotMessage){.by = NOTIFY_BY_FEISHU,
                            .address = STR("https://open.feishu.cn/open-apis/bot/v2/hook/x"),
                            .sign = STR("fs-secret-0001"),
                            .markdown = STR("### 违约 · 7\n> 空调"),
                            .urgent = true},
             1700000000000, &s),
        0);
    assert_string_equal(s.url.p, "https://open.feishu.cn/open-apis/bot/v2/hook/x");
    assert_true(str_is(MEMBER(s, "timestamp"), "1700000000"));
    assert_true(str_is(MEMBER(s, "sign"), "jF7r7bqEYfAmsIuLG1SwjLFDOico7bwxy8Dw9TFN4XY="));
    assert_true(str_is(MEMBER(s, "card", "header", "title", "content"), "违约 · 7"));
    assert_true(str_is(MEMBER(s, "card", "header", "template"), "red"));
    assert_true(json_get_object(s.json, "card", &card) > 0);
    assert_true(json_get_array(card, "elements", &elements) > 0);
    assert_true(json_get_string(elements->child, "content", &content) > 0);
    assert_true(str_is(content, "**违约 · 7**\n> 空调"));
}

static void wecom_has_its_key_in_the_address_and_no_signature(void **state) {
    CLEANUP(sent_done) Sent s = {0};
    (void)state;
    assert_int_equal(sent((RobotMessage){.by = NOTIFY_BY_WECOM,
                                         .address = STR("https://qyapi.weixin.qq.com/x?key=K"),
                                         .title = STR("[not](https://shown.example)"),
                                         .markdown = STR("**7**")},
                          1, &s),
                     0);
    assert_string_equal(s.url.p, "https://qyapi.weixin.qq.com/x?key=K");
    assert_string_equal(s.body.p,
                        "{\"msgtype\":\"markdown\",\"markdown\":{\"content\":\"**7**\"}}");
}

static void what_is_too_long_is_cut_between_characters(void **state) {
    static const NotifyWay ways[] = {NOTIFY_BY_DINGTALK, NOTIFY_BY_WECOM, NOTIFY_BY_FEISHU};
    (void)state;
    for (size_t w = 0; w < 3; w++)
        for (size_t shift = 0; shift < 3; shift++) {
            CLEANUP(sent_done) Sent s = {0};
            CLEANUP(buf_done) Buf text = {0};
            for (size_t i = 0; i < shift; i++)
                buf_addc(&text, 'a');
            while (text.n < 60000)
                buf_adds(&text, text.n % 7 ? "工" : "\"\"");
            /* sent() reads the body back: it is JSON of valid UTF-8 */
            assert_int_equal(sent((RobotMessage){.by = ways[w],
                                                 .address = STR("https://a.example/hook/?key=K"),
                                                 .markdown = buf_str(&text)},
                                  1, &s),
                             0);
            assert_true(s.body.n <= (ways[w] == NOTIFY_BY_WECOM ? 2 * ROBOT_WECOM_BYTES : 20000));
            assert_non_null(strstr(s.body.p, "…\""));
            if (ways[w] != NOTIFY_BY_WECOM) continue;
            Str content = MEMBER(s, "markdown", "content");
            assert_true(content.n <= ROBOT_WECOM_BYTES && content.n > ROBOT_WECOM_BYTES - 8);
        }
}

static void a_cut_prefers_the_end_of_a_line(void **state) {
    bool cut;
    (void)state;
    Str s = robot_cut(STR("一行\n[链接](https://a.example)"), 20, false, &cut);
    assert_true(cut && str_is(s, "一行\n"));
    s = robot_cut(STR("工工"), 5, false, &cut);
    assert_true(cut && str_is(s, "工"));
    s = robot_cut(STR("\n\n\n"), 4, true, &cut);
    assert_true(cut && s.n == 2);
    s = robot_cut(STR("abc"), 3, true, &cut);
    assert_true(!cut && s.n == 3);
    s = robot_cut(STR("工"), 2, false, &cut);
    assert_true(cut && s.n == 0);
}

static void nothing_to_say_is_never_sent(void **state) {
    CLEANUP(sent_done) Sent s = {0};
    (void)state;
    assert_int_equal(sent((RobotMessage){.by = NOTIFY_BY_WECOM, .markdown = STR(" \n")}, 1, &s),
                     -EINVAL);
    assert_non_null(strstr(s.problem.p, "`markdown`"));
    assert_int_equal(sent((RobotMessage){.by = NOTIFY_BY_MAIL, .markdown = STR("x")}, 1, &s),
                     -EINVAL);
}

/* ---- Answers ---- */

typedef struct Case {
    NotifyWay by;
    int status;
    const char *body;
    OutgoingOutcome outcome;
    bool dead, doubtful;
    int64_t wait_ms;
} Case;

static void a_robot_is_judged_by_the_code_in_its_answer(void **state) {
    static const Case cases[] = {
        {NOTIFY_BY_DINGTALK, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", OUTGOING_DELIVERED, 0, 0,
         -1},
        {NOTIFY_BY_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"ok\"}", OUTGOING_LATER, 0, 0,
         -1},
        {NOTIFY_BY_DINGTALK, 200,
         "{\"status\":1111,\"wait\":5,\"source\":\"x5\",\"punish\":\"deny\",\"uuid\":\"u\","
         "\"errcode\":130101,\"errmsg\":\"send too fast, exceed 20 times per minute\"}",
         OUTGOING_LATER, 0, 0, 600000},
        {NOTIFY_BY_DINGTALK, 200, "{\"errcode\":410100}", OUTGOING_LATER, 0, 0, 600000},
        {NOTIFY_BY_DINGTALK, 200, "{\"errcode\":400101}", OUTGOING_REFUSED, 1, 0, -1},
        {NOTIFY_BY_DINGTALK, 200, "{\"errcode\":400013}", OUTGOING_REFUSED, 1, 0, -1},
        {NOTIFY_BY_DINGTALK, 200, "{\"errcode\":460101}", OUTGOING_REFUSED, 0, 0, -1},
        {NOTIFY_BY_WECOM, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", OUTGOING_DELIVERED, 0, 0, -1},
        {NOTIFY_BY_WECOM, 200, "{\"errcode\":45009,\"errmsg\":\"ok\"}", OUTGOING_LATER, 0, 0,
         60000},
        {NOTIFY_BY_WECOM, 200, "{\"errcode\":93000}", OUTGOING_REFUSED, 1, 0, -1},
        {NOTIFY_BY_WECOM, 200, "{\"errcode\":45002}", OUTGOING_REFUSED, 0, 0, -1},
        {NOTIFY_BY_WECOM, 200, "{\"errcode\":-1}", OUTGOING_LATER, 0, 0, -1},
        {NOTIFY_BY_WECOM, 200, "{\"errcode\":99999}", OUTGOING_LATER, 0, 0, -1},
        {NOTIFY_BY_FEISHU, 200, "{\"code\":0,\"msg\":\"success\",\"data\":{}}", OUTGOING_DELIVERED,
         0, 0, -1},
        {NOTIFY_BY_FEISHU, 200, "{\"StatusCode\":0,\"StatusMessage\":\"success\"}",
         OUTGOING_DELIVERED, 0, 0, -1},
        {NOTIFY_BY_FEISHU, 200, "{\"code\":11232}", OUTGOING_LATER, 0, 0, 5000},
        {NOTIFY_BY_FEISHU, 400, "{\"code\":9499}", OUTGOING_REFUSED, 0, 0, -1},
        {NOTIFY_BY_FEISHU, 200, "{\"code\":19021}", OUTGOING_LATER, 0, 0, -1},
        {NOTIFY_BY_FEISHU, 200, "{\"code\":19001}", OUTGOING_REFUSED, 1, 0, -1},
        {NOTIFY_BY_FEISHU, 200, "{\"code\":19024}", OUTGOING_REFUSED, 0, 0, -1},
        /* somebody else answered */
        {NOTIFY_BY_FEISHU, 200, "<html>please sign in</html>", OUTGOING_LATER, 0, 1, -1},
        {NOTIFY_BY_WECOM, 200, "{\"code\":0}", OUTGOING_LATER, 0, 1, -1},
        {NOTIFY_BY_WECOM, 200, "{\"errcode\":\"0\"}", OUTGOING_LATER, 0, 1, -1},
        {NOTIFY_BY_WECOM, 200, "", OUTGOING_LATER, 0, 1, -1},
        {NOTIFY_BY_WECOM, 502, "<html>", OUTGOING_LATER, 0, 0, -1},
        {NOTIFY_BY_WECOM, 403, "<html>", OUTGOING_REFUSED, 0, 0, -1},
        {NOTIFY_BY_WECOM, 410, "", OUTGOING_REFUSED, 1, 0, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const Case *c = &cases[i];
        CLEANUP(buf_done) Buf reason = {0};
        Delivered d;
        OutgoingResult r = {.outcome = c->status < 300   ? OUTGOING_DELIVERED
                                       : c->status < 500 ? OUTGOING_REFUSED
                                                         : OUTGOING_LATER,
                            .status = c->status,
                            .retry_after_ms = -1,
                            .reason = c->status < 300 ? STR("") : STR("it said no"),
                            .response = str(c->body)};
        robot_judge(c->by, &r, &reason, &d);
        if (d.outcome != c->outcome || d.destination_dead != c->dead || d.doubtful != c->doubtful ||
            d.retry_after_ms != c->wait_ms)
            fail_msg("%s: %d dead %d doubtful %d wait %lld", c->body, (int)d.outcome,
                     d.destination_dead, d.doubtful, (long long)d.retry_after_ms);
        assert_true((d.outcome == OUTGOING_DELIVERED) == (d.reason.n == 0));
        assert_true(d.reason.n == 0 || !memmem(d.reason.p, d.reason.n, "send too fast", 13));
    }
}

static void no_answer_stays_what_it_is(void **state) {
    CLEANUP(buf_done) Buf reason = {0};
    Delivered d;
    OutgoingResult r = {.outcome = OUTGOING_LATER,
                        .retry_after_ms = -1,
                        .doubtful = true,
                        .reason = STR("no answer within 10 s")};
    (void)state;
    robot_judge(NOTIFY_BY_WECOM, &r, &reason, &d);
    assert_true(d.outcome == OUTGOING_LATER && d.doubtful && str_eq(d.reason, r.reason));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dingtalk_is_signed_in_its_url),
        cmocka_unit_test(feishu_is_signed_in_its_body),
        cmocka_unit_test(wecom_has_its_key_in_the_address_and_no_signature),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
        cmocka_unit_test(a_cut_prefers_the_end_of_a_line),
        cmocka_unit_test(nothing_to_say_is_never_sent),
        cmocka_unit_test(a_robot_is_judged_by_the_code_in_its_answer),
        cmocka_unit_test(no_answer_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
