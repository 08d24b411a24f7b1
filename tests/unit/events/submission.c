/* A submission comes out of its envelope as it went in, and whatever is none is refused. */
#include "events/submission.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char hash[33] = "0123456789abcdef0123456789abcdef";

static Submission example(void) {
    static Str tags[] = {{"急件", 6}, {"a,b\"c", 5}};
    static PersonalField personal[] = {
        {.field = {"phone", 5},
         .sealed = {"\0\1\2", 3},
         .masked = {"138****5678", 11},
         .hash = {hash, 32}},
        {.field = {"name", 4}, .sealed = {"x", 1}, .masked = {"张*", 4}}};
    return (Submission){.tenant_id = 3,
                        .ticket_id = 100007,
                        .cause = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
                        .accepted_ms = 1790000000123,
                        .trace = {.trace_id = {1}, .span_id = {2}, .flags = 1},
                        .source_id = 1003,
                        .channel = STR("web"),
                        .subject = STR("包裹丢了 📦"),
                        .description = STR("第一行\n第二行"),
                        .contact_hash = {hash, 32},
                        .source_user_id = STR("u-1"),
                        .requester_personal = personal,
                        .requester_personal_n = 2,
                        .idempotency_key = STR("k:abc"),
                        .key_fingerprint = {hash, 32},
                        .external_id = STR("ext-9"),
                        .kind = STR("投诉"),
                        .priority = STR("high"),
                        .tags = tags,
                        .tags_n = 2,
                        .tier = STR("vip"),
                        .region = STR("华东"),
                        .order = STR("SO-1"),
                        .product = STR("P-1"),
                        .batch = STR("B-1"),
                        .device = STR("D-1"),
                        .language = STR("zh"),
                        .custom_fields = STR("{\"a\":1}"),
                        .personal = personal,
                        .personal_n = 1,
                        .group_id = 11,
                        .assignee_id = 12,
                        .note = STR("note")};
}

static void assert_str(Str got, Str expected) {
    assert_int_equal(got.n, expected.n);
    if (expected.n) assert_memory_equal(got.p, expected.p, expected.n);
}

static void everything_comes_back(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0};
    Submission in = example(), out;
    const char *problem = NULL;
    submission_encode(&in, &wire);
    assert_int_equal(submission_decode(buf_str(&wire), a, &out, &problem), 0);
    assert_int_equal(out.tenant_id, in.tenant_id);
    assert_int_equal(out.ticket_id, in.ticket_id);
    assert_true(cause_eq(out.cause, in.cause));
    assert_int_equal(out.accepted_ms, in.accepted_ms);
    assert_memory_equal(&out.trace, &in.trace, sizeof(in.trace));
    assert_int_equal(out.source_id, in.source_id);
    const size_t texts[] = {offsetof(Submission, channel),
                            offsetof(Submission, subject),
                            offsetof(Submission, description),
                            offsetof(Submission, contact_hash),
                            offsetof(Submission, source_user_id),
                            offsetof(Submission, idempotency_key),
                            offsetof(Submission, key_fingerprint),
                            offsetof(Submission, external_id),
                            offsetof(Submission, kind),
                            offsetof(Submission, priority),
                            offsetof(Submission, tier),
                            offsetof(Submission, region),
                            offsetof(Submission, order),
                            offsetof(Submission, product),
                            offsetof(Submission, batch),
                            offsetof(Submission, device),
                            offsetof(Submission, language),
                            offsetof(Submission, custom_fields),
                            offsetof(Submission, note)};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        Str got, expected;
        memcpy(&got, (char *)&out + texts[i], sizeof(got));
        memcpy(&expected, (char *)&in + texts[i], sizeof(expected));
        assert_str(got, expected);
    }
    assert_int_equal(out.tags_n, 2);
    assert_str(out.tags[0], in.tags[0]);
    assert_str(out.tags[1], in.tags[1]);
    assert_int_equal(out.requester_personal_n, 2);
    assert_str(out.requester_personal[0].sealed, in.requester_personal[0].sealed);
    assert_str(out.requester_personal[1].masked, in.requester_personal[1].masked);
    assert_null(out.requester_personal[1].hash.p);
    assert_int_equal(out.personal_n, 1);
    assert_str(out.personal[0].hash, in.personal[0].hash);
    assert_int_equal(out.group_id, 11);
    assert_int_equal(out.assignee_id, 12);
}

static void absent_stays_absent(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0};
    Submission in = {.tenant_id = 1,
                     .ticket_id = 1,
                     .cause = {{1}},
                     .accepted_ms = 1,
                     .contact_hash = {hash, 32}},
               out;
    const char *problem = NULL;
    submission_encode(&in, &wire);
    assert_int_equal(submission_decode(buf_str(&wire), a, &out, &problem), 0);
    assert_null(out.subject.p);
    assert_null(out.idempotency_key.p);
    assert_null(out.key_fingerprint.p);
    assert_int_equal(out.tags_n + out.personal_n + out.requester_personal_n, 0);
}

