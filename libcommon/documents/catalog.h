/* Catalog -- a tenant's documents, checked and compiled: groups, agents, rules. Pure; immutable to
 * its callers, but classifying uses working memory inside, so a catalog belongs to one thread.
 * Counted references.
 *
 * A document is one top-level section of a YAML file (JSON is YAML too):
 *
 *   settings: {default_group: 售后, default_category: 其他, default_priority: normal,
 *              default_kind: 咨询, aging: 30m,
 *              close_after: 3d,             # a solved ticket that nobody touches is closed
 *              presence_timeout: 5m,        # silent for so long: off duty
 *              time_zone: Asia/Shanghai,    # by which reports cut days
 *              agent_rate: 60}              # what an agent's hour costs, in whole units of money
 *   skills: [英语, 清关]                      # what rules may require and agents may have
 *   kinds: [咨询, 投诉, 售后]                 # if given, no other kind may be named
 *   groups:
 *     - {name: 跨境, title: 跨境服务, fallback: 售后, fallback_after: 10m}
 *   agents:
 *     - {name: lin.yue, title: 林悦, groups: [跨境], skills: [清关], capacity: 12, duty: on}
 *   rules:
 *     - name: 跨境清关
 *       when:                                # absent: every ticket
 *         all:                               # every one of these ...
 *           - region: [us, eu]               # a value: is; a list: one of
 *           - order: {starts_with: CB}       # or an operator: conditions/condition.h
 *         any:                               # ... and at least one of these
 *           - text: {contains: [清关, customs]}
 *           - custom.duty_unpaid: {present: true}
 *       set: {group: 跨境, category: 跨境/清关, kind: 售后, priority: high, skills: [清关],
 *             tags: [清关]}
 *       stop: on                             # later rules are not looked at
 *       override: off                        # on: replaces what stands already
 *
 * Rules are looked at in their order, against the submission as it came (never against what an
 * earlier rule set). The first that holds sets kind, category, priority and group; what the
 * submission itself names stands before all rules; a rule with `override` replaces both. Tags of
 * all rules that hold are added to the submission's. Skills named together with a group are
 * required when that group is taken; skills without a group are added wherever the ticket goes,
 * except those that would leave nobody in the group who has them all. Without `default_group` the
 * first group is the default. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "events/ledger.h"
#include "events/submission.h"

typedef struct Catalog Catalog;

typedef struct DocumentSource { /* one stored section, or one file with several */
    Str text;
    Str name;        /* file name, for messages */
    long first_line; /* of `text` in that file, from 1 */
} DocumentSource;

/* Numbers by name (config.names) of whatever has one: groups, agents, fields, forms ... -1:
 * unknown, the document may not be used until it has one. */
typedef int64_t (*NameLookup)(void *arg, const char *kind /* "group" "agent" "field" ... */,
                              Str name);

/* The catalog with one reference, or NULL with one problem a line in *ret_problems:
 * "shop.yaml:41: rule `贵重物品`: unknown group `物硫`; did you mean `物流`?" */
Catalog *catalog_compile(const DocumentSource *sources, size_t n, int64_t revision,
                         NameLookup lookup, void *arg, Buf *ret_problems);
Catalog *catalog_ref(const Catalog *c);
Catalog *catalog_unref(const Catalog *c); /* accepts NULL, returns NULL */

int64_t catalog_revision(const Catalog *c);

typedef struct CatalogName {
    const char *kind; /* "group" */
    Str name;
} CatalogName;
/* Everything in these documents that has a number, in their order. */
size_t catalog_names(const Catalog *c, const CatalogName **ret);

typedef struct Group {
    Str name, title;
    int64_t id;
    int64_t fallback_id;       /* 0: none */
    int64_t fallback_after_ms; /* with nobody on duty */
} Group;

typedef struct Agent {
    Str name, title;
    int64_t id;
    int32_t capacity;     /* to begin with; ticket.agents holds the present one */
    int32_t capacity_max; /* as far as it may be set at the desk; by default `capacity` */
    bool on_duty;         /* likewise */
    const int64_t *groups;
    size_t groups_n;
    const Str *skills; /* sorted */
    size_t skills_n;
} Agent;

typedef struct AgentDuty { /* a row of ticket.agents */
    int64_t agent_id;
    bool on_duty;
    int32_t capacity;
} AgentDuty;

size_t catalog_groups(const Catalog *c, const Group **ret);
size_t catalog_agents(const Catalog *c, const Agent **ret);
const Group *catalog_group(const Catalog *c, int64_t id); /* NULL: unknown */
const Agent *catalog_agent(const Catalog *c, int64_t id);
/* Documents that name no kinds know every kind. */
bool catalog_has_kind(const Catalog *c, Str kind);
int64_t catalog_aging_ms(
    const Catalog *c); /* waiting this long is worth one priority class (correctness.md 22) */
int64_t catalog_close_after_ms(const Catalog *c); /* solved and untouched for so long is closed */

Str catalog_time_zone(const Catalog *c); /* absent: the documents name none */
enum { AGENT_RATE_MAX = 1000000 };
int64_t catalog_agent_rate(const Catalog *c); /* an hour; 0: not said */

/* Who was put on duty at the desk and is not heard of for so long is taken off it. */
int64_t catalog_presence_timeout_ms(const Catalog *c);

/* Runs the rules over a submission. Always gives a group (the document's default group), a category
 * and a priority; fills skills and tags; the reason is a JSON object such as
 * {"rules":["跨境清关"],"matched":"关键词 清关","revision":12}. Everything lives in the arena or
 * the catalog. About 1 µs with 200 rules: keywords of all rules are one Hyperscan database. */
void catalog_classify(const Catalog *c, const Submission *s, Arena *arena, TicketFacts *ret);
