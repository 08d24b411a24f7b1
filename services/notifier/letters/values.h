/* Values -- notify.deliveries.said, a JSON object, as what a template is shown. Pure. */
#pragma once

#include "base/arena.h"
#include "template/template.h"
#include "json/json.h"

enum { VALUES_BYTES_MAX = 2 << 20, VALUES_DEPTH_MAX = 8 };

/* The tree of what was said, in the arena. 0, or -EINVAL: it is no object, or too large. */
int values_parse(Str said, Arena *arena, cJSON **ret);
/* Its members as values: texts as they are, numbers and true as texts, null and false as absent,
 * objects and arrays by their members. They point into the tree. */
size_t values_of(const cJSON *object, Arena *arena, TemplateValue **ret);
/* The one of that name, or NULL. */
const TemplateValue *values_find(const TemplateValue *values, size_t n, const char *name);
Str values_text(const TemplateValue *values, size_t n, const char *name, const char *member);
