/* Parsing behind the check, and typed reading of the tree. */
#include "json/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "json/json_internal.h"

typedef struct Restore {
    const BigIntegers *big;
    size_t next, numbers;
} Restore;

/* Document order, as the check counted. */
static void restore_big(cJSON *item, Restore *r) {
    for (; item && r->next < r->big->n; item = item->next) {
        if (cJSON_IsNumber(item)) {
            const BigInteger *b = &r->big->list[r->next];
            if (r->numbers++ != b->nth) continue;
            item->type = cJSON_Raw;
            item->valuestring = cJSON_malloc(b->text.n + 1); /* cJSON_Delete() frees it */
            if (!item->valuestring) abort();
            memcpy(item->valuestring, b->text.p, b->text.n);
            item->valuestring[b->text.n] = 0;
            r->next++;
        } else
            restore_big(item->child, r);
    }
}

int json_parse(Str text, const JsonLimits *limits, cJSON **ret, Buf *ret_problem) {
    BigIntegers big = {0};
    int r = json_check_find_big(text, limits, &big, ret_problem);
    cJSON *tree = r == 0 ? cJSON_ParseWithLength(text.p, text.n) : NULL;
    if (r == 0 && !tree) {
        r = -EINVAL; /* the check is stricter than cJSON: only out of memory leads here */
        if (ret_problem) buf_adds(ret_problem, "the text cannot be parsed");
    }
    if (tree && big.n) restore_big(tree, &(Restore){.big = &big});
    free(big.list);
    if (r == 0) *ret = tree;
    return r;
}

static Arena *parsing_into; /* NULL: the heap */

static void *node_alloc(size_t n) {
    return parsing_into ? arena_alloc(parsing_into, n) : malloc(n);
}

static void node_free(void *p) {
    if (!parsing_into) free(p);
}

int json_parse_in(Arena *arena, Str text, const JsonLimits *limits, cJSON **ret, Buf *ret_problem) {
    static bool hooked;
    if (!hooked) {
        cJSON_Hooks hooks = {node_alloc, node_free};
        cJSON_InitHooks(&hooks);
        hooked = true;
    }
    parsing_into = arena;
    int r = json_parse(text, limits, ret, ret_problem);
    parsing_into = NULL;
    return r;
}

/* 1 and the member, 0 absent or null, -EINVAL no object. */
static int member(const cJSON *obj, const char *key, const cJSON **ret) {
    if (!cJSON_IsObject(obj)) return -EINVAL;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(obj, key);
    if (!value || cJSON_IsNull(value)) return 0;
    *ret = value;
    return 1;
}

int json_as_string(const cJSON *value, Str *ret) {
    if (!cJSON_IsString(value)) return -EINVAL;
    *ret = str(value->valuestring);
    return 1;
}

int json_as_int(const cJSON *value, int64_t *ret) {
    if (cJSON_IsRaw(value)) {
        int r = str_to_i64(str(value->valuestring), ret);
        return r < 0 ? r : 1;
    }
    if (!cJSON_IsNumber(value)) return -EINVAL;
    double v = value->valuedouble;
    if (!(fabs(v) < 0x1p53) || v != trunc(v)) return -ERANGE;
    *ret = (int64_t)v;
    return 1;
}

static int as_number(const cJSON *value, double *ret) {
    if (cJSON_IsRaw(value))
        *ret = strtod(value->valuestring, NULL);
    else if (cJSON_IsNumber(value))
        *ret = value->valuedouble;
    else
        return -EINVAL;
    return 1;
}

bool json_holds_number(const cJSON *value) {
    return cJSON_IsNumber(value) || cJSON_IsRaw(value);
}

int json_get_string(const cJSON *obj, const char *key, Str *ret) {
    const cJSON *value;
    int r = member(obj, key, &value);
    return r > 0 ? json_as_string(value, ret) : r;
}

int json_get_int(const cJSON *obj, const char *key, int64_t *ret) {
    const cJSON *value;
    int r = member(obj, key, &value);
    return r > 0 ? json_as_int(value, ret) : r;
}

int json_get_number(const cJSON *obj, const char *key, double *ret) {
    const cJSON *value;
    int r = member(obj, key, &value);
    return r > 0 ? as_number(value, ret) : r;
}

int json_get_bool(const cJSON *obj, const char *key, bool *ret) {
    const cJSON *value;
    int r = member(obj, key, &value);
    if (r <= 0) return r;
    if (!cJSON_IsBool(value)) return -EINVAL;
    *ret = cJSON_IsTrue(value);
    return 1;
}

int json_get_object(const cJSON *obj, const char *key, const cJSON **ret) {
    const cJSON *value;
    int r = member(obj, key, &value);
    if (r <= 0) return r;
    if (!cJSON_IsObject(value)) return -EINVAL;
    *ret = value;
    return 1;
}

int json_get_array(const cJSON *obj, const char *key, const cJSON **ret) {
    const cJSON *value;
    int r = member(obj, key, &value);
    if (r <= 0) return r;
    if (!cJSON_IsArray(value)) return -EINVAL;
    *ret = value;
    return 1;
}

const char *json_type_name(const cJSON *value) {
    if (cJSON_IsString(value)) return "a string";
    if (json_holds_number(value)) return "a number";
    if (cJSON_IsBool(value)) return "a boolean";
    if (cJSON_IsObject(value)) return "an object";
    if (cJSON_IsArray(value)) return "an array";
    return value ? "null" : "nothing";
}

void json_write(Buf *ret, const cJSON *value) {
    char *text = cJSON_PrintUnformatted(value);
    if (!text) abort(); /* out of memory, see base/memory.h */
    buf_adds(ret, text);
    cJSON_free(text);
}
