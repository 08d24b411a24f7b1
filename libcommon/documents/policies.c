/* The section `policies`: what is promised to whom, and what happens when it is broken. */
#include <stdlib.h>

#include "documents/catalog_internal.h"

enum { POLICIES_MAX = 500 };

static const char *const priorities[] = {"low", "normal", "high", "urgent"};

/* ---- targets ---- */

static bool read_hours(Compilation *c, const Reading *r, const Node *n, Target *ret) {
    Str name = {NULL, 0};
    ret->hours_name = STR("calendar");
    if (!shape_text(r, n, "hours", NAME_BYTES_MAX, &name)) return false;
    if (!name.n || str_is(name, "calendar")) return true;
    uint32_t at =
        shape_reference(r, node_member(n, "hours")->line, "calendar", name, c->c->calendar_names);
    if (at == INTERN_NONE || at >= c->c->calendars_n) return false;
    ret->hours = c->c->calendars[at].calendar;
    ret->hours_name = c->c->calendars[at].name;
    return true;
}

static void set_within(const Reading *r, long line, Target *ret, const Target *base, int64_t ms) {
    if (ms <= 0) {
        complain(r, line, "a promise of no time at all; write at least 1s");
        return;
    }
    *ret = *base;
    ret->within_ms = ms;
}

/* `within: 4h`, or `within: {urgent: 1h, high: 4h}` */
static void read_within(const Reading *r, const Node *map, const char *key, const Target *base,
                        Target ret[PRIORITIES]) {
    const Node *within = node_member(map, key);
    int64_t ms = 0;
    if (within && within->kind == NODE_MAP) {
        SHAPE_KEYS(r, within, KEY("low"), KEY("normal"), KEY("high"), KEY("urgent"));
        for (int p = 0; p < PRIORITIES; p++) {
            const Node *one = node_member(within, priorities[p]);
            if (one && shape_duration(r, within, priorities[p], &ms))
                set_within(r, one->line, &ret[p], base, ms);
        }
        return;
    }
    if (!within || within->kind == NODE_NOTHING) {
        complain(r, map->line, "no `within`; say how long, such as `within: 4h`");
        return;
    }
    if (!shape_duration(r, map, key, &ms)) return;
    for (int p = 0; p < PRIORITIES; p++)
        set_within(r, within->line, &ret[p], base, ms);
}

static void read_target(Compilation *c, const Reading *r, const Node *map, const Node *n,
                        Target ret[PRIORITIES]) {
    Target base = {.hours_name = STR("calendar")};
    if (n->kind == NODE_TEXT) { /* `first_reply: 15m` */
        read_within(r, map, arena_strndup(c->work, n->key.p, n->key.n), &base, ret);
        return;
    }
    if (!shape_map(r, n)) return;
    SHAPE_KEYS(r, n, KEY("within"), KEY("hours"));
    if (read_hours(c, r, n, &base)) read_within(r, n, "within", &base, ret);
}

/* `stages: {in_progress: 4h}` */
static void read_stages(Compilation *c, const Reading *r, const Node *stages, Policy *policy) {
    if (!shape_map(r, stages)) return;
    for (const Node *n = stages->first; n; n = n->next) {
        TicketStatus s;
        if (ticket_status_parse(n->key, &s) < 0 || !ticket_status_is_open(s))
            complain(r, n->key_line,
                     "`%.*s` is no stage; possible are new, assigned, in_progress, pending and "
                     "on_hold",
                     STR_ARG(n->key));
        else
            read_target(c, r, stages, n, policy->targets[metric_of_stage(s)]);
    }
}

static void read_metric(Compilation *c, const Reading *r, const Node *targets, const Node *n,
                        Policy *policy) {
    ClockMetric m;
    if (str_is(n->key, "stages")) {
        read_stages(c, r, n, policy);
    } else if (metric_parse(n->key, &m) < 0 || m >= METRIC_STAGE_NEW) {
        Str names[METRIC_STAGE_NEW + 1];
        for (int i = 0; i < METRIC_STAGE_NEW; i++)
            names[i] = str(metric_name((ClockMetric)i));
        names[METRIC_STAGE_NEW] = STR("stages");
        const char *guess = did_you_mean(n->key, names, METRIC_STAGE_NEW + 1);
        complain(r, n->key_line, "unknown metric `%.*s`%s", STR_ARG(n->key),
                 *guess ? guess
                        : "; possible are first_reply, next_reply, periodic_update, resolution, "
                          "requester_wait, agent_work, ack and stages");
    } else {
        read_target(c, r, targets, n, policy->targets[m]);
    }
}

