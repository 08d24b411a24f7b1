/* What the files of this room share: the catalog's inside, and the state of one compilation. */
#pragma once

#include "conditions/intern.h"
#include "conditions/keywords.h"
#include "conditions/matcher.h"
#include "documents/catalog.h"
#include "documents/forms.h"
#include "documents/node.h"
#include "documents/notifications.h"
#include "documents/problems.h"
#include "documents/promises.h"
#include "documents/roles.h"
#include "documents/shape.h"
#include "documents/views.h"

enum {
    NAME_BYTES_MAX = 128,
    TITLE_BYTES_MAX = 400,
    GROUPS_MAX = 1000,
    AGENTS_MAX = 10000,
    SKILLS_MAX = 256,
    KINDS_MAX = 200,
    RULES_MAX = 2000,
    VALUES_MAX = 1000,    /* of one condition */
    KEYWORDS_MAX = 50000, /* in all rules */
    CAPACITY_MAX = 1000,
    CAPACITY_DEFAULT = 10,
    TAGS_MAX = 20 /* that one rule adds */
};

typedef struct SkillSet {
    uint64_t word[SKILLS_MAX / 64];
} SkillSet;

static inline void skillset_add(SkillSet *s, uint32_t skill) {
    s->word[skill / 64] |= (uint64_t)1 << skill % 64;
}
static inline bool skillset_has(const SkillSet *s, uint32_t skill) {
    return s->word[skill / 64] >> skill % 64 & 1;
}
static inline bool skillset_within(const SkillSet *s, const SkillSet *larger) {
    for (size_t i = 0; i < sizeof(s->word) / sizeof(*s->word); i++)
        if (s->word[i] & ~larger->word[i]) return false;
    return true;
}

typedef struct Rule {
    Str name;
    Str quoted; /* as a JSON string */
    Filter filter;
    Place place;
    /* What it sets; absent, 0 or -1: nothing. */
    Str kind, category;
    int priority;
    uint32_t group; /* index, or INTERN_NONE */
    const uint32_t *skills;
    size_t skills_n;
    const Str *tags;
    size_t tags_n;
    bool overrides; /* replaces what the submission or an earlier rule has set */
    bool stops;
} Rule;

typedef struct GroupInside {
    SkillSet *held; /* the different sets of skills of its agents */
    size_t held_n;
} GroupInside;

typedef struct AgentInside {
    const uint32_t *groups;
    SkillSet skills;
} AgentInside;

typedef struct FieldInside {
    void *pattern; /* regex_t of a regexp */
} FieldInside;

struct Catalog {
    int references;
    int64_t revision;
    Arena *arena;

    int64_t aging_ms, close_after_ms;
    int64_t presence_timeout_ms;
    int64_t agent_rate;
    Str time_zone;
    Str default_category;
    TicketPriority default_priority;
    Str default_kind;
    uint32_t default_group; /* index */

    Intern *skill_names, *group_names, *agent_names, *kind_names;
    Str *skills; /* by number, in order of the document */
    Group *groups;
    GroupInside *groups_inside;
    size_t groups_n;
    Agent *agents;
    AgentInside *agents_inside;
    size_t agents_n;
    uint32_t *groups_by_id, *agents_by_id; /* indexes, sorted by id */

    CatalogName *names; /* everything that has a number, in order of the documents */
    size_t names_n, names_room;

    Intern *field_names;
    Field *fields;
    FieldInside *fields_inside;
    size_t fields_n;
    Form *forms;
    size_t forms_n;
    Standard *standards;
    size_t standards_n;
    Keywords *words; /* of all standards' replies; NULL: none */
    size_t words_n;

    Role *roles;
    size_t roles_n;

    View *views;
    size_t views_n;

    Intern *calendar_names;
    NamedCalendar *calendars; /* owned, outside the arena */
    size_t calendars_n;
    Policy *policies;
    size_t policies_n;
    Matcher *policy_matcher; /* one filter a policy */
    uint32_t policy_asks;    /* bits 1 << FactField */
    uint64_t promises_mark;

