/* `when: {all: ..., any: ...}`, which rules, views and policies share. */
#include "documents/catalog_internal.h"
#include "documents/shape.h"

static void unknown_field(const Compilation *c, const Reading *r, const Node *n) {
    Str names[FACT_CUSTOM];
    size_t known = c->of_tickets ? FACT_CUSTOM : FACT_STATUS;
    for (size_t f = 0; f < known; f++)
        names[f] = str(fact_name((FactField)f));
    const char *guess = did_you_mean(n->key, names, known);
    complain(r, n->key_line, "unknown field `%.*s`%s", STR_ARG(n->key),
             *guess          ? guess
             : c->of_tickets ? "; possible are status, category, group, assignee, channel, kind, "
                               "tier, region, priority, language, order, product, batch, device, "
                               "tags, source, external_id, subject, description, text and "
                               "custom.NAME"
                             : "; possible are channel, kind, tier, region, priority, language, "
                               "order, product, batch, device, tags, source, external_id, subject, "
                               "description, text and custom.NAME");
}

static bool read_field(const Compilation *c, const Reading *r, const Node *n, Condition *ret) {
    if (str_starts(n->key, STR("custom."))) {
        ret->field = FACT_CUSTOM;
        ret->custom = (Str){n->key.p + 7, n->key.n - 7};
        if (!ret->custom.n || ret->custom.n > NAME_BYTES_MAX) {
            complain(r, n->key_line, "`custom.` must be followed by the field's name");
            return false;
        }
        return true;
    }
    if (fact_parse(n->key, &ret->field) == 0 && (c->of_tickets || !fact_of_ticket(ret->field)))
        return true;
    unknown_field(c, r, n);
    return false;
}

static void unknown_operator(const Reading *r, const Node *n) {
    static const Str names[] = {KEY("is"),         KEY("is_not"),       KEY("one_of"),
                                KEY("not_one_of"), KEY("starts_with"),  KEY("not_starts_with"),
                                KEY("contains"),   KEY("not_contains"), KEY("present"),
                                KEY("absent")};
    const char *guess = did_you_mean(n->key, names, sizeof(names) / sizeof(*names));
    complain(r, n->key_line, "unknown operator `%.*s`%s", STR_ARG(n->key),
             *guess ? guess
                    : "; possible are is, is_not, one_of, not_one_of, starts_with, "
                      "not_starts_with, contains, not_contains, present and absent");
}

/* What only some values make sense for. */
static bool check_values(Compilation *c, const Reading *r, const Node *n, const Condition *k) {
    bool exact = k->op == CONDITION_ONE_OF || k->op == CONDITION_NOT_ONE_OF;
    for (size_t i = 0; i < k->values_n && exact; i++) {
        TicketPriority priority;
        if (k->field == FACT_PRIORITY && ticket_priority_parse(k->values[i], &priority) < 0) {
            complain(r, n->line,
                     "unknown priority `%.*s`; possible are low, normal, high and urgent",
                     STR_ARG(k->values[i]));
            return false;
        }
        if (k->field == FACT_KIND && intern_count(c->c->kind_names) &&
            shape_reference(r, n->line, "kind", k->values[i], c->c->kind_names) == INTERN_NONE)
            return false;
    }
    return true;
}

