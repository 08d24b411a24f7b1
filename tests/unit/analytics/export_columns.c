/* The figures of a ticket as a line of CSV, and the schema of that line. */
#include "analytics/export/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

/* RFC 4180, read by hand: the field at `place` of the line; fails when there is none. */
static Str field(Str line, size_t place, Buf *ret) {
    size_t at = 0;
    buf_clear(ret);
    for (size_t i = 0;; i++) {
        bool quoted = at < line.n && line.p[at] == '"';
        buf_clear(ret);
        if (quoted) {
            for (at++; at < line.n; at++) {
                if (line.p[at] == '"' && at + 1 < line.n && line.p[at + 1] == '"')
                    at++;
                else if (line.p[at] == '"')
                    break;
                buf_addc(ret, line.p[at]);
            }
            at++;
        } else {
            while (at < line.n && line.p[at] != ',' && line.p[at] != '\n')
                buf_addc(ret, line.p[at++]);
        }
        if (i == place) return buf_str(ret);
        if (at >= line.n || line.p[at] != ',') fail_msg("no field %zu", place);
        at++;
    }
}

static size_t place_of_column(const char *name) {
    CLEANUP(buf_done) Buf head = {0};
    export_write_head(&head);
    Str rest = {head.p, head.n - 1}, one;
    for (size_t i = 0; rest.p; i++) {
        one = str_cut(rest, ',', &rest);
        if (str_is(one, name)) return i;
    }
    fail_msg("no column %s", name);
    return 0;
}

static void says(const ExportRow *row, const char *column, const char *expected) {
    CLEANUP(buf_done) Buf line = {0}, value = {0};
    export_write_row(row, &line);
    assert_int_equal(line.p[line.n - 1], '\n');
    Str found = field(buf_str(&line), place_of_column(column), &value);
    if (!str_is(found, expected)) fail_msg("%s is %.*s, not %s", column, STR_ARG(found), expected);
}

static void what_is_not_there_is_empty_and_the_rest_stands_under_its_name(void **state) {
    CLEANUP(fact_sheet_freep) FactSheet *sheet = fact_sheet_new();
    ExportRow row = {7, 12345, sheet, SHEET_NEVER};
    (void)state;
    sheet->seq = 3;
    sheet->status = TICKET_IN_PROGRESS;
    sheet->created_ms = INT64_C(1763800330500);
    sheet->row_ms = sheet->created_ms + 1;
    sheet->group_id = 9;
    sheet->assigned_ms = sheet->created_ms + 61000;
    sheet->to_assigned = (FactTime){61000, 1000};
    sheet->replied_ms = sheet->solved_ms = sheet->resolved_ms = sheet->rated_ms = SHEET_NEVER;
    sheet->stages[TICKET_NEW] = (Stage){2, {5000, 4000}};
    says(&row, "tenant_id", "7");
    says(&row, "ticket_id", "12345");
    says(&row, "status", "in_progress");
    says(&row, "created_at", "2025-11-22T08:32:10.500Z");
    says(&row, "group_id", "9");
    says(&row, "assignee_id", "");
    says(&row, "assigned_at", "2025-11-22T08:33:11.500Z");
    says(&row, "to_assigned_ms", "61000");
    says(&row, "to_assigned_business_ms", "1000");
    says(&row, "replied_at", "");
    says(&row, "to_reply_ms", "");
    says(&row, "new_times", "2");
    says(&row, "new_business_ms", "4000");
    says(&row, "due_at", "");
    says(&row, "groups", "[]");
    row.due_ms = 0;
    says(&row, "due_at", "1970-01-01T00:00:00.000Z");
}

static void texts_keep_commas_quotes_and_line_ends_and_the_empty_one_is_not_absence(void **state) {
    CLEANUP(fact_sheet_freep) FactSheet *sheet = fact_sheet_new();
    CLEANUP(buf_done) Buf line = {0};
    ExportRow row = {7, 1, sheet, SHEET_NEVER};
    (void)state;
    sheet->texts[SHEET_PRODUCT] = STR("a \"b\", c\r\nd");
    sheet->texts[SHEET_REGION] = STR("");
    export_write_row(&row, &line);
    assert_non_null(strstr(line.p, ",\"a \"\"b\"\", c\r\nd\","));
    assert_non_null(strstr(line.p, ",\"\","));
    says(&row, "product", "a \"b\", c\r\nd");
    says(&row, "tier", "");
    for (int i = 0; i < SHEET_TEXTS; i++) /* they are nobody's here */
        sheet->texts[i] = (Str){NULL, 0};
}

static void
the_schema_names_every_column_in_its_order_and_is_the_one_that_is_published(void **state) {
    CLEANUP(buf_done) Buf text = {0}, head = {0}, published = {0};
    char piece[4096];
    (void)state;
    export_write_schema(&text);
    export_write_head(&head);
    cJSON *schema = cJSON_Parse(text.p);
    assert_non_null(schema);
    const cJSON *one, *properties = cJSON_GetObjectItem(schema, "properties");
    Str rest = {head.p, head.n - 1};
    cJSON_ArrayForEach(one, properties) {
        assert_true(str_is(str_cut(rest, ',', &rest), one->string));
        assert_true(strlen(cJSON_GetObjectItem(one, "description")->valuestring) > 5);
    }
    assert_null(rest.p);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(schema, "required")),
                     cJSON_GetArraySize(properties));
    cJSON_Delete(schema);
    FILE *file = fopen("deploy/api/facts.schema.json", "r");
    assert_non_null(file);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;)
        buf_add(&published, piece, n);
    (void)fclose(file);
    if (!str_eq(buf_str(&text), buf_str(&published)))
        fail_msg("deploy/api/facts.schema.json is another one than export_write_schema() writes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_empty_and_the_rest_stands_under_its_name),
        cmocka_unit_test(texts_keep_commas_quotes_and_line_ends_and_the_empty_one_is_not_absence),
        cmocka_unit_test(
            the_schema_names_every_column_in_its_order_and_is_the_one_that_is_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
