/* A compiled template and values: text within bounds. */
#include "template/template_internal.h"

typedef struct Frame { /* what a level means just now */
    const TemplateValue *here;
    bool first, last;
} Frame;

typedef struct Rendering {
    const Template *t;
    Frame frames[TEMPLATE_DEPTH_MAX + 1];
    int depth;
    size_t start, bytes_max, cut, items;
    size_t steps;
    bool shortened, over;
    Buf *to;
} Rendering;

static const TemplateValue *member(const TemplateValue *v, Str name) {
    for (size_t i = 0; i < v->members_n; i++)
        if (str_eq(v->members[i].name, name)) return &v->members[i];
    return NULL;
}

/* NULL: absent. */
static const TemplateValue *value_of(const Rendering *r, const Part *p) {
    static const TemplateValue yes = {.text = {"true", 4}};
    const Frame *f = &r->frames[p->level];
    if (p->word == LOOP_FIRST) return f->first ? &yes : NULL;
    if (p->word == LOOP_LAST) return f->last ? &yes : NULL;
    const TemplateValue *v = f->here;
    for (size_t i = 0; i < p->path_n && v; i++)
        v = member(v, p->path[i]);
    return v;
}

static bool holds(const TemplateValue *v) {
    return v && (v->text.n || v->members_n);
}

static void render(Rendering *r, size_t from, size_t to);

static void render_section(Rendering *r, size_t at) {
    const Part *p = &r->t->parts[at];
    const TemplateValue *v = value_of(r, p);
    if (holds(v) == p->inverted) return;
    Frame *f = &r->frames[++r->depth];
    size_t n = p->is == TEMPLATE_IS_LIST && !p->inverted ? v->members_n : 1;
    size_t shown = n < r->items ? n : r->items;
    if (shown < n) r->shortened = true;
    for (size_t i = 0; i < shown && !r->over; i++) {
        bool list = p->is == TEMPLATE_IS_LIST && !p->inverted;
        *f = (Frame){list ? &v->members[i] : v, list && i == 0, list && i + 1 == shown};
        render(r, at + 1, p->end);
    }
    r->depth--;
}

static void render(Rendering *r, size_t from, size_t to) {
    for (size_t at = from; at < to && !r->over;) {
        const Part *p = &r->t->parts[at];
        if (p->kind == PART_WORDS) {
            buf_add_str(r->to, p->words);
        } else if (p->kind == PART_VALUE) {
            const TemplateValue *v = value_of(r, p);
            Str text = v ? v->text : (Str){NULL, 0};
            r->steps += text.n / 64; /* what is not shown costs time too */
            if (escape_value(p->place, p->is, text, r->cut, r->to)) r->shortened = true;
        } else {
            render_section(r, at);
        }
        at = p->kind == PART_SECTION ? p->end : at + 1;
        if (++r->steps > TEMPLATE_STEPS_MAX || r->to->n - r->start > r->bytes_max) r->over = true;
    }
}

TemplateOutcome template_render(const Template *t, const TemplateValue *values, size_t values_n,
                                size_t bytes_max, Buf *ret) {
    enum { CUT_MIN = 24, ITEMS_MIN = 3 };
    const TemplateValue root = {.members = values, .members_n = values_n};
    size_t start = ret->n, cut = TEMPLATE_VALUE_MAX, items = TEMPLATE_ITEMS_MAX;
    if (bytes_max > TEMPLATE_OUTPUT_MAX) bytes_max = TEMPLATE_OUTPUT_MAX;
    for (;;) {
        Rendering r = {.t = t,
                       .frames = {{.here = &root}},
                       .start = start,
                       .bytes_max = bytes_max,
                       .cut = cut,
                       .items = items,
                       .to = ret};
        render(&r, 0, t->parts_n);
        if (!r.over) return r.shortened ? TEMPLATE_SHORTENED : TEMPLATE_WHOLE;
        ret->n = start;
        if (ret->p) ret->p[start] = 0;
        if (cut == CUT_MIN && items == ITEMS_MIN) return TEMPLATE_TOO_LONG;
        cut = cut / 2 > CUT_MIN ? cut / 2 : CUT_MIN;
        items = items / 2 > ITEMS_MIN ? items / 2 : ITEMS_MIN;
    }
}
