/* What the drivers of the store read and print. */
#include "edits_json.h"

#include <stdio.h>

static const char *const change_fates[] = {"done",    "replayed",  "overtaken",
                                           "illegal", "no_ticket", "worn_out"};

const char *change_fate_name(ChangeFate fate) {
    return change_fates[fate];
}

Str text_of(const cJSON *o, const char *key) {
    Str s = {NULL, 0};
    (void)json_get_string(o, key, &s);
    return s;
}

int64_t int_of(const cJSON *o, const char *key, int64_t fallback) {
    int64_t v = fallback;
    (void)json_get_int(o, key, &v);
    return v;
}

Str bytes_of(Arena *arena, const cJSON *o, const char *key) {
    Str hex = text_of(o, key);
    if (!hex.n) return (Str){NULL, 0};
    char *bytes = arena_alloc(arena, hex.n);
    int n = text_unhex(hex, bytes, hex.n);
    return (Str){bytes, n < 0 ? 0 : (size_t)n};
}

Str *texts_of(Arena *arena, const cJSON *o, const char *key, size_t *ret_n) {
    const cJSON *array = NULL, *item;
    *ret_n = 0;
    if (json_get_array(o, key, &array) <= 0) return NULL;
    Str *all = arena_alloc(arena, (size_t)cJSON_GetArraySize(array) * sizeof(*all));
    cJSON_ArrayForEach(item, array)(void) json_as_string(item, &all[(*ret_n)++]);
    return all;
}

static int64_t *ids_of(Arena *arena, const cJSON *o, const char *key, size_t *ret_n) {
    const cJSON *array = NULL, *item;
    *ret_n = 0;
    if (json_get_array(o, key, &array) <= 0) return NULL;
    int64_t *all = arena_alloc(arena, ((size_t)cJSON_GetArraySize(array) + 1) * sizeof(*all));
    cJSON_ArrayForEach(item, array)(void) json_as_int(item, &all[(*ret_n)++]);
    return all;
}

Cause cause_of(const cJSON *o) {
    Cause c = {{0}};
    (void)text_unhex(text_of(o, "cause"), c.bytes, sizeof(c.bytes));
    return c;
}

void print_place(const TicketPlace *p) {
    (void)printf(
        "{\"tenant\":%lld,\"id\":%lld,\"version\":%d,\"status\":\"%s\",\"priority\":\"%s\","
        "\"group\":%lld,\"assignee\":%lld,\"created_ms\":%lld,\"skills\":\"%.*s\"}",
        (long long)p->tenant_id, (long long)p->ticket_id, p->version, ticket_status_name(p->status),
        ticket_priority_name(p->priority), (long long)p->group_id, (long long)p->assignee_id,
        (long long)p->created_ms, STR_ARG(p->skills));
}

void print_row(Arena *arena, const LedgerRow *r) {
    char cause[37];
    CLEANUP(buf_done) Buf event = {0};
    cause_format(r->cause, cause);
    int encoded = ledger_event_encode(r, arena, &event);
    (void)printf(
        "{\"tenant\":%lld,\"id\":%lld,\"seq\":%d,\"step\":%d,\"kind\":\"%s\",\"cause\":\"%s\","
        "\"actor\":\"%.*s\",\"at_ms\":%lld,\"revision\":%lld,\"event_bytes\":%d,\"payload\":%.*s}",
        (long long)r->tenant_id, (long long)r->ticket_id, r->seq, r->step,
        r->kind < LEDGER_KINDS ? ledger_kind_name(r->kind) : "?", cause, STR_ARG(r->actor),
        (long long)r->at_ms, (long long)r->revision, encoded < 0 ? encoded : (int)event.n,
        STR_ARG(r->payload));
}

static void fill_sets(Arena *arena, TicketEdit *e, const cJSON *set) {
    static const char *const names[] = {
        "status",       "group_id",  "assignee_id", "priority",      "kind",
        "category",     "subject",   "tags",        "custom_fields", "external_id",
        "requester_id", "form_id",   "followup_of", "satisfaction",  "collaborator_ids",
        "follower_ids", "problem_id"};
    for (unsigned i = 0; set && i < sizeof(names) / sizeof(names[0]); i++)
        if (cJSON_GetObjectItemCaseSensitive(set, names[i])) e->sets |= 1U << i;
    if (!set) return;
    (void)ticket_status_parse(text_of(set, "status"), &e->status);
    (void)ticket_priority_parse(text_of(set, "priority"), &e->priority);
    e->group_id = int_of(set, "group_id", 0);
    e->assignee_id = int_of(set, "assignee_id", 0);
    e->requester_id = int_of(set, "requester_id", 0);
    e->form_id = int_of(set, "form_id", 0);
    e->followup_of = int_of(set, "followup_of", 0);
    e->problem_id = int_of(set, "problem_id", 0);
    e->kind = text_of(set, "kind");
    e->category = text_of(set, "category");
    e->subject = text_of(set, "subject");
    e->external_id = text_of(set, "external_id");
    e->satisfaction = text_of(set, "satisfaction");
    e->custom_fields = text_of(set, "custom_fields"); /* as text */
    e->tags = texts_of(arena, set, "tags", &e->tags_n);
    e->collaborators = ids_of(arena, set, "collaborator_ids", &e->collaborators_n);
    e->followers = ids_of(arena, set, "follower_ids", &e->followers_n);
}

void fill_edit(Arena *arena, TicketEdit *e, const cJSON *o) {
    const cJSON *comment = cJSON_GetObjectItemCaseSensitive(o, "comment");
    Str actor = text_of(o, "actor");
    *e = (TicketEdit){.tenant_id = int_of(o, "tenant", 0),
                      .ticket_id = int_of(o, "id", 0),
                      .expected_version = (int32_t)int_of(o, "version", 0),
                      .cause = cause_of(o),
                      .step = (int32_t)int_of(o, "step", 0),
                      .actor_kind = (ActorKind)int_of(o, "actor_kind", ACTOR_AGENT),
                      .actor = actor.n ? actor : STR("agent:7"),
                      .revision = 2,
                      .note = text_of(o, "note"),
                      .reason = text_of(o, "reason")};
    fill_sets(arena, e, cJSON_GetObjectItemCaseSensitive(o, "set"));
    if (!comment) return;
    e->comment = (EditComment){.present = true,
                               .is_public = int_of(comment, "public", 0) != 0,
                               .author_id = int_of(comment, "author_id", 7),
                               .body = text_of(comment, "body"),
                               .channel = STR("api"),
                               .attachments = text_of(comment, "attachments"),
                               .mentions = text_of(comment, "mentions"),
                               .personal = text_of(comment, "personal")};
}

void print_edit(Arena *arena, const TicketEdit *e) {
    (void)printf("{\"fate\":\"%s\",\"at_ms\":%lld,\"place\":", change_fate_name(e->fate),
                 (long long)e->at_ms);
    print_place(&e->place);
    (void)printf(",\"row\":");
    if (e->row.seq)
        print_row(arena, &e->row);
    else
        (void)printf("null");
    (void)printf(",\"outbox\":[");
    for (size_t i = 0; i < e->outbox_n; i++)
        (void)printf("%s[%lld,\"%.*s\",\"%.*s\"]", i ? "," : "", (long long)e->outbox[i].outbox_id,
                     STR_ARG(e->outbox[i].topic), STR_ARG(e->outbox[i].key));
    (void)printf("]}");
}
