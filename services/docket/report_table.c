/* First every cell becomes text, then each column gets its width, then the lines are put together.
 */
#include "docket/report_table.h"

#include <errno.h>
#include <math.h>

#include "base/arena.h"
#include "base/columns.h"
#include "json/json.h"

enum { COLUMNS_MAX = 48, WIDEST = 32, BAR_LEAST = 6, BAR_MOST = 24, MATRIX_MAX = 12 };

typedef struct Column {
    Str name, zh, en, unit;
    bool key, right;
    size_t width;
} Column;

typedef struct Grid {
    Arena *arena;
    const ReportLook *look;
    Column columns[COLUMNS_MAX];
    size_t columns_n, rows_n;
    Str *cells; /* rows_n times columns_n */
    int bar;    /* the column that bars show; -1: none */
    double *bars, most;
} Grid;

void report_duration_write(double seconds, Buf *ret) {
    long long s = llround(seconds);
    if (s < 0) {
        buf_addc(ret, '-');
        s = -s;
    }
    if (s < 120)
        buf_printf(ret, "%llds", s);
    else if (s < 7200)
        buf_printf(ret, "%lldm%02llds", s / 60, s % 60);
    else if (s < 172800)
        buf_printf(ret, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else
        buf_printf(ret, "%lldd%02lldh", s / 86400, s / 3600 % 24);
}

static Str text_of(const cJSON *object, const char *name) {
    Str s = {NULL, 0};
    (void)json_get_string(object, name, &s);
    return s;
}

static Str kept(Grid *g, const Buf *b) {
    return b->n ? arena_str(g->arena, buf_str(b)) : STR("");
}

static Str cell_text(Grid *g, const Column *c, const cJSON *value) {
    CLEANUP(buf_done) Buf b = {0};
    Str s;
    double v;
    if (!value || cJSON_IsNull(value)) return c->key ? STR("–") : STR("");
    if (json_as_string(value, &s) == 1) { /* of instants the day and minute are enough */
        if (str_is(c->unit, "instant") && s.n >= 16) {
            buf_add(&b, s.p, 10);
            buf_addc(&b, ' ');
            buf_add(&b, s.p + 11, 5);
            return kept(g, &b);
        }
        return s.n ? s : STR("–");
    }
    if (!cJSON_IsNumber(value)) return STR("");
    v = value->valuedouble;
    bool change = str_ends(c->name, STR("_change"));
    if (str_is(c->unit, "seconds"))
        report_duration_write(v, &b);
    else if (str_is(c->unit, "share"))
        buf_printf(&b, change ? "%+.1f%%" : "%.1f%%", v * 100);
    else if (str_is(c->unit, "money"))
        buf_printf(&b, "%.2f", v);
    else if (v == round(v) && fabs(v) < 1e15)
        buf_printf(&b, "%.0f", v);
    else
        buf_printf(&b, "%.1f", v);
    return kept(g, &b);
}

/* ---- columns ---- */

/* Ids stand beside what they are called: not for eyes. */
static bool is_hidden(const cJSON *columns, const Column *c) {
    if (!c->key || !str_is(c->unit, "id") || !str_ends(c->name, STR("_id"))) return false;
    Str called = {c->name.p, c->name.n - 3};
    const cJSON *other;
    cJSON_ArrayForEach(other, columns) if (str_eq(text_of(other, "name"), called)) return true;
    return false;
}

static int read_columns(Grid *g, const cJSON *columns) {
    const cJSON *one;
    g->bar = -1;
    cJSON_ArrayForEach(one, columns) {
        Column *c = &g->columns[g->columns_n];
        if (g->columns_n == COLUMNS_MAX) return -EINVAL;
        *c = (Column){.name = text_of(one, "name"),
                      .zh = text_of(one, "title"),
                      .en = text_of(one, "title_en"),
                      .unit = text_of(one, "unit")};
        (void)json_get_bool(one, "key", &c->key);
        if (!c->name.p) return -EINVAL;
        c->right = !str_is(c->unit, "text") && !str_is(c->unit, "instant");
        if (is_hidden(columns, c)) continue;
        if (g->bar < 0 && !c->key && c->right) g->bar = (int)g->columns_n;
        g->columns_n++;
    }
    return g->columns_n ? 0 : -EINVAL;
}

static void widen(Column *c, Str s) {
    size_t width = columns_of(s);
    if (width > WIDEST) width = WIDEST;
    if (width > c->width) c->width = width;
}

static void read_row(Grid *g, const cJSON *row, size_t i, bool counts) {
    for (size_t c = 0; c < g->columns_n; c++) {
        const cJSON *value =
            cJSON_GetObjectItemCaseSensitive(row, arena_str(g->arena, g->columns[c].name).p);
        Str s = cell_text(g, &g->columns[c], value);
        g->cells[i * g->columns_n + c] = s;
        widen(&g->columns[c], s);
        if ((int)c != g->bar || !counts || !cJSON_IsNumber(value)) continue;
        g->bars[i] = value->valuedouble;
        if (g->bars[i] > g->most) g->most = g->bars[i];
    }
}

static void read_rows(Grid *g, const cJSON *table) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(table, "rows"), *row;
    const cJSON *others = cJSON_GetObjectItemCaseSensitive(table, "others");
    const cJSON *total = cJSON_GetObjectItemCaseSensitive(table, "total");
    size_t room = (size_t)(cJSON_GetArraySize(rows) + cJSON_GetArraySize(others)) + 2, first;
    g->cells = arena_zalloc(g->arena, room * g->columns_n * sizeof(Str));
    g->bars = arena_zalloc(g->arena, room * sizeof(double));
    cJSON_ArrayForEach(row, rows) read_row(g, row, g->rows_n++, true);
    if (cJSON_GetArraySize(others) == 1) { /* by parts of time they are for programs */
        first = g->rows_n * g->columns_n;
        read_row(g, others->child, g->rows_n++, false);
        g->cells[first] = STR("其余 others");
        widen(&g->columns[0], g->cells[first]);
    }
    if (!total || g->rows_n < 2 || !g->columns[0].key) return;
    first = g->rows_n * g->columns_n;
    read_row(g, total, g->rows_n++, false);
    for (size_t c = 0; c < g->columns_n && g->columns[c].key; c++)
        g->cells[first + c] = STR("");
    g->cells[first] = STR("合计 total");
    widen(&g->columns[0], g->cells[first]);
}