static void read_targets(Compilation *c, const Reading *r, const Node *n, Policy *policy) {
    const Node *targets = node_member(n, "targets");
    if (!targets || targets->kind == NODE_NOTHING ||
        (targets->kind == NODE_MAP && !targets->first)) {
        complain(r, n->line, "it promises nothing; give it `targets`, such as `first_reply: 1h`");
        return;
    }
    if (!shape_map(r, targets)) return;
    for (const Node *m = targets->first; m; m = m->next)
        read_metric(c, r, targets, m, policy);
}

/* ---- pauses, replies, warnings ---- */

static void read_pause(Compilation *c, const Reading *r, const Node *n, Policy *policy) {
    const Node *pause = node_member(n, "pause");
    if (!pause || pause->kind == NODE_NOTHING || !shape_map(r, pause)) return;
    for (const Node *m = pause->first; m; m = m->next) {
        ClockMetric metric;
        const Str *states = NULL;
        size_t states_n = 0;
        if (metric_parse(m->key, &metric) < 0 || metric >= METRIC_STAGE_NEW) {
            complain(r, m->key_line, "unknown metric `%.*s`", STR_ARG(m->key));
            continue;
        }
        policy->pauses[metric] = 0;
        if (!shape_texts(r, m, NAME_BYTES_MAX, TICKET_STATUSES, c->work, &states, &states_n))
            continue;
        for (size_t i = 0; i < states_n; i++) {
            TicketStatus s;
            if (ticket_status_parse(states[i], &s) < 0 || !ticket_status_is_open(s))
                complain(r, m->line,
                         "`%.*s` stops no clock; possible are new, assigned, in_progress, pending "
                         "and on_hold",
                         STR_ARG(states[i]));
            else
                policy->pauses[metric] |= (uint16_t)(1U << s);
        }
    }
}

static void read_replies(Compilation *c, const Reading *r, const Node *n, Policy *policy) {
    const Node *list = node_member(n, "replies_by");
    const Str *names = NULL;
    size_t names_n = 0;
    Str reopen = {NULL, 0};
    if (shape_texts(r, list, NAME_BYTES_MAX, 2, c->work, &names, &names_n))
        for (size_t i = 0; i < names_n; i++) {
            if (str_is(names[i], "bot"))
                policy->bots_reply = true;
            else if (!str_is(names[i], "agent"))
                complain(r, list->line, "`replies_by: %.*s`: possible are agent and bot",
                         STR_ARG(names[i]));
        }
    shape_switch(r, n, "private_replies", &policy->private_replies);
    if (!shape_text(r, n, "reopen", NAME_BYTES_MAX, &reopen) || !reopen.n) return;
    policy->restart = str_is(reopen, "restart");
    if (!policy->restart && !str_is(reopen, "resume"))
        complain(r, node_member(n, "reopen")->line, "`reopen: %.*s`: must be resume or restart",
                 STR_ARG(reopen));
}

static void read_warnings(Compilation *c, const Reading *r, const Node *n, Policy *policy) {
    const Node *list = node_member(n, "warn");
    const Str *texts = NULL;
    size_t texts_n = 0;
    if (!shape_texts(r, list, 16, SHARES_MAX, c->work, &texts, &texts_n)) return;
    for (size_t i = 0; i < texts_n; i++) {
        Warning *w = &policy->warnings[policy->warnings_n];
        Str t = texts[i];
        int64_t percent;
        if (t.p[t.n - 1] == '%') t.n--;
        if (str_to_i64(t, &percent) == 0) {
            if (percent < 1 || percent > 99) {
                complain(r, list->line, "`warn: %.*s`: a share is 1 to 99 percent",
                         STR_ARG(texts[i]));
                continue;
            }
            *w = (Warning){.percent = (uint8_t)percent};
        } else {
            Node one = {.kind = NODE_TEXT,
                        .line = list->line,
                        .text = t,
                        .key = STR("warn"),
                        .key_line = list->line};
            Node map = {.kind = NODE_MAP, .line = list->line, .first = &one, .n = 1};
            *w = (Warning){0};
            if (!shape_duration(r, &map, "warn", &w->left_ms)) continue;
            if (!w->left_ms) {
                complain(r, list->line, "`warn: %.*s`: with no time left it is no warning",
                         STR_ARG(texts[i]));
                continue;
            }
        }
        policy->warnings_n++;
    }
}

