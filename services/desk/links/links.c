/* What people do from a message without signing in (signing/link.h): a lead acknowledges an
 * escalation, anybody unsubscribes. GET shows, only POST acts, and both say in words why not. The
 * token names the person; whatever is done is done as her, with the rights that she has now. */
#include <errno.h>

#include "access/credential.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/desk.h"
#include "desk/links/page.h"
#include "desk/tickets/work.h"
#include "documents/notifications.h"
#include "http/url.h"
#include "signing/link.h"

typedef struct Link {
    Token token;
    Str way, notification; /* TOKEN_UNSUBSCRIBE: what of; "": everything */
} Link;

static const PostgresStatement find_person = {
    "links_person", "SELECT u.role, u.suspended OR u.deleted_at IS NOT NULL FROM access.users u"
                    " WHERE u.tenant_id = $1::bigint AND u.user_id = $2::bigint"};

/* One of the staff is written to as an agent, or, by whoever no longer finds her among those, as a
 * user: both are meant. */
#define RECIPIENTS                                                                                 \
    "WITH who (recipient) AS (SELECT kind || ':' || $2::bigint FROM"                               \
    " unnest(CASE WHEN EXISTS (SELECT FROM ticket.requesters q WHERE q.tenant_id = $1::bigint"     \
    "  AND q.id = $2::bigint) THEN '{requester}' ELSE '{agent,user}' END::text[]) kind) "
static const PostgresStatement is_off = {
    "links_is_off",
    RECIPIENTS "SELECT EXISTS (SELECT FROM notify.unsubscribed n JOIN who ON who.recipient ="
               " n.recipient WHERE n.tenant_id = $1::bigint AND n.way = $3::text"
               " AND n.notification = $4::text)"};
static const PostgresStatement switch_off = {
    "links_off",
    RECIPIENTS "INSERT INTO notify.unsubscribed (tenant_id, recipient, way, notification)"
               " SELECT $1::bigint, who.recipient, $3::text, $4::text FROM who"
               " ON CONFLICT DO NOTHING"};
static const PostgresStatement switch_on = {
    "links_on", RECIPIENTS "DELETE FROM notify.unsubscribed n USING who WHERE n.tenant_id ="
                           " $1::bigint AND n.recipient = who.recipient AND n.way = $3::text"
                           " AND n.notification = $4::text"};

#define TEXT(z, e)                                                                                 \
    (PageText) {                                                                                   \
        .zh = STR(z), .en = STR(e)                                                                 \
    }

/* ---- pages ---- */

static void answer_page(Request *r, int status, const Page *page) {
    CLEANUP(buf_done) Buf body = {0};
    page_write(page, &body);
    http_answer_header(r->exchange, "Content-Security-Policy", page_policy);
    http_answer_header(r->exchange, "X-Content-Type-Options", "nosniff");
    http_answer_header(r->exchange, "Referrer-Policy", "no-referrer");
    http_answer_header(r->exchange, "Cache-Control", "no-store");
    if (status == 503) http_answer_header(r->exchange, "Retry-After", "3");
    answer_bytes(r, status, "text/html; charset=utf-8", buf_str(&body));
}

static void answer_sorry(Request *r, int status, PageText text) {
    answer_page(r, status, &(Page){.heading = TEXT("未能完成", "That did not work"), .text = text});
}

static void answer_away(Request *r) {
    answer_sorry(r, 503,
                 TEXT("系统暂时繁忙，请稍后再试。", "The system is busy; try again in a moment."));
}

static PageText about_ticket(Request *r, int64_t ticket_id, const char *zh, const char *en) {
    return (PageText){
        .zh = str(arena_printf(r->arena, "工单 #%lld：%s", (long long)ticket_id, zh)),
        .en = str(arena_printf(r->arena, "Ticket #%lld: %s", (long long)ticket_id, en))};
}

/* ---- the token ---- */

static bool read_about(Request *r, Link *ret) {
    Str about = request_query(r, "about"), name;
    ret->way = STR("mail");
    ret->notification = STR("");
    if (!about.n) return true;
    if (about.n > LINK_ABOUT_BYTES) return false;
    ret->way = str_cut(about, ':', &name);
    if (name.n) ret->notification = name;
    return str_is(ret->way, notify_way_name(NOTIFY_BY_MAIL)) ||
           str_is(ret->way, notify_way_name(NOTIFY_BY_SMS));
}

