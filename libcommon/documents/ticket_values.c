/* What a condition about a stored ticket names, as the ticket has it. */
#include "documents/catalog_internal.h"
#include "documents/shape.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool status_values(Compilation *c, const Reading *r, const Node *n, Condition *k) {
    static const Str unsolved[] = {KEY("new"), KEY("assigned"), KEY("in_progress"), KEY("pending"),
                                   KEY("on_hold")};
    static const Str open[] = {KEY("assigned"), KEY("in_progress")};
    static const Str hold[] = {KEY("on_hold")};
    Str *values = arena_alloc(c->work, (k->values_n * COUNT(unsolved) + 1) * sizeof(*values));
    size_t values_n = 0;
    for (size_t i = 0; i < k->values_n; i++) {
        const Str *words = &k->values[i];
        size_t words_n = 1;
        TicketStatus status;
        if (str_is(k->values[i], "open")) {
            words = open;
            words_n = COUNT(open);
        } else if (str_is(k->values[i], "hold")) {
            words = hold;
        } else if (str_is(k->values[i], "unsolved")) {
            words = unsolved;
            words_n = COUNT(unsolved);
        } else if (ticket_status_parse(k->values[i], &status) < 0 || status > TICKET_CLOSED) {
            complain(r, n->line,
                     "unknown status `%.*s`; possible are new, open, pending, hold, solved, "
                     "closed, unsolved, assigned, in_progress and on_hold",
                     STR_ARG(k->values[i]));
            return false;
        }
        for (size_t w = 0; w < words_n; w++) {
            size_t at = 0;
            while (at < values_n && !str_eq(values[at], words[w]))
                at++;
            if (at == values_n) values[values_n++] = words[w];
        }
    }
    k->values = values;
    k->values_n = values_n;
    return true;
}

static bool number_values(Compilation *c, const Reading *r, const Node *n, Condition *k) {
    bool group = k->field == FACT_GROUP;
    Str *values = arena_alloc(c->work, k->values_n * sizeof(*values));
    for (size_t i = 0; i < k->values_n; i++) {
        values[i] = k->values[i];
        if (str_is(values[i], group ? "own" : "me")) continue;
        uint32_t at = shape_reference(r, n->line, group ? "group" : "agent", values[i],
                                      group ? c->c->group_names : c->c->agent_names);
        if (at == INTERN_NONE) return false;
        int64_t id = group ? c->c->groups[at].id : c->c->agents[at].id;
        values[i] = str(arena_printf(c->work, "%lld", (long long)id));
    }
    k->values = values;
    return true;
}

bool ticket_values(Compilation *c, const Reading *r, const Node *n, Condition *k) {
    if (k->field == FACT_CATEGORY) return true;
    if (k->op != CONDITION_ONE_OF && k->op != CONDITION_NOT_ONE_OF) {
        complain(r, n->key_line, "`%s` takes is, is_not, one_of and not_one_of",
                 fact_name(k->field));
        return false;
    }
    return k->field == FACT_STATUS ? status_values(c, r, n, k) : number_values(c, r, n, k);
}