/* ---- escalation ---- */

static void read_notify(Compilation *c, const Reading *r, const Node *n, EscalationStep *step) {
    const Node *list = node_member(n, "notify");
    const Str *names = NULL;
    size_t names_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, 3, c->work, &names, &names_n)) return;
    for (size_t i = 0; i < names_n; i++) {
        if (str_is(names[i], "lead")) {
            step->notify_lead = true;
        } else if (str_is(names[i], "manager")) {
            step->notify_manager = true;
        } else {
            uint32_t at = shape_reference(r, list->line, "person", names[i], c->c->agent_names);
            if (at != INTERN_NONE) step->notify_agent = c->c->agents[at].id;
        }
    }
}

static void read_step(Compilation *c, const Reading *r, const Node *n, EscalationStep *step) {
    Str group = {NULL, 0}, priority = {NULL, 0};
    int64_t times = 1;
    if (!shape_map(r, n)) return;
    SHAPE_KEYS(r, n, KEY("after"), KEY("notify"), KEY("priority"), KEY("group"), KEY("reassign"),
               KEY("every"), KEY("times"));
    (void)shape_duration(r, n, "after", &step->after_ms);
    (void)shape_duration(r, n, "every", &step->every_ms);
    (void)shape_int(r, n, "times", 1, ESCALATION_TIMES_MAX, &times);
    (void)shape_switch(r, n, "reassign", &step->reassign);
    read_notify(c, r, n, step);
    step->times = (int32_t)times;
    if (shape_text(r, n, "priority", NAME_BYTES_MAX, &priority) && priority.n) {
        step->raise_priority = str_is(priority, "raise");
        if (!step->raise_priority)
            complain(r, n->line, "`priority: %.*s`: only `raise` is possible", STR_ARG(priority));
    }
    if (shape_text(r, n, "group", NAME_BYTES_MAX, &group) && group.n) {
        uint32_t at = shape_reference(r, n->line, "group", group, c->c->group_names);
        if (at != INTERN_NONE) step->group_id = c->c->groups[at].id;
    }
    if (times > 1 && step->every_ms < 60000)
        complain(r, n->line, "it is repeated; say `every`, at least 1m");
    if (!step->notify_lead && !step->notify_manager && !step->notify_agent &&
        !step->raise_priority && !step->group_id && !step->reassign && !group.n && !priority.n)
        complain(r, n->line,
                 "a step that does nothing; give it notify, priority, group or reassign");
}

static void read_escalation(Compilation *c, const Reading *r, const Node *n, Policy *policy) {
    const Node *list = node_member(n, "escalate");
    if (!list || list->kind == NODE_NOTHING || !shape_list(r, list)) return;
    if (list->n > ESCALATION_MAX) {
        complain(r, list->line, "%zu steps; at most %d", list->n, ESCALATION_MAX);
        return;
    }
    EscalationStep *steps = arena_zalloc(c->c->arena, list->n * sizeof(*steps) + 1);
    for (const Node *m = list->first; m; m = m->next)
        read_step(c, r, m, &steps[policy->steps_n++]);
    policy->steps = steps;
}

/* ---- the section ---- */

typedef struct PolicyPlace {
    Filter filter;
    long line;
    bool sound;
} PolicyPlace;

static void read_policy(Compilation *c, Str file, const Node *n, Intern *names,
                        PolicyPlace *place) {
    Reading r = {c->problems, file, "policy", {NULL, 0}};
    Policy policy = {.steps_n = 0};
    Terms metrics_own = terms_default();
    size_t mistakes = c->problems->n;
    Str title = {NULL, 0};
    if (!take_name(c, &r, n, names, &policy.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("when"), KEY("targets"), KEY("pause"),
               KEY("reopen"), KEY("replies_by"), KEY("private_replies"), KEY("warn"),
               KEY("escalate"));
    policy.title = policy.name;
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n)
        policy.title = keep(c, title);
    memcpy(policy.pauses, metrics_own.pauses, sizeof(policy.pauses));
    bool sound = read_when(c, &r, node_member(n, "when"), &place->filter);
    read_targets(c, &r, n, &policy);
    read_pause(c, &r, n, &policy);
    read_replies(c, &r, n, &policy);
    read_warnings(c, &r, n, &policy);
    read_escalation(c, &r, n, &policy);
    place->line = n->line;
    place->sound = sound && c->problems->n == mistakes;
    c->c->policies[c->c->policies_n++] = policy;
}

