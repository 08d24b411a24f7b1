#include "notifier/telling/ticket_view.h"

static void begin(TicketView *v, const Event *row) {
    *v = (TicketView){.tenant_id = row->tenant_id,
                      .ticket_id = row->ticket_id,
                      .source_id = row->source_id,
                      .channel = row->channel,
                      .description = row->description,
                      .tier = row->tier,
                      .region = row->region,
                      .order = row->order,
                      .product = row->product,
                      .batch = row->batch,
                      .device = row->device,
                      .language = row->language,
                      .created_ms = row->created_ms};
}

static void take(TicketView *v, const TicketUpdate *u) {
    if (u->sets & EDIT_STATUS) v->status = u->status;
    if (u->sets & EDIT_PRIORITY) v->priority = u->priority;
    if (u->sets & EDIT_GROUP) v->group_id = u->group_id;
    if (u->sets & EDIT_ASSIGNEE) v->assignee_id = u->assignee_id;
    if (u->sets & EDIT_REQUESTER) v->requester_id = u->requester_id;
    if (u->sets & EDIT_KIND) v->kind = u->kind;
    if (u->sets & EDIT_CATEGORY) v->category = u->category;
    if (u->sets & EDIT_SUBJECT) v->subject = u->subject;
    if (u->sets & EDIT_EXTERNAL_ID) v->external_id = u->external_id;
    if (u->sets & EDIT_CUSTOM_FIELDS) v->custom_fields = u->custom_fields;
    if (u->sets & EDIT_TAGS) {
        v->tags = u->tags;
        v->tags_n = u->tags_n;
    }
    if (u->sets & EDIT_COLLABORATORS) {
        v->collaborators = u->collaborators;
        v->collaborators_n = u->collaborators_n;
    }
    if (u->sets & EDIT_FOLLOWERS) {
        v->followers = u->followers;
        v->followers_n = u->followers_n;
    }
}

bool ticket_view_tell(TicketView *v, const Event *row) {
    if (row->seq != v->seq + 1 || (row->seq == 1 && row->kind != LEDGER_TICKET_CREATED))
        return false;
    if (row->seq == 1) begin(v, row);
    take(v, &row->set);
    v->seq = row->seq;
    v->updated_ms = row->at_ms;
    return true;
}

static Str decimal(int64_t number, Arena *arena) {
    return number ? str(arena_printf(arena, "%lld", (long long)number)) : (Str){NULL, 0};
}

Facts ticket_view_facts(const TicketView *v, Arena *arena) {
    return (Facts){.at = {[FACT_CHANNEL] = v->channel,
                          [FACT_KIND] = v->kind,
                          [FACT_TIER] = v->tier,
                          [FACT_REGION] = v->region,
                          [FACT_PRIORITY] = str(ticket_priority_name(v->priority)),
                          [FACT_LANGUAGE] = v->language,
                          [FACT_ORDER] = v->order,
                          [FACT_PRODUCT] = v->product,
                          [FACT_BATCH] = v->batch,
                          [FACT_DEVICE] = v->device,
                          [FACT_SOURCE] = decimal(v->source_id, arena),
                          [FACT_EXTERNAL_ID] = v->external_id,
                          [FACT_SUBJECT] = v->subject,
                          [FACT_DESCRIPTION] = v->description,
                          [FACT_STATUS] = str(ticket_status_name(v->status)),
                          [FACT_CATEGORY] = v->category,
                          [FACT_GROUP] = decimal(v->group_id, arena),
                          [FACT_ASSIGNEE] = decimal(v->assignee_id, arena)},
                   .tags = v->tags,
                   .tags_n = v->tags_n};
}

Str ticket_view_top_category(const TicketView *v) {
    Str rest;
    return str_cut(v->category, '/', &rest);
}
