/* Forms -- the part of a catalog that people fill in and are held to: custom fields, forms per kind
 * of ticket, and processing standards (处理标准). Pure. The router reads past all of it.
 *
 *   fields:
 *     - {name: 退款金额, title: 退款金额（元）, type: decimal, required_in: [solved]}
 *     - {name: 退款方式, type: tagger, options: [原路退回, {value: 余额, title: 退到余额}]}
 *     - {name: 工单号, type: regexp, pattern: "RF[0-9]{8}"}       # POSIX extended, the whole value
 *     - {name: 银行卡号, type: text, personal: on}                # masked, the original sealed
 *     - {name: 快递单号, customers: on}                           # shown to the customer too
 *   forms:
 *     - {name: 退款单, kinds: [售后], fields: [退款金额, 退款方式], default: on}
 *   standards:
 *     - name: 退款办结
 *       title: 退款处理标准
 *       kinds: [售后]                          # absent: every kind
 *       categories: [退款]                     # and what lies below: 退款/进度; absent: every one
 *       before: [solved]                       # what follows is demanded to enter these states
 *       fields: [退款金额]
 *       evidence: [{class: 审批截图, title: 主管同意退款的截图}]
 *     - name: 合规用语
 *       reply: {must: [抱歉, 对不起], must_not: [绝对, 保证赔]}  # one of these; none of those
 *
 * A field that stands in some form is asked only of tickets that have one of its forms; a field in
 * no form is asked of every ticket. A ticket has the form it names, else the default one of its
 * kind, else none. */
#pragma once

#include "documents/catalog.h"

typedef enum FieldType { /* by Zendesk's names */
                         FIELD_TEXT,
                         FIELD_TEXTAREA,
                         FIELD_INTEGER,
                         FIELD_DECIMAL,
                         FIELD_CHECKBOX,
                         FIELD_DATE, /* 2026-11-22 */
                         FIELD_TAGGER,
                         FIELD_MULTISELECT,
                         FIELD_REGEXP,
                         FIELD_TYPES
} FieldType;

enum { FIELD_VALUE_MAX = 4000 /* bytes; of a regexp 400 */, FIELD_PATTERN_VALUE_MAX = 400 };

typedef struct FieldOption {
    Str value, title;
} FieldOption;

typedef struct Field {
    int64_t id;
    Str name, title;
    FieldType type;
    const FieldOption *options; /* tagger and multiselect */
    size_t options_n;
    Str pattern;          /* regexp */
    unsigned required_in; /* bits 1 << TicketStatus that demand it */
    bool personal;
    bool customers; /* who asked for the ticket sees it too */
    bool in_some_form;
} Field;

typedef struct Form {
    int64_t id;
    Str name, title;
    const Str *kinds; /* n 0: every kind */
    size_t kinds_n;
    const Field *const *fields;
    size_t fields_n;
    bool is_default; /* of its kinds */
} Form;

typedef struct Evidence {
    Str class; /* of an attachment */
    Str title;
} Evidence;

typedef struct ReplyWords {
    const Str *words;
    size_t n;
    size_t at; /* their place in what catalog_find_words() reports */
} ReplyWords;

typedef struct Standard {
    Str name, title;
    const Str *kinds, *categories; /* n 0: every one */
    size_t kinds_n, categories_n;
    unsigned before; /* bits 1 << TicketStatus */
    const Field *const *fields;
    size_t fields_n;
    const Evidence *evidence;
    size_t evidence_n;
    ReplyWords must; /* at least one of them in a public reply; n 0: nothing */
    ReplyWords must_not;
} Standard;

const char *field_type_name(FieldType t); /* "tagger" */

size_t catalog_fields(const Catalog *c, const Field **ret);
const Field *catalog_field(const Catalog *c, int64_t id); /* NULL: unknown */
/* By its name, or by its number in decimal: custom_fields of a ticket know both. */
const Field *catalog_field_named(const Catalog *c, Str key);
bool field_matches(const Catalog *c, const Field *f, Str value); /* of a regexp, the whole value */
const FieldOption *field_option(const Field *f, Str value);      /* NULL: none of them */

size_t catalog_forms(const Catalog *c, const Form **ret);
const Form *catalog_form(const Catalog *c, int64_t id); /* NULL: unknown */
/* The form of a ticket; form_id 0: it names none. NULL: it has none. */
const Form *catalog_form_of(const Catalog *c, int64_t form_id, Str kind);
bool form_fits(const Form *f, Str kind);
bool form_has(const Form *form, const Field *field); /* form NULL: fields in no form */

size_t catalog_standards(const Catalog *c, const Standard **ret);
bool standard_covers(const Standard *s, Str kind, Str category);
/* Looks for the words of all standards in one scan: found[i] for i below catalog_words(). */
size_t catalog_words(const Catalog *c);
void catalog_find_words(const Catalog *c, Str text, bool *found);
