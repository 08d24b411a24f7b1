/* What a surge sends: texts from files, and the same body for the same ticket. */
#include "docket/surge_body.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "json/json.h"

static int read_text(const char *text, const char *column, SurgeBodies **ret, Buf *problem) {
    char file[64];
    snprintf(file, sizeof(file), "/tmp/docket-surge-%d", getpid());
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
    int r = surge_bodies_read(file, column, 1, ret, problem);
    (void)unlink(file);
    return r;
}

static void check_body(SurgeBodies *b, int64_t ticket, const char *subject, const char *body) {
    CLEANUP(buf_done) Buf text = {0};
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(cjson_freep) cJSON *tree = NULL;
    const cJSON *object, *comment;
    Str got;
    surge_bodies_write(b, ticket, &text);
    if (json_parse(buf_str(&text), NULL, &tree, &problem) < 0)
        fail_msg("%s in %s", problem.p, text.p);
    assert_int_equal(json_get_object(tree, "ticket", &object), 1);
    assert_int_equal(json_get_object(object, "comment", &comment), 1);
    assert_int_equal(json_get_string(comment, "body", &got), 1);
    if (body) assert_true(str_is(got, body));
    assert_int_equal(json_get_string(object, "subject", &got), 1);
    if (subject) assert_true(str_is(got, subject));
}

static void csv_is_read_by_its_heading(void **state) {
    CLEANUP(surge_bodies_freep) SurgeBodies *b = NULL;
    (void)state;
    assert_int_equal(read_text("category,Title,text\r\n书籍,T1,\"a, \"\"b\"\"\nc\"\r\n\r\nx,,d\r\n",
                               NULL, &b, NULL),
                     0);
    assert_int_equal(surge_bodies_count(b), 2);
    check_body(b, 0, "T1", "a, \"b\"\nc");
    check_body(b, 1, "d", "d"); /* no title: its beginning */
    check_body(b, 2, "T1", NULL);
}

static void csv_without_a_known_heading_is_all_text(void **state) {
    CLEANUP(surge_bodies_freep) SurgeBodies *b = NULL;
    (void)state;
    assert_int_equal(read_text("INC1,New,5\nINC2,,6", NULL, &b, NULL), 0);
    assert_int_equal(surge_bodies_count(b), 2);
    check_body(b, 0, NULL, "INC1，New，5");
    check_body(b, 1, NULL, "INC2，6");
}

static void a_column_can_be_named_and_must_be_there(void **state) {
    CLEANUP(surge_bodies_freep) SurgeBodies *b = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    assert_int_equal(read_text("text,note\na,b\n", "note", &b, NULL), 0);
    check_body(b, 0, NULL, "b");
    b = surge_bodies_free(b);
    assert_int_equal(read_text("text,note\na,b\n", "remark", &b, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "remark"));
}

static void json_lines_are_strings_objects_or_tickets(void **state) {
    CLEANUP(surge_bodies_freep) SurgeBodies *b = NULL;
    (void)state;
    assert_int_equal(read_text("{\"title\":\"t\",\"text\":\"x\"}\n\n\"just text\"\n"
                               "{\"comment\":{\"body\":\"y\"}}\n"
                               "{\"ticket\":{\"subject\":\"s\",\"comment\":{\"body\":\"z\"}}}\n",
                               NULL, &b, NULL),
                     0);
    assert_int_equal(surge_bodies_count(b), 4);
    check_body(b, 0, "t", "x");
    check_body(b, 1, NULL, "just text");
    check_body(b, 2, NULL, "y");
    check_body(b, 3, "s", "z");
}

static void a_broken_line_is_named(void **state) {
    CLEANUP(surge_bodies_freep) SurgeBodies *b = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    assert_int_equal(read_text("{\"text\":\"x\"}\n{\"text\":\n", NULL, &b, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "line 2"));
    buf_clear(&problem);
    assert_int_equal(read_text("\n\n", NULL, &b, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "no text"));
    assert_true(surge_bodies_read("/nowhere/texts.csv", NULL, 1, &b, &problem) == -ENOENT);
    assert_null(b);
}

static void the_same_ticket_is_the_same_body_and_another_seed_another(void **state) {
    CLEANUP(surge_bodies_freep) SurgeBodies *a = surge_bodies_generate(1);
    CLEANUP(surge_bodies_freep) SurgeBodies *again = surge_bodies_generate(1);
    CLEANUP(surge_bodies_freep) SurgeBodies *other = surge_bodies_generate(2);
    int differ = 0;
    (void)state;
    for (int64_t ticket = 0; ticket < 1000; ticket++) {
        CLEANUP(buf_done) Buf x = {0};
        CLEANUP(buf_done) Buf y = {0};
        CLEANUP(buf_done) Buf z = {0};
        surge_bodies_write(a, ticket, &x);
        surge_bodies_write(again, ticket, &y);
        surge_bodies_write(other, ticket, &z);
        assert_string_equal(x.p, y.p);
        differ += strcmp(x.p, z.p) != 0;
        check_body(a, ticket, NULL, NULL);
    }
    assert_true(differ > 990);
}

static void channels_are_named_in_turn(void **state) {
    CLEANUP(surge_bodies_freep) SurgeBodies *b = surge_bodies_generate(1);
    int web = 0, app = 0;
    (void)state;
    surge_bodies_channels(b, "web, app");
    for (int64_t ticket = 0; ticket < 200; ticket++) {
        CLEANUP(buf_done) Buf text = {0};
        surge_bodies_write(b, ticket, &text);
        web += strstr(text.p, "{\"channel\":\"web\"}") != NULL;
        app += strstr(text.p, "{\"channel\":\"app\"}") != NULL;
    }
    assert_int_equal(web + app, 200);
    assert_true(web > 50 && app > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_read_by_its_heading),
        cmocka_unit_test(csv_without_a_known_heading_is_all_text),
        cmocka_unit_test(a_column_can_be_named_and_must_be_there),
        cmocka_unit_test(json_lines_are_strings_objects_or_tickets),
        cmocka_unit_test(a_broken_line_is_named),
        cmocka_unit_test(the_same_ticket_is_the_same_body_and_another_seed_another),
        cmocka_unit_test(channels_are_named_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
