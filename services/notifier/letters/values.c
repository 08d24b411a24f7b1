/* cJSON's tree, walked once. */
#include "notifier/letters/values.h"

#include <errno.h>

#include "json/json.h"

int values_parse(Str said, Arena *arena, cJSON **ret) {
    const JsonLimits limits = {
        .bytes = VALUES_BYTES_MAX, .depth = VALUES_DEPTH_MAX, .members = 1000};
    cJSON *tree = NULL;
    if (json_parse_in(arena, said, &limits, &tree, NULL) < 0 || !cJSON_IsObject(tree))
        return -EINVAL;
    *ret = tree;
    return 0;
}

static void fill(const cJSON *item, Arena *arena, TemplateValue *ret) {
    *ret = (TemplateValue){.name = str(item->string)};
    if (cJSON_IsString(item) || cJSON_IsRaw(item)) {
        ret->text = str(item->valuestring);
    } else if (cJSON_IsTrue(item)) {
        ret->text = STR("true");
    } else if (cJSON_IsNumber(item)) {
        CLEANUP(buf_done) Buf text = {0};
        json_write(&text, item);
        ret->text = arena_str(arena, buf_str(&text));
    } else if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
        TemplateValue *members;
        ret->members_n = values_of(item, arena, &members);
        ret->members = members;
    }
}

size_t values_of(const cJSON *object, Arena *arena, TemplateValue **ret) {
    size_t n = 0, k = 0;
    for (const cJSON *item = object->child; item; item = item->next)
        n++;
    TemplateValue *values = arena_alloc(arena, (n + 1) * sizeof(*values));
    for (const cJSON *item = object->child; item; item = item->next)
        if (!cJSON_IsNull(item) && !cJSON_IsFalse(item)) fill(item, arena, &values[k++]);
    *ret = values;
    return k;
}

const TemplateValue *values_find(const TemplateValue *values, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (str_is(values[i].name, name)) return &values[i];
    return NULL;
}

Str values_text(const TemplateValue *values, size_t n, const char *name, const char *member) {
    const TemplateValue *group = values_find(values, n, name);
    const TemplateValue *found =
        group ? values_find(group->members, group->members_n, member) : NULL;
    return found ? found->text : (Str){NULL, 0};
}