/* False, having answered. Whose link it is becomes the request's tenant. */
static bool open_link(Request *r, Link *ret) {
    TokenKey key = {.id = LINK_KEY_ID};
    *ret = (Link){.way = {NULL, 0}};
    if (vault_hash(r->desk->vault, 0, STR(LINK_KEY_FIELD), STR(LINK_KEY_TEXT), key.bytes) < 0) {
        answer_away(r);
        return false;
    }
    int found = token_parse(&key, 1, TOKEN_ACKNOWLEDGE, r->name, r->now_ms, &ret->token);
    if (found == -EBADMSG)
        found = token_parse(&key, 1, TOKEN_UNSUBSCRIBE, r->name, r->now_ms, &ret->token);
    if (found == -ESTALE) {
        answer_sorry(
            r, 410,
            TEXT("链接已过期，请登录后处理。", "The link has expired; please sign in instead."));
        return false;
    }
    if (found < 0 || !ret->token.tenant_id || !ret->token.person_id ||
        (ret->token.purpose == TOKEN_ACKNOWLEDGE && !ret->token.ticket_id) || !read_about(r, ret)) {
        answer_sorry(
            r, 404,
            TEXT("链接不完整或已被改动，请从原消息中重新打开。",
                 "The link is incomplete or was altered; open it from the message again."));
        return false;
    }
    (void)catalog_unref(r->catalog); /* of whoever happens to be signed in here */
    const Catalog *c = configuration_catalog(r->desk->configuration, ret->token.tenant_id);
    r->catalog = c ? catalog_ref(c) : NULL;
    r->subject = (Subject){.tenant_id = ret->token.tenant_id};
    r->token_id = r->session_id = 0;
    return true;
}

/* ---- acknowledging ---- */

static void show_acknowledge(Request *r, const Link *link) {
    Page page = {.heading = TEXT("确认接手", "Acknowledge"),
                 .text = about_ticket(r, link->token.ticket_id,
                                      "按下按钮表示您已接手关注，升级提醒随即停止。",
                                      "press the button to say that you are on it; its escalation "
                                      "stops."),
                 .button = TEXT("确认", "Acknowledge"),
                 .action = STR("acknowledge")};
    answer_page(r, 200, &page);
}

static void on_acknowledged(void *arg, WorkOutcome outcome, const WorkResult *result) {
    Request *r = arg;
    int64_t ticket_id = r->ids[0];
    (void)result;
    Page done = {.heading = TEXT("已确认", "Acknowledged")};
    switch (outcome) {
    case WORK_DONE:
        done.text = about_ticket(r, ticket_id, "升级提醒已停止。", "its escalation has stopped.");
        answer_page(r, 200, &done);
        return;
    case WORK_NOTHING:
        done.text = about_ticket(r, ticket_id, "此前已确认或已解决，无需再做什么。",
                                 "it was acknowledged or solved already; nothing is left to do.");
        answer_page(r, 200, &done);
        return;
    case WORK_INVALID:
        answer_sorry(r, 422,
                     about_ticket(r, ticket_id, "已结案或已合并，不能再确认。",
                                  "it is closed or was merged, and cannot be acknowledged."));
        return;
    case WORK_HIDDEN:
    case WORK_FORBIDDEN:
        answer_sorry(r, 403,
                     TEXT("您已无权处理这张工单。", "You may not act on this ticket any more."));
        return;
    case WORK_STALE:
    case WORK_AWAY:
        answer_away(r);
        return;
    }
}

static ChangeVerdict decide_acknowledge(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                        Arena *arena, Change *ret) {
    (void)arg;
    return change_acknowledge(a, t, arena, ret);
}

static void on_person(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    const Link *link = r->context;
    Credential who = {
        .tenant_id = link->token.tenant_id, .user_id = link->token.person_id, .scopes = RIGHTS_ALL};
    bool known = !problem && rows_count(results[0]) > 0;
    bool barred = known && rows_bool(results[0], 0, 1);
    if (known) who.role = rows_str(results[0], 0, 0);
    if (problem || barred ||
        !credential_subject(&who, r->catalog, r->arena, &r->subject, &r->role)) {
        answer_sorry(r, 403,
                     TEXT("链接的收件人已停用，请登录后处理。",
                          "The person whom this link was sent to is not active any more."));
        return;
    }
    r->ids[0] = link->token.ticket_id;
    r->by = STR("link");
    r->context = NULL;
    WorkAsk ask = work_ask(r, decide_acknowledge, NULL);
    ask.wants_acknowledged = true;
    work_begin(&ask, on_acknowledged, r);
}

