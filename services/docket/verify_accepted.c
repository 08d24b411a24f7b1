/* Is every id that a client was given in PostgreSQL, exactly once, and is one key one ticket? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docket/verify_internal.h"

typedef struct Accepted {
    int64_t tenant; /* 0: the file does not say */
    int64_t ticket;
    char *key; /* NULL: none */
} Accepted;

typedef struct AcceptedList {
    Accepted *at;
    size_t n, room;
} AcceptedList;

enum { PER_QUERY = 10000 };

static void accepted_done(AcceptedList *l) {
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i].key);
    free(l->at);
}

static int accepted_read(Verify *v, const char *file, AcceptedList *ret) {
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    if (!in) {
        buf_printf(&v->trouble, "%s: %s", file, strerror(errno));
        return -1;
    }
    char *line = NULL;
    size_t room = 0, number = 0;
    int r = 0;
    while (r == 0 && getline(&line, &room, in) > 0) {
        char *rest = NULL, *words[3] = {NULL};
        number++;
        for (int i = 0; i < 3; i++)
            words[i] = strtok_r(i ? NULL : line, " \t\r\n,", &rest);
        if (!words[0] || words[0][0] == '#') continue;
        Accepted a = {0};
        const char *ticket = words[1] ? words[1] : words[0];
        if ((words[1] && str_to_i64(str(words[0]), &a.tenant) < 0) ||
            str_to_i64(str(ticket), &a.ticket) < 0) {
            buf_printf(&v->trouble, "%s:%zu: expected 'tenant ticket [key]' or 'ticket'", file,
                       number);
            r = -1;
            break;
        }
        if (words[2]) a.key = xstrdup(words[2]);
        if (ret->n == ret->room) {
            ret->room = ret->room ? ret->room * 2 : 65536;
            ret->at = xrealloc(ret->at, ret->room * sizeof(*ret->at));
        }
        ret->at[ret->n++] = a;
    }
    free(line);
    if (in != stdin) (void)fclose(in);
    return r;
}

static void params_ids(Params *params, const AcceptedList *l, const size_t *which, size_t n,
                       bool tenants) {
    params_array(params, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(params, tenants ? l->at[which[i]].tenant : l->at[which[i]].ticket);
}

static int verify_stored(Verify *v, const AcceptedList *l) {
    Finding *f = verify_begin(v, "every accepted id is in PostgreSQL");
    CLEANUP(mem_freep) size_t *which = xmalloc(PER_QUERY * sizeof(*which));
    f->checked = (int64_t)l->n;
    for (size_t at = 0; at < l->n;) {
        size_t n = 0;
        while (n < PER_QUERY && at < l->n)
            which[n++] = at++;
        CLEANUP(params_done) Params params = {0};
        params_ids(&params, l, which, n, true);
        params_ids(&params, l, which, n, false);
        const PostgresRows *rows = verify_query(
            v,
            "SELECT u.tenant, u.ticket FROM unnest($1::bigint[], $2::bigint[]) u(tenant, ticket)"
            " WHERE NOT EXISTS (SELECT FROM docket.tenants n JOIN ticket.tickets t ON t.tenant_id "
            "= n.tenant_id"
            "  AND t.id = u.ticket WHERE u.tenant IN (0, n.tenant_id))"
            " AND NOT EXISTS (SELECT FROM docket.tenants n JOIN ticket.aliases a ON a.tenant_id = "
            "n.tenant_id"
            "  AND a.id = u.ticket JOIN ticket.tickets t ON t.tenant_id = a.tenant_id AND t.id = "
            "a.ticket_id"
            "  WHERE u.tenant IN (0, n.tenant_id))",
            &params);
        if (!rows) return -1;
        for (size_t i = 0; i < rows_count(rows); i++)
            finding_broken(f, rows_int(rows, i, 0), "ticket %lld: accepted, not stored",
                           (long long)rows_int(rows, i, 1));
    }
    return 0;
}

static int by_key(const void *a, const void *b) {
    const Accepted *x = a, *y = b;
    if (x->tenant != y->tenant) return x->tenant < y->tenant ? -1 : 1;
    int order = strcmp(x->key ? x->key : "", y->key ? y->key : "");
    return order ? order : x->ticket < y->ticket ? -1 : x->ticket > y->ticket;
}

static int by_ticket(const void *a, const void *b) {
    const Accepted *x = a, *y = b;
    if (x->tenant != y->tenant) return x->tenant < y->tenant ? -1 : 1;
    return x->ticket < y->ticket ? -1 : x->ticket > y->ticket;
}

/* One key with two ids is one ticket only if an alias says so. */
static int verify_keys(Verify *v, AcceptedList *l) {
    Finding *f = verify_begin(v, "one key is one ticket");
    if (l->n) qsort(l->at, l->n, sizeof(Accepted), by_key);
    for (size_t i = 0; i < l->n; i++) {
        const Accepted *a = &l->at[i];
        if (!a->key) continue;
        f->checked++;
        if (i == 0) continue;
        const Accepted *b = &l->at[i - 1];
        if (!b->key || strcmp(a->key, b->key) != 0 || a->tenant != b->tenant ||
            a->ticket == b->ticket)
            continue;
        CLEANUP(params_done) Params params = {0};
        params_i64(&params, a->tenant);
        params_i64(&params, a->ticket);
        params_i64(&params, b->ticket);
        const PostgresRows *rows =
            verify_query(v,
                         "SELECT coalesce((SELECT ticket_id FROM ticket.aliases WHERE id = "
                         "$2::bigint AND ($1::bigint = 0 OR tenant_id = $1::bigint)), $2::bigint)"
                         " <> coalesce((SELECT ticket_id FROM ticket.aliases WHERE id = $3::bigint "
                         "AND ($1::bigint = 0 OR tenant_id = $1::bigint)), $3::bigint)",
                         &params);
        if (!rows) return -1;
        if (rows_bool(rows, 0, 0))
            finding_broken(f, a->tenant, "key %s: tickets %lld and %lld", a->key,
                           (long long)b->ticket, (long long)a->ticket);
    }
    return 0;
}

/* Two submissions with different keys that were answered with one id: one of them is lost. */
static void verify_distinct(Verify *v, AcceptedList *l) {
    Finding *f = verify_begin(v, "no id was given to two submissions");
    if (l->n) qsort(l->at, l->n, sizeof(Accepted), by_ticket);
    f->checked = (int64_t)l->n;
    for (size_t i = 1; i < l->n; i++) {
        const Accepted *a = &l->at[i], *b = &l->at[i - 1];
        if (a->tenant != b->tenant || a->ticket != b->ticket) continue;
        if (a->key && b->key && strcmp(a->key, b->key) == 0) continue; /* its own retry */
        finding_broken(f, a->tenant, "ticket %lld: keys %s and %s", (long long)a->ticket,
                       b->key ? b->key : "none", a->key ? a->key : "none");
    }
}

int verify_accepted(Verify *v, const char *file) {
    CLEANUP(accepted_done) AcceptedList list = {0};
    if (accepted_read(v, file, &list) < 0) return -1;
    if (verify_stored(v, &list) < 0 || verify_keys(v, &list) < 0) return -1;
    verify_distinct(v, &list);
    return 0;
}
