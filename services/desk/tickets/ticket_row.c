#include "desk/tickets/ticket_row.h"

static Str *texts(const PostgresRows *rows, size_t row, size_t column, Arena *arena,
                  size_t *ret_n) {
    Str found[TICKET_TAGS_MAX];
    size_t n = rows_text_array(rows, row, column, found, TICKET_TAGS_MAX);
    if (n > TICKET_TAGS_MAX) n = TICKET_TAGS_MAX; /* the gate's bounds are below */
    *ret_n = n;
    if (!n) return NULL;
    Str *kept = arena_alloc(arena, n * sizeof(*kept));
    memcpy(kept, found, n * sizeof(*kept));
    return kept;
}

static int64_t *ids(const PostgresRows *rows, size_t row, size_t column, Arena *arena,
                    size_t *ret_n) {
    Str found[TICKET_TAGS_MAX];
    size_t n = rows_text_array(rows, row, column, found, TICKET_TAGS_MAX);
    if (n > TICKET_TAGS_MAX) n = TICKET_TAGS_MAX;
    *ret_n = n;
    if (!n) return NULL;
    int64_t *kept = arena_zalloc(arena, n * sizeof(*kept));
    for (size_t i = 0; i < n; i++)
        (void)str_to_i64(found[i], &kept[i]); /* bigint, as text */
    return kept;
}

TicketRow ticket_row_read(const PostgresRows *rows, size_t row, size_t first, int64_t tenant_id,
                          Arena *arena) {
    size_t c = first;
    TicketRow t = {.tenant_id = tenant_id};
    t.id = rows_int(rows, row, c++);
    t.version = (int32_t)rows_int(rows, row, c++);
    (void)ticket_status_parse(rows_str(rows, row, c++), &t.status);
    (void)ticket_priority_parse(rows_str(rows, row, c++), &t.priority);
    t.kind = rows_str(rows, row, c++);
    t.category = rows_str(rows, row, c++);
    t.channel = rows_str(rows, row, c++);
    t.group_id = rows_int(rows, row, c++);
    t.assignee_id = rows_int(rows, row, c++);
    t.requester_id = rows_int(rows, row, c++);
    t.source_id = rows_int(rows, row, c++);
    t.subject = rows_str(rows, row, c++);
    t.description = rows_str(rows, row, c++);
    t.skills = texts(rows, row, c++, arena, &t.skills_n);
    t.tags = texts(rows, row, c++, arena, &t.tags_n);
    t.tier = rows_str(rows, row, c++);
    t.region = rows_str(rows, row, c++);
    t.order = rows_str(rows, row, c++);
    t.product = rows_str(rows, row, c++);
    t.batch = rows_str(rows, row, c++);
    t.device = rows_str(rows, row, c++);
    t.language = rows_str(rows, row, c++);
    t.external_id = rows_str(rows, row, c++);
    t.custom_fields = rows_str(rows, row, c++);
    t.created_ms = rows_time_ms(rows, row, c++);
    t.updated_ms = rows_time_ms(rows, row, c++);
    t.form_id = rows_int(rows, row, c++);
    t.followup_of = rows_int(rows, row, c++);
    t.satisfaction = rows_str(rows, row, c++);
    t.organization_id = rows_int(rows, row, c++);
    t.followups = texts(rows, row, c++, arena, &t.followups_n);
    t.same_second = rows_bool(rows, row, c++);
    t.collaborators = ids(rows, row, c++, arena, &t.collaborators_n);
    t.followers = ids(rows, row, c++, arena, &t.followers_n);
    t.problem_id = rows_int(rows, row, c++);
    t.has_incidents = rows_bool(rows, row, c);
    return t;
}

TicketRow ticket_row_keep(const TicketRow *t, Arena *arena) {
    TicketRow kept = *t;
    Str *const slices[] = {&kept.kind,         &kept.category,    &kept.channel,
                           &kept.subject,      &kept.tier,        &kept.region,
                           &kept.order,        &kept.product,     &kept.batch,
                           &kept.device,       &kept.language,    &kept.external_id,
                           &kept.satisfaction, &kept.description, &kept.custom_fields};
    for (size_t i = 0; i < sizeof(slices) / sizeof(*slices); i++)
        *slices[i] = arena_str(arena, *slices[i]);
    for (size_t i = 0; i < kept.tags_n; i++)
        kept.tags[i] = arena_str(arena, kept.tags[i]);
    for (size_t i = 0; i < kept.skills_n; i++)
        kept.skills[i] = arena_str(arena, kept.skills[i]);
    for (size_t i = 0; i < kept.followups_n; i++)
        kept.followups[i] = arena_str(arena, kept.followups[i]);
    return kept;
}

TicketScope ticket_row_scope(const TicketRow *t) {
    return (TicketScope){.tenant_id = t->tenant_id,
                         .group_id = t->group_id,
                         .assignee_id = t->assignee_id,
                         .requester_id = t->requester_id,
                         .kind = t->kind,
                         .category = t->category,
                         .region = t->region};
}
