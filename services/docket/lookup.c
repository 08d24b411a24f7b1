/* The connection, names, tables and JSON of several commands. */
#include "docket/lookup.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "docket/command.h"
#include "documents/problems.h"

int lookup_open(const char *command, const char *url, LookupPurpose purpose,
                PostgresSession **ret) {
    CLEANUP(buf_done) Buf problem = {0};
    if (!url)
        url = purpose == LOOKUP_WRITING
                  ? command_environment("DOCKET_POSTGRES_ADMIN", "the role that owns the schema")
                  : command_environment("DOCKET_POSTGRES", "a role that may read every tenant");
    if (postgres_session_open(url, command, 0, ret, &problem) == 0) return 0;
    (void)fprintf(stderr, "%s: %s\n", command, problem.p ? problem.p : "PostgreSQL did not answer");
    return 2;
}

int lookup_run(const char *command, PostgresSession *s, const char *sql, const Params *params,
               const PostgresRows **ret) {
    CLEANUP(buf_done) Buf problem = {0};
    if (postgres_session_run(s, sql, params, ret, &problem) == 0) return 0;
    const char *state = postgres_session_state(s);
    (void)fprintf(stderr, "%s: %s\n", command, problem.p ? problem.p : "PostgreSQL did not answer");
    if (!strcmp(state, "42P01") || !strcmp(state, "3F000"))
        (void)fputs("The schema is not there yet: docket migrate\n", stderr);
    if (!strcmp(state, "42501"))
        (void)fputs("This role may not do that; give --postgres the role that owns the schema\n",
                    stderr);
    return 2;
}

int lookup_unknown(const char *command, const char *what, const char *name,
                   const PostgresRows *rows, const char *remedy) {
    size_t n = rows_count(rows);
    Str *names = xcalloc(n + 1, sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = rows_str(rows, i, 0);
    (void)fprintf(stderr, "%s: there is no %s `%s`%s\n", command, what, name,
                  did_you_mean(str(name), names, n));
    if (remedy) (void)fprintf(stderr, "%s\n", remedy);
    free(names);
    return 1;
}

int lookup_tenant(const char *command, PostgresSession *s, const char *name, int64_t *ret_id) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    if (!name || !*name) {
        (void)fprintf(stderr, "%s: which tenant? Give --tenant NAME; docket tenant list\n",
                      command);
        return 2;
    }
    params_text(&p, str(name));
    int r = lookup_run(command, s, "SELECT tenant_id FROM docket.tenants WHERE name = $1::text", &p,
                       &rows);
    if (r) return r;
    if (rows_count(rows) == 1) {
        *ret_id = rows_int(rows, 0, 0);
        return 0;
    }
    r = lookup_run(command, s, "SELECT name FROM docket.tenants ORDER BY 1 LIMIT 10000", NULL,
                   &rows);
    return r ? r : lookup_unknown(command, "tenant", name, rows, "All tenants: docket tenant list");
}

int lookup_ticket(const char *command, PostgresSession *s, const char *tenant, int64_t id,
                  int64_t *ret_tenant, int64_t *ret_ticket) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int64_t tenant_id = 0;
    int r = tenant ? lookup_tenant(command, s, tenant, &tenant_id) : 0;
    if (r) return r;
    params_i64(&p, id);
    params_i64(&p, tenant_id);
    r = lookup_run(command, s,
                   "SELECT n.tenant_id, coalesce(a.ticket_id, $1::bigint), n.name "
                   "FROM docket.tenants n LEFT JOIN ticket.aliases a "
                   "ON a.tenant_id = n.tenant_id AND a.id = $1::bigint "
                   "WHERE $2::bigint IN (0, n.tenant_id) AND EXISTS (SELECT FROM ticket.tickets t "
                   "WHERE t.tenant_id = n.tenant_id AND t.id = coalesce(a.ticket_id, $1::bigint)) "
                   "ORDER BY 1 LIMIT 2",
                   &p, &rows);
    if (r) return r;
    if (rows_count(rows) == 1) {
        *ret_tenant = rows_int(rows, 0, 0);
        *ret_ticket = rows_int(rows, 0, 1);
        return 0;
    }
    if (rows_count(rows) > 1) {
        (void)fprintf(stderr, "%s: several tenants have a ticket %lld; say which: --tenant NAME\n",
                      command, (long long)id);
        return 2;
    }
    (void)fprintf(stderr,
                  "%s: there is no ticket %lld; accepted just now, it may still be under way\n",
                  command, (long long)id);
    return 1;
}

int lookup_check_name(const char *command, const char *what, const char *name) {
    size_t n = strlen(name);
    const char *wrong = NULL;
    if (n == 0)
        wrong = "it is empty";
    else if (n > 63)
        wrong = "it is longer than 63 characters";
    else if (name[0] == '-')
        wrong = "it begins with a hyphen";
    else if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
        wrong = "it holds other characters than a-z, 0-9 and -";
    if (!wrong) return 0;
    (void)fprintf(stderr,
                  "%s: `%s` cannot be a %s's name: %s\n"
                  "Use small letters, digits and hyphens, as in my-shop-2; what people read goes "
                  "into a title or label\n",
                  command, name, what, wrong);
    return 2;
}

