/* The form: what becomes a draft, what is refused with which words, and what is only remarked on.
 */
#include "intake/submission_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const Str channels[] = {STR("web"), STR("app")};

typedef struct Read {
    Arena *arena;
    cJSON *tree;
    FormVerdict verdict;
    Draft draft;
    FormNotes problems, warnings;
} Read;

static void read_as(Read *r, const char *body, FormRights rights) {
    CLEANUP(buf_done) Buf problem = {0};
    r->arena = arena_new(0);
    r->tree = NULL;
    if (json_parse(str(body), NULL, &r->tree, &problem) < 0) fail_msg("%s", problem.p);
    r->verdict =
        submission_form_read(r->tree, &rights, r->arena, &r->draft, &r->problems, &r->warnings);
}

static void read_body(Read *r, const char *body) {
    read_as(r, body, (FormRights){channels, 2, false});
}

static void read_done(Read *r) {
    cJSON_Delete(r->tree);
    arena_free(r->arena);
}

static bool notes(const FormNotes *n, const char *field, const char *error) {
    for (size_t i = 0; i < n->n; i++) {
        if (str_is(n->items[i].field, field) && strcmp(n->items[i].error, error) == 0) {
            assert_true(n->items[i].reason[0] && n->items[i].remedy[0]);
            return true;
        }
    }
    return false;
}

static void every_field_arrives(void **state) {
    Read r;
    (void)state;
    read_body(
        &r,
        "{\"ticket\":{\"subject\":\"S\",\"comment\":{\"body\":\"B\",\"public\":true},"
        "\"requester\":{\"name\":\"N\",\"email\":\" A@Example.COM \",\"phone\":\"138 1234 5678\","
        "\"address\":\"D\",\"external_id\":77,\"locale\":\"zh-CN\"},\"priority\":\"urgent\","
        "\"tags\":[\"a\",\"b\",\"a\",\"\"],\"external_id\":\"X\",\"custom_fields\":[{\"id\":12,"
        "\"value\":true},{\"id\":\"k\",\"value\":[1,\"z\",null],\"personal\":true}],"
        "\"via\":{\"channel\":\"app\",\"source\":{}},\"kind\":\"投诉\",\"order\":\"O\","
        "\"product\":\"P\",\"batch\":\"BA\",\"device\":\"DE\",\"region\":\"R\",\"tier\":\"vip\","
        "\"status\":\"new\"}}");
    assert_int_equal(r.verdict, FORM_ACCEPTED);
    assert_int_equal(r.warnings.n, 0);
    assert_true(str_is(r.draft.subject, "S") && str_is(r.draft.description, "B"));
    assert_true(str_is(r.draft.name, "N") && str_is(r.draft.email_normal, "a@example.com"));
    assert_true(str_is(r.draft.phone_normal, "+8613812345678"));
    assert_true(str_is(r.draft.address, "D") && str_is(r.draft.user_id, "77"));
    assert_true(str_is(r.draft.priority, "urgent") && str_is(r.draft.external_id, "X"));
    assert_int_equal(r.draft.tags_n, 2);
    assert_true(str_is(r.draft.tags[0], "a") && str_is(r.draft.tags[1], "b"));
    assert_int_equal(r.draft.custom_n, 2);
    assert_true(str_is(r.draft.custom[0].key, "12") && !r.draft.custom[0].personal);
    assert_true(str_is(r.draft.custom[1].key, "k") && r.draft.custom[1].personal);
    assert_true(str_is(r.draft.channel, "app") && str_is(r.draft.kind, "投诉"));
    assert_true(str_is(r.draft.order, "O") && str_is(r.draft.product, "P"));
    assert_true(str_is(r.draft.batch, "BA") && str_is(r.draft.device, "DE"));
    assert_true(str_is(r.draft.region, "R") && str_is(r.draft.tier, "vip"));
    assert_true(str_is(r.draft.language, "zh-CN")); /* the requester's locale */
    read_done(&r);
}

static void description_alone_is_enough_and_the_channel_is_the_sources_first(void **state) {
    Read r;
    (void)state;
    read_body(&r, "{\"ticket\":{\"description\":\"B\"}}");
    assert_int_equal(r.verdict, FORM_ACCEPTED);
    assert_true(str_is(r.draft.description, "B") && str_is(r.draft.channel, "web"));
    assert_null(r.draft.subject.p);
    read_done(&r);
    read_as(&r, "{\"ticket\":{\"description\":\"B\"}}", (FormRights){NULL, 0, false});
    assert_true(str_is(r.draft.channel, "api"));
    read_done(&r);
}

