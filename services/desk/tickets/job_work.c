#include "desk/tickets/job_work.h"

#include <errno.h>

#include "json/json.h"

int job_work_read(const cJSON *json, bool destroys, int32_t total, JobWork *ret) {
    JobWork w = {.kind = destroys ? JOB_DESTROY : JOB_UPDATE,
                 .total = total,
                 .ids = cJSON_GetObjectItemCaseSensitive(json, "ids"),
                 .ticket = cJSON_GetObjectItemCaseSensitive(json, "ticket"),
                 .tickets = cJSON_GetObjectItemCaseSensitive(json, "tickets"),
                 .users = cJSON_GetObjectItemCaseSensitive(json, "users"),
                 .source_comment = cJSON_GetObjectItemCaseSensitive(json, "source_comment"),
                 .target_comment = cJSON_GetObjectItemCaseSensitive(json, "target_comment")};
    int items = cJSON_GetArraySize(w.ids ? w.ids : w.users ? w.users : w.tickets);
    if (json_get_int(json, "into", &w.into) == 1) {
        w.kind = JOB_MERGE;
        items++;
    } else if (w.users) {
        w.kind = JOB_USERS;
    }
    if (items != total) return -EBADMSG;
    *ret = w;
    return 0;
}

const char *job_kind_name(JobKind kind) {
    static const char *const names[] = {[JOB_UPDATE] = "update_many",
                                        [JOB_DESTROY] = "destroy_many",
                                        [JOB_MERGE] = "merge",
                                        [JOB_USERS] = "create_many"};
    return names[kind];
}

bool job_item_is_target(const JobWork *w, int32_t item) {
    return w->kind == JOB_MERGE && item == w->total - 1;
}

int64_t job_item_id(const JobWork *w, int32_t item) {
    int64_t id = 0;
    if (job_item_is_target(w, item)) return w->into;
    if (w->ids)
        (void)json_as_int(cJSON_GetArrayItem(w->ids, item), &id);
    else if (w->tickets)
        (void)json_get_int(cJSON_GetArrayItem(w->tickets, item), "id", &id);
    return id;
}

const char *job_item_action(const JobWork *w, int32_t item) {
    static const char *const actions[] = {[JOB_UPDATE] = "update",
                                          [JOB_DESTROY] = "delete",
                                          [JOB_MERGE] = "merge",
                                          [JOB_USERS] = "create"};
    return job_item_is_target(w, item) ? "update" : actions[w->kind];
}

const char *job_item_done(const JobWork *w, int32_t item) {
    static const char *const done[] = {[JOB_UPDATE] = "Updated",
                                       [JOB_DESTROY] = "Deleted",
                                       [JOB_MERGE] = "Merged",
                                       [JOB_USERS] = "Created"};
    return job_item_is_target(w, item) ? "Updated" : done[w->kind];
}

/* ---- One ticket's turn ---- */

static const cJSON *wanted(const JobItem *i) {
    return i->work->tickets ? cJSON_GetArrayItem(i->work->tickets, i->at) : i->work->ticket;
}

static ChangeVerdict decide_update(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                   Arena *arena, Change *ret) {
    return change_update(a, t, wanted(arg), arena, ret);
}

static ChangeVerdict decide_delete(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                   Arena *arena, Change *ret) {
    (void)arg;
    return change_delete(a, t, arena, ret);
}

static ChangeVerdict decide_merge(void *arg, const ChangeActor *a, const ChangeTicket *t,
                                  Arena *arena, Change *ret) {
    const JobItem *i = arg;
    bool target = job_item_is_target(i->work, i->at);
    ChangeMerge m = {.into = i->work->into,
                     .merged = i->merged,
                     .merged_n = i->merged_n,
                     .comment = target ? i->work->target_comment : i->work->source_comment};
    return target ? change_merge_target(a, t, &m, arena, ret)
                  : change_merge_source(a, t, &m, arena, ret);
}

void job_item_ask(JobItem *i, Arena *arena, WorkAsk *ask) {
    ask->ticket_id = job_item_id(i->work, i->at);
    ask->step = i->at;
    ask->decide_arg = i;
    if (i->work->kind == JOB_DESTROY) {
        ask->decide = decide_delete;
        return;
    }
    if (i->work->kind == JOB_MERGE) {
        ask->decide = decide_merge;
        ask->other_id = job_item_is_target(i->work, i->at) ? 0 : i->work->into;
        return;
    }
    const cJSON *ticket = wanted(i);
    Str *tokens = arena_alloc(arena, CHANGE_UPLOADS_MAX * sizeof(*tokens));
    ask->decide = decide_update;
    ask->uploads_n = change_uploads(ticket, tokens);
    ask->uploads = tokens;
    ask->wants_loads = change_wants_loads(ticket);
    ask->wants_evidence = change_wants_evidence(ticket);
    ask->names_agent = change_assignee(ticket);
    int64_t *people = arena_alloc(arena, CHANGE_PEOPLE_MAX * sizeof(*people));
    ask->people_n = change_people(ticket, people);
    ask->people = people;
}
