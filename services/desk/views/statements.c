/* An open table by FNV-1a; what is in it stays. */
#include "desk/views/statements.h"

#include <stdio.h>

enum { SLOTS = STATEMENTS_MAX * 2 };

static struct Slot {
    PostgresStatement statement;
    char name[24];
    char *sql;
    size_t n;
} * slots[SLOTS];
static size_t taken;

const PostgresStatement *statement_of(Str sql) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sql.n; i++)
        hash = (hash ^ (unsigned char)sql.p[i]) * UINT64_C(1099511628211);
    size_t at = hash % SLOTS;
    for (; slots[at]; at = (at + 1) % SLOTS)
        if (str_eq((Str){slots[at]->sql, slots[at]->n}, sql)) return &slots[at]->statement;
    if (taken == STATEMENTS_MAX) return NULL;
    struct Slot *slot = xcalloc(1, sizeof(*slot));
    slot->sql = xstrndup(sql.p, sql.n);
    slot->n = sql.n;
    (void)snprintf(slot->name, sizeof(slot->name), "desk_shape_%zu", taken++);
    slot->statement = (PostgresStatement){slot->name, slot->sql};
    slots[at] = slot;
    return &slot->statement;
}