/* `field: value`, `field: [values]` or `field: {operator: ...}`. */
static bool read_condition(Compilation *c, const Reading *r, const Node *n, Condition *ret) {
    *ret = (Condition){.op = CONDITION_ONE_OF};
    if (!read_field(c, r, n, ret)) return false;
    const Node *values = n;
    if (n->kind == NODE_MAP) {
        if (n->n != 1) {
            complain(r, n->key_line,
                     "`%.*s` must have one operator, not %zu; write a condition for each",
                     STR_ARG(n->key), n->n);
            return false;
        }
        values = n->first;
        if (condition_operator_parse(values->key, &ret->op) < 0) {
            unknown_operator(r, values);
            return false;
        }
    } else if (ret->field == FACT_TEXT) {
        ret->op = CONDITION_CONTAINS; /* nobody means that the whole text is the word */
    }
    if (ret->op == CONDITION_PRESENT || ret->op == CONDITION_ABSENT) {
        bool yes = true;
        if (!shape_switch(r, n, (const char *)values->key.p, &yes)) return false;
        if (!yes) ret->op = ret->op == CONDITION_PRESENT ? CONDITION_ABSENT : CONDITION_PRESENT;
        return true;
    }
    if (!condition_operator_fits(ret->op, ret->field)) {
        complain(r, values->key_line, "`text` takes contains, not_contains, present and absent");
        return false;
    }
    const char *what =
        ret->op == CONDITION_CONTAINS || ret->op == CONDITION_NOT_CONTAINS ? "keyword" : "value";
    if (values->kind == NODE_NOTHING || (values->kind == NODE_LIST && values->n == 0)) {
        complain(r, values->key_line, "`%.*s` has no %s; give one, or remove it", STR_ARG(n->key),
                 what);
        return false;
    }
    if (!shape_texts(r, values, 200, VALUES_MAX, c->work, &ret->values, &ret->values_n))
        return false;
    if (*what == 'k') c->keywords += ret->values_n;
    if (fact_of_ticket(ret->field)) return ticket_values(c, r, values, ret);
    return check_values(c, r, values, ret);
}

typedef struct Conditions {
    Condition *p;
    size_t n, room;
} Conditions;

static bool read_members(Compilation *c, const Reading *r, const Node *map, Conditions *to) {
    bool good = true;
    for (const Node *n = map->first; n; n = n->next) {
        if (to->n == to->room) {
            Condition *larger = arena_alloc(c->work, (to->room * 2 + 8) * sizeof(*larger));
            if (to->n) memcpy(larger, to->p, to->n * sizeof(*larger));
            to->p = larger;
            to->room = to->room * 2 + 8;
        }
        if (read_condition(c, r, n, &to->p[to->n]))
            to->n++;
        else
            good = false;
    }
    return good;
}

/* A map of conditions, or a list of such maps. */
static bool read_conditions(Compilation *c, const Reading *r, const Node *n, bool any,
                            const Condition **ret, size_t *ret_n) {
    Conditions found = {0};
    bool good = true;
    if (n->kind == NODE_MAP) {
        good = read_members(c, r, n, &found);
    } else if (n->kind == NODE_LIST) {
        for (const Node *item = n->first; item; item = item->next) {
            if (!shape_map(r, item)) {
                good = false;
            } else if (any && item->n > 1) {
                complain(r, item->line,
                         "an item of `any` must be one condition, not %zu; begin each with `-`",
                         item->n);
                good = false;
            } else if (!read_members(c, r, item, &found)) {
                good = false;
            }
        }
    } else {
        complain(r, n->key_line, "`%.*s` must be a list of conditions, not %s", STR_ARG(n->key),
                 node_kind_name(n));
        return false;
    }
    if (good && found.n == 0) {
        complain(r, n->key_line, "`%.*s` is empty; give a condition, or remove it",
                 STR_ARG(n->key));
        return false;
    }
    *ret = found.p;
    *ret_n = found.n;
    return good;
}

bool read_when(Compilation *c, const Reading *r, const Node *when, Filter *ret) {
    if (!when) return true; /* always */
    if (when->kind != NODE_MAP) {
        complain(r, when->key_line, "`when` must hold `all:` or `any:`, not %s",
                 node_kind_name(when));
        return false;
    }
    FactField field;
    for (const Node *n = when->first; n; n = n->next)
        if (fact_parse(n->key, &field) == 0 || str_starts(n->key, STR("custom."))) {
            complain(r, n->key_line, "put the condition `%.*s` under `all:` or `any:`",
                     STR_ARG(n->key));
            return false;
        }
    size_t mistakes = c->problems->n;
    SHAPE_KEYS(r, when, KEY("all"), KEY("any"));
    bool good = c->problems->n == mistakes;
    const Node *all = node_member(when, "all"), *any = node_member(when, "any");
    if (good && !all && !any) {
        complain(r, when->key_line, "`when` is empty; remove it if the %s is for every ticket",
                 *r->what ? r->what : "rule");
        return false;
    }
    if (all && !read_conditions(c, r, all, false, &ret->all, &ret->all_n)) good = false;
    if (any && !read_conditions(c, r, any, true, &ret->any, &ret->any_n)) good = false;
    return good;
}
