/* Records become rows; rows are put in order; the first of a ticket creates it. */
#include "docket/replay_story.h"

#include <errno.h>
#include <stdlib.h>

#include "docket/surge_body.h"
#include "promise/days.h"

enum { FIELDS = 32 };
#define INSTANT_END INT64_C(7258118400000) /* the year 2200 */

typedef enum Column { TICKET, AT, WHO, STATE, GROUP, PRIORITY, COMMENT, PUBLIC, COLUMNS } Column;

static const char *const column_names[COLUMNS] = {"ticket", "at",       "who",     "state",
                                                  "group",  "priority", "comment", "public"};

static int broken(Buf *problem, long record, const char *what, Str value) {
    buf_printf(problem, "record %ld: %s", record, what);
    if (value.p) buf_printf(problem, ", not `%.*s`", STR_ARG(value));
    return -EINVAL;
}

/* "2026-01-05T09:00[:00[.000]][Z]" or milliseconds. */
static int instant_read(Str text, int64_t *ret) {
    int64_t day, part[4] = {0};
    Str rest = text;
    if (str_to_i64(text, ret) == 0) return *ret >= 0 && *ret < INSTANT_END ? 0 : -EINVAL;
    if (text.n < 16 || days_parse((Str){text.p, 10}, &day) < 0 ||
        (text.p[10] != 'T' && text.p[10] != ' '))
        return -EINVAL;
    rest = (Str){text.p + 11, text.n - 11};
    if (rest.n && rest.p[rest.n - 1] == 'Z') rest.n--;
    for (int i = 0; i < 4 && rest.p; i++) {
        char between = i == 2 ? '.' : ':';
        Str number = i == 3 ? rest : str_cut(rest, between, &rest);
        if (i == 3) rest = (Str){NULL, 0};
        if (number.n != (i == 3 ? 3u : 2u) || str_to_i64(number, &part[i]) < 0 || part[i] < 0)
            return -EINVAL;
    }
    if (rest.p || part[0] > 23 || part[1] > 59 || part[2] > 59) return -EINVAL;
    *ret = day * DAY_MS + ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000 + part[3];
    return *ret >= 0 && *ret < INSTANT_END ? 0 : -EINVAL;
}

static int state_read(Str name, Str *ret) {
    static const struct {
        const char *name, *said; /* NULL: nothing is */
    } states[] = {{"new", NULL},          {"assigned", NULL},
                  {"open", "open"},       {"in_progress", "open"},
                  {"pending", "pending"}, {"hold", "hold"},
                  {"on_hold", "hold"},    {"solved", "solved"},
                  {"closed", "closed"},   {"acknowledged", "acknowledged"}};
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        if (str_is(name, states[i].name)) {
            *ret = str(states[i].said);
            return 0;
        }
    return name.n ? -EINVAL : 0;
}

/* Tickets by name: open addressing. */
typedef struct Names {
    size_t *slots, room; /* number + 1; 0: free */
} Names;

static size_t ticket_number(Names *n, ReplayStory *s, Str name, bool *ret_first) {
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
    size_t at = hash & (n->room - 1);
    for (; n->slots[at]; at = (at + 1) & (n->room - 1))
        if (str_eq(s->tickets[n->slots[at] - 1], name)) return n->slots[at] - 1;
    *ret_first = true;
    s->tickets[s->tickets_n] = name;
    n->slots[at] = ++s->tickets_n;
    return s->tickets_n - 1;
}

static int heading_read(const Str *fields, size_t n, int *ret_columns, Buf *problem) {
    for (int c = 0; c < COLUMNS; c++) {
        ret_columns[c] = -1;
        for (size_t i = 0; i < n; i++)
            if (str_eq_nocase(str_trim(fields[i]), str(column_names[c]))) ret_columns[c] = (int)i;
    }
    if (ret_columns[TICKET] < 0 || ret_columns[AT] < 0 || ret_columns[WHO] < 0)
        return broken(problem, 1, "it names the columns, among them ticket, at and who",
                      (Str){NULL, 0});
    return 0;
}

