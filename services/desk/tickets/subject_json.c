#include "desk/tickets/subject_json.h"

#include <errno.h>

#include "json/json.h"

static void add_texts(Buf *ret, const char *name, const Str *texts, size_t n) {
    if (!texts) return; /* everything */
    buf_printf(ret, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(ret, ',');
        buf_add_json(ret, texts[i]);
    }
    buf_addc(ret, ']');
}

void subject_json(const Subject *s, Buf *ret) {
    const Reach *r = &s->reach;
    buf_printf(ret,
               "{\"user_id\":%lld,\"like\":%d,\"rights\":%lld,\"requested_only\":%s,"
               "\"all_groups\":%s,\"groups\":[",
               (long long)s->user_id, (int)s->like, (long long)s->rights,
               r->requested_only ? "true" : "false", r->all_groups ? "true" : "false");
    for (size_t i = 0; i < r->groups_n; i++)
        buf_printf(ret, "%s%lld", i ? "," : "", (long long)r->groups[i]);
    buf_addc(ret, ']');
    add_texts(ret, "kinds", r->kinds, r->kinds_n);
    add_texts(ret, "categories", r->categories, r->categories_n);
    add_texts(ret, "regions", r->regions, r->regions_n);
    buf_addc(ret, '}');
}

static bool read_texts(const cJSON *object, const char *name, Arena *arena, const Str **ret,
                       size_t *ret_n) {
    const cJSON *list, *item;
    int r = json_get_array(object, name, &list);
    if (r == 0) return true;
    if (r < 0) return false;
    Str *texts = arena_alloc(arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*texts));
    size_t n = 0;
    cJSON_ArrayForEach(item, list) {
        if (json_as_string(item, &texts[n]) != 1) return false;
        n++;
    }
    *ret = texts;
    *ret_n = n;
    return true;
}

int subject_parse(Str json, int64_t tenant_id, Arena *arena, Subject *ret) {
    cJSON *object = NULL;
    const cJSON *groups, *item;
    int64_t like, rights;
    Subject s = {.tenant_id = tenant_id};
    Reach *r = &s.reach;
    if (json_parse_in(arena, json, NULL, &object, NULL) < 0) return -EBADMSG;
    if (json_get_int(object, "user_id", &s.user_id) != 1 ||
        json_get_int(object, "like", &like) != 1 || like < 0 || like >= BUILTIN_ROLES ||
        json_get_int(object, "rights", &rights) != 1 ||
        json_get_bool(object, "requested_only", &r->requested_only) != 1 ||
        json_get_bool(object, "all_groups", &r->all_groups) != 1 ||
        json_get_array(object, "groups", &groups) != 1)
        return -EBADMSG;
    s.like = (BuiltinRole)like;
    s.rights = (RightSet)rights;
    int64_t *ids = arena_alloc(arena, ((size_t)cJSON_GetArraySize(groups) + 1) * sizeof(*ids));
    cJSON_ArrayForEach(item, groups) {
        if (json_as_int(item, &ids[r->groups_n]) != 1) return -EBADMSG;
        r->groups_n++;
    }
    r->groups = ids;
    if (!read_texts(object, "kinds", arena, &r->kinds, &r->kinds_n) ||
        !read_texts(object, "categories", arena, &r->categories, &r->categories_n) ||
        !read_texts(object, "regions", arena, &r->regions, &r->regions_n))
        return -EBADMSG;
    *ret = s;
    return 0;
}
