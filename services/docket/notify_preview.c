/* docket notify preview -- what messages look like before anybody gets one. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "docket/notify_parts.h"
#include "documents/notifications.h"

enum { FILE_BYTES_MAX = 4 << 20, FILES_MAX = 16 };

static const char me[] = "docket notify preview";

typedef struct Preview {
    Arena *arena;
    const Catalog *catalog;
    Str template; /* absent: all of them */
    Str language; /* absent: each */
    NotifyEvent event;
    bool any_event; /* the first one that fits */
    bool digest, scant;
    int shown;
} Preview;

/* ---- Showing ---- */

static uint64_t needs_of(const Wording *w) {
    const Template *parts[] = {w->subject, w->text, w->html, w->markdown, w->json};
    uint64_t needs = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (parts[i]) needs |= template_needs(parts[i]);
    for (size_t i = 0; i < w->sms_n; i++)
        needs |= template_needs(w->sms[i].text);
    return needs;
}

static void show_part(const Preview *p, const char *name, const Template *t, NotifyEvent e) {
    CLEANUP(buf_done) Buf text = {0};
    const TemplateValue *sample;
    if (!t) return;
    size_t n = notification_sample(e, p->digest, !p->scant, p->arena, &sample);
    TemplateOutcome o = template_render(t, sample, n, TEMPLATE_OUTPUT_MAX, &text);
    (void)printf("-- %s%s\n%s%s", name,
                 o == TEMPLATE_WHOLE ? "" : " (shortened, or too long to be shown)",
                 text.n ? text.p : "", text.n && text.p[text.n - 1] == '\n' ? "" : "\n");
}

static void show_wording(Preview *p, const MessageTemplate *m, const Wording *w) {
    NotifyEvent e = p->event;
    Vocabulary known = notification_vocabulary();
    if (p->any_event)
        for (int k = NOTIFY_EVENTS - 1; k >= 0; k--)
            if (!(needs_of(w) & ~notification_given((NotifyEvent)k, p->digest))) e = (NotifyEvent)k;
    (void)printf("== %.*s (%.*s), %s%s\n", STR_ARG(m->name), STR_ARG(w->language),
                 p->digest ? "a digest of " : "", notify_event_name(e));
    uint64_t missing = needs_of(w) & ~notification_given(e, p->digest);
    for (size_t i = 0; i < known.names_n; i++)
        if (missing >> i & 1)
            (void)printf("   it needs `%.*s`, which this has not: that stays empty\n",
                         STR_ARG(known.names[i].name));
    show_part(p, "subject", w->subject, e);
    show_part(p, "text", w->text, e);
    show_part(p, "html", w->html, e);
    show_part(p, "markdown", w->markdown, e);
    show_part(p, "json", w->json, e);
    if (w->sms_code.n) (void)printf("-- sms %.*s\n", STR_ARG(w->sms_code));
    for (size_t i = 0; i < w->sms_n; i++)
        show_part(p, arena_printf(p->arena, "sms: %.*s", STR_ARG(w->sms[i].name)), w->sms[i].text,
                  e);
    (void)putchar('\n');
    p->shown++;
}

static int show(Preview *p) {
    const MessageTemplate *all;
    size_t n = catalog_templates(p->catalog, &all);
    Str *names = arena_alloc(p->arena, (n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++) {
        names[i] = all[i].name;
        if (p->template.n && !str_eq(p->template, all[i].name)) continue;
        const Wording *one = p->language.n ? message_wording(&all[i], p->language) : NULL;
        for (size_t k = 0; k < all[i].wordings_n; k++)
            if (!one || one == &all[i].wordings[k]) show_wording(p, &all[i], &all[i].wordings[k]);
    }
    if (p->shown) return 0;
    if (p->template.n)
        (void)fprintf(stderr, "%s: there is no template `%.*s`%s\n", me, STR_ARG(p->template),
                      did_you_mean(p->template, names, n));
    else
        (void)fprintf(stderr, "%s: these documents have no section `templates`\n", me);
    return 1;
}

/* ---- Reading ---- */

static int read_source(Arena *arena, const char *name, DocumentSource *ret) {
    bool standard = strcmp(name, "-") == 0;
    FILE *in = standard ? stdin : fopen(name, "re");
    CLEANUP(buf_done) Buf text = {0};
    size_t n = 1;
    if (!in) {
        (void)fprintf(stderr, "%s: cannot read %s: %m\n", me, name);
        return -1;
    }
    while (n > 0 && text.n <= FILE_BYTES_MAX) {
        buf_reserve(&text, 65536);
        n = fread(text.p + text.n, 1, 65536, in);
        text.n += n;
    }
    bool bad = ferror(in);
    if (!standard) (void)fclose(in);
    if (bad || text.n > FILE_BYTES_MAX) {
        (void)fprintf(stderr, "%s: %s: %s\n", me, name,
                      bad ? "cannot be read" : "larger than 4 MiB");
        return -1;
    }
    *ret = (DocumentSource){arena_str(arena, buf_str(&text)), str(name), 1};
    return 0;
}

static int preview(Preview *p, char **files, int n) {
    DocumentSource sources[FILES_MAX];
    CLEANUP(buf_done) Buf problems = {0};
    for (int i = 0; i < n; i++)
        if (read_source(p->arena, files[i], &sources[i]) < 0) return 2;
    Catalog *c = catalog_compile(sources, (size_t)n, 1, NULL, NULL, &problems);
    if (!c) {
        (void)fputs(problems.p, stderr);
        return 1;
    }
    p->catalog = c;
    int status = show(p);
    catalog_unref(c);
    return status;
}

static int unknown_event(Str name) {
    Str names[NOTIFY_EVENTS];
    for (int e = 0; e < NOTIFY_EVENTS; e++)
        names[e] = str(notify_event_name((NotifyEvent)e));
    (void)fprintf(stderr, "%s: there is no event `%.*s`%s\n", me, STR_ARG(name),
                  did_you_mean(name, names, NOTIFY_EVENTS));
    return 2;
}

int notify_preview(int argc, char **argv) {
    static const struct option options[] = {
        {"template", required_argument, NULL, 't'}, {"event", required_argument, NULL, 'e'},
        {"language", required_argument, NULL, 'l'}, {"digest", no_argument, NULL, 'd'},
        {"scant", no_argument, NULL, 's'},          {0}};
    Preview p = {.any_event = true};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 't')
            p.template = str(optarg);
        else if (c == 'l')
            p.language = str(optarg);
        else if (c == 'd')
            p.digest = true;
        else if (c == 's')
            p.scant = true;
        else if (c != 'e')
            return 2;
        else if (notify_event_parse(str(optarg), &p.event) < 0)
            return unknown_event(str(optarg));
        else
            p.any_event = false;
    }
    if (optind >= argc || argc - optind > FILES_MAX) {
        (void)fprintf(stderr, "%s: give one to %d files; see docket notify --help\n", me,
                      FILES_MAX);
        return 2;
    }
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    p.arena = arena;
    return preview(&p, argv + optind, argc - optind);
}
