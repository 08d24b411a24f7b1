/* Whether a template has what a notification needs of it: the words for each way, of what its
 * events have, short enough. */
#include "documents/catalog_internal.h"

enum { PARTS_MAX = 3 };

/* What of a wording goes one way; NULL in between: not there. */
static size_t parts_of(const Wording *w, NotifyWay way, const Template *ret[PARTS_MAX]) {
    switch (way) {
    case NOTIFY_BY_MAIL:
        ret[0] = w->subject;
        ret[1] = w->text;
        ret[2] = w->html;
        return 3;
    case NOTIFY_BY_DINGTALK:
    case NOTIFY_BY_WECOM:
    case NOTIFY_BY_FEISHU:
        ret[0] = w->markdown;
        ret[1] = w->subject;
        return 2;
    case NOTIFY_BY_WEBHOOK:
    case NOTIFY_BY_KAFKA:
        ret[0] = w->json;
        return 1;
    case NOTIFY_BY_SMS:
    case NOTIFY_WAYS:
        break;
    }
    return 0;
}

static bool has_words(const Wording *w, NotifyWay way) {
    switch (way) {
    case NOTIFY_BY_MAIL:
        return w->subject && w->text;
    case NOTIFY_BY_SMS:
        return w->sms_code.n;
    case NOTIFY_BY_DINGTALK: /* shows a title in its list */
        return w->markdown && w->subject;
    case NOTIFY_BY_WECOM:
    case NOTIFY_BY_FEISHU:
        return w->markdown;
    case NOTIFY_BY_WEBHOOK:
    case NOTIFY_BY_KAFKA:
    case NOTIFY_WAYS:
        break;
    }
    return true;
}

static const char *lacking(NotifyWay way) {
    switch (way) {
    case NOTIFY_BY_MAIL:
        return "subject` and `text";
    case NOTIFY_BY_SMS:
        return "sms";
    case NOTIFY_BY_DINGTALK:
        return "subject` and `markdown";
    case NOTIFY_BY_WECOM:
    case NOTIFY_BY_FEISHU:
    case NOTIFY_BY_WEBHOOK:
    case NOTIFY_BY_KAFKA:
    case NOTIFY_WAYS:
        break;
    }
    return "markdown";
}

typedef struct Using { /* a template for one way of one notification */
    Compilation *c;
    const Reading *r;
    long line;
    const WordsUse *use;
    NotifyWay way;
} Using;

static bool check_needs(const Using *u, uint64_t needs) {
    Vocabulary known = notification_vocabulary();
    for (int e = 0; e < NOTIFY_EVENTS; e++) {
        if (!(u->use->events >> e & 1)) continue;
        uint64_t missing = needs & ~notification_given((NotifyEvent)e, u->use->digest);
        if (!missing) continue;
        size_t at = (size_t)__builtin_ctzll(missing);
        Str name = known.names[at].name;
        complain(u->r, u->line,
                 "template `%.*s` needs `%.*s`, which %s%s has not; ask first: {{#%.*s}} ... "
                 "{{/%.*s}}",
                 STR_ARG(u->use->words->name), STR_ARG(name), u->use->digest ? "a digest of " : "",
                 notify_event_name((NotifyEvent)e), STR_ARG(name), STR_ARG(name));
        return false;
    }
    return true;
}

static void check_length(const Using *u, const Template *t) {
    for (int e = 0; e < NOTIFY_EVENTS; e++) {
        if (!(u->use->events >> e & 1)) continue;
        CLEANUP(buf_done) Buf text = {0};
        const TemplateValue *sample;
        size_t n = notification_sample((NotifyEvent)e, u->use->digest, true, u->c->work, &sample);
        if (template_render(t, sample, n, notify_way_bytes(u->way), &text) != TEMPLATE_TOO_LONG)
            continue;
        complain(u->r, u->line, "template `%.*s` is too long for %s, which takes %zu bytes",
                 STR_ARG(u->use->words->name), notify_way_name(u->way), notify_way_bytes(u->way));
        return;
    }
}

static void check_way(const Using *u) {
    uint64_t needs = 0, uses = 0;
    const Wording *first = u->use->words->wordings;
    if (!has_words(first, u->way)) {
        complain(u->r, u->line, "template `%.*s` has no `%s` for %s; write it",
                 STR_ARG(u->use->words->name), lacking(u->way), notify_way_name(u->way));
        return;
    }
    for (size_t i = 0; i < u->use->words->wordings_n; i++) {
        const Wording *w = &first[i];
        const Template *parts[PARTS_MAX];
        size_t n = parts_of(w, u->way, parts);
        for (size_t k = 0; k < n; k++) {
            if (!parts[k]) continue;
            needs |= template_needs(parts[k]);
            uses |= template_uses(parts[k]);
            check_length(u, parts[k]);
        }
        for (size_t k = 0; u->way == NOTIFY_BY_SMS && k < w->sms_n; k++) {
            needs |= template_needs(w->sms[k].text);
            uses |= template_uses(w->sms[k].text);
        }
    }
    if (!check_needs(u, needs)) return;
    Vocabulary known = notification_vocabulary();
    if (u->use->digest && !(uses >> (known.names_n - 1) & 1) && u->way != NOTIFY_BY_SMS)
        complain(u->r, u->line,
                 "a digest tells of several tickets, and template `%.*s` shows none; use "
                 "{{#tickets}} ... {{/tickets}}",
                 STR_ARG(u->use->words->name));
}

void check_words(Compilation *c, const Reading *r, long line, const WordsUse *use) {
    if (!use->words->wordings_n) return; /* it has been complained of where it stands */
    for (int w = 0; w < NOTIFY_WAYS; w++)
        if (use->ways >> w & 1) check_way(&(Using){c, r, line, use, (NotifyWay)w});
}
