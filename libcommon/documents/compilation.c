/* What every section needs while it is read: text that stays, names that are taken once, numbers.
 */
#include "documents/catalog_internal.h"
#include "documents/shape.h"

Str keep(Compilation *c, Str s) {
    return arena_str(c->c->arena, s);
}

bool take_name(Compilation *c, Reading *r, const Node *n, Intern *known, Str *ret) {
    *ret = (Str){NULL, 0};
    if (!shape_map(r, n)) return false;
    if (!shape_text(r, n, "name", NAME_BYTES_MAX, ret)) return false;
    if (!ret->n) {
        complain(r, n->line, "it has no `name`; give it one");
        return false;
    }
    r->name = *ret;
    if (!shape_name(r, n->line, *ret)) return false;
    if (intern_find(known, *ret) != INTERN_NONE) {
        complain(r, n->line, "the name is taken already further up; choose another");
        return false;
    }
    *ret = keep(c, *ret);
    intern_add(known, *ret);
    return true;
}

int64_t number_of(Compilation *c, const Reading *r, long line, const char *kind, Str name) {
    Catalog *k = c->c;
    if (k->names_n == k->names_room) {
        size_t room = k->names_room ? k->names_room * 2 : 64;
        CatalogName *larger = arena_alloc(k->arena, room * sizeof(*larger));
        if (k->names_n) memcpy(larger, k->names, k->names_n * sizeof(*larger));
        k->names = larger;
        k->names_room = room;
    }
    k->names[k->names_n++] = (CatalogName){kind, name};
    if (!c->lookup) return (int64_t)k->names_n; /* provisional */
    int64_t id = c->lookup(c->lookup_arg, kind, name);
    if (id <= 0) complain(r, line, "it has no number yet; run `docket apply` once more");
    return id;
}
