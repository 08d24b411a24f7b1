#include "desk/tickets/job_users.h"

#include "desk/api/inside.h"
#include "desk/people/user_changes.h"
#include "json/json.h"

/* A user and the row of the record that tells of her come from one transaction, and have its time.
 */
const PostgresStatement job_user_made = {
    "job_user_made",
    "SELECT u.user_id FROM access.audit a JOIN access.users u ON u.tenant_id = a.tenant_id"
    " AND u.created_at = a.at WHERE a.tenant_id = $1::bigint AND a.action = 'user_created'"
    " AND a.detail ->> 'job' = $2::text AND a.detail -> 'item' = to_jsonb($3::integer) LIMIT 1"};

typedef struct Making {
    Arena *arena;
    JobUserDone done;
    void *arg;
} Making;

/* {"error": "...", "details": {field: [{"description"}]}}, {"error": {"title", "message"}} */
static void say_why(const Making *m, const cJSON *said) {
    CLEANUP(buf_done) Buf words = {0};
    Str error = STR("RecordInvalid"), text;
    const cJSON *object = NULL, *field, *entry;
    if (json_get_object(said, "error", &object) == 1) {
        (void)json_get_string(object, "title", &error);
        if (json_get_string(object, "message", &text) == 1) buf_add_str(&words, text);
    } else {
        (void)json_get_string(said, "error", &error);
    }
    cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(said, "details")) {
        cJSON_ArrayForEach(entry, field) {
            if (json_get_string(entry, "description", &text) != 1) continue;
            if (words.n) buf_adds(&words, "; ");
            buf_printf(&words, "%s: %.*s", field->string, STR_ARG(text));
        }
    }
    m->done(m->arg, 0, arena_strndup(m->arena, error.p, error.n), buf_str(&words));
}

static void on_answer(void *arg, int status, Str body) {
    const Making *m = arg;
    cJSON *said = NULL;
    const cJSON *user;
    int64_t id = 0;
    if (status >= 500 || status == 429) {
        m->done(m->arg, 0, NULL, (Str){NULL, 0});
        return;
    }
    (void)json_parse_in(m->arena, body, NULL, &said, NULL);
    if (status == 201 && json_get_object(said, "user", &user) == 1 &&
        json_get_int(user, "id", &id) == 1)
        m->done(m->arg, id, NULL, (Str){NULL, 0});
    else
        say_why(m, said);
}

void job_user_make(const JobUser *ask, JobUserDone done, void *arg) {
    CLEANUP(buf_done) Buf json = {0};
    cJSON *body = NULL;
    Str number;
    InsideAsk inside = {.desk = ask->desk,
                        .arena = ask->arena,
                        .who = ask->who,
                        .by = ask->by,
                        .catalog = ask->catalog,
                        .cause = ask->job,
                        .step = ask->item};
    Making *m = arena_alloc(ask->arena, sizeof(*m));
    *m = (Making){ask->arena, done, arg};
    if (str_is(str_cut(ask->asker, ':', &number), "token")) {
        if (str_to_i64(number, &inside.token_id) < 0) inside.token_id = 0;
    }
    buf_adds(&json, "{\"user\":");
    json_write(&json, ask->user);
    buf_addc(&json, '}');
    (void)json_parse_in(ask->arena, arena_str(ask->arena, buf_str(&json)), NULL, &body, NULL);
    inside.body = body;
    inside_ask(&inside, user_create, on_answer, m);
}
