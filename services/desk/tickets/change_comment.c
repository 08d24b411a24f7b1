/* A reply to the customer, an internal note, a handover. */
#include "desk/tickets/change_internal.h"
#include "desk/tickets/mention.h"
#include "html/html.h"
#include "json/json.h"

static Str attachments(Draft *d) {
    const ChangeFile *files = d->a->files;
    CLEANUP(buf_done) Buf list = {0};
    if (!d->a->files_n) return (Str){NULL, 0};
    int64_t *ids = arena_alloc(d->arena, d->a->files_n * sizeof(*ids));
    for (size_t i = 0; i < d->a->files_n; i++) {
        buf_printf(&list, "%c{\"id\":%lld,\"name\":", i ? ',' : '[', (long long)files[i].id);
        buf_add_json(&list, files[i].name);
        buf_adds(&list, ",\"type\":");
        buf_add_json(&list, files[i].type);
        buf_printf(&list, ",\"size\":%lld,\"class\":", (long long)files[i].size);
        buf_add_json(&list, files[i].class);
        buf_addc(&list, '}');
        ids[i] = files[i].id;
    }
    buf_addc(&list, ']');
    d->e->files = ids;
    d->e->files_n = d->a->files_n;
    return arena_str(d->arena, buf_str(&list));
}

static Str mentions(Draft *d, Str text) {
    int64_t ids[CHANGE_MENTIONS_MAX];
    CLEANUP(buf_done) Buf list = {0};
    size_t n = mentions_find(d->a->catalog, text, ids, CHANGE_MENTIONS_MAX);
    if (!n) return (Str){NULL, 0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%c%lld", i ? ',' : '[', (long long)ids[i]);
    buf_addc(&list, ']');
    return arena_str(d->arena, buf_str(&list));
}

static Str plain(Draft *d, const EditComment *c) {
    if (!c->is_html) return c->body;
    CLEANUP(buf_done) Buf text = {0};
    (void)html_to_text(c->body, &text);
    return arena_str(d->arena, buf_str(&text));
}

static void begin(Draft *d, EditComment *c, Str body) {
    c->present = true;
    c->author_id = d->a->who->user_id;
    c->channel = d->a->channel;
    c->body = draft_mask(d, STR("comment"), body, &d->comment_personal);
    c->attachments = attachments(d);
}

void draft_comment(Draft *d, const cJSON *comment) {
    Str body = {NULL, 0}, html = {NULL, 0}, said = {NULL, 0};
    bool is_public = true;
    EditComment *c = &d->e->comment;
    if (!comment || cJSON_IsNull(comment)) return;
    if (json_as_string(comment, &said) == 1) {
        body = said;
    } else if (!cJSON_IsObject(comment)) {
        invalid_add(d->bad, "comment", "InvalidValue",
                    "comment 应写成 {\"body\": ...} (must be an object with a body)");
        return;
    } else {
        if (draft_text(d, comment, "body", "comment", EDIT_COMMENT_BYTES, &body) < 0 ||
            draft_text(d, comment, "html_body", "comment", EDIT_COMMENT_BYTES, &html) < 0)
            return;
        if (json_get_bool(comment, "public", &is_public) < 0) {
            invalid_add(d->bad, "comment", "InvalidValue",
                        "public 要填 true 或 false (must be true or false)");
            return;
        }
    }
    if (body.n > EDIT_COMMENT_BYTES) {
        invalid_add(d->bad, "comment", "TooLong", "回复太长，最多 64 KiB (at most 64 KiB)");
        return;
    }
    c->is_html = html.n > 0;
    if (html.n) body = html;
    if (draft_blank(body) && !d->a->files_n) {
        invalid_add(d->bad, "comment", "BlankValue", "回复内容不能为空 (the comment has no body)");
        return;
    }
    begin(d, c, body);
    c->is_public = is_public;
    if (d->e->actor_kind == ACTOR_AGENT)
        d->needs |= right_bit(is_public ? RIGHT_TICKETS_REPLY : RIGHT_TICKETS_NOTE);
    if (is_public) {
        d->replies = d->e->actor_kind == ACTOR_AGENT;
        d->reply = d->replies ? plain(d, c) : (Str){NULL, 0};
    } else {
        c->mentions = mentions(d, plain(d, c));
    }
}

void draft_note(Draft *d, Str text, bool demanded) {
    if (draft_blank(text)) {
        d->note_missed = demanded;
        if (demanded)
            invalid_add(
                d->bad, "note", "BlankValue",
                "转交需要交接说明：做到哪里了、还要做什么 (a transfer needs a handover note)");
        return;
    }
    if (d->e->comment.present) { /* said besides, in the same step */
        d->e->note = draft_mask(d, STR("note"), text, &d->personal);
        return;
    }
    begin(d, &d->e->comment, text);
    d->e->comment.mentions = mentions(d, text);
    d->e->note = d->e->comment.body;
}
