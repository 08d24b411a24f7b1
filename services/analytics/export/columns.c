#include "analytics/export/columns.h"

#include <stdio.h>

#include "base/clock.h"

typedef enum ColumnType { INTEGER, TEXT, INSTANT, JSON_TEXT } ColumnType;

typedef struct Column {
    const char *name;
    ColumnType type;
    bool may_lack;
    const char *means;
} Column;

/* One pass over the columns: with a row it writes values, without one it says what there is. */
typedef struct Writer {
    const ExportRow *row;
    void (*column)(struct Writer *w, const Column *c);
    Buf *to;
    bool first;
    /* Of the value at hand. */
    int64_t number;
    Str text;
    bool lacks;
} Writer;

static void add_quoted(Buf *b, Str text) {
    bool quote = !text.n;
    for (size_t i = 0; i < text.n && !quote; i++)
        quote = text.p[i] == '"' || text.p[i] == ',' || text.p[i] == '\r' || text.p[i] == '\n';
    if (!quote) {
        buf_add_str(b, text);
        return;
    }
    buf_addc(b, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') buf_addc(b, '"');
        buf_addc(b, text.p[i]);
    }
    buf_addc(b, '"');
}

static void write_value(Writer *w, const Column *c) {
    char instant[25];
    if (!w->first) buf_addc(w->to, ',');
    w->first = false;
    if (w->lacks) return;
    switch (c->type) {
    case INTEGER:
        buf_add_i64(w->to, w->number);
        break;
    case INSTANT:
        clock_format_ms(w->number, instant);
        buf_adds(w->to, instant);
        break;
    case TEXT:
    case JSON_TEXT:
        add_quoted(w->to, w->text);
        break;
    }
}

static void write_name(Writer *w, const Column *c) {
    if (!w->first) buf_addc(w->to, ',');
    w->first = false;
    buf_adds(w->to, c->name);
}

static void write_property(Writer *w, const Column *c) {
    static const char *const types[] = {
        [INTEGER] = "\"type\": [\"integer\"%s]",
        [TEXT] = "\"type\": [\"string\"%s]",
        [INSTANT] = "\"type\": [\"string\"%s], \"format\": \"date-time\"",
        [JSON_TEXT] = "\"type\": [\"string\"%s], \"contentMediaType\": \"application/json\""};
    CLEANUP(buf_done) Buf type = {0};
    const char *mark = strstr(types[c->type], "%s");
    buf_add(&type, types[c->type], (size_t)(mark - types[c->type]));
    buf_adds(&type, c->may_lack ? ", \"null\"" : "");
    buf_adds(&type, mark + 2);
    buf_printf(w->to, "%s\n    \"%s\": {%s, \"description\": ", w->first ? "" : ",", c->name,
               type.p);
    buf_add_json(w->to, str(c->means));
    buf_addc(w->to, '}');
    w->first = false;
}

/* ---- values ---- */

static void integer(Writer *w, const char *name, int64_t value, const char *means) {
    w->number = value;
    w->lacks = false;
    w->column(w, &(Column){name, INTEGER, false, means});
}

/* 0: none. */
static void id(Writer *w, const char *name, int64_t value, const char *means) {
    w->number = value;
    w->lacks = value == 0;
    w->column(w, &(Column){name, INTEGER, true, means});
}

static void instant(Writer *w, const char *name, int64_t value, bool may_lack, const char *means) {
    w->number = value;
    w->lacks = value == SHEET_NEVER;
    w->column(w, &(Column){name, INSTANT, may_lack, means});
}

static void text(Writer *w, const char *name, Str value, const char *means) {
    w->text = value;
    w->lacks = !value.p;
    w->column(w, &(Column){name, TEXT, true, means});
}

static void json(Writer *w, const char *name, const Buf *value, const char *means) {
    w->text = buf_str(value);
    w->lacks = false;
    w->column(w, &(Column){name, JSON_TEXT, false, means});
}

/* By the calendar and as business time; not there unless `is`. */
static void duration(Writer *w, const char *name, const FactTime *time, bool is,
                     const char *means) {
    char both[64];
    CLEANUP(buf_done) Buf words = {0};
    for (int business = 0; business < 2; business++) {
        (void)snprintf(both, sizeof(both), "%s%s_ms", name, business ? "_business" : "");
        buf_clear(&words);
        buf_printf(&words, "%s; %s", means, business ? "business hours" : "calendar");
        w->number = business ? time->business_ms : time->calendar_ms;
        w->lacks = !is;
        w->column(w, &(Column){both, INTEGER, true, words.p});
    }
}

/* ---- the columns, in their order ---- */

