#include "desk/tickets/comment.h"

#include "base/clock.h"
#include "desk/files/attachment.h"
#include "html/html.h"
#include "json/json.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

typedef struct Said {
    Str body, channel;
    bool is_html;
    const cJSON *attachments;
    CommentFacts facts;
} Said;

static Said read_said(const AuditRow *row, const TicketRow *ticket, Arena *arena) {
    static const JsonLimits limits = {.bytes = 2 << 20, .depth = 40, .members = 2000};
    cJSON *payload = NULL;
    Said s = {.body = STR(""), .channel = ticket->channel, .facts = {-1, true}};
    (void)json_parse_in(arena, row->payload, &limits, &payload, NULL);
    const cJSON *comment = cJSON_GetObjectItemCaseSensitive(payload, "comment");
    if (row->seq == 1) {
        s.facts.author_id = ticket->requester_id;
        (void)json_get_string(cJSON_GetObjectItemCaseSensitive(payload, "set"), "description",
                              &s.body);
    }
    if (!cJSON_IsObject(comment)) return s;
    (void)json_get_string(comment, "body", &s.body);
    (void)json_get_string(comment, "channel", &s.channel);
    (void)json_get_bool(comment, "html", &s.is_html);
    (void)json_get_bool(comment, "public", &s.facts.is_public);
    (void)json_get_int(comment, "author_id", &s.facts.author_id);
    (void)json_get_array(comment, "attachments", &s.attachments);
    if (!s.facts.author_id) s.facts.author_id = -1;
    return s;
}

static void add_attachments(Buf *ret, Str base, const cJSON *list) {
    const cJSON *item;
    bool first = true;
    ADD(ret, "[");
    cJSON_ArrayForEach(item, list) {
        Attachment a = {0};
        (void)json_get_int(item, "id", &a.id);
        (void)json_get_int(item, "size", &a.size);
        (void)json_get_string(item, "name", &a.name);
        (void)json_get_string(item, "type", &a.type);
        (void)json_get_string(item, "class", &a.class);
        if (!first) ADD(ret, ",");
        first = false;
        attachment_json(ret, base, &a);
    }
    ADD(ret, "]");
}

static void add_bodies(Buf *ret, const Said *s) {
    CLEANUP(buf_done) Buf html = {0};
    CLEANUP(buf_done) Buf plain = {0};
    ADD(&html, "<div class=\"zd-comment\" dir=\"auto\">");
    if (s->is_html) {
        (void)html_sanitise(s->body, &html);
        (void)html_to_text(s->body, &plain);
    } else {
        html_from_text(s->body, &html);
    }
    ADD(&html, "</div>");
    Str text = s->is_html ? (plain.p ? buf_str(&plain) : STR("")) : s->body;
    ADD(ret, ",\"body\":");
    buf_add_json(ret, text);
    ADD(ret, ",\"html_body\":");
    buf_add_json(ret, buf_str(&html));
    ADD(ret, ",\"plain_body\":");
    buf_add_json(ret, text);
}

CommentFacts comment_json(Buf *ret, Str base, const AuditRow *row, const TicketRow *ticket,
                          Arena *arena) {
    Said s = read_said(row, ticket, arena);
    int64_t id = comment_id(row->ticket_id, row->seq);
    char at[21];
    clock_format_s(row->at_ms, at);
    buf_printf(ret, "{\"id\":%lld,\"type\":\"Comment\",\"author_id\":%lld", (long long)id,
               (long long)s.facts.author_id);
    add_bodies(ret, &s);
    buf_printf(ret, ",\"public\":%s,\"attachments\":", s.facts.is_public ? "true" : "false");
    add_attachments(ret, base, s.attachments);
    buf_printf(ret, ",\"audit_id\":%lld,\"via\":{\"channel\":", (long long)id);
    buf_add_json(ret, s.channel);
    buf_printf(ret,
               ",\"source\":{\"from\":{},\"to\":{},\"rel\":null}},\"created_at\":\"%s\","
               "\"metadata\":{\"system\":{},\"custom\":{}}}",
               at);
    return s.facts;
}
