/* The rules, run over one submission: no I/O, no allocation but the arena's. */
#include <assert.h>
#include <stdio.h>

#include "documents/catalog_internal.h"
#include "json/json.h"

enum {
    REASON_RULES_MAX = 16, /* named in a reason; more are rare and change little */
    REASON_WORDS_MAX = 1200
};

typedef struct Decision {
    const Catalog *c;
    const Submission *s;
    Str kind, category;
    int priority;          /* -1: not yet */
    uint32_t group;        /* INTERN_NONE: not yet */
    SkillSet group_skills; /* go with the group: another group, other skills */
    SkillSet skills;       /* wanted whatever the group */
    bool any_skills;
    const Rule *rules[REASON_RULES_MAX];
    size_t rules_n;
    size_t tags_n; /* that the rules may add, at most */
    char words[REASON_WORDS_MAX];
    size_t words_n;
} Decision;

/* ---- What the rules look at ---- */

static Str custom_value(const cJSON *fields, Str name, Arena *arena) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(fields, name.p);
    if (!value || cJSON_IsNull(value)) return (Str){NULL, 0};
    if (cJSON_IsString(value)) return arena_str(arena, str(value->valuestring));
    CLEANUP(buf_done) Buf text = {0}; /* numbers and truths as written; lists as JSON */
    json_write(&text, value);
    return arena_str(arena, buf_str(&text));
}

const Str *custom_values(const Str *names, size_t n, Str custom_fields, Arena *arena) {
    cJSON *fields = NULL;
    if (!n || !custom_fields.n) return NULL;
    if (json_parse(custom_fields, NULL, &fields, NULL) < 0) return NULL; /* as if there were none */
    Str *values = arena_alloc(arena, n * sizeof(*values));
    for (size_t i = 0; i < n; i++)
        values[i] = custom_value(fields, names[i], arena);
    cJSON_Delete(fields);
    return values;
}

static void read_facts(const Catalog *c, const Submission *s, Arena *arena, Facts *ret) {
    *ret = (Facts){.at = {[FACT_CHANNEL] = s->channel,
                          [FACT_KIND] = s->kind,
                          [FACT_TIER] = s->tier,
                          [FACT_REGION] = s->region,
                          [FACT_PRIORITY] = s->priority,
                          [FACT_LANGUAGE] = s->language,
                          [FACT_ORDER] = s->order,
                          [FACT_PRODUCT] = s->product,
                          [FACT_BATCH] = s->batch,
                          [FACT_DEVICE] = s->device,
                          [FACT_EXTERNAL_ID] = s->external_id,
                          [FACT_SUBJECT] = s->subject,
                          [FACT_DESCRIPTION] = s->description},
                   .tags = s->tags,
                   .tags_n = s->tags_n};
    if (matcher_uses(c->matcher, FACT_SOURCE))
        ret->at[FACT_SOURCE] = str(arena_printf(arena, "%lld", (long long)s->source_id));
    const Str *names;
    size_t n = matcher_custom(c->matcher, &names);
    ret->custom = custom_values(names, n, s->custom_fields, arena);
}

/* ---- What they decide ---- */

static void take_group(Decision *d, const Rule *rule) {
    if (rule->group == INTERN_NONE) return;
    if (d->group == rule->group) return; /* its skills are added by the caller */
    if (d->group != INTERN_NONE && !rule->overrides) return;
    d->group = rule->group;
    d->group_skills = (SkillSet){0};
}

static void take_skills(Decision *d, const Rule *rule) {
    if (!rule->skills_n) return;
    bool with_group = rule->group != INTERN_NONE;
    if (with_group && rule->group != d->group) return;
    SkillSet *to = with_group ? &d->group_skills : &d->skills;
    for (size_t i = 0; i < rule->skills_n; i++)
        skillset_add(to, rule->skills[i]);
    d->any_skills = true;
}

static void remember(Decision *d, size_t number, const Rule *rule) {
    static const Str semicolon = {"；", sizeof("；") - 1};
    if (d->rules_n == REASON_RULES_MAX) return;
    d->rules[d->rules_n++] = rule;
    size_t n = d->words_n;
    if (n + semicolon.n > sizeof(d->words)) return;
    if (n) {
        memcpy(d->words + n, semicolon.p, semicolon.n);
        n += semicolon.n;
    }
    size_t more = matcher_explain(d->c->matcher, number, d->words + n, sizeof(d->words) - n);
    if (more) d->words_n = n + more;
}

static void apply_rule(Decision *d, size_t number) {
    const Rule *rule = &d->c->rules[number];
    if (rule->kind.n && (!d->kind.n || rule->overrides)) d->kind = rule->kind;
    if (rule->category.n && (!d->category.n || rule->overrides)) d->category = rule->category;
    if (rule->priority >= 0 && (d->priority < 0 || rule->overrides)) d->priority = rule->priority;
    take_group(d, rule);
    take_skills(d, rule);
    remember(d, number, rule);
}

static bool somebody_has(const GroupInside *g, const SkillSet *skills) {
    for (size_t i = 0; i < g->held_n; i++)
        if (skillset_within(skills, &g->held[i])) return true;
    return false;
}

/* The group's own skills, and of the others those that leave somebody there who has them all: a
 * ticket that nobody may take would wait for ever. *ret_waived: the rest. */
