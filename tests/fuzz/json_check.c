/* The strict door against a second parser: whatever we take jansson takes too, and what it refuses
 * (it knows duplicate keys, UTF-8 and depth as well) we refuse. Both trees must print alike
 * numbers. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void same(const cJSON *ours, const json_t *theirs) {
    int64_t v;
    Str s;
    size_t i;
    json_t *item;
    const char *key;
    switch (json_typeof(theirs)) {
    case JSON_OBJECT:
        if (!cJSON_IsObject(ours) || (size_t)cJSON_GetArraySize(ours) != json_object_size(theirs))
            abort();
        json_object_foreach((json_t *)(uintptr_t)theirs, key, item)
            same(cJSON_GetObjectItemCaseSensitive(ours, key), item);
        return;
    case JSON_ARRAY:
        if (!cJSON_IsArray(ours) || (size_t)cJSON_GetArraySize(ours) != json_array_size(theirs))
            abort();
        json_array_foreach(theirs, i, item) same(cJSON_GetArrayItem(ours, (int)i), item);
        return;
    case JSON_STRING:
        if (json_as_string(ours, &s) != 1 ||
            !str_eq(s, (Str){json_string_value(theirs), json_string_length(theirs)}))
            abort();
        return;
    case JSON_INTEGER:
        if (json_as_int(ours, &v) != 1 || v != json_integer_value(theirs)) abort();
        return;
    case JSON_REAL:
        if (!cJSON_IsNumber(ours) || ours->valuedouble != json_real_value(theirs)) abort();
        return;
    case JSON_TRUE:
        if (!cJSON_IsTrue(ours)) abort();
        return;
    case JSON_FALSE:
        if (!cJSON_IsFalse(ours)) abort();
        return;
    case JSON_NULL:
        if (!cJSON_IsNull(ours)) abort();
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const JsonLimits limits = {.bytes = 1 << 20, .depth = 32, .members = 100000};
    CLEANUP(buf_done) Buf problem = {0};
    cJSON *ours = NULL;
    json_error_t error;
    int r = json_parse((Str){(const char *)data, n}, &limits, &ours, &problem);
    json_t *theirs =
        json_loadb((const char *)data, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    bool limited = r < 0 && (strstr(problem.p, "nested too deeply") ||
                             strstr(problem.p, "63 char") || strstr(problem.p, "too large"));
    if (r < 0 && n && memchr(data, 0, n)) limited = true; /* jansson ends a text at a NUL */
    if ((r == 0) != (theirs != NULL) && !limited) {
        (void)fprintf(stderr, "we: %s; jansson: %s\n", r == 0 ? "taken" : problem.p,
                      theirs ? "taken" : error.text);
        abort();
    }
    if (r < 0 && problem.n == 0) abort();
    if (r == 0) same(ours, theirs);
    cJSON_Delete(ours);
    json_decref(theirs);
    return 0;
}