static void refuse_unreachable_policies(Compilation *c, Str file, const PolicyPlace *places) {
    bool *among = arena_zalloc(c->work, c->c->policies_n + 1);
    for (size_t i = 0; i < c->c->policies_n; i++) {
        Reading r = {c->problems, file, "policy", c->c->policies[i].name};
        long earlier = places[i].sound ? matcher_covered_by(c->c->policy_matcher, i, among) : -1;
        if (earlier >= 0)
            complain(
                &r, places[i].line,
                "it can never match: `%.*s` (line %ld) takes everything that it would; move it "
                "up, or remove it",
                STR_ARG(c->c->policies[earlier].name), places[earlier].line);
        else if (places[i].sound && matcher_contradicts_itself(c->c->policy_matcher, i))
            complain(&r, places[i].line,
                     "it can never match: `all` demands a condition and its opposite");
        among[i] = places[i].sound;
    }
}

void read_policies(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "policies", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > POLICIES_MAX) {
        complain(&r, s.node->line, "%zu policies; at most %d", s.node->n, POLICIES_MAX);
        return;
    }
    CLEANUP(intern_freep) Intern *names = intern_new(false);
    CLEANUP(buf_done) Buf why = {0};
    c->c->policies = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->policies) + 1);
    PolicyPlace *places = arena_zalloc(c->work, s.node->n * sizeof(*places) + 1);
    Filter *filters = arena_zalloc(c->work, s.node->n * sizeof(*filters) + 1);
    size_t keywords = c->keywords;
    c->of_tickets = true;
    for (const Node *n = s.node->first; n; n = n->next) {
        size_t at = c->c->policies_n;
        read_policy(c, s.file, n, names, &places[at]);
        if (c->c->policies_n > at && places[at].sound) filters[at] = places[at].filter;
    }
    c->of_tickets = false;
    c->keywords = keywords;
    c->c->policy_matcher = matcher_new(filters, c->c->policies_n, KEYWORDS_FASTEST, &why);
    if (!c->c->policy_matcher) {
        complain(&r, s.node->line, "%s", why.p);
        return;
    }
    refuse_unreachable_policies(c, s.file, places);
    for (int f = 0; f < FACT_FIELDS; f++)
        if (f != FACT_CUSTOM && matcher_uses(c->c->policy_matcher, (FactField)f))
            c->c->policy_asks |= UINT32_C(1) << f;
    if (c->c->policy_asks & UINT32_C(1) << FACT_TEXT)
        c->c->policy_asks |= UINT32_C(1) << FACT_SUBJECT | UINT32_C(1) << FACT_DESCRIPTION;
    const Str *custom;
    if (matcher_custom(c->c->policy_matcher, &custom))
        c->c->policy_asks |= UINT32_C(1) << FACT_CUSTOM;
}

/* ---- asked later ---- */

size_t catalog_policies(const Catalog *c, const Policy **ret) {
    *ret = c->policies;
    return c->policies_n;
}

const Policy *catalog_policy_for(const Catalog *c, const Facts *facts) {
    if (c->policies_n == 0) return NULL;
    matcher_look(c->policy_matcher, facts);
    size_t at = matcher_next(c->policy_matcher, 0);
    return at < c->policies_n ? &c->policies[at] : NULL;
}

size_t catalog_policy_custom(const Catalog *c, const Str **ret) {
    if (c->policies_n == 0) return 0;
    return matcher_custom(c->policy_matcher, ret);
}

uint32_t catalog_policy_asks(const Catalog *c) {
    return c->policy_asks;
}

const Str *catalog_policy_custom_values(const Catalog *c, Str custom_fields, Arena *arena) {
    const Str *names = NULL;
    size_t n = catalog_policy_custom(c, &names);
    return custom_values(names, n, custom_fields, arena);
}

Terms policy_terms(const Policy *policy, TicketPriority priority) {
    Terms t = terms_default();
    if (!policy) return t;
    memcpy(t.pauses, policy->pauses, sizeof(t.pauses));
    for (int m = 0; m < METRICS; m++) {
        t.target_ms[m] = policy->targets[m][priority].within_ms;
        t.hours[m] = policy->targets[m][priority].hours;
    }
    t.restart = policy->restart;
    t.bots_reply = policy->bots_reply;
    t.private_replies = policy->private_replies;
    memcpy(t.warnings, policy->warnings, sizeof(t.warnings));
    t.warnings_n = (uint8_t)policy->warnings_n;
    return t;
}
