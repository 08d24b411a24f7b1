/* A body of POST /api/v2/tickets, as far as the message to Kafka and the answer: whatever it is,
 * both are well-formed, and the router can read what the gate wrote. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "intake/answer.h"
#include "intake/sealing.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static Vault *vault;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    char ring[64];
    Buf problem = {0};
    (void)argc;
    (void)argv;
    snprintf(ring, sizeof(ring), "/tmp/docket-fuzz-ring-%d", getpid());
    if (vault_ring_create(ring, &problem) < 0 || !(vault = vault_open(ring, &problem))) abort();
    (void)unlink(ring);
    return 0;
}

static void must_be_json(const Buf *b) {
    JsonLimits large = {.bytes = 16 << 20, .depth = 64, .members = 100000};
    CLEANUP(buf_done) Buf problem = {0};
    if (json_check(buf_str(b), &large, &problem) == 0) return;
    fprintf(stderr, "%s\n%.*s\n", problem.p, STR_ARG(buf_str(b)));
    abort();
}

static void seal_and_answer(const Draft *draft, const FormNotes *warnings, Arena *arena) {
    static const Sender sender = {.tenant_id = 7, .source_id = 3, .principal = STR("source:3")};
    PersonalKeys keys = personal_keys_parse("secret", arena);
    Submission s = {.ticket_id = 1, .cause = {{1}}, .accepted_ms = 1795000000000};
    Sealed sealed;
    int r = sealing_apply(vault, &keys, &sender, draft, arena, &s, &sealed);
    if (r < 0) return;
    CLEANUP(buf_done) Buf message = {0};
    CLEANUP(buf_done) Buf answer = {0};
    Submission back;
    const char *problem = NULL;
    submission_encode(&s, &message);
    if (submission_decode(buf_str(&message), arena, &back, &problem) < 0) {
        fprintf(stderr, "the router cannot read it: %s\n", problem);
        abort();
    }
    assert(str_eq(back.subject, s.subject) && str_eq(back.description, s.description));
    assert(message.n <= 1 << 20);
    answer_created(&answer, STR("http://h"), &s, &sealed, warnings);
    must_be_json(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const Str channels[] = {STR("web"), STR("app")};
    CLEANUP(cjson_freep) cJSON *tree = NULL;
    CLEANUP(buf_done) Buf text = {0};
    if (n == 0) return 0;
    FormRights rights = {channels, data[0] & 1 ? 2 : 0, data[0] & 2};
    if (json_parse((Str){(const char *)data + 1, n - 1}, NULL, &tree, &text) < 0) {
        CLEANUP(buf_done) Buf answer = {0};
        answer_error(&answer, "InvalidJSON", buf_str(&text));
        must_be_json(&answer);
        return 0;
    }
    Arena *arena = arena_new(0);
    static FormNotes problems, warnings;
    Draft draft;
    switch (submission_form_read(tree, &rights, arena, &draft, &problems, &warnings)) {
    case FORM_ACCEPTED:
        assert(problems.n == 0 && draft.description.n > 0 && draft.channel.n > 0);
        assert(rights.may_place || (!draft.group_id && !draft.assignee_id));
        seal_and_answer(&draft, &warnings, arena);
        break;
    case FORM_REFUSED:
        assert(problems.n > 0);
        answer_invalid(&text, &problems);
        must_be_json(&text);
        break;
    case FORM_FORBIDDEN:
        assert(problems.n == 1 && !rights.may_place);
        answer_note(&text, &problems.items[0]);
        break;
    }
    arena_free(arena);
    return 0;
}
