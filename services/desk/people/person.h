/* Person -- one user of the API, whoever she is: staff (access.users, or an agent whom only the
 * documents know) or a requester (ticket.requesters). Personal data masked. */
#pragma once

#include "desk/api/request.h"

/* "WITH wanted (id) AS (...)" PERSON_SELECT: the people of these ids who exist, of tenant $1; in
 * the order of their ids. */
#define PERSON_SELECT                                                                              \
    " SELECT i.id, coalesce(u.role, ''), coalesce(u.name, ''),"                                    \
    " coalesce(jsonb_path_query_first(q.personal, '$[*] ? (@.field == \"name\").masked') #>> "     \
    "'{}', ''),"                                                                                   \
    " coalesce(nullif(u.email_masked, ''), jsonb_path_query_first(q.personal,"                     \
    " '$[*] ? (@.field == \"email\").masked') #>> '{}', ''),"                                      \
    " coalesce(jsonb_path_query_first(q.personal, '$[*] ? (@.field == \"phone\").masked') #>> "    \
    "'{}', ''),"                                                                                   \
    " coalesce(u.organization_id, 0), coalesce(u.external_id, ''), coalesce(u.locale, 'zh-CN'),"   \
    " coalesce(u.time_zone, 'Asia/Shanghai'), coalesce(u.tags, '{}'), coalesce(u.details, ''),"    \
    " coalesce(u.notes, ''), coalesce(u.suspended, false), u.deleted_at IS NOT NULL,"              \
    " u.last_sign_in, coalesce(u.created_at, q.created_at), coalesce(u.updated_at, q.created_at)," \
    " q.id IS NOT NULL, coalesce(n.name, ''), u.email_sealed"                                      \
    " FROM wanted i"                                                                               \
    " LEFT JOIN access.users u ON u.tenant_id = $1::bigint AND u.user_id = i.id"                   \
    " LEFT JOIN ticket.requesters q ON q.tenant_id = $1::bigint AND q.id = i.id"                   \
    " LEFT JOIN config.names n ON n.tenant_id = $1::bigint AND n.id = i.id AND n.kind = 'agent'"   \
    " WHERE u.user_id IS NOT NULL OR q.id IS NOT NULL OR n.id IS NOT NULL ORDER BY i.id"
enum { PERSON_TAGS_MAX = 100 };

typedef struct Person {
    int64_t id;
    Str role; /* "customer" "agent" ... as it counts here */
    Str name, email, phone;
    int64_t organization_id; /* 0: none */
    Str external_id, locale, time_zone, details, notes;
    Str tags[PERSON_TAGS_MAX];
    size_t tags_n;
    bool suspended, deleted, requester;
    bool active; /* neither deleted, nor an agent whom the documents no longer have */
    int64_t last_sign_in_ms, created_ms, updated_ms; /* 0: never, unknown */
    Str email_sealed;
} Person;

/* Texts point into the rows and the catalog. */
void person_read(Request *r, const PostgresRows *rows, size_t row, Person *ret);
/* The user's object without its closing brace. */
void person_write(Request *r, const Person *p, Buf *ret);

/* One row as {"id":...}; and all of them, a comma between. */
void person_write_row(Request *r, const PostgresRows *rows, size_t row, Buf *ret);
void person_write_all(Request *r, const PostgresRows *rows, Buf *ret);
