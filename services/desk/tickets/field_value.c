/* One function per type of field. */
#include "desk/tickets/field_value.h"

#include <errno.h>

#include "json/json.h"

enum { DECIMAL_BYTES_MAX = 24 };

static int refuse(const Field *f, Invalid *bad, const char *chinese, const char *english) {
    invalid_add(bad, "custom_fields", "InvalidValue", "字段「%.*s」%s (%.*s: %s)",
                STR_ARG(f->title), chinese, STR_ARG(f->name), english);
    return -EINVAL;
}

static int read_text(const Catalog *c, const Field *f, Str text, Buf *ret, Invalid *bad) {
    if (text.n > FIELD_VALUE_MAX)
        return refuse(f, bad, "太长，最多 4000 字节", "too long, at most 4000 bytes");
    if (f->type == FIELD_REGEXP && !field_matches(c, f, text)) {
        invalid_add(bad, "custom_fields", "InvalidFormat",
                    "字段「%.*s」的格式不对，应符合 %.*s (%.*s: must match the pattern)",
                    STR_ARG(f->title), STR_ARG(f->pattern), STR_ARG(f->name));
        return -EINVAL;
    }
    buf_add_json(ret, text);
    return 1;
}

/* -?digits[.digits] without needless zeros in front: what JSON calls a number, and no more digits
 * than a double keeps. */
static bool is_number(Str text, bool fraction) {
    size_t i = 0, digits = 0, places = 0;
    if (i < text.n && text.p[i] == '-') i++;
    size_t first = i;
    for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        digits++;
    if (!digits || (digits > 1 && text.p[first] == '0')) return false;
    if (i < text.n && text.p[i] == '.' && fraction) {
        for (i++; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
            places++;
        if (!places) return false;
    }
    return i == text.n && digits + places <= 15;
}

static int read_number(const Field *f, const cJSON *value, Buf *ret, Invalid *bad) {
    CLEANUP(buf_done) Buf text = {0};
    Str sent = {NULL, 0};
    if (json_as_string(value, &sent) == 1) {
        buf_add_str(&text, str_trim(sent));
    } else if (json_holds_number(value)) {
        json_write(&text, value);
    }
    if (f->type == FIELD_INTEGER && is_number(buf_str(&text), false)) {
        buf_add_str(ret, buf_str(&text));
        return 1;
    }
    if (f->type == FIELD_DECIMAL && text.n <= DECIMAL_BYTES_MAX &&
        is_number(buf_str(&text), true)) {
        buf_add_str(ret, buf_str(&text));
        return 1;
    }
    if (f->type == FIELD_INTEGER)
        return refuse(f, bad, "要填整数", "must be a whole number of at most 15 digits");
    return refuse(f, bad, "要填数字，例如 199.00", "must be a number such as 199.00");
}

static int read_truth(const Field *f, const cJSON *value, Buf *ret, Invalid *bad) {
    Str text = {NULL, 0};
    bool is_true = cJSON_IsTrue(value), is_false = cJSON_IsFalse(value);
    if (json_as_string(value, &text) == 1) {
        is_true = str_is(text, "true");
        is_false = str_is(text, "false");
    }
    if (!is_true && !is_false) return refuse(f, bad, "要填是或否", "must be true or false");
    buf_adds(ret, is_true ? "true" : "false");
    return 1;
}

static bool is_date(Str text) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int part[3] = {0};
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-') return false;
    for (size_t i = 0, at = 0; i < 10; i++) {
        if (i == 4 || i == 7) {
            at++;
            continue;
        }
        if (text.p[i] < '0' || text.p[i] > '9') return false;
        part[at] = part[at] * 10 + (text.p[i] - '0');
    }
    if (part[0] < 1 || part[1] < 1 || part[1] > 12 || part[2] < 1) return false;
    bool leap = (part[0] % 4 == 0 && part[0] % 100 != 0) || part[0] % 400 == 0;
    return part[2] <= days[part[1] - 1] + (part[1] == 2 && leap);
}

static int refuse_option(const Field *f, Str value, Invalid *bad) {
    CLEANUP(buf_done) Buf options = {0};
    for (size_t i = 0; i < f->options_n && options.n < 600; i++)
        buf_printf(&options, "%s%.*s", i ? "、" : "", STR_ARG(f->options[i].value));
    invalid_add(bad, "custom_fields", "InvalidValue",
                "字段「%.*s」没有选项「%.*s」，可选：%s (%.*s: no such option)", STR_ARG(f->title),
                (int)(value.n < 200 ? value.n : 200), value.p, options.p ? options.p : "",
                STR_ARG(f->name));
    return -EINVAL;
}

static int read_list(const Field *f, const cJSON *value, Buf *ret, Invalid *bad) {
    const cJSON *item;
    size_t n = 0, at = ret->n;
    if (!cJSON_IsArray(value)) return refuse(f, bad, "要填选项列表", "must be a list of options");
    if (!cJSON_GetArraySize(value)) return 0;
    bool *seen = xcalloc(f->options_n + 1, sizeof(*seen));
    int r = 1;
    buf_addc(ret, '[');
    cJSON_ArrayForEach(item, value) {
        Str text = {NULL, 0};
        const FieldOption *o = json_as_string(item, &text) == 1 ? field_option(f, text) : NULL;
        if (!o) {
            r = text.p ? refuse_option(f, text, bad)
                       : refuse(f, bad, "要填选项列表", "must be a list of options");
            break;
        }
        if (seen[o - f->options]) continue;
        seen[o - f->options] = true;
        if (n++) buf_addc(ret, ',');
        buf_add_json(ret, o->value);
    }
    buf_addc(ret, ']');
    if (r < 0) ret->n = at;
    free(seen);
    return r;
}

int field_value_read(const Catalog *c, const Field *f, const cJSON *value, Buf *ret, Invalid *bad) {
    Str text = {NULL, 0};
    bool is_text = json_as_string(value, &text) == 1;
    if (!value || cJSON_IsNull(value) || (is_text && text.n == 0)) return 0;
    switch (f->type) {
    case FIELD_INTEGER:
    case FIELD_DECIMAL:
        return read_number(f, value, ret, bad);
    case FIELD_CHECKBOX:
        return read_truth(f, value, ret, bad);
    case FIELD_MULTISELECT:
        return read_list(f, value, ret, bad);
    case FIELD_TEXT:
    case FIELD_TEXTAREA:
    case FIELD_REGEXP:
        if (!is_text) return refuse(f, bad, "要填文字", "must be a text");
        return read_text(c, f, text, ret, bad);
    case FIELD_DATE:
        if (!is_text || !is_date(text))
            return refuse(f, bad, "要填日期，例如 2026-11-22", "must be a date such as 2026-11-22");
        buf_add_json(ret, text);
        return 1;
    case FIELD_TAGGER:
        if (!is_text) return refuse(f, bad, "要填一个选项", "must be one option");
        if (!field_option(f, text)) return refuse_option(f, text, bad);
        buf_add_json(ret, text);
        return 1;
    case FIELD_TYPES:
        break;
    }
    return 0;
}

bool field_value_filled(const Field *f, const cJSON *value) {
    Str text;
    if (!value || cJSON_IsNull(value)) return false;
    if (json_as_string(value, &text) == 1) return str_trim(text).n > 0;
    if (cJSON_IsArray(value)) return cJSON_GetArraySize(value) > 0;
    return f->type != FIELD_CHECKBOX || cJSON_IsTrue(value);
}
