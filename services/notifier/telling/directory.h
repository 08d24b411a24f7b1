/* Directory -- the people whom a batch of events may concern: who they are, what they may see, and
 * by which ways they can be reached. Pure; filled from what PostgreSQL says. */
#pragma once

#include "documents/catalog.h"
#include "rights/rights.h"

typedef struct Directory Directory;

typedef struct Person {
    int64_t tenant_id, id;
    bool staff;
    Str name;       /* of staff as it is, of a requester masked */
    bool mail, sms; /* has an address for it */
    /* Of staff: */
    BuiltinRole like;
    Subject subject;    /* rights and reach */
    const Agent *agent; /* in the documents; NULL: she is none */
} Person;

/* Staff count up from below, requesters from here on. */
#define DIRECTORY_FIRST_REQUESTER INT64_C(1000000000000)

/* In the arena, and gone with it. */
Directory *directory_new(Arena *arena);
/* A member of the staff of this role; `catalog` (may be NULL) has her title, groups and role. Who
 * has a role that is none counts as one without rights. Texts are kept by reference. */
void directory_add_staff(Directory *d, const Catalog *catalog, int64_t tenant_id, int64_t id,
                         Str role, Str name, bool mail);
void directory_add_requester(Directory *d, int64_t tenant_id, int64_t id, Str masked, bool mail,
                             bool sms);
const Person *directory_find(const Directory *d, int64_t tenant_id, int64_t id); /* NULL: unknown */
/* Everybody in the order of adding, one tenant's staff: start with *cursor 0; NULL at the end. */
const Person *directory_next_staff(const Directory *d, int64_t tenant_id, size_t *cursor);
