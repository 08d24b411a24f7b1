#include "notifier/telling/directory.h"

#include <stdlib.h>

#include "documents/roles.h"

struct Directory {
    Arena *arena;
    Person **all;
    size_t n, room;
    uint32_t *table; /* places in all + 1; 0: empty */
    uint32_t mask;
};

static uint32_t home_of(const Directory *d, int64_t tenant_id, int64_t id) {
    uint64_t mixed = ((uint64_t)id ^ (uint64_t)tenant_id << 44) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32) & d->mask;
}

static void table_put(Directory *d, size_t place) {
    uint32_t slot = home_of(d, d->all[place]->tenant_id, d->all[place]->id);
    while (d->table[slot])
        slot = (slot + 1) & d->mask;
    d->table[slot] = (uint32_t)place + 1;
}

static void grow(Directory *d) {
    size_t room = d->room ? d->room * 2 : 128;
    Person **all = arena_alloc(d->arena, room * sizeof(*all)); /* the old one goes with the arena */
    if (d->n) memcpy(all, d->all, d->n * sizeof(*all));
    d->all = all;
    d->room = room;
    d->mask = (uint32_t)(room * 2 - 1);
    d->table = arena_zalloc(d->arena, room * 2 * sizeof(*d->table));
    for (size_t i = 0; i < d->n; i++)
        table_put(d, i);
}

Directory *directory_new(Arena *arena) {
    Directory *d = arena_zalloc(arena, sizeof(*d));
    d->arena = arena;
    grow(d);
    return d;
}

static Person *add(Directory *d, int64_t tenant_id, int64_t id) {
    if (directory_find(d, tenant_id, id)) return NULL;
    if (d->n == d->room) grow(d);
    Person *p = arena_zalloc(d->arena, sizeof(*p));
    p->tenant_id = tenant_id;
    p->id = id;
    d->all[d->n] = p;
    table_put(d, d->n++);
    return p;
}

static int by_number(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

void directory_add_staff(Directory *d, const Catalog *catalog, int64_t tenant_id, int64_t id,
                         Str role, Str name, bool mail) {
    Role is;
    Person *p = add(d, tenant_id, id);
    if (!p) return;
    p->staff = true;
    p->mail = mail;
    p->agent = catalog ? catalog_agent(catalog, id) : NULL;
    p->name = p->agent && p->agent->title.n ? p->agent->title : name;
    p->like = ROLE_AGENT;
    p->subject = (Subject){.tenant_id = tenant_id, .user_id = id, .like = ROLE_AGENT};
    if (!catalog_role(catalog, role, &is)) return;
    size_t n = p->agent ? p->agent->groups_n : 0;
    int64_t *groups = arena_alloc(d->arena, (n + 1) * sizeof(*groups));
    if (n) {
        memcpy(groups, p->agent->groups, n * sizeof(*groups));
        qsort(groups, n, sizeof(*groups), by_number);
    }
    p->like = p->subject.like = is.like;
    p->subject.rights = is.rights;
    p->subject.reach = role_reach(&is, groups, n, d->arena);
}

void directory_add_requester(Directory *d, int64_t tenant_id, int64_t id, Str masked, bool mail,
                             bool sms) {
    Person *p = add(d, tenant_id, id);
    if (!p) return;
    p->name = masked;
    p->mail = mail;
    p->sms = sms;
    p->like = ROLE_CUSTOMER;
}

const Person *directory_find(const Directory *d, int64_t tenant_id, int64_t id) {
    for (uint32_t slot = home_of(d, tenant_id, id); d->table[slot]; slot = (slot + 1) & d->mask) {
        const Person *p = d->all[d->table[slot] - 1];
        if (p->id == id && p->tenant_id == tenant_id) return p;
    }
    return NULL;
}

const Person *directory_next_staff(const Directory *d, int64_t tenant_id, size_t *cursor) {
    while (*cursor < d->n) {
        const Person *p = d->all[(*cursor)++];
        if (p->staff && p->tenant_id == tenant_id) return p;
    }
    return NULL;
}
