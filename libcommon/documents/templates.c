/* The section `templates`: the words of messages, each tried on samples before it is taken. */
#include <stdlib.h>

#include "documents/catalog_internal.h"
#include "json/json.h"

enum { TEMPLATES_MAX = 500, LANGUAGES_MAX = 20, SMS_PARAMS_MAX = 20, SMS_VALUE_BYTES_MAX = 500 };

typedef struct Words { /* one text of a template, as it is compiled */
    const Reading *reading;
    const char *part; /* "text", "in.en.subject" */
    long first_line;
} Words;

static void on_complaint(void *arg, long line, const char *what) {
    const Words *w = arg;
    complain(w->reading, w->first_line + line - 1, "`%s`: %s", w->part, what);
}

static const Template *compile_words(Compilation *c, const Reading *r, const char *part,
                                     const Node *n, Str source, TemplateEscape escape) {
    Vocabulary known = notification_vocabulary();
    Words w = {r, part, n->line + n->block};
    Template *t = template_compile(source, escape, known.names, known.names_n, on_complaint, &w);
    if (!t) return NULL;
    Catalog *k = c->c;
    if (k->compiled_n == k->compiled_room) {
        k->compiled_room = k->compiled_room ? k->compiled_room * 2 : 64;
        k->compiled = xrealloc(k->compiled, k->compiled_room * sizeof(void *));
    }
    return k->compiled[k->compiled_n++] = t;
}

static const Template *read_words(Compilation *c, const Reading *r, const char *where,
                                  const Node *map, const char *key, TemplateEscape escape) {
    const Node *n = node_member(map, key);
    Str source = {NULL, 0};
    if (!n || !shape_text(r, map, key, TEMPLATE_BYTES_MAX, &source)) return NULL;
    const char *part = arena_printf(c->work, "%s%s", where, key);
    if (!source.n) {
        complain(r, n->key_line, "`%s` is empty; give it words, or remove it", part);
        return NULL;
    }
    return compile_words(c, r, part, n, source, escape);
}

/* `sms: {code: SMS_1001, params: {no: "{{ticket.id}}"}}` */
static void read_sms(Compilation *c, const Reading *r, const char *where, const Node *map,
                     Wording *w) {
    const Node *sms = node_member(map, "sms");
    if (!sms || sms->kind == NODE_NOTHING || !shape_map(r, sms)) return;
    SHAPE_KEYS(r, sms, KEY("code"), KEY("params"));
    if (!shape_text(r, sms, "code", NAME_BYTES_MAX, &w->sms_code)) return;
    if (!w->sms_code.n) {
        complain(r, sms->line,
                 "`sms` has no `code`; give the number that the gateway gave its own template");
        return;
    }
    w->sms_code = keep(c, w->sms_code);
    const Node *params = node_member(sms, "params");
    if (!params || params->kind == NODE_NOTHING || !shape_map(r, params)) return;
    if (params->n > SMS_PARAMS_MAX) {
        complain(r, params->line, "%zu params; at most %d", params->n, SMS_PARAMS_MAX);
        return;
    }
    SmsParam *all = arena_zalloc(c->c->arena, params->n * sizeof(*all) + 1);
    for (const Node *n = params->first; n; n = n->next) {
        Str source = {NULL, 0};
        if (!shape_text(r, params, n->key.p, SMS_VALUE_BYTES_MAX, &source)) continue;
        all[w->sms_n].name = keep(c, n->key);
        all[w->sms_n++].text =
            compile_words(c, r, arena_printf(c->work, "%ssms.params.%.*s", where, STR_ARG(n->key)),
                          n, source, TEMPLATE_HEADER);
    }
    w->sms = all;
}

