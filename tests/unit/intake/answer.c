/* The bodies that the gate sends. */
#include "intake/answer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "json/json.h"

static cJSON *parsed(const Buf *b) {
    CLEANUP(buf_done) Buf problem = {0};
    cJSON *tree = NULL;
    if (json_parse(buf_str(b), NULL, &tree, &problem) < 0) fail_msg("%s in %s", problem.p, b->p);
    return tree;
}

static Submission sample(void) {
    static Str tags[] = {STR("a\"b"), STR("物流")};
    static PersonalField personal[] = {{.field = STR("name"), .masked = STR("张**")},
                                       {.field = STR("email"), .masked = STR("z***@e.com")}};
    return (Submission){.tenant_id = 1,
                        .ticket_id = 123456,
                        .accepted_ms = 1795326188123,
                        .channel = STR("web"),
                        .subject = STR("line\n\"quoted\" \xf0\x9f\x98\x80"),
                        .description = STR("d"),
                        .tags = tags,
                        .tags_n = 2,
                        .requester_personal = personal,
                        .requester_personal_n = 2,
                        .source_user_id = STR("u-1"),
                        .group_id = 9,
                        .order = STR("O-1")};
}

static void a_created_ticket_has_zendesks_shape(void **state) {
    static const char *const members[] = {"url",
                                          "id",
                                          "external_id",
                                          "via",
                                          "created_at",
                                          "updated_at",
                                          "type",
                                          "subject",
                                          "raw_subject",
                                          "description",
                                          "priority",
                                          "status",
                                          "recipient",
                                          "requester_id",
                                          "submitter_id",
                                          "assignee_id",
                                          "organization_id",
                                          "group_id",
                                          "collaborator_ids",
                                          "follower_ids",
                                          "email_cc_ids",
                                          "forum_topic_id",
                                          "problem_id",
                                          "has_incidents",
                                          "is_public",
                                          "due_at",
                                          "tags",
                                          "custom_fields"};
    CLEANUP(buf_done) Buf body = {0};
    Submission s = sample();
    Sealed sealed = {.custom_answer = STR("[{\"id\":1,\"value\":null}]")};
    FormNotes warnings = {0};
    const cJSON *ticket, *audit;
    Str text;
    int64_t number;
    (void)state;
    answer_created(&body, STR("https://help.example.com"), &s, &sealed, &warnings);
    CLEANUP(cjson_freep) cJSON *tree = parsed(&body);
    assert_int_equal(json_get_object(tree, "ticket", &ticket), 1);
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (!cJSON_GetObjectItemCaseSensitive(ticket, members[i])) fail_msg("no %s", members[i]);
    assert_int_equal(json_get_string(ticket, "url", &text), 1);
    assert_true(str_is(text, "https://help.example.com/api/v2/tickets/123456.json"));
    assert_int_equal(json_get_int(ticket, "id", &number), 1);
    assert_int_equal(number, 123456);
    assert_int_equal(json_get_string(ticket, "status", &text), 1);
    assert_true(str_is(text, "new"));
    assert_int_equal(json_get_string(ticket, "subject", &text), 1);
    assert_true(str_eq(text, s.subject));
    assert_int_equal(json_get_string(ticket, "created_at", &text), 1);
    assert_true(str_is(text, "2026-11-22T05:43:08Z"));
    assert_int_equal(json_get_int(ticket, "group_id", &number), 1);
    assert_int_equal(number, 9);
    assert_int_equal(json_get_object(tree, "audit", &audit), 1);
    assert_int_equal(json_get_int(audit, "ticket_id", &number), 1);
    assert_null(cJSON_GetObjectItemCaseSensitive(tree, "warnings"));
}

static void warnings_are_listed_and_the_rest_counted(void **state) {
    CLEANUP(buf_done) Buf body = {0};
    Submission s = sample();
    Sealed sealed = {0};
    FormNote notes[2];
    FormNotes warnings = {.items = notes, .n = 2, .left_out = 3};
    const cJSON *list;
    (void)state;
    warnings.items[0] = (FormNote){STR("a\"b"), "UnknownField", "is not known", "it was left out"};
    warnings.items[1] = (FormNote){STR("c"), "NotKept", "is not kept", "it was left out"};
    answer_created(&body, STR("http://h"), &s, &sealed, &warnings);
    CLEANUP(cjson_freep) cJSON *tree = parsed(&body);
    assert_int_equal(json_get_array(tree, "warnings", &list), 1);
    assert_int_equal(cJSON_GetArraySize(list), 3);
}

static void problems_of_one_field_stand_together(void **state) {
    CLEANUP(buf_done) Buf body = {0};
    FormNote notes[3];
    FormNotes problems = {.items = notes, .n = 3};
    const cJSON *details, *list;
    Str text;
    (void)state;
    problems.items[0] = (FormNote){STR("tags"), "InvalidType", "is a number", "send a list"};
    problems.items[1] = (FormNote){STR("subject"), "TooLong", "is too long", "shorten it"};
    problems.items[2] = (FormNote){STR("tags"), "TooMany", "are too many", "send fewer"};
    answer_invalid(&body, &problems);
    CLEANUP(cjson_freep) cJSON *tree = parsed(&body);
    assert_int_equal(json_get_string(tree, "error", &text), 1);
    assert_true(str_is(text, "RecordInvalid"));
    assert_int_equal(json_get_object(tree, "details", &details), 1);
    assert_int_equal(json_get_array(details, "tags", &list), 1);
    assert_int_equal(cJSON_GetArraySize(list), 2);
    assert_int_equal(json_get_string(cJSON_GetArrayItem(list, 0), "description", &text), 1);
    assert_true(str_is(text, "tags: is a number; send a list"));
}

static void errors_are_escaped(void **state) {
    CLEANUP(buf_done) Buf body = {0};
    (void)state;
    answer_error(&body, "X", STR("a \"b\"\n\x01"));
    cJSON_Delete(parsed(&body));
    buf_clear(&body);
    answer_error(&body, "Couldn't authenticate you", (Str){NULL, 0});
    assert_string_equal(body.p, "{\"error\":\"Couldn't authenticate you\"}");
    buf_clear(&body);
    answer_forbidden(&body, STR("no \"right\""));
    cJSON_Delete(parsed(&body));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_created_ticket_has_zendesks_shape),
        cmocka_unit_test(warnings_are_listed_and_the_rest_counted),
        cmocka_unit_test(problems_of_one_field_stand_together),
        cmocka_unit_test(errors_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