static void acknowledge(Request *r, const Link *link) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, link->token.tenant_id);
    params_i64(p, link->token.person_id);
    *query = (PostgresQuery){&find_person, p};
    request_try_rows(r, POSTGRES_READ_ONLY, query, 1, on_person, answer_away);
}

/* ---- unsubscribing ---- */

static void answer_subscription(Request *r, const Link *link, bool off, bool changed) {
    Str name = link->notification;
    Page page = {.action = off ? STR("on") : STR("off"),
                 .button = off ? TEXT("恢复接收", "Subscribe again") : TEXT("退订", "Unsubscribe"),
                 .heading = off       ? TEXT("已退订", "Unsubscribed")
                            : changed ? TEXT("已恢复接收", "Subscribed again")
                                      : TEXT("退订", "Unsubscribe")};
    const char *zh = off ? "您不再收到" : changed ? "您将继续收到" : "按下按钮后，您将不再收到";
    const char *en = off       ? "You no longer receive"
                     : changed ? "You go on receiving"
                               : "Press the button and you no longer receive";
    page.text =
        name.n
            ? (PageText){str(arena_printf(r->arena, "%s「%.*s」通知。", zh, STR_ARG(name))),
                         str(arena_printf(r->arena, "%s messages of \"%.*s\".", en, STR_ARG(name)))}
            : (PageText){str(arena_printf(r->arena, "%s这类通知。", zh)),
                         str(arena_printf(r->arena, "%s messages of this kind.", en))};
    answer_page(r, 200, &page);
}

static void ask_subscription(Request *r, const Link *link, const PostgresStatement *statement,
                             RequestRows done) {
    PostgresQuery *query = arena_alloc(r->arena, sizeof(*query));
    Params *p = request_params(r);
    params_i64(p, link->token.tenant_id);
    params_i64(p, link->token.person_id);
    params_text(p, link->way);
    params_text(p, link->notification);
    *query = (PostgresQuery){statement, p};
    request_try_rows(r, statement == &is_off ? POSTGRES_READ_ONLY : 0, query, 1, done, answer_away);
}

static void on_known(Request *r, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    if (problem)
        answer_away(r);
    else
        answer_subscription(r, r->context, rows_bool(results[0], 0, 0), false);
}

static void on_off(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    (void)results;
    if (problem)
        answer_away(r);
    else
        answer_subscription(r, r->context, true, true);
}

static void on_on(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    (void)results;
    if (problem)
        answer_away(r);
    else
        answer_subscription(r, r->context, false, true);
}

/* action=on of the page's own form; everything else, RFC 8058's List-Unsubscribe=One-Click too, is
 * what the link is for. */
static bool asks_to_subscribe(Request *r) {
    Str rest = http_body(r->exchange), name, value;
    while (url_next_pair(&rest, &name, &value))
        if (str_is(name, "action")) return str_is(value, "on");
    return false;
}

/* ---- routes ---- */

static void show(Request *r) {
    Link *link = arena_alloc(r->arena, sizeof(*link));
    if (!open_link(r, link)) return;
    r->context = link;
    if (link->token.purpose == TOKEN_ACKNOWLEDGE)
        show_acknowledge(r, link);
    else
        ask_subscription(r, link, &is_off, on_known);
}

static void act(Request *r) {
    Link *link = arena_alloc(r->arena, sizeof(*link));
    if (!open_link(r, link)) return;
    r->context = link;
    if (link->token.purpose == TOKEN_ACKNOWLEDGE)
        acknowledge(r, link);
    else if (asks_to_subscribe(r))
        ask_subscription(r, link, &switch_on, on_on);
    else
        ask_subscription(r, link, &switch_off, on_off);
}

static const Route routes[] = {
    {"GET", "/api/v2/links/{name}", RIGHTS, ROUTE_OPEN, show},
    {"POST", "/api/v2/links/{name}", RIGHTS, ROUTE_OPEN | ROUTE_RAW, act},
};
const RouteTable link_routes = {"links", routes, sizeof(routes) / sizeof(*routes)};