static void read_wording(Compilation *c, const Reading *r, const char *where, const Node *map,
                         Wording *w) {
    w->subject = read_words(c, r, where, map, "subject", TEMPLATE_HEADER);
    w->text = read_words(c, r, where, map, "text", TEMPLATE_TEXT);
    w->html = read_words(c, r, where, map, "html", TEMPLATE_HTML);
    w->markdown = read_words(c, r, where, map, "markdown", TEMPLATE_MARKDOWN);
    w->json = read_words(c, r, where, map, "json", TEMPLATE_JSON);
    read_sms(c, r, where, map, w);
}

/* "zh", "pt-BR": two or three letters, then parts of two to eight behind hyphens. */
static bool is_language(Str s) {
    size_t part = 0, parts = 0;
    for (size_t i = 0; i <= s.n; i++) {
        char a = i < s.n ? s.p[i] : '-';
        if (a == '-') {
            if (part < 2 || part > (parts ? 8 : 3)) return false;
            parts++;
            part = 0;
        } else if ((a >= 'a' && a <= 'z') || (a >= 'A' && a <= 'Z') ||
                   (parts && a >= '0' && a <= '9')) {
            part++;
        } else {
            return false;
        }
    }
    return parts <= 3;
}

static bool language_of(Compilation *c, const Reading *r, long line, Str s, Str *ret) {
    if (!is_language(s)) {
        complain(r, line, "`%.*s` is no language; write it as zh, en or pt-BR", STR_ARG(s));
        return false;
    }
    *ret = keep(c, s);
    return true;
}

/* ---- Tried on samples ---- */

static bool try_json(const Reading *r, long line, const Template *t, const TemplateValue *sample,
                     size_t sample_n, NotifyEvent e) {
    CLEANUP(buf_done) Buf text = {0}, why = {0};
    const JsonLimits limits = {.bytes = TEMPLATE_OUTPUT_MAX, .depth = 32, .members = 1000};
    if (template_render(t, sample, sample_n, TEMPLATE_OUTPUT_MAX, &text) == TEMPLATE_TOO_LONG) {
        complain(r, line, "`json` becomes longer than %d KiB", TEMPLATE_OUTPUT_MAX >> 10);
        return false;
    }
    if (json_check(buf_str(&text), &limits, &why) == 0) return true;
    complain(r, line, "`json` gives no valid JSON for a sample of %s: %s", notify_event_name(e),
             why.p);
    return false;
}

/* Full samples and scant ones, of every event that has what it needs: a comma too many after the
 * last item is seen here. */
static void try_wording(Compilation *c, const Reading *r, const Node *map, const Wording *w) {
    if (!w->json) return;
    long line = node_member(map, "json")->line;
    for (int e = 0; e < NOTIFY_EVENTS; e++)
        for (int complete = 1; complete >= 0; complete--) {
            const TemplateValue *sample;
            if (template_needs(w->json) & ~notification_given((NotifyEvent)e, false)) continue;
            size_t n = notification_sample((NotifyEvent)e, false, complete, c->work, &sample);
            if (!try_json(r, line, w->json, sample, n, (NotifyEvent)e)) return;
        }
}

/* ---- The section ---- */

static size_t read_translations(Compilation *c, const Reading *r, const Node *in, Wording *w) {
    size_t n = 1;
    if (!in || in->kind == NODE_NOTHING || !shape_map(r, in)) return n;
    if (in->n >= LANGUAGES_MAX) {
        complain(r, in->line, "%zu languages; at most %d", in->n, LANGUAGES_MAX);
        return n;
    }
    for (const Node *one = in->first; one; one = one->next) {
        if (!language_of(c, r, one->key_line, one->key, &w[n].language) || !shape_map(r, one))
            continue;
        for (size_t i = 0; i < n; i++)
            if (str_eq_nocase(w[i].language, one->key))
                complain(r, one->key_line, "the language `%.*s` is there already",
                         STR_ARG(one->key));
        SHAPE_KEYS(r, one, KEY("subject"), KEY("text"), KEY("html"), KEY("markdown"), KEY("json"),
                   KEY("sms"));
        read_wording(c, r, arena_printf(c->work, "in.%.*s.", STR_ARG(one->key)), one, &w[n]);
        try_wording(c, r, one, &w[n++]);
    }
    return n;
}