static void identity(Writer *w, const FactSheet *s) {
    integer(w, "tenant_id", w->row->tenant_id, "Whose ticket it is.");
    integer(w, "ticket_id", w->row->ticket_id,
            "Of two lines of one ticket the one with the greater seq holds.");
    integer(w, "seq", s->seq, "The last row of its ledger that these figures are of.");
    text(w, "status", str(ticket_status_name(s->status)), "new ... closed, deleted, merged.");
    text(w, "priority", str(ticket_priority_name(s->priority)), "low ... urgent.");
    instant(w, "created_at", s->created_ms, false, "The gate accepted it.");
    instant(w, "updated_at", s->row_ms, false, "The last row of its ledger.");
    id(w, "source_id", s->source_id, "The system that sent it.");
    id(w, "requester_id", s->requester_id, "Who asked, as a number alone.");
    id(w, "form_id", s->form_id, "Its form.");
    id(w, "followup_of", s->followup_of, "The closed ticket that it goes on with.");
    id(w, "group_id", s->group_id, "Where it lies.");
    id(w, "assignee_id", s->assignee_id, "Who has it.");
    id(w, "last_group_id", s->last_group_id, "Where it lies, or lay last.");
    id(w, "last_assignee_id", s->last_assignee_id, "Who has it, or had it last.");
}

static void texts(Writer *w, const FactSheet *s) {
    static const char *const means[SHEET_TEXTS] = {
        [SHEET_CHANNEL] = "How it came: web, app, email, phone ...",
        [SHEET_KIND] = "What it is, as the tenant's documents call it.",
        [SHEET_CATEGORY] = "The path of its category, parted by slashes.",
        [SHEET_PRODUCT] = "The product that it is about.",
        [SHEET_BATCH] = "The product's batch.",
        [SHEET_DEVICE] = "The kind of device.",
        [SHEET_REGION] = "The region.",
        [SHEET_TIER] = "The requester's tier.",
        [SHEET_LANGUAGE] = "The language.",
        [SHEET_SATISFACTION] = "good, bad, or offered and not answered.",
    };
    for (int i = 0; i < SHEET_TEXTS; i++)
        text(w, sheet_text_name((SheetText)i), s->texts[i], means[i]);
}

static void times(Writer *w, const FactSheet *s) {
    char name[64];
    instant(w, "entered_at", s->entered_ms, false, "It came into its state.");
    instant(w, "assigned_at", s->assigned_ms, true, "Somebody had it for the first time.");
    instant(w, "replied_at", s->replied_ms, true, "An agent's first public reply.");
    instant(w, "solved_at", s->solved_ms, true, "It was solved for the first time.");
    instant(w, "resolved_at", s->resolved_ms, true, "It was solved last; none while open again.");
    instant(w, "rated_at", s->rated_ms, true, "The requester's rating.");
    instant(w, "due_at", w->row->due_ms, true, "The first of its running promises falls due.");
    duration(w, "age", &s->age, true, "Creation to the last row, as far as time runs");
    duration(w, "to_assigned", &s->to_assigned, s->assigned_ms != SHEET_NEVER,
             "Creation to assigned_at");
    duration(w, "to_reply", &s->to_reply, s->replied_ms != SHEET_NEVER, "Creation to replied_at");
    duration(w, "to_solved", &s->to_solved, s->solved_ms != SHEET_NEVER, "Creation to solved_at");
    duration(w, "to_resolved", &s->to_resolved, s->resolved_ms != SHEET_NEVER,
             "Creation to resolved_at");
    duration(w, "worked", &s->worked, true, "In progress, with somebody");
    for (int i = 0; i < SHEET_STAGES; i++) {
        const Stage *stage = &s->stages[i];
        (void)snprintf(name, sizeof(name), "%s_times", ticket_status_name((TicketStatus)i));
        integer(w, name, stage->entered, "It came into that state so often.");
        (void)snprintf(name, sizeof(name), "%s", ticket_status_name((TicketStatus)i));
        duration(w, name, &stage->time, true, "In that state up to the last row");
    }
}

static void counts(Writer *w, const FactSheet *s) {
    integer(w, "replies", s->replies, "Public comments of agents.");
    integer(w, "requester_comments", s->requester_comments, "Comments of the requester.");
    integer(w, "private_comments", s->private_comments, "Internal notes.");
    integer(w, "machine_comments", s->machine_comments, "Comments of machines.");
    integer(w, "touches", s->touches, "Changes by agents.");
    integer(w, "transfers", s->transfers, "From one group to another.");
    integer(w, "handovers", s->handovers, "From one agent to another.");
    integer(w, "reopenings", s->reopenings, "From solved back to open.");
    integer(w, "priority_raises", s->priority_raises, "Times its priority was raised.");
}

