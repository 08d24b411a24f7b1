/* Who is told besides: customers in copy (Zendesk's email CCs) and staff who follow. */
#include <errno.h>

#include "desk/tickets/change_internal.h"
#include "json/json.h"

typedef struct People { /* one of the two lists */
    bool customers;
    const char *keys[2]; /* members that say the whole of it; either may be NULL */
    const char *entries; /* member of {"user_id", "action": "put" | "delete"} */
    const int64_t *now;
    size_t now_n;
    int64_t *ids; /* as it will be */
    size_t n;
} People;

static const char *const member_names[] = {"collaborator_ids", "email_cc_ids", "follower_ids"};
static const char *const entry_names[] = {"email_ccs", "followers"};

static bool has_id(const int64_t *ids, size_t n, int64_t id) {
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id) return true;
    return false;
}

static bool same_people(const int64_t *a, size_t a_n, const int64_t *b, size_t b_n) {
    if (a_n != b_n) return false;
    for (size_t i = 0; i < a_n; i++)
        if (!has_id(b, b_n, a[i])) return false;
    return true;
}

/* Clients write ids as numbers or as texts. */
static bool id_of(const cJSON *value, int64_t *ret) {
    Str text;
    bool good = json_as_string(value, &text) == 1 ? str_to_i64(text, ret) == 0
                                                  : value && json_as_int(value, ret) == 1;
    return good && *ret > 0 && *ret <= TICKET_ID_MAX;
}

/* ---- What the caller reads ahead of the decision ---- */

static size_t note_id(const cJSON *value, int64_t *ids, size_t n) {
    int64_t id;
    if (n < CHANGE_PEOPLE_MAX && id_of(value, &id) && !has_id(ids, n, id)) ids[n++] = id;
    return n;
}

size_t change_people(const cJSON *ticket, int64_t ret[CHANGE_PEOPLE_MAX]) {
    const cJSON *item;
    size_t n = 0;
    for (size_t i = 0; i < sizeof(member_names) / sizeof(*member_names); i++)
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(ticket, member_names[i])) n =
            note_id(item, ret, n);
    for (size_t i = 0; i < sizeof(entry_names) / sizeof(*entry_names); i++)
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(ticket, entry_names[i])) n =
            note_id(cJSON_GetObjectItemCaseSensitive(item, "user_id"), ret, n);
    return n;
}

/* ---- Deciding ---- */

/* 1 and the list, 0 when it is not there, -EINVAL with an entry. */
static int read_list(Draft *d, const cJSON *ticket, const char *key, int64_t **ret, size_t *ret_n) {
    const cJSON *list = key ? cJSON_GetObjectItemCaseSensitive(ticket, key) : NULL, *item;
    if (!list || cJSON_IsNull(list)) return 0;
    size_t n = 0;
    int64_t *ids = arena_alloc(d->arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*ids));
    bool bad = !cJSON_IsArray(list);
    cJSON_ArrayForEach(item, list) {
        int64_t id;
        if (!id_of(item, &id))
            bad = true;
        else if (!has_id(ids, n, id))
            ids[n++] = id;
    }
    if (bad) {
        invalid_add(d->bad, key, "InvalidValue",
                    "%s 必须是用户编号的列表 (must be a list of user ids)", key);
        return -EINVAL;
    }
    *ret = ids;
    *ret_n = n;
    return 1;
}

/* Zendesk shows one list under two names; a client that sends back what it was shown has changed
 * one of them. */
static bool read_whole(Draft *d, const cJSON *ticket, People *p) {
    int64_t *lists[2] = {NULL, NULL};
    size_t n[2] = {0, 0};
    int there[2];
    for (size_t i = 0; i < 2; i++) {
        there[i] = read_list(d, ticket, p->keys[i], &lists[i], &n[i]);
        if (there[i] < 0) return false;
        if (there[i] && same_people(lists[i], n[i], p->now, p->now_n)) there[i] = 0;
    }
    if (there[0] && there[1] && !same_people(lists[0], n[0], lists[1], n[1])) {
        invalid_add(d->bad, p->keys[0], "InvalidValue",
                    "%s 与 %s 不一致，请只填一个 (the two contradict each other; send one of them)",
                    p->keys[0], p->keys[1]);
        return false;
    }
    size_t i = there[0] ? 0 : 1;
    if (there[i]) {
        p->ids = lists[i];
        p->n = n[i];
    }
    return true;
}

static void leave_out(People *p, int64_t id) {
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->ids[i] != id) p->ids[kept++] = p->ids[i];
    p->n = kept;
}