    Intern *system_names, *template_names;
    OutsideSystem *systems;
    size_t systems_n;
    MessageTemplate *templates;
    size_t templates_n;
    Template **compiled; /* of all wordings; outside the arena */
    size_t compiled_n, compiled_room;
    Notification *notifications;
    size_t notifications_n;
    Matcher *notification_matcher; /* one filter a notification */

    Rule *rules;
    size_t rules_n;
    Matcher *matcher; /* one filter a rule */
    Str unmatched;    /* the reason when no rule holds */
    Str reason_tail;  /* ,"revision":12} */
};

/* One compilation. */
typedef struct Compilation {
    Catalog *c;
    Arena *work;
    Problems *problems;
    NameLookup lookup;
    void *lookup_arg;
    size_t keywords;
    bool of_tickets; /* conditions are about stored tickets: more fields, and words for them */
} Compilation;

/* One section and the file it stands in. */
typedef struct Section {
    const Node *node; /* NULL: absent everywhere */
    Str file;
} Section;

Str keep(Compilation *c, Str s); /* in the catalog's arena */
/* The `name` of a list's member, once; adds it to `known`. From then on `r` names it. */
bool take_name(Compilation *c, Reading *r, const Node *n, Intern *known, Str *ret);
/* Its number in config.names; `kind` is static, `name` kept. `docket apply` gives one to whatever
 * asks here. */
int64_t number_of(Compilation *c, const Reading *r, long line, const char *kind, Str name);

/* Each reads its section into the catalog and notes what is wrong. In this order. */
void read_settings(Compilation *c, Section s);
void read_skills(Compilation *c, Section s);
void read_kinds(Compilation *c, Section s);
void read_groups(Compilation *c, Section s);
void read_agents(Compilation *c, Section s);
void read_rules(Compilation *c, Section s);
void read_fields(Compilation *c, Section s);
void read_forms(Compilation *c, Section s);
void read_standards(Compilation *c, Section s);
void read_roles(Compilation *c, Section s);
void read_views(Compilation *c, Section s);
void read_calendars(Compilation *c, Section s);
void read_policies(Compilation *c, Section s);
void read_systems(Compilation *c, Section s);
void read_templates(Compilation *c, Section s);
void read_notifications(Compilation *c, Section s);
/* What a condition about a stored ticket's state, group or assignee names, as the ticket has it:
 * groups and agents become their numbers. False, having complained. */
bool ticket_values(Compilation *c, const Reading *r, const Node *n, Condition *k);
/* `when: {all: ..., any: ...}`; NULL: always. Its values live as long as the compilation. */
bool read_when(Compilation *c, const Reading *r, const Node *when, Filter *ret);
/* Of custom fields in a JSON object; in the arena, NULL when no name is asked or it is none. */
const Str *custom_values(const Str *names, size_t n, Str custom_fields, Arena *arena);
void settle_settings(Compilation *c, Section s); /* what of them refers to groups and kinds */
void settle_groups(Compilation *c);              /* agents' skills by group */

/* Members `fields`, `kinds` and lists of states that several sections have. In the catalog's arena.
 */
const Field **read_field_list(Compilation *c, const Reading *r, const Node *n, size_t *ret_n);
const Str *read_kind_list(Compilation *c, const Reading *r, const Node *n, size_t *ret_n);
unsigned read_states(Compilation *c, const Reading *r, const Node *map, const char *key);
void fields_done(Catalog *c); /* what is not in its arena */
void calendars_done(Catalog *c);
void templates_done(Catalog *c);
typedef struct WordsUse { /* what one notification wants of a template */
    const MessageTemplate *words;
    uint32_t events, ways; /* bits 1 << NotifyEvent, 1 << NotifyWay */
    bool digest;
} WordsUse;
void check_words(Compilation *c, const Reading *r, long line, const WordsUse *use);

/* -1: no such number. */
long catalog_agent_index(const Catalog *c, int64_t id);
long catalog_group_index(const Catalog *c, int64_t id);
