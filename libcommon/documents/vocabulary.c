/* What templates may use, and the tickets on which they are tried. */
#include "documents/vocabulary.h"

#include <assert.h>
#include <errno.h>

static const char *const events[NOTIFY_EVENTS] = {"ticket_created",    "ticket_assigned",
                                                  "ticket_queued",     "ticket_released",
                                                  "reply_sent",        "reply_received",
                                                  "note_added",        "ticket_solved",
                                                  "ticket_closed",     "ticket_reopened",
                                                  "promise_warned",    "promise_breached",
                                                  "promise_escalated", "storm"};

const char *notify_event_name(NotifyEvent e) {
    assert((size_t)e < NOTIFY_EVENTS);
    return events[e];
}

int notify_event_parse(Str name, NotifyEvent *ret) {
    for (int e = 0; e < NOTIFY_EVENTS; e++)
        if (str_is(name, events[e])) {
            *ret = (NotifyEvent)e;
            return 0;
        }
    return -EINVAL;
}

#define NAME(literal, is)                                                                          \
    { {literal, sizeof(literal) - 1}, is, NULL, 0 }
#define NAMES(literal, is, list)                                                                   \
    { {literal, sizeof(literal) - 1}, is, list, sizeof(list) / sizeof(*(list)) }
#define WORD(literal, value)                                                                       \
    { {literal, sizeof(literal) - 1}, {value, sizeof(value) - 1}, NULL, 0 }
#define GROUP(literal, list)                                                                       \
    { {literal, sizeof(literal) - 1}, {NULL, 0}, list, sizeof(list) / sizeof(*(list)) }

/* In the order of `names`: bits of template_needs(). */
enum { RECIPIENT, TENANT, EVENT, LINKS, TICKET, COMMENT, PROMISE, STORM, TICKETS };

static const TemplateName recipient_names[] = {NAME("name", TEMPLATE_IS_TEXT),
                                               NAME("language", TEMPLATE_IS_TEXT)};
static const TemplateName tenant_names[] = {NAME("name", TEMPLATE_IS_TEXT)};
static const TemplateName event_names[] = {
    NAME("name", TEMPLATE_IS_TEXT), NAME("at", TEMPLATE_IS_TEXT), NAME("actor", TEMPLATE_IS_TEXT),
    NAME("reason", TEMPLATE_IS_TEXT)};
static const TemplateName link_names[] = {NAME("acknowledge", TEMPLATE_IS_URL),
                                          NAME("unsubscribe", TEMPLATE_IS_URL)};
static const TemplateName ticket_names[] = {
    NAME("id", TEMPLATE_IS_NUMBER),        NAME("subject", TEMPLATE_IS_TEXT),
    NAME("description", TEMPLATE_IS_TEXT), NAME("url", TEMPLATE_IS_URL),
    NAME("status", TEMPLATE_IS_TEXT),      NAME("priority", TEMPLATE_IS_TEXT),
    NAME("urgent", TEMPLATE_IS_FLAG),      NAME("kind", TEMPLATE_IS_TEXT),
    NAME("category", TEMPLATE_IS_TEXT),    NAME("channel", TEMPLATE_IS_TEXT),
    NAME("region", TEMPLATE_IS_TEXT),      NAME("tier", TEMPLATE_IS_TEXT),
    NAME("group", TEMPLATE_IS_TEXT),       NAME("assignee", TEMPLATE_IS_TEXT),
    NAME("requester", TEMPLATE_IS_TEXT),   NAME("created_at", TEMPLATE_IS_TEXT),
    NAME("updated_at", TEMPLATE_IS_TEXT),  NAME("order", TEMPLATE_IS_TEXT),
    NAME("product", TEMPLATE_IS_TEXT),     NAME("batch", TEMPLATE_IS_TEXT),
    NAME("device", TEMPLATE_IS_TEXT),      NAME("external_id", TEMPLATE_IS_TEXT),
    NAME("tags", TEMPLATE_IS_LIST),        NAME("custom", TEMPLATE_IS_OPEN)};
