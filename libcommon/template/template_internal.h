/* What the files of this room share: a compiled template, and the places of its variables. */
#pragma once

#include "base/arena.h"
#include "template/template.h"

typedef enum Place {
    PLACE_TEXT,
    PLACE_HTML,      /* between tags */
    PLACE_ATTRIBUTE, /* a quoted one */
    PLACE_ADDRESS,   /* in a quoted address, behind its host */
    PLACE_STRING,    /* of JSON */
    PLACE_BARE,      /* a JSON number or flag */
    PLACE_MARKDOWN,
    PLACE_HEADER
} Place;

typedef enum PartKind { PART_WORDS, PART_VALUE, PART_SECTION } PartKind;

typedef enum LoopWord { LOOP_NONE, LOOP_FIRST, LOOP_LAST } LoopWord;

enum { PATH_MAX_NAMES = 4 };

typedef struct Part {
    PartKind kind;
    Str words; /* PART_WORDS */
    /* The others: the value is looked up by its path from the things at a level (0: the root, i: of
     * the i-th section around it). Without a path it is the thing itself. */
    int level;
    Str path[PATH_MAX_NAMES];
    size_t path_n;
    LoopWord word; /* of the nearest loop, at `level` */
    TemplateKind is;
    Place place;
    bool inverted; /* PART_SECTION */
    size_t end;    /* PART_SECTION: the part behind it */
} Part;

struct Template {
    Arena *arena;
    TemplateEscape escape;
    Part *parts;
    size_t parts_n;
    uint64_t uses, needs;
};

/* Where in the output's language one is; equal ones are interchangeable. */
typedef struct Scan {
    TemplateEscape escape;
    int state; /* of the language's own, 0 to begin with */
    int attribute;
    int slashes; /* of an address: 3 is behind the host */
    bool backslash;
    char name[16]; /* of a tag or attribute, in lower case; longer ones are cut */
    size_t name_n;
} Scan;

/* Goes on over words of the template. NULL, or what is wrong with them. */
const char *scan_words(Scan *s, Str words);
/* A variable here: 0 and its place, or -EINVAL with what is wrong. */
int scan_value(Scan *s, TemplateKind is, Place *ret, const char **ret_wrong);
bool scan_same(const Scan *a, const Scan *b);
bool scan_at_rest(const Scan *s); /* a template may end here */

/* Appends at most `cut` bytes of `value`, escaped; true when that was not the whole. */
bool escape_value(Place place, TemplateKind is, Str value, size_t cut, Buf *ret);