static void assert_refused(const Submission *s, const char *why) {
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0};
    Submission out = {.tenant_id = 77};
    const char *problem = NULL;
    submission_encode(s, &wire);
    assert_int_equal(submission_decode(buf_str(&wire), a, &out, &problem), -EBADMSG);
    assert_non_null(problem);
    if (!strstr(problem, why)) fail_msg("refused because of: %s", problem);
    assert_int_equal(out.tenant_id, 77); /* untouched */
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    Submission s;
    s = example(), s.tenant_id = 0, assert_refused(&s, "tenant");
    s = example(), s.tenant_id = -1, assert_refused(&s, "tenant");
    s = example(), s.ticket_id = 0, assert_refused(&s, "ticket id");
    s = example(), s.ticket_id = INT64_C(9007199254740992), assert_refused(&s, "ticket id");
    s = example(), s.cause = (Cause){{0}}, assert_refused(&s, "cause");
    s = example(), s.accepted_ms = 0, assert_refused(&s, "time");
    s = example(), s.accepted_ms = INT64_MAX, assert_refused(&s, "time");
    s = example(), s.contact_hash.n = 31, assert_refused(&s, "requester");
    s = example(), s.key_fingerprint = (Str){NULL, 0}, assert_refused(&s, "fingerprint");
    s = example(), s.idempotency_key = (Str){NULL, 0}, assert_refused(&s, "fingerprint");
    s = example(), s.source_id = -5, assert_refused(&s, "int64");
}

static void text_that_postgres_cannot_hold_is_refused(void **state) {
    (void)state;
    const Str bad[] = {STR("\xff"), STR("\xc0\x80"), STR("\xed\xa0\x80"), STR("\xf4\x90\x80\x80"),
                       STR("\xe4\xbd")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        Submission s = example();
        s.subject = bad[i];
        assert_refused(&s, "UTF-8");
        Str tag = bad[i];
        s = example();
        s.tags = &tag;
        s.tags_n = 1;
        assert_refused(&s, "UTF-8");
        PersonalField p = {.field = bad[i]};
        s = example();
        s.requester_personal = &p;
        s.requester_personal_n = 1;
        assert_refused(&s, "UTF-8");
    }
}

static void a_nul_inside_a_text_is_refused_not_cut(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *a = arena_new(0);
    CLEANUP(buf_done) Buf wire = {0};
    Submission in = example(), out;
    const char *problem = NULL;
    in.subject = STR("abcXdef");
    submission_encode(&in, &wire);
    char *at = memmem(wire.p, wire.n, "abcXdef", 7);
    assert_non_null(at);
    at[3] = 0;
    assert_int_equal(submission_decode(buf_str(&wire), a, &out, &problem), -EBADMSG);
    assert_non_null(strstr(problem, "NUL"));
}

static void more_than_the_limits_is_refused(void **state) {
    (void)state;
    static Str tags[SUBMISSION_TAGS_MAX + 1];
    static PersonalField personal[SUBMISSION_PERSONAL_MAX + 1];
    Submission s = example();
    for (int i = 0; i <= SUBMISSION_TAGS_MAX; i++)
        tags[i] = STR("t");
    s.tags = tags;
    s.tags_n = SUBMISSION_TAGS_MAX + 1;
    assert_refused(&s, "tags");
    s = example(), s.personal = personal, s.personal_n = SUBMISSION_PERSONAL_MAX + 1;
    assert_refused(&s, "personal");
    s = example(), s.requester_personal = personal;
    s.requester_personal_n = SUBMISSION_PERSONAL_MAX + 1;
    assert_refused(&s, "personal");
}

static void every_truncation_is_refused_or_whole(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf wire = {0};
    Submission in = example(), out;
    submission_encode(&in, &wire);
    for (size_t n = 0; n < wire.n; n++) {
        CLEANUP(arena_freep) Arena *a = arena_new(0);
        char *copy = malloc(n ? n : 1); /* exactly as long: the sanitizer sees a byte too far */
        memcpy(copy, wire.p, n);
        const char *problem = NULL;
        assert_int_equal(submission_decode((Str){copy, n}, a, &out, &problem), -EBADMSG);
        assert_non_null(problem);
        free(copy);
    }
}

static void every_flipped_byte_is_borne(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf wire = {0};
    Submission in = example(), out;
    submission_encode(&in, &wire);
    for (size_t i = 0; i < wire.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            CLEANUP(arena_freep) Arena *a = arena_new(0);
            const char *problem = NULL;
            wire.p[i] = (char)(wire.p[i] ^ (1 << bit));
            int r = submission_decode(buf_str(&wire), a, &out, &problem);
            assert_true(r == 0 || (r == -EBADMSG && problem));
            wire.p[i] = (char)(wire.p[i] ^ (1 << bit));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(absent_stays_absent),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(text_that_postgres_cannot_hold_is_refused),
        cmocka_unit_test(a_nul_inside_a_text_is_refused_not_cut),
        cmocka_unit_test(more_than_the_limits_is_refused),
        cmocka_unit_test(every_truncation_is_refused_or_whole),
        cmocka_unit_test(every_flipped_byte_is_borne),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