static void the_draft_outlives_the_rights(void **state) {
    char name[] = "chat";
    Str channel = {name, 4};
    Read r;
    (void)state;
    read_as(&r, "{\"ticket\":{\"description\":\"B\"}}", (FormRights){&channel, 1, false});
    memset(name, 'x', 4); /* the token was looked up again while a claim was awaited */
    assert_true(str_is(r.draft.channel, "chat"));
    read_done(&r);
}

static void nulls_and_empty_texts_are_as_if_absent(void **state) {
    Read r;
    (void)state;
    read_body(&r, "{\"ticket\":{\"description\":\"B\",\"subject\":null,\"priority\":\"\","
                  "\"requester\":null,\"tags\":null,\"custom_fields\":null,\"via\":null,"
                  "\"group_id\":null,\"status\":null,\"comment\":null,\"external_id\":\"\"}}");
    assert_int_equal(r.verdict, FORM_ACCEPTED);
    assert_null(r.draft.external_id.p);
    assert_int_equal(r.draft.tags_n + r.draft.custom_n, 0);
    read_done(&r);
}

static void each_mistake_is_refused_with_its_field(void **state) {
    static const struct {
        const char *member, *field, *error;
    } cases[] = {
        {"\"subject\":5", "subject", "InvalidType"},
        {"\"subject\":[\"x\"]", "subject", "InvalidType"},
        {"\"comment\":\"x\"", "comment", "InvalidType"},
        {"\"comment\":{\"body\":{}}", "comment.body", "InvalidType"},
        {"\"comment\":{\"body\":\"x\",\"public\":\"no\"}", "comment.public", "InvalidType"},
        {"\"comment\":{\"html_body\":\"<b>x</b>\"}", "comment.html_body", "InvalidValue"},
        {"\"requester\":[]", "requester", "InvalidType"},
        {"\"requester\":{\"email\":\"nobody\"}", "requester.email", "InvalidValue"},
        {"\"requester\":{\"phone\":\"call me\"}", "requester.phone", "InvalidValue"},
        {"\"requester\":{\"name\":1}", "requester.name", "InvalidType"},
        {"\"requester\":{\"locale\":\"zh CN\"}", "requester.locale", "InvalidValue"},
        {"\"priority\":\"P1\"", "priority", "InvalidValue"},
        {"\"priority\":2", "priority", "InvalidType"},
        {"\"status\":\"limbo\"", "status", "InvalidValue"},
        {"\"tags\":\"a\"", "tags", "InvalidType"},
        {"\"tags\":[1]", "tags.0", "InvalidType"},
        {"\"tags\":[\"a\",null]", "tags.1", "InvalidType"},
        {"\"custom_fields\":\"x\"", "custom_fields", "InvalidType"},
        {"\"custom_fields\":[1]", "custom_fields.0", "InvalidType"},
        {"\"custom_fields\":[{\"value\":1}]", "custom_fields.0", "BlankValue"},
        {"\"custom_fields\":{\"a\":{}}", "custom_fields.a", "InvalidValue"},
        {"\"custom_fields\":{\"a\":[[1]]}", "custom_fields.a", "InvalidValue"},
        {"\"custom_fields\":[{\"id\":1,\"value\":1},{\"id\":\"1\",\"value\":2}]", "custom_fields.1",
         "DuplicateValue"},
        {"\"via\":\"web\"", "via", "InvalidType"},
        {"\"via\":{\"channel\":\"fax\"}", "via.channel", "InvalidValue"},
        {"\"via\":{\"channel\":7}", "via.channel", "InvalidType"},
        {"\"group_id\":\"7\"", "group_id", "InvalidType"},
        {"\"group_id\":-7", "group_id", "InvalidValue"},
        {"\"assignee_id\":9007199254740992", "assignee_id", "InvalidValue"},
        {"\"language\":\"中文\"", "language", "InvalidValue"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char body[512];
        Read r;
        snprintf(body, sizeof(body), "{\"ticket\":{\"description\":\"d\",%s}}", cases[i].member);
        read_body(&r, body);
        if (r.verdict != FORM_REFUSED || !notes(&r.problems, cases[i].field, cases[i].error))
            fail_msg("%s: verdict %d, first problem %.*s %s", cases[i].member, r.verdict,
                     (int)(r.problems.n ? r.problems.items[0].field.n : 0),
                     r.problems.n ? r.problems.items[0].field.p : "",
                     r.problems.n ? r.problems.items[0].error : "none");
        read_done(&r);
    }
}

static void all_mistakes_are_told_at_once(void **state) {
    Read r;
    (void)state;
    read_body(&r, "{\"ticket\":{\"subject\":1,\"priority\":\"x\",\"tags\":2}}");
    assert_int_equal(r.verdict, FORM_REFUSED);
    assert_int_equal(r.problems.n, 3);
    read_done(&r);
}

static void a_ticket_without_text_or_without_a_ticket_is_refused(void **state) {
    static const char *const bodies[] = {"{}", "[]", "\"x\"", "{\"ticket\":[]}",
                                         "{\"ticket\":null}"};
    Read r;
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        read_body(&r, bodies[i]);
        assert_int_equal(r.verdict, FORM_REFUSED);
        assert_true(str_is(r.problems.items[0].field, "ticket"));
        read_done(&r);
    }
    read_body(&r, "{\"ticket\":{\"subject\":\"only\"}}");
    assert_int_equal(r.verdict, FORM_REFUSED);
    assert_true(notes(&r.problems, "description", "BlankValue"));
    read_done(&r);
}