static void promises(Writer *w, const FactSheet *s) {
    char name[64];
    for (int i = 0; i < METRICS; i++) {
        const char *metric = metric_name((ClockMetric)i);
        OutcomeSum sum = w->to && s->seq ? fact_sheet_promises(s, (ClockMetric)i) : (OutcomeSum){0};
        const struct {
            const char *what;
            int64_t value;
            const char *means;
        } parts[] = {{"kept", sum.kept, "Promises of that metric that were kept."},
                     {"broken", sum.broken, "... that were broken."},
                     {"open", sum.open, "... that run or stand."},
                     {"cancelled", sum.cancelled, "... ended by a merge or deletion."},
                     {"over_ms", sum.over_ms, "Beyond their targets, all together."},
                     {"worst_ms", sum.worst_ms, "Beyond its target, the worst of them."}};
        for (size_t j = 0; j < sizeof(parts) / sizeof(*parts); j++) {
            (void)snprintf(name, sizeof(name), "promise_%s_%s", metric, parts[j].what);
            integer(w, name, parts[j].value, parts[j].means);
        }
    }
}

static void write_places(const Places *places, Buf *ret) {
    buf_addc(ret, '[');
    for (size_t i = 0; i < places->n; i++) {
        const Place *p = &places->p[i];
        buf_printf(ret,
                   "%s{\"id\":%lld,\"times\":%d,\"replies\":%d,\"touches\":%d,\"held_ms\":%lld,"
                   "\"held_business_ms\":%lld,\"worked_ms\":%lld,\"worked_business_ms\":%lld}",
                   i ? "," : "", (long long)p->id, (int)p->times, (int)p->replies, (int)p->touches,
                   (long long)p->held.calendar_ms, (long long)p->held.business_ms,
                   (long long)p->worked.calendar_ms, (long long)p->worked.business_ms);
    }
    buf_addc(ret, ']');
}

static void passages(Writer *w, const FactSheet *s) {
    CLEANUP(buf_done) Buf groups = {0}, agents = {0};
    write_places(&s->groups, &groups);
    write_places(&s->agents, &agents);
    json(w, "groups", &groups,
         "Groups that it came to, first first: [{id, times, replies, touches, held_ms, "
         "held_business_ms, worked_ms, worked_business_ms}].");
    json(w, "agents", &agents, "Agents that it came to, likewise.");
}

static void each_column(Writer *w) {
    const FactSheet *s = w->row->sheet;
    w->first = true;
    identity(w, s);
    texts(w, s);
    times(w, s);
    counts(w, s);
    promises(w, s);
    passages(w, s);
}

void export_write_row(const ExportRow *row, Buf *ret) {
    Writer w = {.row = row, .column = write_value, .to = ret};
    each_column(&w);
    buf_addc(ret, '\n');
}

/* Names and meanings do not depend on the row. */
static void describe(void (*column)(Writer *w, const Column *c), Buf *ret) {
    CLEANUP(fact_sheet_freep) FactSheet *none = fact_sheet_new();
    ExportRow row = {.sheet = none};
    Writer w = {.row = &row, .column = column, .to = ret};
    each_column(&w);
}

void export_write_head(Buf *ret) {
    describe(write_name, ret);
    buf_addc(ret, '\n');
}

static void write_required(Writer *w, const Column *c) {
    buf_printf(w->to, "%s\"%s\"", w->first ? "" : ", ", c->name);
    w->first = false;
}

void export_write_schema(Buf *ret) {
    buf_printf(
        ret,
        "{\n"
        "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
        "  \"$id\": \"docket:facts:v%d\",\n"
        "  \"title\": \"Figures of a ticket\",\n"
        "  \"description\": \"One line of tickets/v%d/tenant=N/date=YYYY-MM-DD/hour=HH/"
        "part-NNNNN.csv.zst: what is known of a ticket that changed in that hour (UTC), as it was "
        "when the file was written. Lines replace earlier ones of the same tenant_id and ticket_id "
        "whose seq is not greater; a line may come again.\",\n"
        "  \"x-version\": %d,\n"
        "  \"x-csv\": {\"encoding\": \"utf-8\", \"header\": true, \"delimiter\": \",\", \"quote\": "
        "\"\\\"\", \"line_end\": \"\\n\", \"null\": \"\", \"compression\": \"zstd\"},\n"
        "  \"type\": \"object\",\n"
        "  \"additionalProperties\": false,\n"
        "  \"required\": [",
        EXPORT_VERSION, EXPORT_VERSION, EXPORT_VERSION);
    describe(write_required, ret);
    buf_adds(ret, "],\n  \"properties\": {");
    describe(write_property, ret);
    buf_adds(ret, "\n  }\n}\n");
}
