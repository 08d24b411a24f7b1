/* Demands of fields, of standards, and of words, in this order. */
#include <stdio.h>

#include "desk/tickets/standard.h"

#include "desk/tickets/field_value.h"

const cJSON *standard_value(const cJSON *custom_fields, const Field *f) {
    char number[24];
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(custom_fields, f->name.p);
    if (value) return value;
    (void)snprintf(number, sizeof(number), "%lld", (long long)f->id);
    return cJSON_GetObjectItemCaseSensitive(custom_fields, number);
}

static const char *status_title(TicketStatus s) {
    static const char *const titles[TICKET_STATUSES] = {
        "新建", "已分配", "处理中", "待客户回复", "挂起", "已解决", "已结案", "已删除", "已合并"};
    return titles[s];
}

static bool filled(const StandardFacts *f, const Field *field) {
    return field_value_filled(field, standard_value(f->custom_fields, field));
}

static void check_fields(const Catalog *c, const StandardFacts *f, Invalid *missing) {
    const Field *fields;
    size_t n = catalog_fields(c, &fields);
    const Form *form = catalog_form_of(c, f->form_id, f->kind);
    for (size_t i = 0; i < n; i++) {
        if (!(fields[i].required_in & 1U << f->status) || !form_has(form, &fields[i])) continue;
        if (filled(f, &fields[i])) continue;
        invalid_add(missing, "custom_fields", "BlankValue",
                    "转为「%s」前请填写「%.*s」(%.*s is required before %s)",
                    status_title(f->status), STR_ARG(fields[i].title), STR_ARG(fields[i].name),
                    ticket_status_name(f->status));
    }
}

static bool has_evidence(const StandardFacts *f, Str class) {
    for (size_t i = 0; i < f->evidence_n; i++)
        if (str_eq(f->evidence[i], class)) return true;
    return false;
}

static bool asked_already(const Catalog *c, const StandardFacts *f, const Field *field) {
    return (field->required_in & 1U << f->status) &&
           form_has(catalog_form_of(c, f->form_id, f->kind), field);
}

static void check_entry(const Catalog *c, const StandardFacts *f, const Standard *s,
                        Invalid *missing) {
    for (size_t i = 0; i < s->fields_n; i++) {
        const Field *field = s->fields[i];
        if (filled(f, field) || asked_already(c, f, field)) continue;
        invalid_add(missing, "custom_fields", "BlankValue",
                    "《%.*s》要求：转为「%s」前请填写「%.*s」(%.*s is required before %s)",
                    STR_ARG(s->title), status_title(f->status), STR_ARG(field->title),
                    STR_ARG(field->name), ticket_status_name(f->status));
    }
    for (size_t i = 0; i < s->evidence_n; i++) {
        const Evidence *e = &s->evidence[i];
        if (has_evidence(f, e->class)) continue;
        invalid_add(missing, "attachments", "BlankValue",
                    "《%.*s》要求：转为「%s」前请上传%.*s，附件类别「%.*s」(an attachment of class "
                    "%.*s is required before %s)",
                    STR_ARG(s->title), status_title(f->status), STR_ARG(e->title),
                    STR_ARG(e->class), STR_ARG(e->class), ticket_status_name(f->status));
    }
}

static void check_words(const Standard *s, const bool *found, Invalid *missing) {
    bool said = s->must.n == 0;
    for (size_t i = 0; i < s->must_not.n; i++)
        if (found[s->must_not.at + i])
            invalid_add(
                missing, "comment", "InvalidValue",
                "《%.*s》：回复中不能出现「%.*s」，请换一种说法 (the reply must not contain "
                "it)",
                STR_ARG(s->title), STR_ARG(s->must_not.words[i]));
    for (size_t i = 0; i < s->must.n && !said; i++)
        said = found[s->must.at + i];
    if (said) return;
    CLEANUP(buf_done) Buf words = {0};
    for (size_t i = 0; i < s->must.n && words.n < 300; i++)
        buf_printf(&words, "%s「%.*s」", i ? "或" : "", STR_ARG(s->must.words[i]));
    invalid_add(missing, "comment", "InvalidValue",
                "《%.*s》：回复中需要有%s (the reply must contain one of these)", STR_ARG(s->title),
                words.p);
}

size_t standard_check(const Catalog *c, const StandardFacts *f, Invalid *missing) {
    const Standard *standards;
    size_t before = missing->n;
    if (!c) return 0;
    size_t n = catalog_standards(c, &standards);
    if (f->enters) check_fields(c, f, missing);
    bool *found = xcalloc(catalog_words(c) + 1, sizeof(*found));
    if (f->replies) catalog_find_words(c, f->reply, found);
    for (size_t i = 0; i < n; i++) {
        const Standard *s = &standards[i];
        if (!standard_covers(s, f->kind, f->category)) continue;
        if (f->enters && s->before & 1U << f->status) check_entry(c, f, s, missing);
        if (f->replies) check_words(s, found, missing);
    }
    free(found);
    return missing->n - before;
}