static void unknown_fields_are_named_and_not_fatal(void **state) {
    Read r;
    (void)state;
    read_body(&r, "{\"extra\":1,\"ticket\":{\"description\":\"d\",\"colour\":\"red\",\"type\":"
                  "\"incident\",\"comment\":{\"mood\":1},\"requester\":{\"age\":3},"
                  "\"custom_fields\":[{\"id\":1,\"value\":1,\"odd\":1}]}}");
    assert_int_equal(r.verdict, FORM_ACCEPTED);
    assert_true(notes(&r.warnings, "extra", "UnknownField"));
    assert_true(notes(&r.warnings, "colour", "UnknownField"));
    assert_true(notes(&r.warnings, "type", "NotKept"));
    assert_true(notes(&r.warnings, "comment.mood", "UnknownField"));
    assert_true(notes(&r.warnings, "requester.age", "UnknownField"));
    assert_true(notes(&r.warnings, "custom_fields.0.odd", "UnknownField"));
    read_done(&r);
}

static void many_unknown_fields_are_counted_and_long_names_are_cut_at_a_character(void **state) {
    CLEANUP(buf_done) Buf body = {0};
    Read r;
    (void)state;
    buf_adds(&body, "{\"ticket\":{\"description\":\"d\",\"x");
    for (int i = 0; i < 40; i++)
        buf_adds(&body, "单");
    buf_adds(&body, "\":1");
    for (int i = 0; i < 100; i++)
        buf_printf(&body, ",\"u%d\":1", i);
    buf_adds(&body, "}}");
    read_body(&r, body.p);
    assert_int_equal(r.verdict, FORM_ACCEPTED);
    assert_int_equal(r.warnings.n, FORM_NOTES);
    assert_int_equal(r.warnings.left_out, 101 - FORM_NOTES);
    Str name = r.warnings.items[0].field;
    assert_true(name.n <= 64 && name.n > 50);
    assert_int_equal((name.n - 1) % 3, 0); /* "x" and whole characters of three bytes */
    read_done(&r);
}

static void limits_are_exact(void **state) {
    static const struct {
        const char *field;
        int chars;
    } cases[] = {{"subject", 1024}, {"external_id", 255}, {"order", 255}, {"kind", 64}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int over = 0; over < 2; over++) {
            CLEANUP(buf_done) Buf body = {0};
            Read r;
            buf_printf(&body, "{\"ticket\":{\"description\":\"d\",\"%s\":\"", cases[i].field);
            for (int n = 0; n < cases[i].chars + over; n++)
                buf_adds(&body, "字"); /* characters count, not bytes */
            buf_adds(&body, "\"}}");
            read_body(&r, body.p);
            assert_int_equal(r.verdict, over ? FORM_REFUSED : FORM_ACCEPTED);
            if (over) assert_true(notes(&r.problems, cases[i].field, "TooLong"));
            read_done(&r);
        }
    }
}