/* ---- lines ---- */

static void colour(const Grid *g, const char *code, Buf *ret) {
    if (g->look->colour) buf_printf(ret, "\033[%sm", code);
}

static void end_line(Buf *ret) {
    while (ret->n && ret->p[ret->n - 1] == ' ')
        ret->p[--ret->n] = 0;
    buf_addc(ret, '\n');
}

static void write_grid(Grid *g, Buf *ret) {
    size_t wide = 0, bar = 0;
    for (size_t c = 0; c < g->columns_n; c++) {
        widen(&g->columns[c], g->columns[c].zh);
        widen(&g->columns[c], g->columns[c].en);
        wide += g->columns[c].width + 2;
    }
    if (g->bar >= 0 && g->most > 0 && g->look->columns >= wide + BAR_LEAST) {
        bar = g->look->columns - wide;
        if (bar > BAR_MOST) bar = BAR_MOST;
    }
    for (int line = 0; line < 2; line++) {
        colour(g, line ? "2" : "1", ret);
        for (size_t c = 0; c < g->columns_n; c++) {
            const Column *k = &g->columns[c];
            columns_add(ret, line ? k->en : k->zh, k->width, k->right);
            buf_adds(ret, "  ");
        }
        colour(g, "0", ret);
        end_line(ret);
    }
    for (size_t i = 0; i < g->rows_n; i++) {
        for (size_t c = 0; c < g->columns_n; c++) {
            columns_add(ret, g->cells[i * g->columns_n + c], g->columns[c].width,
                        g->columns[c].right);
            buf_adds(ret, "  ");
        }
        if (bar && g->bars[i] > 0) {
            colour(g, "36", ret);
            columns_add_bar(ret, g->bars[i], g->most, bar);
            colour(g, "0", ret);
        }
        end_line(ret);
    }
}

static int write_table(const cJSON *table, const ReportLook *look, Buf *ret) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Grid *g = arena_zalloc(arena, sizeof(*g));
    g->arena = arena;
    g->look = look;
    if (read_columns(g, cJSON_GetObjectItemCaseSensitive(table, "columns")) < 0) return -EINVAL;
    read_rows(g, table);
    if (!g->rows_n) {
        buf_adds(ret, "（没有数据 nothing）\n");
        return 0;
    }
    write_grid(g, ret);
    return 0;
}

/* ---- from and to ---- */

