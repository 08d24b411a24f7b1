/* What leaves the gate holds no personal data in clear, and what was sealed comes back. */
#include "intake/sealing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "intake/answer.h"

typedef struct Sealing {
    Arena *arena;
    Vault *vault;
    cJSON *tree;
    Draft draft;
    FormNotes problems, warnings;
    Submission submission;
    Sealed sealed;
    char file[64];
} Sealing;

static const Sender shop = {.tenant_id = 7, .source_id = 3, .principal = STR("source:3")};

static int setup(void **state) {
    Sealing *s = xcalloc(1, sizeof(*s));
    CLEANUP(buf_done) Buf problem = {0};
    snprintf(s->file, sizeof(s->file), "/tmp/docket-ring-%d", getpid());
    (void)unlink(s->file);
    if (vault_ring_create(s->file, &problem) < 0) return -1;
    s->vault = vault_open(s->file, &problem);
    s->arena = arena_new(0);
    *state = s;
    return s->vault ? 0 : -1;
}

static int teardown(void **state) {
    Sealing *s = *state;
    cJSON_Delete(s->tree);
    arena_free(s->arena);
    vault_free(s->vault);
    (void)unlink(s->file);
    free(s);
    return 0;
}

static int apply(Sealing *s, const char *body, const char *personal_keys) {
    FormRights rights = {NULL, 0, false};
    PersonalKeys keys = personal_keys_parse(personal_keys, s->arena);
    cJSON_Delete(s->tree);
    s->tree = NULL;
    s->submission = (Submission){0};
    assert_int_equal(json_parse(str(body), NULL, &s->tree, NULL), 0);
    assert_int_equal(
        submission_form_read(s->tree, &rights, s->arena, &s->draft, &s->problems, &s->warnings),
        FORM_ACCEPTED);
    return sealing_apply(s->vault, &keys, &shop, &s->draft, s->arena, &s->submission, &s->sealed);
}

static const PersonalField *field(const PersonalField *fields, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (str_is(fields[i].field, name)) return &fields[i];
    fail_msg("no personal field %s", name);
    return NULL;
}

static void check_original(Sealing *s, const PersonalField *f, const char *clear) {
    CLEANUP(buf_done) Buf back = {0};
    assert_int_equal(vault_unseal(s->vault, 7, f->field, f->sealed, &back), 0);
    assert_string_equal(back.p, clear);
}

static void requester_is_sealed_masked_and_hashed(void **state) {
    Sealing *s = *state;
    assert_int_equal(apply(s,
                           "{\"ticket\":{\"description\":\"d\",\"requester\":{\"name\":\"张小明\","
                           "\"email\":\"Zhang@Example.com\",\"phone\":\"13812345678\","
                           "\"address\":\"广东省深圳市南山区科技园1号\"}}}",
                           ""),
                     0);
    const PersonalField *fields = s->submission.requester_personal;
    size_t n = s->submission.requester_personal_n;
    assert_int_equal(n, 4);
    check_original(s, field(fields, n, "name"), "张小明");
    check_original(s, field(fields, n, "email"), "Zhang@Example.com");
    check_original(s, field(fields, n, "phone"), "13812345678");
    check_original(s, field(fields, n, "address"), "广东省深圳市南山区科技园1号");
    assert_true(str_is(field(fields, n, "phone")->masked, "138****5678"));

    uint8_t hash[VAULT_HASH_BYTES]; /* as the desk would look her up */
    assert_int_equal(vault_hash(s->vault, 7, STR("email"), STR("zhang@example.com"), hash), 0);
    assert_true(str_eq(field(fields, n, "email")->hash, (Str){(char *)hash, sizeof(hash)}));
    assert_true(str_eq(s->submission.contact_hash, field(fields, n, "email")->hash));
    assert_int_equal(vault_hash(s->vault, 7, STR("phone"), STR("+8613812345678"), hash), 0);
    assert_true(str_eq(field(fields, n, "phone")->hash, (Str){(char *)hash, sizeof(hash)}));
    assert_null(field(fields, n, "name")->hash.p);
}

static void the_same_person_has_the_same_contact_however_it_is_written(void **state) {
    static const char *const same[][2] = {
        {"\"email\":\"A@B.com\"", "\"email\":\" a@b.COM\""},
        {"\"phone\":\"138 1234 5678\"", "\"phone\":\"+86-13812345678\""},
        {"\"email\":\"c@b.com\",\"phone\":\"13812345678\"", "\"email\":\"c@b.com\""},
        {"\"external_id\":5", "\"external_id\":\"5\""},
        {"\"name\":\"A\"", "\"name\":\"B\""}, /* nothing to tell them apart: the source itself */
    };
    Sealing *s = *state;
    uint8_t first[VAULT_HASH_BYTES] = {0}, before[VAULT_HASH_BYTES] = {0};
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        for (int j = 0; j < 2; j++) {
            char body[256];
            snprintf(body, sizeof(body), "{\"ticket\":{\"description\":\"d\",\"requester\":{%s}}}",
                     same[i][j]);
            assert_int_equal(apply(s, body, ""), 0);
            assert_int_equal(s->submission.contact_hash.n, VAULT_HASH_BYTES);
            if (j == 0)
                memcpy(first, s->submission.contact_hash.p, sizeof(first));
            else
                assert_memory_equal(first, s->submission.contact_hash.p, sizeof(first));
        }
        assert_memory_not_equal(first, before, sizeof(first));
        memcpy(before, first, sizeof(before));
    }
}

