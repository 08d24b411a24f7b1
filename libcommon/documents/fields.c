/* The sections `fields` and `forms`. */
#include <regex.h>
#include <stdlib.h>

#include "documents/catalog_internal.h"

enum { FIELDS_MAX = 500, FORMS_MAX = 200, OPTIONS_MAX = 500, PATTERN_BYTES_MAX = 200 };

static const char *const type_names[FIELD_TYPES] = {"text",    "textarea",    "integer",
                                                    "decimal", "checkbox",    "date",
                                                    "tagger",  "multiselect", "regexp"};

const char *field_type_name(FieldType t) {
    return type_names[t];
}

unsigned read_states(Compilation *c, const Reading *r, const Node *map, const char *key) {
    const Node *list = node_member(map, key);
    const Str *names = NULL;
    size_t n = 0;
    unsigned states = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, TICKET_STATUSES, c->work, &names, &n)) return 0;
    for (size_t i = 0; i < n; i++) {
        TicketStatus s;
        if (ticket_status_parse(names[i], &s) < 0 || s == TICKET_NEW || s > TICKET_SOLVED)
            complain(r, list->line,
                     "`%s: %.*s`: no state that people take a ticket to; possible are assigned, "
                     "in_progress, pending, on_hold and solved",
                     key, STR_ARG(names[i]));
        else
            states |= 1U << s;
    }
    return states;
}

/* ---- fields ---- */

static void read_type(const Reading *r, const Node *n, Field *f) {
    Str type = {NULL, 0};
    if (!shape_text(r, n, "type", NAME_BYTES_MAX, &type) || !type.n) return;
    Str names[FIELD_TYPES];
    for (int t = 0; t < FIELD_TYPES; t++) {
        names[t] = str(type_names[t]);
        if (!str_is(type, type_names[t])) continue;
        f->type = (FieldType)t;
        return;
    }
    const char *guess = did_you_mean(type, names, FIELD_TYPES);
    complain(r, node_member(n, "type")->line, "unknown type `%.*s`%s", STR_ARG(type),
             *guess ? guess
                    : "; possible are text, textarea, integer, decimal, checkbox, date, tagger, "
                      "multiselect and regexp");
}

static bool read_option(Compilation *c, const Reading *r, const Node *n, FieldOption *ret) {
    Str value = {NULL, 0}, title = {NULL, 0};
    if (n->kind == NODE_TEXT) {
        value = n->text;
    } else if (n->kind == NODE_MAP) {
        SHAPE_KEYS(r, n, KEY("value"), KEY("title"));
        if (!shape_text(r, n, "value", NAME_BYTES_MAX, &value) ||
            !shape_text(r, n, "title", TITLE_BYTES_MAX, &title))
            return false;
    }
    if (!value.n) {
        complain(r, n->line, "an option has no value; write a text, or {value: ..., title: ...}");
        return false;
    }
    if (!shape_name(r, n->line, value)) return false;
    ret->value = keep(c, value);
    ret->title = title.n ? keep(c, title) : ret->value;
    return true;
}

static void read_options(Compilation *c, const Reading *r, const Node *n, Field *f) {
    const Node *list = node_member(n, "options");
    bool wanted = f->type == FIELD_TAGGER || f->type == FIELD_MULTISELECT;
    if (!wanted && list) {
        complain(r, list->key_line, "`options` are for tagger and multiselect; remove them");
        return;
    }
    if (!wanted) return;
    if (!list || list->kind != NODE_LIST || list->n == 0 || list->n > OPTIONS_MAX) {
        complain(r, list ? list->line : n->line, "a %s needs `options`, a list of 1 to %d",
                 type_names[f->type], OPTIONS_MAX);
        return;
    }
    FieldOption *options = arena_alloc(c->c->arena, list->n * sizeof(*options));
    f->options = options;
    for (const Node *m = list->first; m; m = m->next) {
        if (!read_option(c, r, m, &options[f->options_n])) continue;
        if (field_option(f, options[f->options_n].value))
            complain(r, m->line, "the option `%.*s` is there twice; remove one",
                     STR_ARG(options[f->options_n].value));
        f->options_n++;
    }
}

/* What would make a match take for ever: counted repetitions inside each other, and references
 * back.
 */
static bool pattern_is_tame(Str pattern) {
    uint64_t product = 1;
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '\\' && i + 1 < pattern.n) {
            if (pattern.p[++i] >= '0' && pattern.p[i] <= '9') return false;
            continue;
        }
        if (pattern.p[i] != '{') continue;
        uint64_t bound = 0, largest = 1;
        for (i++; i < pattern.n && pattern.p[i] != '}'; i++) {
            bool digit = pattern.p[i] >= '0' && pattern.p[i] <= '9';
            bound = digit ? bound * 10 + (uint64_t)(pattern.p[i] - '0') : 0;
            if (bound > largest) largest = bound;
            if (largest > 10000) return false;
        }
        product *= largest;
        if (product > 10000) return false;
    }
    return true;
}

