/* Kinds of ledger rows, and their payloads as JSON text. */
#include "events/ledger.h"

#include <errno.h>

#include "base/clock.h"
#include "events/submission.h"

static const char *const kind_names[LEDGER_KINDS] = {
    "ticket_created", "ticket_assigned", "ticket_queued",    "ticket_released",  "ticket_noted",
    "ticket_updated", "promise_warned",  "promise_breached", "promise_escalated"};

const char *ledger_kind_name(LedgerKind k) {
    return kind_names[k];
}

int ledger_kind_parse(Str name, LedgerKind *ret) {
    for (int k = 0; k < LEDGER_KINDS; k++)
        if (str_is(name, kind_names[k])) {
            *ret = (LedgerKind)k;
            return 0;
        }
    return -EINVAL;
}

static void add_text(Buf *b, const char *key, Str value) {
    buf_adds(b, key); /* with its quotes and colon */
    buf_add_json(b, value);
}

static void add_number(Buf *b, const char *key, int64_t value) { /* 0: none */
    buf_adds(b, key);
    if (value)
        buf_add_i64(b, value);
    else
        buf_adds(b, "null");
}

static void add_texts(Buf *b, const char *key, const Str *values, size_t n) {
    buf_adds(b, key);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(b, ',');
        buf_add_json(b, values[i]);
    }
    buf_addc(b, ']');
}

static void add_object(Buf *b, const char *key, Str object) {
    buf_adds(b, key);
    buf_add_str(b, object.n ? object : STR("{}"));
}

void ledger_payload_created(const struct Submission *s, const TicketFacts *f, Buf *ret) {
    char created[25];
    clock_format_ms(s->accepted_ms, created);
    buf_reserve(ret, 512 + s->subject.n + s->description.n + s->custom_fields.n + f->reason.n);
    buf_adds(ret, "{\"set\":{\"status\":\"new\"");
    add_text(ret, ",\"priority\":", str(ticket_priority_name(f->priority)));
    add_text(ret, ",\"kind\":", f->kind);
    add_text(ret, ",\"category\":", f->category);
    add_text(ret, ",\"channel\":", s->channel);
    add_number(ret, ",\"group_id\":", f->group_id);
    buf_adds(ret, ",\"source_id\":");
    buf_add_i64(ret, s->source_id);
    add_text(ret, ",\"subject\":", s->subject);
    add_text(ret, ",\"description\":", s->description);
    add_texts(ret, ",\"skills\":[", f->skills, f->skills_n);
    add_texts(ret, ",\"tags\":[", f->tags, f->tags_n);
    add_text(ret, ",\"tier\":", s->tier);
    add_text(ret, ",\"region\":", s->region);
    add_text(ret, ",\"order_ref\":", s->order);
    add_text(ret, ",\"product\":", s->product);
    add_text(ret, ",\"batch\":", s->batch);
    add_text(ret, ",\"device\":", s->device);
    add_text(ret, ",\"language\":", s->language);
    add_text(ret, ",\"external_id\":", s->external_id);
    add_object(ret, ",\"custom_fields\":", s->custom_fields);
    if (s->followup_of) add_number(ret, ",\"followup_of\":", s->followup_of);
    add_text(ret, ",\"created_at\":", str(created));
    add_object(ret, "},\"reason\":", f->reason);
    buf_addc(ret, '}');
}

void ledger_payload_placed(TicketStatus status, int64_t group_id, int64_t assignee_id, Str reason,
                           Buf *ret) {
    add_text(ret, "{\"set\":{\"status\":", str(ticket_status_name(status)));
    add_number(ret, ",\"group_id\":", group_id);
    add_number(ret, ",\"assignee_id\":", assignee_id);
    add_object(ret, "},\"reason\":", reason);
    buf_addc(ret, '}');
}

void ledger_payload_noted(Str note, Buf *ret) {
    add_text(ret, "{\"note\":", note);
    buf_addc(ret, '}');
}