int lookup_words(const char *text, Str *ret, int max) {
    Str rest = str(text);
    int n = 0;
    do {
        Str word = str_trim(str_cut(rest, ',', &rest));
        if (word.n == 0 || n == max) return -1;
        for (int i = 0; i < n; i++)
            if (str_eq(ret[i], word)) return -1;
        ret[n++] = word;
    } while (rest.p);
    return n;
}

/* ---- JSON ---- */

static void key_of(Buf *b, const char *key) {
    if (b->n && b->p[b->n - 1] != '{') buf_addc(b, ',');
    buf_add_json(b, str(key));
    buf_addc(b, ':');
}

void lookup_json_text(Buf *b, const char *key, Str value) {
    key_of(b, key);
    buf_add_json(b, value);
}

void lookup_json_number(Buf *b, const char *key, int64_t value) {
    key_of(b, key);
    buf_add_i64(b, value);
}

void lookup_json_bool(Buf *b, const char *key, bool value) {
    key_of(b, key);
    buf_adds(b, value ? "true" : "false");
}

void lookup_json_raw(Buf *b, const char *key, Str json) {
    key_of(b, key);
    buf_add_str(b, json);
}

void lookup_json_texts(Buf *b, const char *key, const Str *values, size_t n) {
    key_of(b, key);
    buf_addc(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(b, ',');
        buf_add_json(b, values[i]);
    }
    buf_addc(b, ']');
}

void lookup_json_time(Buf *b, const char *key, const PostgresRows *rows, size_t row,
                      size_t column) {
    char when[25];
    if (rows_null(rows, row, column)) {
        lookup_json_raw(b, key, STR("null"));
        return;
    }
    clock_format_ms(rows_time_ms(rows, row, column), when);
    lookup_json_text(b, key, str(when));
}

void lookup_local_time(int64_t wall_ms, char ret[20]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;
    if (!localtime_r(&seconds, &local) || !strftime(ret, 20, "%Y-%m-%d %H:%M:%S", &local))
        (void)snprintf(ret, 20, "?");
}

/* ---- tables ---- */

void table_add(Table *t, Str cell) {
    if (t->n == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->ends = xrealloc(t->ends, t->room * sizeof(*t->ends));
    }
    for (size_t i = 0; i < cell.n; i++) {
        unsigned char c = (unsigned char)cell.p[i];
        bool c1 = c == 0xc2 && i + 1 < cell.n && ((unsigned char)cell.p[i + 1] & 0xe0) == 0x80;
        if (c1) i++;
        buf_addc(&t->text, c < 0x20 || c == 0x7f || c1 ? ' ' : (char)c);
    }
    t->ends[t->n++] = t->text.n;
}

void table_addf(Table *t, const char *fmt, ...) {
    CLEANUP(buf_done) Buf cell = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&cell, fmt, args);
    va_end(args);
    table_add(t, buf_str(&cell));
}

static Str cell_at(const Table *t, size_t i) {
    size_t from = i ? t->ends[i - 1] : 0;
    return t->ends[i] > from ? (Str){t->text.p + from, t->ends[i] - from} : (Str){"", 0};
}

/* Columns on a terminal; wide is what begins with E2 BA (radicals) or later. */
static size_t width_of(Str s) {
    size_t width = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c & 0xc0) == 0x80) continue;
        bool wide = c >= 0xe3 || (c == 0xe2 && i + 1 < s.n && (unsigned char)s.p[i + 1] >= 0xba);
        width += wide ? 2 : 1;
    }
    return width;
}

void table_print(const Table *t, size_t columns) {
    table_print_coloured(t, columns, NULL);
}

void table_print_coloured(const Table *t, size_t columns, const char *const *colours) {
    size_t *widths = xcalloc(columns, sizeof(*widths));
    CLEANUP(buf_done) Buf out = {0};
    for (size_t i = 0; i < t->n; i++) {
        size_t width = width_of(cell_at(t, i));
        if (width > widths[i % columns]) widths[i % columns] = width;
    }
    for (size_t i = 0; i < t->n; i++) {
        Str cell = cell_at(t, i);
        bool last = i % columns == columns - 1;
        const char *colour = colours ? colours[i / columns] : NULL;
        if (colour && i % columns == 0) buf_adds(&out, colour);
        buf_add_str(&out, cell);
        for (size_t k = width_of(cell); !last && k < widths[i % columns] + 2; k++)
            buf_addc(&out, ' ');
        if (!last) continue;
        while (out.n && out.p[out.n - 1] == ' ')
            out.n--;
        if (colour) buf_adds(&out, "\033[0m");
        buf_addc(&out, '\n');
    }
    if (out.n) (void)fwrite(out.p, 1, out.n, stdout);
    free(widths);
}

void table_done(Table *t) {
    buf_done(&t->text);
    free(t->ends);
    *t = (Table){0};
}
