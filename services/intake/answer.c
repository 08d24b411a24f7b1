/* Answer -- written straight into one buffer; the members that never change are literals. */
#include "intake/answer.h"

#include "base/clock.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

static void add_text(Buf *ret, Str text) { /* null when it is absent */
    if (text.p)
        buf_add_json(ret, text);
    else
        ADD(ret, "null");
}

static void add_id(Buf *ret, int64_t id) {
    if (id)
        buf_add_i64(ret, id);
    else
        ADD(ret, "null");
}

/* ,"name":"value" where there is a value: the fields that Zendesk does not have. */
static void add_own(Buf *ret, const char *name, Str value) {
    if (!value.p) return;
    ADD(ret, ",\"");
    buf_adds(ret, name);
    ADD(ret, "\":");
    buf_add_json(ret, value);
}

void answer_url(Buf *ret, Str base, int64_t ticket_id) {
    buf_add_str(ret, base);
    ADD(ret, "/api/v2/tickets/");
    buf_add_i64(ret, ticket_id);
    ADD(ret, ".json");
}

static void add_via(Buf *ret, Str channel) {
    ADD(ret, ",\"via\":{\"channel\":");
    buf_add_json(ret, channel);
    ADD(ret, ",\"source\":{\"from\":{},\"to\":{},\"rel\":null}}");
}

static void add_requester(Buf *ret, const Submission *s) {
    ADD(ret, ",\"requester_masked\":{");
    for (size_t i = 0; i < s->requester_personal_n; i++) {
        if (i) ADD(ret, ",");
        buf_add_json(ret, s->requester_personal[i].field);
        ADD(ret, ":");
        buf_add_json(ret, s->requester_personal[i].masked);
    }
    if (s->source_user_id.p) {
        if (s->requester_personal_n) ADD(ret, ",");
        ADD(ret, "\"external_id\":");
        buf_add_json(ret, s->source_user_id);
    }
    ADD(ret, "}");
}

void answer_note(Buf *ret, const FormNote *note) {
    buf_add_str(ret, note->field);
    ADD(ret, ": ");
    buf_adds(ret, note->reason);
    ADD(ret, "; ");
    buf_adds(ret, note->remedy);
}

static void add_note_text(Buf *ret, const FormNote *note) {
    CLEANUP(buf_done) Buf text = {0};
    answer_note(&text, note);
    buf_add_json(ret, buf_str(&text));
}

static void add_warnings(Buf *ret, const FormNotes *warnings) {
    ADD(ret, ",\"warnings\":[");
    for (size_t i = 0; i < warnings->n; i++) {
        if (i) ADD(ret, ",");
        ADD(ret, "{\"field\":");
        buf_add_json(ret, warnings->items[i].field);
        ADD(ret, ",\"warning\":");
        buf_add_json(ret, str(warnings->items[i].error));
        ADD(ret, ",\"description\":");
        add_note_text(ret, &warnings->items[i]);
        ADD(ret, "}");
    }
    if (warnings->left_out)
        buf_printf(ret,
                   ",{\"field\":null,\"warning\":\"LeftOut\",\"description\":\"and %zu more\"}",
                   warnings->left_out);
    ADD(ret, "]");
}

void answer_created(Buf *ret, Str base, const Submission *s, const Sealed *sealed,
                    const FormNotes *warnings) {
    char at[21];
    clock_format_s(s->accepted_ms, at);

    ADD(ret, "{\"ticket\":{\"url\":\"");
    answer_url(ret, base, s->ticket_id);
    ADD(ret, "\",\"id\":");
    buf_add_i64(ret, s->ticket_id);
    ADD(ret, ",\"external_id\":");
    add_text(ret, s->external_id);
    add_via(ret, s->channel);
    ADD(ret, ",\"created_at\":\"");
    buf_adds(ret, at);
    ADD(ret, "\",\"updated_at\":\"");
    buf_adds(ret, at);
    ADD(ret, "\",\"type\":null,\"subject\":");
    add_text(ret, s->subject);
    ADD(ret, ",\"raw_subject\":");
    add_text(ret, s->subject);
    ADD(ret, ",\"description\":");
    add_text(ret, s->description);
    ADD(ret, ",\"priority\":");
    add_text(ret, s->priority);
    ADD(ret, ",\"status\":\"new\",\"recipient\":null,\"requester_id\":null,\"submitter_id\":null,"
             "\"assignee_id\":");
    add_id(ret, s->assignee_id);
    ADD(ret, ",\"organization_id\":null,\"group_id\":");
    add_id(ret, s->group_id);
    ADD(ret, ",\"collaborator_ids\":[],\"follower_ids\":[],\"email_cc_ids\":[],"
             "\"forum_topic_id\":null,\"problem_id\":null,\"has_incidents\":false,"
             "\"is_public\":true,\"due_at\":null,\"tags\":[");
    for (size_t i = 0; i < s->tags_n; i++) {
        if (i) ADD(ret, ",");
        buf_add_json(ret, s->tags[i]);
    }
    ADD(ret, "],\"custom_fields\":");
    if (sealed->custom_answer.p)
        buf_add_str(ret, sealed->custom_answer);
    else
        ADD(ret, "[]");
    add_requester(ret, s);
    add_own(ret, "kind", s->kind);
    add_own(ret, "order", s->order);
    add_own(ret, "product", s->product);
    add_own(ret, "batch", s->batch);
    add_own(ret, "device", s->device);
    add_own(ret, "region", s->region);
    add_own(ret, "tier", s->tier);
    add_own(ret, "language", s->language);

    ADD(ret, "},\"audit\":{\"id\":");
    buf_add_i64(ret, s->ticket_id);
    ADD(ret, ",\"ticket_id\":");
    buf_add_i64(ret, s->ticket_id);
    ADD(ret, ",\"created_at\":\"");
    buf_adds(ret, at);
    ADD(ret, "\",\"author_id\":null,\"events\":[]}");
    if (warnings->n) add_warnings(ret, warnings);
    ADD(ret, "}");
}

void answer_invalid(Buf *ret, const FormNotes *problems) {
    ADD(ret, "{\"error\":\"RecordInvalid\",\"description\":\"Record validation errors\","
             "\"details\":{");
    for (size_t i = 0; i < problems->n; i++) {
        bool told = false, first = true;
        for (size_t j = 0; j < i && !told; j++)
            told = str_eq(problems->items[j].field, problems->items[i].field);
        if (told) continue; /* with its first mention: one member per field */
        if (i) ADD(ret, ",");
        buf_add_json(ret, problems->items[i].field);
        ADD(ret, ":[");
        for (size_t j = i; j < problems->n; j++) {
            if (!str_eq(problems->items[j].field, problems->items[i].field)) continue;
            if (!first) ADD(ret, ",");
            first = false;
            ADD(ret, "{\"error\":");
            buf_add_json(ret, str(problems->items[j].error));
            ADD(ret, ",\"description\":");
            add_note_text(ret, &problems->items[j]);
            ADD(ret, "}");
        }
        ADD(ret, "]");
    }
    ADD(ret, "}}");
}

void answer_error(Buf *ret, const char *error, Str description) {
    ADD(ret, "{\"error\":");
    buf_add_json(ret, str(error));
    if (description.p) {
        ADD(ret, ",\"description\":");
        buf_add_json(ret, description);
    }
    ADD(ret, "}");
}

void answer_forbidden(Buf *ret, Str message) {
    ADD(ret, "{\"error\":{\"title\":\"Forbidden\",\"message\":");
    buf_add_json(ret, message);
    ADD(ret, "}}");
}