static SkillSet required_skills(const Decision *d, SkillSet *ret_waived) {
    SkillSet required = d->group_skills;
    if (d->group == INTERN_NONE) return required;
    const GroupInside *g = &d->c->groups_inside[d->group];
    for (uint32_t skill = 0; skill < intern_count(d->c->skill_names); skill++) {
        if (!skillset_has(&d->skills, skill)) continue;
        SkillSet with = required;
        skillset_add(&with, skill);
        if (somebody_has(g, &with))
            required = with;
        else
            skillset_add(ret_waived, skill);
    }
    return required;
}

static void write_skills(const Decision *d, const SkillSet *set, Arena *arena, TicketFacts *ret) {
    size_t n = 0;
    for (size_t i = 0; i < sizeof(set->word) / sizeof(*set->word); i++)
        n += (size_t)__builtin_popcountll(set->word[i]);
    if (!n) return;
    Str *skills = arena_alloc(arena, n * sizeof(*skills));
    for (uint32_t skill = 0; skill < SKILLS_MAX && ret->skills_n < n; skill++)
        if (skillset_has(set, skill)) skills[ret->skills_n++] = d->c->skills[skill];
    ret->skills = skills;
}

static void write_tags(const Decision *d, Arena *arena, TicketFacts *ret) {
    ret->tags = d->s->tags;
    ret->tags_n = d->s->tags_n;
    if (!d->tags_n) return;
    Str *tags = arena_alloc(arena, (d->s->tags_n + d->tags_n) * sizeof(*tags));
    size_t n = d->s->tags_n;
    if (n) memcpy(tags, d->s->tags, n * sizeof(*tags));
    for (size_t i = 0; (i = matcher_next(d->c->matcher, i)) < d->c->rules_n; i++) {
        const Rule *rule = &d->c->rules[i];
        for (size_t t = 0; t < rule->tags_n; t++) {
            size_t known = 0;
            while (known < n && !str_eq(tags[known], rule->tags[t]))
                known++;
            if (known == n) tags[n++] = rule->tags[t];
        }
        if (rule->stops) break;
    }
    ret->tags = tags;
    ret->tags_n = n;
}

static char *put(char *at, Str s) {
    memcpy(at, s.p, s.n);
    return at + s.n;
}

/* {"rules":["跨境清关"],"matched":"关键词 清关","revision":12} */
static Str write_reason(const Decision *d, const SkillSet *waived, Arena *arena) {
    const Catalog *c = d->c;
    Str words = d->words_n ? (Str){d->words, d->words_n} : c->unmatched;
    size_t room = sizeof("{\"rules\":[],\"matched\":\"") + words.n + c->reason_tail.n +
                  sizeof("；组内无人具备 ");
    for (size_t i = 0; i < d->rules_n; i++)
        room += d->rules[i]->quoted.n + 1;
    for (uint32_t skill = 0; skill < intern_count(c->skill_names); skill++)
        if (skillset_has(waived, skill)) room += c->skills[skill].n + 1;
    char *text = arena_alloc(arena, room), *at = put(text, STR("{\"rules\":["));
    for (size_t i = 0; i < d->rules_n; i++) {
        if (i) *at++ = ',';
        at = put(at, d->rules[i]->quoted);
    }
    at = put(at, STR("],\"matched\":\""));
    at = put(at, words);
    bool first = true;
    for (uint32_t skill = 0; d->any_skills && skill < intern_count(c->skill_names); skill++) {
        if (!skillset_has(waived, skill)) continue;
        at = put(at, first ? STR("；组内无人具备 ") : STR("/"));
        at = put(at, c->skills[skill]);
        first = false;
    }
    at = put(at, c->reason_tail);
    return (Str){text, (size_t)(at - text)};
}

void catalog_classify(const Catalog *c, const Submission *s, Arena *arena, TicketFacts *ret) {
    Decision d;
    d.c = c;
    d.s = s;
    d.kind = s->kind;
    d.category = (Str){NULL, 0};
    d.priority = -1;
    d.group = INTERN_NONE;
    d.group_skills = d.skills = (SkillSet){0};
    d.any_skills = false;
    d.rules_n = d.tags_n = d.words_n = 0; /* the arrays stay as they are: they are large */

    TicketPriority asked;
    if (s->priority.n && ticket_priority_parse(s->priority, &asked) == 0) d.priority = (int)asked;
    if (s->group_id > 0) {
        long named = catalog_group_index(c, s->group_id);
        if (named >= 0) d.group = (uint32_t)named;
    }

    Facts facts;
    read_facts(c, s, arena, &facts);
    matcher_look(c->matcher, &facts);
    for (size_t i = 0; (i = matcher_next(c->matcher, i)) < c->rules_n; i++) {
        apply_rule(&d, i);
        d.tags_n += c->rules[i].tags_n;
        if (c->rules[i].stops) break;
    }

    if (d.group == INTERN_NONE && c->groups_n) d.group = c->default_group;
    SkillSet waived = {0};
    SkillSet required = d.any_skills ? required_skills(&d, &waived) : (SkillSet){0};
    *ret = (TicketFacts){
        .kind = d.kind.n ? d.kind : c->default_kind,
        .category = d.category.n ? d.category : c->default_category,
        .priority = d.priority < 0 ? c->default_priority : (TicketPriority)d.priority,
        .group_id = d.group == INTERN_NONE ? 0 : c->groups[d.group].id,
    };
    if (d.any_skills) write_skills(&d, &required, arena, ret);
    write_tags(&d, arena, ret);
    ret->reason = write_reason(&d, &waived, arena);
}