/* What one language has and the first lacks nobody would ever see. */
static void compare_wordings(const Reading *r, const Node *n, const Wording *w, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const struct {
            const char *part;
            bool mine, first;
        } parts[] = {
            {"subject", w[i].subject, w->subject}, {"text", w[i].text, w->text},
            {"html", w[i].html, w->html},          {"markdown", w[i].markdown, w->markdown},
            {"json", w[i].json, w->json},          {"sms", w[i].sms_code.n, w->sms_code.n}};
        for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
            if (parts[k].mine != parts[k].first)
                complain(r, n->line, "`%s` is there in %.*s and missing in %.*s; write it in both",
                         parts[k].part, STR_ARG(parts[k].mine ? w[i].language : w->language),
                         STR_ARG(parts[k].mine ? w->language : w[i].language));
    }
}

static void read_template(Compilation *c, Str file, const Node *n) {
    Reading r = {c->problems, file, "template", {NULL, 0}};
    MessageTemplate m = {.wordings_n = 0};
    size_t mistakes = c->problems->n;
    Str title = {NULL, 0}, language = {NULL, 0};
    if (!take_name(c, &r, n, c->c->template_names, &m.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("language"), KEY("subject"), KEY("text"),
               KEY("html"), KEY("markdown"), KEY("json"), KEY("sms"), KEY("in"));
    m.title = m.name;
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) m.title = keep(c, title);
    Wording *w = arena_zalloc(c->c->arena, LANGUAGES_MAX * sizeof(*w));
    w->language = STR("zh");
    if (shape_text(&r, n, "language", NAME_BYTES_MAX, &language) && language.n)
        (void)language_of(c, &r, node_member(n, "language")->line, language, &w->language);
    read_wording(c, &r, "", n, w);
    if (c->problems->n == mistakes && !w->subject && !w->text && !w->html && !w->markdown &&
        !w->json && !w->sms_code.n)
        complain(&r, n->line, "it has no words; give it subject and text, markdown, json or sms");
    if (w->html && !w->text)
        complain(&r, n->line, "`html` without `text`; mail programs that show none need one");
    try_wording(c, &r, n, w);
    m.wordings = w;
    m.wordings_n = read_translations(c, &r, node_member(n, "in"), w);
    if (c->problems->n == mistakes) compare_wordings(&r, n, w, m.wordings_n);
    if (c->problems->n != mistakes) m.wordings_n = 0; /* nothing else is said of it */
    c->c->templates[c->c->templates_n++] = m;
}

void read_templates(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "templates", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > TEMPLATES_MAX) {
        complain(&r, s.node->line, "%zu templates; at most %d", s.node->n, TEMPLATES_MAX);
        return;
    }
    c->c->templates = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->templates) + 1);
    for (const Node *n = s.node->first; n; n = n->next)
        read_template(c, s.file, n);
}

void templates_done(Catalog *c) {
    for (size_t i = 0; i < c->compiled_n; i++)
        template_free(c->compiled[i]);
    free(c->compiled);
}

size_t catalog_templates(const Catalog *c, const MessageTemplate **ret) {
    *ret = c->templates;
    return c->templates_n;
}

const MessageTemplate *catalog_template(const Catalog *c, Str name) {
    uint32_t at = intern_find(c->template_names, name);
    return at == INTERN_NONE || at >= c->templates_n ? NULL : &c->templates[at];
}

const Wording *message_wording(const MessageTemplate *m, Str language) {
    size_t best = 0, best_n = 0;
    for (size_t i = 0; i < m->wordings_n; i++) {
        Str mine = m->wordings[i].language;
        bool begins = mine.n <= language.n && str_eq_nocase(mine, (Str){language.p, mine.n}) &&
                      (mine.n == language.n || language.p[mine.n] == '-');
        if (begins && mine.n > best_n) {
            best = i;
            best_n = mine.n;
        }
    }
    return &m->wordings[best];
}