static void read_pattern(Compilation *c, const Reading *r, const Node *n, Field *f,
                         FieldInside *in) {
    Str pattern = {NULL, 0};
    const Node *member = node_member(n, "pattern");
    if (!shape_text(r, n, "pattern", PATTERN_BYTES_MAX, &pattern)) return;
    if (f->type != FIELD_REGEXP && pattern.n)
        complain(r, member->key_line, "`pattern` is for the type regexp; remove it");
    if (f->type != FIELD_REGEXP) return;
    if (!pattern.n) {
        complain(r, n->line, "a regexp needs a `pattern`, such as \"RF[0-9]{8}\"");
        return;
    }
    if (!pattern_is_tame(pattern)) {
        complain(r, member->line,
                 "`pattern` repeats too much, or refers back (\\1); a match could take for ever");
        return;
    }
    CLEANUP(buf_done) Buf whole = {0};
    buf_printf(&whole, "^(%.*s)$", STR_ARG(pattern));
    regex_t *compiled = xcalloc(1, sizeof(*compiled));
    int e = regcomp(compiled, whole.p, REG_EXTENDED | REG_NOSUB);
    if (e) {
        char why[200];
        (void)regerror(e, compiled, why, sizeof(why));
        free(compiled);
        complain(r, member->line, "`pattern` is no POSIX extended expression: %s", why);
        return;
    }
    in->pattern = compiled;
    f->pattern = keep(c, pattern);
}

static void read_field(Compilation *c, Str file, const Node *n) {
    Reading r = {c->problems, file, "field", {NULL, 0}};
    Field f = {0};
    int64_t number;
    if (!take_name(c, &r, n, c->c->field_names, &f.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("type"), KEY("options"), KEY("pattern"),
               KEY("required_in"), KEY("personal"), KEY("customers"));
    if (str_to_i64(f.name, &number) == 0)
        complain(&r, n->line, "the name is a number, which stands for another field; choose words");
    f.title = f.name;
    Str title = {NULL, 0};
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) f.title = keep(c, title);
    read_type(&r, n, &f);
    read_options(c, &r, n, &f);
    read_pattern(c, &r, n, &f, &c->c->fields_inside[c->c->fields_n]);
    f.required_in = read_states(c, &r, n, "required_in");
    shape_switch(&r, n, "personal", &f.personal);
    shape_switch(&r, n, "customers", &f.customers);
    f.id = number_of(c, &r, n->line, "field", f.name);
    c->c->fields[c->c->fields_n++] = f;
}

void read_fields(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "fields", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > FIELDS_MAX) {
        complain(&r, s.node->line, "%zu fields; at most %d", s.node->n, FIELDS_MAX);
        return;
    }
    c->c->fields = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->fields));
    c->c->fields_inside = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->fields_inside));
    for (const Node *n = s.node->first; n; n = n->next)
        read_field(c, s.file, n);
}

/* ---- forms ---- */

const Field **read_field_list(Compilation *c, const Reading *r, const Node *n, size_t *ret_n) {
    const Node *list = node_member(n, "fields");
    const Str *names = NULL;
    size_t names_n = 0;
    *ret_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, FIELDS_MAX, c->work, &names, &names_n)) return NULL;
    const Field **fields = arena_alloc(c->c->arena, names_n * sizeof(void *));
    for (size_t i = 0; i < names_n; i++) {
        uint32_t number = shape_reference(r, list->line, "field", names[i], c->c->field_names);
        if (number != INTERN_NONE && number < c->c->fields_n)
            fields[(*ret_n)++] = &c->c->fields[number];
    }
    return fields;
}

const Str *read_kind_list(Compilation *c, const Reading *r, const Node *n, size_t *ret_n) {
    const Node *list = node_member(n, "kinds");
    const Str *names = NULL;
    size_t names_n = 0;
    *ret_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, KINDS_MAX, c->work, &names, &names_n)) return NULL;
    Str *kinds = arena_alloc(c->c->arena, names_n * sizeof(*kinds));
    for (size_t i = 0; i < names_n; i++) {
        if (intern_count(c->c->kind_names))
            shape_reference(r, list->line, "kind", names[i], c->c->kind_names);
        kinds[(*ret_n)++] = keep(c, names[i]);
    }
    return kinds;
}

