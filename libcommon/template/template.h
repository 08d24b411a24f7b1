/* Template -- logic-less templates (the safe part of Mustache), escaped for where their words go.
 * Pure.
 *
 *   {{ticket.subject}}                        a variable, escaped
 *   {{#comment}} ... {{author}} ... {{/comment}}   when it is there; its members need no prefix
 *   {{#tickets}} ... {{/tickets}}             once for each; {{.}} is an item that is a text
 *   {{^tickets}} ... {{/tickets}}             when there is none
 *   {{#-first}} {{^-last}}                    of the nearest loop
 *   {{! a remark }}
 *
 * A tag of a section or a remark that is alone on its line takes the line with it. There is no way
 * to write a value unescaped, to include another template, to call anything: {{{x}}}, {{&x}},
 * {{>x}} and {{=<% %>=}} are refused.
 *
 * Compiled once against the names it may use; names are resolved there, so a template that compiles
 * never meets an unknown one, and a value that is absent is empty. Loops run over given data only;
 * depth, steps, values and output are bounded, so rendering always ends, and soon.
 *
 * Escapes know the place of a variable: in HTML between tags (line breaks become <br>), in a quoted
 * attribute, behind the host of an address; in JSON inside a string, or bare for numbers and flags.
 * Where nothing makes a value safe (an unquoted attribute, style, on..., a tag's name, the start of
 * a link by what is no address, a script) the template is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

enum {
    TEMPLATE_BYTES_MAX = 64 << 10,   /* of a source */
    TEMPLATE_PARTS_MAX = 4096,       /* tags and the text between them */
    TEMPLATE_DEPTH_MAX = 8,          /* of sections in sections */
    TEMPLATE_NAME_MAX = 128,         /* bytes between the braces */
    TEMPLATE_NAMES_MAX = 64,         /* at the root of what is known */
    TEMPLATE_PROBLEMS_MAX = 20,      /* told of one template */
    TEMPLATE_STEPS_MAX = 100000,     /* parts looked at in one rendering */
    TEMPLATE_ITEMS_MAX = 1000,       /* of one loop that are shown */
    TEMPLATE_VALUE_MAX = 64 << 10,   /* bytes of one value that are shown */
    TEMPLATE_OUTPUT_MAX = 256 << 10, /* bytes */
};

typedef enum TemplateEscape {
    TEMPLATE_TEXT,     /* plain text: SMS, mail */
    TEMPLATE_HTML,     /* a part of a page or mail */
    TEMPLATE_JSON,     /* a JSON text */
    TEMPLATE_MARKDOWN, /* of DingTalk's, WeCom's and Feishu's robots. They know no escapes, so what
                          means something to them (* [ < @ # ...) becomes its full-width twin */
    TEMPLATE_HEADER,   /* one line: a mail's subject, a title */
    TEMPLATE_ESCAPES
} TemplateEscape;

typedef enum TemplateKind {
    TEMPLATE_IS_TEXT,
    TEMPLATE_IS_NUMBER, /* JSON: may stand outside of strings; what is none is null there */
    TEMPLATE_IS_FLAG,   /* likewise: true when there is a text */
    TEMPLATE_IS_URL,    /* http or https; what is none is empty */
    TEMPLATE_IS_MAP,
    TEMPLATE_IS_OPEN, /* a map to texts that may have any members */
    TEMPLATE_IS_LIST  /* of maps with `members`, or without any of texts */
} TemplateKind;

typedef struct TemplateName { /* what a template may use */
    Str name;
    TemplateKind kind;
    const struct TemplateName *members;
    size_t members_n;
} TemplateName;

typedef struct TemplateValue { /* what it is shown */
    Str name;                  /* of items of a list: unused */
    Str text;
    const struct TemplateValue *members; /* or the items of a list */
    size_t members_n;
} TemplateValue;

typedef struct Template Template;

/* `line` counts from 1; `what` names the problem and its remedy: "unknown variable `ticket.subjct`;
 * did you mean `ticket.subject`?" */
typedef void (*TemplateComplaint)(void *arg, long line, const char *what);

/* Copies what it needs of the source; `known` must outlive the template. NULL when it complained.
 */
Template *template_compile(Str source, TemplateEscape escape, const TemplateName *known,
                           size_t known_n, TemplateComplaint complain, void *arg);
Template *template_free(Template *t); /* accepts NULL, returns NULL */
DEFINE_FREEP(Template, template)

TemplateEscape template_escape(const Template *t);
/* Bits 1 << i for the names at the root that it uses; `needs`: those it uses without having asked
 * first whether they are there ({{#comment}}...{{/comment}}). */
uint64_t template_uses(const Template *t);
uint64_t template_needs(const Template *t);

typedef enum TemplateOutcome {
    TEMPLATE_WHOLE,
    TEMPLATE_SHORTENED, /* long values end in … and long lists early, so that it fits */
    TEMPLATE_TOO_LONG   /* its own words are longer than that: nothing was appended */
} TemplateOutcome;

/* Appends at most `bytes_max` (itself at most TEMPLATE_OUTPUT_MAX) bytes of valid UTF-8 without
 * control characters but \n and \t. */
TemplateOutcome template_render(const Template *t, const TemplateValue *values, size_t values_n,
                                size_t bytes_max, Buf *ret);