static size_t place_of(Str *names, size_t *n, Str name) {
    for (size_t i = 0; i < *n; i++)
        if (str_eq(names[i], name)) return i;
    if (*n == MATRIX_MAX) return MATRIX_MAX;
    names[*n] = name;
    return (*n)++;
}

/* False: too many for a screen, or not of that kind. */
static bool write_matrix(const cJSON *report, const ReportLook *look, Buf *ret) {
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(report, "columns"), *row, *one;
    const char *keys[2] = {NULL}, *figure = NULL;
    Str names[MATRIX_MAX];
    size_t n = 0, keys_n = 0, width = 8;
    double figures[MATRIX_MAX][MATRIX_MAX] = {{0}};
    cJSON_ArrayForEach(one, columns) {
        Str name = text_of(one, "name");
        bool key = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(one, "key"));
        if (key && keys_n < 2 && str_is(text_of(one, "unit"), "text")) keys[keys_n++] = name.p;
        if (!key && !figure) figure = name.p;
    }
    if (keys_n != 2 || !figure) return false;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(report, "rows")) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(row, figure);
        size_t from = place_of(names, &n, text_of(row, keys[0]));
        size_t to = place_of(names, &n, text_of(row, keys[1]));
        if (from == MATRIX_MAX || to == MATRIX_MAX || !cJSON_IsNumber(value)) return false;
        figures[from][to] = value->valuedouble;
    }
    if (!n) return false;
    for (size_t i = 0; i < n; i++)
        if (columns_of(names[i]) > width) width = columns_of(names[i]);
    if (width > WIDEST) width = WIDEST;
    if (look->columns && (n + 1) * (width + 2) > look->columns) return false;
    columns_add(ret, STR("从＼到"), width, false);
    for (size_t i = 0; i < n; i++) {
        buf_adds(ret, "  ");
        columns_add(ret, names[i], width, true);
    }
    end_line(ret);
    for (size_t i = 0; i < n; i++) {
        columns_add(ret, names[i], width, false);
        for (size_t j = 0; j < n; j++) {
            CLEANUP(buf_done) Buf number = {0};
            if (figures[i][j] > 0)
                buf_printf(&number, "%.0f", figures[i][j]);
            else
                buf_adds(&number, i == j ? "–" : "·");
            buf_adds(ret, "  ");
            columns_add(ret, buf_str(&number), width, true);
        }
        end_line(ret);
    }
    return true;
}

/* ---- all of it ---- */

static void write_head(const cJSON *report, const ReportLook *look, Buf *ret) {
    Str from = text_of(report, "from"), to = text_of(report, "to");
    double filled = 1;
    if (look->colour) buf_adds(ret, "\033[1m");
    buf_printf(ret, "%.*s %.*s", STR_ARG(text_of(report, "title")),
               STR_ARG(text_of(report, "title_en")));
    if (look->colour) buf_adds(ret, "\033[0m");
    if (from.n >= 16 && to.n >= 16)
        buf_printf(ret, "   %.10s %.5s – %.10s %.5s", from.p, from.p + 11, to.p, to.p + 11);
    buf_printf(ret, "   %.*s\n", STR_ARG(text_of(report, "time_zone")));
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(report, "complete"))) {
        (void)json_get_number(report, "filled", &filled);
        buf_printf(ret, "数据仍在填充 still being filled: %.1f%%\n", filled * 100);
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "narrowed")))
        buf_adds(ret, "仅含您可见的工单 only what you reach\n");
    buf_addc(ret, '\n');
}

int report_table_write(const cJSON *report, const ReportLook *look, Buf *ret) {
    const cJSON *section;
    if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(report, "columns"))) return -EINVAL;
    write_head(report, look, ret);
    bool matrix = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "matrix"));
    size_t begun = ret->n;
    if (!matrix || !write_matrix(report, look, ret)) {
        ret->n = begun;
        if (write_table(report, look, ret) < 0) return -EINVAL;
    }
    cJSON_ArrayForEach(section, cJSON_GetObjectItemCaseSensitive(report, "sections")) {
        buf_printf(ret, "\n%.*s %.*s\n\n", STR_ARG(text_of(section, "title")),
                   STR_ARG(text_of(section, "title_en")));
        if (write_table(section, look, ret) < 0) return -EINVAL;
    }
    Str note = text_of(report, "note");
    if (note.n) buf_printf(ret, "\n%.*s\n", STR_ARG(note));
    return 0;
}