/* Two forms that would both be the default of one kind. */
static void refuse_second_default(const Reading *r, long line, const Catalog *c, const Form *f) {
    for (size_t i = 0; i < c->forms_n && f->is_default; i++) {
        const Form *other = &c->forms[i];
        bool meet = other->is_default && other->kinds_n == 0 && f->kinds_n == 0;
        for (size_t k = 0; k < f->kinds_n && other->is_default && other->kinds_n; k++)
            meet = meet || form_fits(other, f->kinds[k]);
        if (meet) {
            complain(r, line, "`%.*s` is the default form already; only one may be",
                     STR_ARG(other->name));
            return;
        }
    }
}

static void read_form(Compilation *c, Str file, const Node *n, Intern *names) {
    Reading r = {c->problems, file, "form", {NULL, 0}};
    Form f = {0};
    if (!take_name(c, &r, n, names, &f.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("kinds"), KEY("fields"), KEY("default"));
    f.title = f.name;
    Str title = {NULL, 0};
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) f.title = keep(c, title);
    f.kinds = read_kind_list(c, &r, n, &f.kinds_n);
    f.fields = read_field_list(c, &r, n, &f.fields_n);
    if (!node_member(n, "fields"))
        complain(&r, n->line, "it has no `fields`; name some, or remove the form");
    shape_switch(&r, n, "default", &f.is_default);
    refuse_second_default(&r, n->line, c->c, &f);
    for (size_t i = 0; i < f.fields_n; i++)
        c->c->fields[f.fields[i] - c->c->fields].in_some_form = true;
    f.id = number_of(c, &r, n->line, "form", f.name);
    c->c->forms[c->c->forms_n++] = f;
}

void read_forms(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "forms", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > FORMS_MAX) {
        complain(&r, s.node->line, "%zu forms; at most %d", s.node->n, FORMS_MAX);
        return;
    }
    CLEANUP(intern_freep) Intern *names = intern_new(false);
    c->c->forms = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->forms));
    for (const Node *n = s.node->first; n; n = n->next)
        read_form(c, s.file, n, names);
}

/* ---- asking ---- */

size_t catalog_fields(const Catalog *c, const Field **ret) {
    *ret = c->fields;
    return c->fields_n;
}

const Field *catalog_field(const Catalog *c, int64_t id) {
    for (size_t i = 0; i < c->fields_n; i++)
        if (c->fields[i].id == id) return &c->fields[i];
    return NULL;
}

const Field *catalog_field_named(const Catalog *c, Str key) {
    uint32_t i = intern_find(c->field_names, key);
    int64_t id;
    if (i != INTERN_NONE && i < c->fields_n) return &c->fields[i];
    return str_to_i64(key, &id) == 0 ? catalog_field(c, id) : NULL;
}

bool field_matches(const Catalog *c, const Field *f, Str value) {
    const regex_t *pattern = c->fields_inside[f - c->fields].pattern;
    if (!pattern) return true;
    if (value.n > FIELD_PATTERN_VALUE_MAX || memchr(value.p, 0, value.n)) return false;
    char text[FIELD_PATTERN_VALUE_MAX + 1];
    if (value.n) memcpy(text, value.p, value.n);
    text[value.n] = 0;
    return regexec(pattern, text, 0, NULL, 0) == 0;
}

const FieldOption *field_option(const Field *f, Str value) {
    for (size_t i = 0; i < f->options_n; i++)
        if (str_eq(f->options[i].value, value)) return &f->options[i];
    return NULL;
}

void fields_done(Catalog *c) {
    for (size_t i = 0; i < c->fields_n; i++) {
        if (!c->fields_inside[i].pattern) continue;
        regfree(c->fields_inside[i].pattern);
        free(c->fields_inside[i].pattern);
    }
}

size_t catalog_forms(const Catalog *c, const Form **ret) {
    *ret = c->forms;
    return c->forms_n;
}

const Form *catalog_form(const Catalog *c, int64_t id) {
    for (size_t i = 0; i < c->forms_n; i++)
        if (c->forms[i].id == id) return &c->forms[i];
    return NULL;
}

bool form_fits(const Form *f, Str kind) {
    for (size_t i = 0; i < f->kinds_n; i++)
        if (str_eq(f->kinds[i], kind)) return true;
    return f->kinds_n == 0;
}

const Form *catalog_form_of(const Catalog *c, int64_t form_id, Str kind) {
    const Form *named = form_id ? catalog_form(c, form_id) : NULL, *general = NULL;
    if (named) return named;
    for (size_t i = 0; i < c->forms_n; i++) {
        const Form *f = &c->forms[i];
        if (!f->is_default || !form_fits(f, kind)) continue;
        if (f->kinds_n) return f; /* one of its own kind goes before the one of every kind */
        general = f;
    }
    return general;
}

bool form_has(const Form *form, const Field *field) {
    if (!field->in_some_form) return true;
    for (size_t i = 0; form && i < form->fields_n; i++)
        if (form->fields[i] == field) return true;
    return false;
}
