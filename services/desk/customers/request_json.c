#include "desk/customers/request_json.h"

#include <stdio.h>

#include "base/clock.h"
#include "desk/tickets/ticket_json.h"
#include "documents/forms.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

Str request_status_shown(TicketStatus s) {
    return s == TICKET_ON_HOLD ? STR("open") : ticket_status_shown(s);
}

static void add_time(Buf *ret, const char *name, int64_t ms) {
    char at[21];
    clock_format_s(ms, at);
    buf_printf(ret, ",\"%s\":\"%s\"", name, at);
}

static void add_number(Buf *ret, const char *name, int64_t id) {
    if (id)
        buf_printf(ret, ",\"%s\":%lld", name, (long long)id);
    else
        buf_printf(ret, ",\"%s\":null", name);
}

static void add_fields(Buf *ret, const TicketRow *t, const Catalog *catalog) {
    const Field *fields;
    size_t n = catalog ? catalog_fields(catalog, &fields) : 0;
    const Form *form = n ? catalog_form_of(catalog, t->form_id, t->kind) : NULL;
    const char *comma = "";
    buf_addc(ret, '[');
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].customers || (fields[i].in_some_form && !form_has(form, &fields[i])))
            continue;
        char number[24];
        (void)snprintf(number, sizeof(number), "%lld", (long long)fields[i].id);
        Str value = ticket_custom_field(t, fields[i].name);
        if (!value.p) value = ticket_custom_field(t, str(number));
        buf_printf(ret, "%s{\"id\":%s,\"value\":", comma, number);
        buf_add_str(ret, value.p ? value : STR("null"));
        buf_addc(ret, '}');
        comma = ",";
    }
    buf_addc(ret, ']');
}

void request_json(Buf *ret, Str base, const TicketRow *t, const Catalog *catalog) {
    bool solved = t->status == TICKET_SOLVED || t->status == TICKET_CLOSED;
    bool can_solve = t->status > TICKET_NEW && t->status <= TICKET_SOLVED;
    buf_printf(ret, "{\"url\":\"%.*s/api/v2/requests/%lld.json\",\"id\":%lld,\"status\":\"%.*s\"",
               STR_ARG(base), (long long)t->id, (long long)t->id,
               STR_ARG(request_status_shown(t->status)));
    buf_printf(
        ret, ",\"priority\":\"%s\",\"type\":null,\"subject\":", ticket_priority_name(t->priority));
    buf_add_json(ret, t->subject);
    ADD(ret, ",\"description\":");
    buf_add_json(ret, t->description);
    ADD(ret, ",\"organization_id\":null,\"via\":{\"channel\":");
    buf_add_json(ret, t->channel);
    ADD(ret, ",\"source\":{\"from\":{},\"to\":{},\"rel\":null}},\"custom_fields\":");
    add_fields(ret, t, catalog);
    ADD(ret, ",\"fields\":");
    add_fields(ret, t, catalog);
    add_number(ret, "requester_id", t->requester_id);
    add_number(ret, "followup_source_id", t->followup_of);
    ADD(ret, ",\"collaborator_ids\":");
    ticket_ids_json(ret, t->collaborators, t->collaborators_n);
    ADD(ret, ",\"email_cc_ids\":");
    ticket_ids_json(ret, t->collaborators, t->collaborators_n);
    buf_printf(ret,
               ",\"is_public\":true,\"due_at\":null,"
               "\"can_be_solved_by_me\":%s,\"solved\":%s,\"recipient\":null,\"assignee_id\":null,"
               "\"group_id\":null,\"ticket_form_id\":null",
               can_solve ? "true" : "false", solved ? "true" : "false");
    add_time(ret, "created_at", t->created_ms);
    add_time(ret, "updated_at", t->updated_ms);
    ADD(ret, ",\"kind\":");
    buf_add_json(ret, t->kind);
    ADD(ret, ",\"satisfaction\":");
    if (t->satisfaction.n)
        buf_add_json(ret, t->satisfaction);
    else
        ADD(ret, "null");
    ADD(ret, "}");
}
