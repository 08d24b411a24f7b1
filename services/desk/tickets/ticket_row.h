/* Ticket row -- one row of ticket.tickets as the desk reads it: the columns, and the struct they
 * become.
 *
 *   "SELECT " TICKET_COLUMNS " FROM ticket.tickets t WHERE ..."
 *   TicketRow row = ticket_row_read(rows, i, 0, r->arena);
 */
#pragma once

#include "base/arena.h"
#include "postgres/rows.h"
#include "rights/rights.h"
#include "ticket/ticket.h"

/* In this order; `t` is the table. */
#define TICKET_COLUMNS                                                                             \
    "t.id, t.version, t.status, t.priority, t.kind, t.category, t.channel, t.group_id,"            \
    " t.assignee_id, t.requester_id, t.source_id, t.subject, t.description, t.skills, t.tags,"     \
    " t.tier, t.region, t.order_ref, t.product, t.batch, t.device, t.language, t.external_id,"     \
    " t.custom_fields, t.created_at, t.updated_at, t.form_id, t.followup_of, t.satisfaction,"      \
    " (SELECT u.organization_id FROM access.users u WHERE u.tenant_id = t.tenant_id AND"           \
    " u.user_id = t.requester_id),"                                                                \
    " CASE WHEN t.status = 'closed' THEN ARRAY(SELECT f.id::text FROM ticket.tickets f WHERE"      \
    " f.tenant_id = t.tenant_id AND f.followup_of = t.id ORDER BY f.id LIMIT 100)"                 \
    " ELSE '{}'::text[] END,"                                                                      \
    " CASE WHEN t.version > 2 THEN coalesce((SELECT date_trunc('second', l.at) ="                  \
    " date_trunc('second', t.updated_at) FROM ticket.ledger l WHERE l.tenant_id = t.tenant_id AND" \
    " l.ticket_id = t.id AND l.seq = t.version - 1 LIMIT 1), false) ELSE false END,"               \
    " t.collaborator_ids::text[], t.follower_ids::text[], t.problem_id,"                           \
    " t.kind = '" TICKET_KIND_PROBLEM "' AND EXISTS (SELECT FROM ticket.tickets i WHERE"           \
    " i.tenant_id = t.tenant_id AND i.problem_id = t.id)"
enum { TICKET_COLUMNS_N = 36, TICKET_TAGS_MAX = 256 };

typedef struct TicketRow {
    int64_t tenant_id, id;
    int32_t version;
    TicketStatus status;
    TicketPriority priority;
    int64_t group_id, assignee_id, requester_id, source_id, form_id, followup_of; /* 0: none */
    int64_t organization_id; /* its requester's; 0: none */
    int64_t problem_id;      /* of which it is an incident; 0: none */
    bool has_incidents;
    Str kind, category, channel, subject, description;
    Str tier, region, order, product, batch, device, language, external_id;
    Str custom_fields; /* a JSON object */
    Str satisfaction;  /* "good" "bad" "offered" "" */
    Str *skills, *tags;
    size_t skills_n, tags_n;
    Str *followups; /* ids of those that continue it */
    size_t followups_n;
    const int64_t *collaborators, *followers; /* customers in copy; staff who follow it */
    size_t collaborators_n, followers_n;
    int64_t created_ms, updated_ms;
    bool same_second; /* as updated_ms the version before it was in; what people saw then must not
                         look like what they see now (change.h) */
} TicketRow;

/* Column `first` is t.id. Texts point into `rows`: they live as long as those; arrays in the arena.
 */
TicketRow ticket_row_read(const PostgresRows *rows, size_t row, size_t first, int64_t tenant_id,
                          Arena *arena);
/* With its texts copied: for what must outlive the rows. */
TicketRow ticket_row_keep(const TicketRow *t, Arena *arena);
TicketScope ticket_row_scope(const TicketRow *t);