static bool read_entries(Draft *d, const cJSON *ticket, People *p) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(ticket, p->entries), *item;
    if (!list || cJSON_IsNull(list)) return true;
    size_t room = p->n + (size_t)cJSON_GetArraySize(list);
    int64_t *ids = arena_alloc(d->arena, (room + 1) * sizeof(*ids));
    bool bad = !cJSON_IsArray(list);
    if (p->n) memcpy(ids, p->ids, p->n * sizeof(*ids));
    p->ids = ids;
    cJSON_ArrayForEach(item, list) {
        Str action = STR("put");
        int64_t id;
        if (!id_of(cJSON_GetObjectItemCaseSensitive(item, "user_id"), &id) ||
            json_get_string(item, "action", &action) < 0) {
            bad = true;
        } else if (str_is(action, "delete")) {
            leave_out(p, id);
        } else if (!str_is(action, "put")) {
            bad = true;
        } else if (!has_id(p->ids, p->n, id)) {
            p->ids[p->n++] = id;
        }
    }
    if (bad)
        invalid_add(d->bad, p->entries, "InvalidValue",
                    "%s 应写成 {\"user_id\": 编号, \"action\": \"put\" 或 \"delete\"} 的列表 "
                    "(a list of {\"user_id\", \"action\": \"put\" or \"delete\"})",
                    p->entries);
    return !bad;
}

static const ChangePerson *person_of(const Draft *d, int64_t id) {
    for (size_t i = 0; i < d->t->people_n; i++)
        if (d->t->people[i].id == id) return &d->t->people[i];
    return NULL;
}

/* Whoever is on the list already stays good, whatever has become of her. */
static void check_person(Draft *d, const People *p, int64_t id) {
    const ChangePerson *person = person_of(d, id);
    const char *field = p->keys[0];
    if (p->customers && id == d->row->requester_id)
        invalid_add(d->bad, field, "InvalidValue",
                    "提交工单的客户本来就会收到消息，不必抄送 (the requester needs no copy)");
    else if (p->customers && (!person || !person->customer))
        invalid_add(d->bad, field, "InvalidValue",
                    "%lld 不是客户；同事请放进 follower_ids (is no customer; staff follow, in "
                    "follower_ids)",
                    (long long)id);
    else if (!p->customers && !draft_agent(d, id) && (!person || !person->staff))
        invalid_add(d->bad, field, "InvalidValue",
                    "%lld 不是在职同事；客户请放进 collaborator_ids (is none of the staff; "
                    "customers go into collaborator_ids)",
                    (long long)id);
}

/* True when it changes. */
static bool decide(Draft *d, const cJSON *ticket, People *p) {
    int64_t *now = arena_alloc(d->arena, (p->now_n + 1) * sizeof(*now));
    if (p->now_n) memcpy(now, p->now, p->now_n * sizeof(*now));
    p->ids = now;
    p->n = p->now_n;
    if (!read_whole(d, ticket, p) || !read_entries(d, ticket, p)) return false;
    if (same_people(p->ids, p->n, p->now, p->now_n)) return false;
    if (p->n > CHANGE_COPIES_MAX) {
        invalid_add(d->bad, p->keys[0], "TooMany", "%s 最多 %d 人 (at most %d people)", p->keys[0],
                    CHANGE_COPIES_MAX, CHANGE_COPIES_MAX);
        return false;
    }
    for (size_t i = 0; i < p->n; i++)
        if (!has_id(p->now, p->now_n, p->ids[i])) check_person(d, p, p->ids[i]);
    d->needs |= right_bit(RIGHT_TICKETS_EDIT);
    return true;
}

void draft_people(Draft *d, const cJSON *ticket) {
    People copies = {.customers = true,
                     .keys = {member_names[0], member_names[1]},
                     .entries = entry_names[0],
                     .now = d->row->collaborators,
                     .now_n = d->row->collaborators_n};
    People followers = {.keys = {member_names[2], NULL},
                        .entries = entry_names[1],
                        .now = d->row->followers,
                        .now_n = d->row->followers_n};
    if (decide(d, ticket, &copies)) {
        d->e->sets |= EDIT_COLLABORATORS;
        d->e->collaborators = copies.ids;
        d->e->collaborators_n = copies.n;
    }
    if (decide(d, ticket, &followers)) {
        d->e->sets |= EDIT_FOLLOWERS;
        d->e->followers = followers.ids;
        d->e->followers_n = followers.n;
    }
}