static const TemplateName comment_names[] = {
    NAME("author", TEMPLATE_IS_TEXT), NAME("text", TEMPLATE_IS_TEXT), NAME("at", TEMPLATE_IS_TEXT)};
static const TemplateName promise_names[] = {
    NAME("metric", TEMPLATE_IS_TEXT), NAME("level", TEMPLATE_IS_TEXT),
    NAME("policy", TEMPLATE_IS_TEXT), NAME("due_at", TEMPLATE_IS_TEXT),
    NAME("target", TEMPLATE_IS_TEXT), NAME("elapsed", TEMPLATE_IS_TEXT)};
static const TemplateName storm_names[] = {
    NAME("count", TEMPLATE_IS_NUMBER),   NAME("urgent", TEMPLATE_IS_NUMBER),
    NAME("minutes", TEMPLATE_IS_NUMBER), NAME("kind", TEMPLATE_IS_TEXT),
    NAME("group", TEMPLATE_IS_TEXT),     NAME("url", TEMPLATE_IS_URL)};
static const TemplateName names[] = {
    [RECIPIENT] = NAMES("recipient", TEMPLATE_IS_MAP, recipient_names),
    [TENANT] = NAMES("tenant", TEMPLATE_IS_MAP, tenant_names),
    [EVENT] = NAMES("event", TEMPLATE_IS_MAP, event_names),
    [LINKS] = NAMES("links", TEMPLATE_IS_MAP, link_names),
    [TICKET] = NAMES("ticket", TEMPLATE_IS_MAP, ticket_names),
    [COMMENT] = NAMES("comment", TEMPLATE_IS_MAP, comment_names),
    [PROMISE] = NAMES("promise", TEMPLATE_IS_MAP, promise_names),
    [STORM] = NAMES("storm", TEMPLATE_IS_MAP, storm_names),
    [TICKETS] = NAMES("tickets", TEMPLATE_IS_LIST, ticket_names),
};

Vocabulary notification_vocabulary(void) {
    return (Vocabulary){names, sizeof(names) / sizeof(*names)};
}

#define BIT(i) (UINT64_C(1) << (i))

uint64_t notification_given(NotifyEvent e, bool digest) {
    uint64_t given = BIT(RECIPIENT) | BIT(TENANT) | BIT(EVENT) | BIT(LINKS);
    if (digest) return given | BIT(TICKETS);
    switch (e) {
    case NOTIFY_STORM:
        return given | BIT(STORM) | BIT(TICKETS);
    case NOTIFY_REPLY_SENT:
    case NOTIFY_REPLY_RECEIVED:
    case NOTIFY_NOTE_ADDED:
        return given | BIT(TICKET) | BIT(COMMENT);
    case NOTIFY_PROMISE_WARNED:
    case NOTIFY_PROMISE_BREACHED:
    case NOTIFY_PROMISE_ESCALATED:
        return given | BIT(TICKET) | BIT(PROMISE);
    case NOTIFY_TICKET_CREATED:
    case NOTIFY_TICKET_ASSIGNED:
    case NOTIFY_TICKET_QUEUED:
    case NOTIFY_TICKET_RELEASED:
    case NOTIFY_TICKET_SOLVED:
    case NOTIFY_TICKET_CLOSED:
    case NOTIFY_TICKET_REOPENED:
    case NOTIFY_EVENTS:
        break;
    }
    return given | BIT(TICKET);
}

/* ---- Samples: everybody and everything in them is invented ---- */

static const TemplateValue recipient[] = {WORD("name", "张三"), WORD("language", "zh")};
static const TemplateValue tenant[] = {WORD("name", "示例商城")};
static const TemplateValue links[] = {WORD("acknowledge", "https://desk.example/ack/7Yh3"),
                                      WORD("unsubscribe", "https://desk.example/u/7Yh3")};