static void numbers_in_texts_are_masked_and_the_original_is_sealed(void **state) {
    Sealing *s = *state;
    assert_int_equal(apply(s,
                           "{\"ticket\":{\"subject\":\"打 13812345678\",\"description\":"
                           "\"证件 110101199003073618 谢谢\",\"custom_fields\":{\"note\":"
                           "\"13987654321\",\"plain\":\"x\",\"many\":[\"a\",\"13700001111\"]}}}",
                           ""),
                     0);
    const Submission *t = &s->submission;
    assert_true(str_is(t->subject, "打 138****5678"));
    assert_null(memmem(t->description.p, t->description.n, "19900307", 8));
    assert_null(memmem(t->custom_fields.p, t->custom_fields.n, "13987654321", 11));
    assert_null(memmem(t->custom_fields.p, t->custom_fields.n, "13700001111", 11));
    check_original(s, field(t->personal, t->personal_n, "subject"), "打 13812345678");
    check_original(s, field(t->personal, t->personal_n, "description"),
                   "证件 110101199003073618 谢谢");
    check_original(s, field(t->personal, t->personal_n, "custom:note"), "\"13987654321\"");
    check_original(s, field(t->personal, t->personal_n, "custom:many"), "[\"a\",\"13700001111\"]");
    assert_int_equal(t->personal_n, 4);
}

static void numbers_of_json_are_looked_at_too(void **state) {
    Sealing *s = *state;
    assert_int_equal(apply(s,
                           "{\"ticket\":{\"description\":\"d\",\"custom_fields\":{\"tel\":"
                           "13812345678,\"count\":42,\"ok\":true,\"none\":null,\"part\":1.5}}}",
                           ""),
                     0);
    assert_true(
        str_is(s->submission.custom_fields,
               "{\"tel\":\"138****5678\",\"count\":42,\"ok\":true,\"none\":null,\"part\":1.5}"));
    check_original(s, field(s->submission.personal, s->submission.personal_n, "custom:tel"),
                   "13812345678");
}

static void fields_marked_personal_are_hidden_whole(void **state) {
    Sealing *s = *state;
    assert_int_equal(apply(s,
                           "{\"ticket\":{\"description\":\"d\",\"custom_fields\":[{\"id\":\"a\","
                           "\"value\":\"秘密\",\"personal\":true},{\"id\":\"id_card\",\"value\":["
                           "1,2]},{\"id\":7,\"value\":null,\"personal\":true}]}}",
                           " id_card , other"),
                     0);
    assert_true(
        str_is(s->submission.custom_fields, "{\"a\":\"****\",\"id_card\":\"****\",\"7\":null}"));
    assert_true(str_is(s->sealed.custom_answer,
                       "[{\"id\":\"a\",\"value\":\"****\"},{\"id\":\"id_card\",\"value\":\"****\"},"
                       "{\"id\":7,\"value\":null}]"));
    check_original(s, field(s->submission.personal, s->submission.personal_n, "custom:a"),
                   "\"秘密\"");
    check_original(s, field(s->submission.personal, s->submission.personal_n, "custom:id_card"),
                   "[1,2]");
}

static void more_personal_fields_than_a_submission_carries_are_refused(void **state) {
    Sealing *s = *state;
    for (int n = SUBMISSION_PERSONAL_MAX; n <= SUBMISSION_PERSONAL_MAX + 1; n++) {
        CLEANUP(buf_done) Buf body = {0};
        buf_adds(&body, "{\"ticket\":{\"description\":\"d\",\"custom_fields\":{");
        for (int i = 0; i < n; i++)
            buf_printf(&body, "%s\"f%d\":\"13812345678\"", i ? "," : "", i);
        buf_adds(&body, "}}}");
        assert_int_equal(apply(s, body.p, ""), n > SUBMISSION_PERSONAL_MAX ? -E2BIG : 0);
    }
}

static void message_and_answer_hold_nothing_in_clear(void **state) {
    static const char *const secrets[] = {"张小明",    "zhang.san", "13812345678",
                                          "Zhang.San", "科技园",    "秘密"};
    Sealing *s = *state;
    CLEANUP(buf_done) Buf message = {0};
    CLEANUP(buf_done) Buf answer = {0};
    assert_int_equal(
        apply(s,
              "{\"ticket\":{\"subject\":\"电话13812345678\",\"description\":\"call "
              "13812345678\",\"requester\":{\"name\":\"张小明\",\"email\":"
              "\"Zhang.San@example.com\",\"phone\":\"13812345678\",\"address\":"
              "\"深圳市南山区科技园\"},\"custom_fields\":[{\"id\":1,\"value\":\"秘密\","
              "\"personal\":true},{\"id\":2,\"value\":13812345678}]}}",
              ""),
        0);
    s->submission.ticket_id = 5;
    s->submission.accepted_ms = 1795000000000;
    submission_encode(&s->submission, &message);
    answer_created(&answer, STR("http://h"), &s->submission, &s->sealed, &s->warnings);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
        if (memmem(message.p, message.n, secrets[i], strlen(secrets[i])))
            fail_msg("in the message: %s", secrets[i]);
        if (strstr(answer.p, secrets[i])) fail_msg("in the answer: %s", secrets[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(requester_is_sealed_masked_and_hashed),
        TEST(the_same_person_has_the_same_contact_however_it_is_written),
        TEST(numbers_in_texts_are_masked_and_the_original_is_sealed),
        TEST(numbers_of_json_are_looked_at_too),
        TEST(fields_marked_personal_are_hidden_whole),
        TEST(more_personal_fields_than_a_submission_carries_are_refused),
        TEST(message_and_answer_hold_nothing_in_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