static int row_read(const Str *fields, size_t n, const int *columns, long record, Arena *arena,
                    ReplayRow *ret, Str *ret_ticket, Buf *problem) {
    Str cell[COLUMNS] = {0};
    for (int c = 0; c < COLUMNS; c++)
        if (columns[c] >= 0 && (size_t)columns[c] < n && fields[columns[c]].n)
            cell[c] = arena_str(arena, str_trim(fields[columns[c]]));
    *ret = (ReplayRow){.record = record,
                       .who = cell[WHO],
                       .group = cell[GROUP],
                       .priority = cell[PRIORITY],
                       .comment = cell[COMMENT],
                       .is_public = !(str_eq_nocase(cell[PUBLIC], STR("no")) ||
                                      str_eq_nocase(cell[PUBLIC], STR("false")) ||
                                      str_is(cell[PUBLIC], "0"))};
    *ret_ticket = cell[TICKET];
    if (cell[TICKET].n == 0) return broken(problem, record, "no ticket", (Str){NULL, 0});
    if (cell[WHO].n == 0) return broken(problem, record, "nobody in `who`", (Str){NULL, 0});
    if (instant_read(cell[AT], &ret->at_ms) < 0)
        return broken(problem, record, "`at` is written 2026-01-05T09:00:00Z", cell[AT]);
    if (state_read(cell[STATE], &ret->state) < 0)
        return broken(problem, record, "`state` is open, pending, hold, solved, closed ...",
                      cell[STATE]);
    if (cell[PRIORITY].n && !str_is(cell[PRIORITY], "low") && !str_is(cell[PRIORITY], "normal") &&
        !str_is(cell[PRIORITY], "high") && !str_is(cell[PRIORITY], "urgent"))
        return broken(problem, record, "`priority` is low, normal, high or urgent", cell[PRIORITY]);
    return 0;
}

static int compare_rows(const void *a, const void *b) {
    const ReplayRow *x = a, *y = b;
    if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

int replay_story_read(Str csv, Arena *arena, ReplayStory *ret, Buf *ret_problem) {
    CLEANUP(buf_done) Buf store = {0};
    Str fields[FIELDS], rest = csv;
    int columns[COLUMNS];
    size_t n, lines = 1;
    for (size_t i = 0; i < csv.n; i++)
        lines += csv.p[i] == '\n' || csv.p[i] == '\r'; /* either ends a record */
    if (!str_is_text(csv)) return broken(ret_problem, 1, "the file is not UTF-8", (Str){NULL, 0});
    if (lines > REPLAY_ROWS_MAX)
        return broken(ret_problem, 1, "more than a million lines", (Str){NULL, 0});
    *ret = (ReplayStory){.rows = arena_alloc(arena, lines * sizeof(*ret->rows)),
                         .tickets = arena_alloc(arena, lines * sizeof(*ret->tickets))};
    Str *names = arena_alloc(arena, lines * sizeof(*names));
    n = surge_csv_next(&rest, &store, fields, FIELDS);
    if (heading_read(fields, n, columns, ret_problem) < 0) return -EINVAL;
    for (long record = 2; (n = surge_csv_next(&rest, &store, fields, FIELDS)); record++) {
        ReplayRow *row = &ret->rows[ret->rows_n++];
        if (row_read(fields, n, columns, record, arena, row, &names[record - 2], ret_problem) < 0)
            return -EINVAL;
    }
    if (ret->rows_n == 0) return broken(ret_problem, 2, "nothing happens", (Str){NULL, 0});
    qsort(ret->rows, ret->rows_n, sizeof(*ret->rows), compare_rows);
    Names index = {.room = 64};
    while (index.room < ret->rows_n * 2)
        index.room *= 2;
    index.slots = arena_zalloc(arena, index.room * sizeof(*index.slots));
    for (size_t i = 0; i < ret->rows_n; i++) {
        ReplayRow *row = &ret->rows[i];
        row->ticket = ticket_number(&index, ret, names[row->record - 2], &row->creates);
    }
    return 0;
}

int64_t replay_story_shift(ReplayStory *s, int64_t now_ms) {
    const int64_t week = INT64_C(7) * DAY_MS;
    int64_t behind = now_ms - s->rows[0].at_ms;
    int64_t weeks = behind > 0 ? (behind + week - 1) / week : 0;
    for (size_t i = 0; i < s->rows_n; i++)
        s->rows[i].at_ms += weeks * week;
    return weeks;
}