static void tags_and_custom_fields_have_limits(void **state) {
    (void)state;
    for (int over = 0; over < 2; over++) {
        CLEANUP(buf_done) Buf body = {0};
        Read r;
        buf_adds(&body, "{\"ticket\":{\"description\":\"d\",\"tags\":[\"first\"");
        for (int i = 0; i < 99 + over; i++)
            buf_printf(&body, ",\"t%d\"", i);
        buf_adds(&body, "],\"custom_fields\":{\"first\":1");
        for (int i = 0; i < 99 + over; i++)
            buf_printf(&body, ",\"c%d\":%d", i, i);
        buf_adds(&body, "}}}");
        read_body(&r, body.p);
        assert_int_equal(r.verdict, over ? FORM_REFUSED : FORM_ACCEPTED);
        if (over) {
            assert_true(notes(&r.problems, "tags", "TooMany"));
            assert_true(notes(&r.problems, "custom_fields", "TooMany"));
        }
        read_done(&r);

        buf_clear(&body);
        buf_adds(&body, "{\"ticket\":{\"description\":\"d\",\"tags\":[\"");
        for (int i = 0; i < 255 + over; i++)
            buf_addc(&body, 't');
        buf_adds(&body, "\"],\"custom_fields\":{\"");
        for (int i = 0; i < FORM_CUSTOM_KEY_BYTES + over; i++)
            buf_addc(&body, 'k');
        buf_adds(&body, "\":1}}}");
        read_body(&r, body.p);
        assert_int_equal(r.verdict, over ? FORM_REFUSED : FORM_ACCEPTED);
        read_done(&r);
    }
}

static void placing_needs_the_right(void **state) {
    static const char *const members[] = {"\"group_id\":7", "\"assignee_id\":9",
                                          "\"status\":\"solved\"", "\"status\":\"hold\"",
                                          "\"comment\":{\"body\":\"b\",\"public\":false}"};
    static const char *const fields[] = {"group_id", "assignee_id", "status", "status",
                                         "comment.public"};
    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        char body[256];
        Read r;
        snprintf(body, sizeof(body), "{\"ticket\":{\"description\":\"d\",%s}}", members[i]);
        read_body(&r, body);
        assert_int_equal(r.verdict, FORM_FORBIDDEN);
        assert_true(notes(&r.problems, fields[i], "Forbidden"));
        read_done(&r);

        read_as(&r, body, (FormRights){channels, 2, true});
        if (i < 2) { /* what a ticket can be born with */
            assert_int_equal(r.verdict, FORM_ACCEPTED);
            assert_int_equal(r.draft.group_id + r.draft.assignee_id, i == 0 ? 7 : 9);
        } else {
            assert_int_equal(r.verdict, FORM_REFUSED);
            assert_true(notes(&r.problems, fields[i], "InvalidValue"));
        }
        read_done(&r);
    }
}

static void comment_goes_over_description_in_either_order(void **state) {
    static const char *const bodies[] = {
        "{\"ticket\":{\"description\":\"d\",\"comment\":{\"body\":\"c\"}}}",
        "{\"ticket\":{\"comment\":{\"body\":\"c\"},\"description\":\"d\"}}"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        Read r;
        read_body(&r, bodies[i]);
        assert_int_equal(r.verdict, FORM_ACCEPTED);
        assert_true(str_is(r.draft.description, "c"));
        assert_true(notes(&r.warnings, "description", "Ignored"));
        read_done(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(description_alone_is_enough_and_the_channel_is_the_sources_first),
        cmocka_unit_test(the_draft_outlives_the_rights),
        cmocka_unit_test(nulls_and_empty_texts_are_as_if_absent),
        cmocka_unit_test(each_mistake_is_refused_with_its_field),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(a_ticket_without_text_or_without_a_ticket_is_refused),
        cmocka_unit_test(unknown_fields_are_named_and_not_fatal),
        cmocka_unit_test(many_unknown_fields_are_counted_and_long_names_are_cut_at_a_character),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(tags_and_custom_fields_have_limits),
        cmocka_unit_test(placing_needs_the_right),
        cmocka_unit_test(comment_goes_over_description_in_either_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