static const TemplateValue tags[] = {WORD("", "易碎"), WORD("", "加急")};
static const TemplateValue ticket[] = {
    WORD("id", "1024"),
    WORD("subject", "杯子碎了 & 还少一只 <两只装>"),
    WORD("description", "您好：\n收到时杯子已经碎了，\"两只装\"里只有一只。\n请尽快处理。"),
    WORD("url", "https://desk.example/tickets/1024"),
    WORD("status", "处理中"),
    WORD("priority", "urgent"),
    WORD("urgent", "true"),
    WORD("kind", "售后"),
    WORD("category", "售后/破损"),
    WORD("channel", "web"),
    WORD("region", "cn-south"),
    WORD("tier", "vip"),
    WORD("group", "售后服务组"),
    WORD("assignee", "林小婉"),
    WORD("requester", "张**"),
    WORD("created_at", "2026-11-11 00:03"),
    WORD("updated_at", "2026-11-11 00:05"),
    WORD("order", "CB_20261111-7"),
    WORD("product", "马克杯"),
    WORD("batch", "B-2026-40"),
    WORD("device", "KQ-3F-07"),
    WORD("external_id", "erp-88"),
    GROUP("tags", tags)};
static const TemplateValue bare_ticket[] = {WORD("id", "7"),
                                            WORD("subject", ""),
                                            WORD("description", "?"),
                                            WORD("url", "https://desk.example/tickets/7"),
                                            WORD("status", "新建"),
                                            WORD("priority", "normal"),
                                            WORD("kind", "咨询"),
                                            WORD("category", "其他"),
                                            WORD("channel", "api"),
                                            WORD("group", "售后"),
                                            WORD("created_at", "2026-11-11 00:03"),
                                            WORD("updated_at", "2026-11-11 00:03")};
static const TemplateValue comment[] = {WORD("author", "林小婉"),
                                        WORD("text", "您好，\n新的一只已经寄出，单号 SF1024。"),
                                        WORD("at", "2026-11-11 00:20")};
static const TemplateValue promise[] = {
    WORD("metric", "首次响应"),         WORD("level", "80%"),      WORD("policy", "VIP"),
    WORD("due_at", "2026-11-11 00:18"), WORD("target", "15 分钟"), WORD("elapsed", "12 分钟")};
static const TemplateValue storm[] = {
    WORD("count", "312"),        WORD("urgent", "41"),
    WORD("minutes", "5"),        WORD("kind", "物流"),
    WORD("group", "物流跟进组"), WORD("url", "https://desk.example/storms/3")};
static const TemplateValue tickets[] = {GROUP("", ticket), GROUP("", bare_ticket)};

size_t notification_sample(NotifyEvent e, bool digest, bool complete, Arena *arena,
                           const TemplateValue **ret) {
    static const TemplateValue parts[] = {
        GROUP("recipient", recipient), GROUP("tenant", tenant), GROUP("event", recipient),
        GROUP("links", links),         GROUP("ticket", ticket), GROUP("comment", comment),
        GROUP("promise", promise),     GROUP("storm", storm),   GROUP("tickets", tickets)};
    uint64_t given = notification_given(e, digest);
    TemplateValue *all = arena_zalloc(arena, sizeof(parts));
    TemplateValue *event = arena_zalloc(arena, 4 * sizeof(*event));
    size_t n = 0;
    event[0] = (TemplateValue){.name = STR("name"), .text = str(notify_event_name(e))};
    event[1] = (TemplateValue)WORD("at", "2026-11-11 00:20");
    event[2] = (TemplateValue)WORD("actor", "林小婉");
    event[3] = (TemplateValue)WORD("reason", "关键词 碎了");
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (!(given & BIT(i))) continue;
        all[n] = parts[i];
        if (i == EVENT) {
            all[n].members = event;
            all[n].members_n = complete ? 4 : 2;
        } else if (i == TICKET && !complete) {
            all[n].members = bare_ticket;
            all[n].members_n = sizeof(bare_ticket) / sizeof(*bare_ticket);
        } else if (i == LINKS && !complete) {
            all[n].members_n = 0;
        } else if (i == TICKETS && !complete) {
            all[n].members_n = 1;
        }
        n++;
    }
    *ret = all;
    return n;
}
