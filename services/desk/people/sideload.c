/* Groups come out of the catalog; nobody else is known here. */
#include "desk/people/sideload.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

static bool seen(const int64_t *ids, size_t before, int64_t id) {
    for (size_t i = 0; i < before; i++)
        if (ids[i] == id) return true;
    return false;
}

static void add_groups(Request *r, const Sideload *what, Buf *body) {
    bool first = true;
    ADD(body, ",\"groups\":[");
    for (size_t i = 0; r->catalog && i < what->groups_n; i++) {
        const Group *g = catalog_group(r->catalog, what->groups[i]);
        if (!g || seen(what->groups, i, g->id)) continue;
        if (!first) ADD(body, ",");
        first = false;
        ADD(body, "{\"id\":");
        buf_add_i64(body, g->id);
        ADD(body, ",\"name\":");
        buf_add_json(body, g->title.n ? g->title : g->name);
        ADD(body, ",\"deleted\":false}");
    }
    ADD(body, "]");
}

void sideload_add(Request *r, const Sideload *what, Buf *body, void (*done)(Request *r)) {
    if (request_includes(r, "users")) ADD(body, ",\"users\":[]");
    if (request_includes(r, "groups")) add_groups(r, what, body);
    if (request_includes(r, "organizations")) ADD(body, ",\"organizations\":[]");
    done(r);
}
