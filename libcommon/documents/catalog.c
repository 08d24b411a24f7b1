/* What a catalog answers about settings, groups and agents. */
#include "documents/catalog.h"

#include "documents/catalog_internal.h"

uint64_t catalog_promises_mark(const Catalog *c) {
    return c ? c->promises_mark : 0;
}

int64_t catalog_revision(const Catalog *c) {
    return c->revision;
}

size_t catalog_names(const Catalog *c, const CatalogName **ret) {
    *ret = c->names;
    return c->names_n;
}

size_t catalog_groups(const Catalog *c, const Group **ret) {
    *ret = c->groups;
    return c->groups_n;
}

size_t catalog_agents(const Catalog *c, const Agent **ret) {
    *ret = c->agents;
    return c->agents_n;
}

long catalog_group_index(const Catalog *c, int64_t id) {
    size_t low = 0, high = c->groups_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t i = c->groups_by_id[middle];
        if (c->groups[i].id == id) return (long)i;
        if (c->groups[i].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

long catalog_agent_index(const Catalog *c, int64_t id) {
    size_t low = 0, high = c->agents_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t i = c->agents_by_id[middle];
        if (c->agents[i].id == id) return (long)i;
        if (c->agents[i].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

const Group *catalog_group(const Catalog *c, int64_t id) {
    long i = catalog_group_index(c, id);
    return i < 0 ? NULL : &c->groups[i];
}

const Agent *catalog_agent(const Catalog *c, int64_t id) {
    long i = catalog_agent_index(c, id);
    return i < 0 ? NULL : &c->agents[i];
}

bool catalog_has_kind(const Catalog *c, Str kind) {
    return !intern_count(c->kind_names) || intern_find(c->kind_names, kind) != INTERN_NONE;
}

int64_t catalog_close_after_ms(const Catalog *c) {
    return c->close_after_ms;
}

int64_t catalog_presence_timeout_ms(const Catalog *c) {
    return c->presence_timeout_ms;
}

int64_t catalog_agent_rate(const Catalog *c) {
    return c->agent_rate;
}

Str catalog_time_zone(const Catalog *c) {
    return c->time_zone;
}

int64_t catalog_aging_ms(const Catalog *c) {
    return c->aging_ms;
}
