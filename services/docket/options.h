/* Options -- a command's long options as a table, and what is wrong with how it was called. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum OptionKind {
    OPTION_TEXT,     /* const char * */
    OPTION_FLAG,     /* bool; takes no value */
    OPTION_NUMBER,   /* int64_t, from low to high */
    OPTION_FRACTION, /* double, likewise */
    OPTION_SEED      /* int64_t, not below 0 */
} OptionKind;

typedef struct Option {
    const char *name; /* without its dashes */
    OptionKind kind;
    void *to; /* filled when it is given, else left as it is */
    double low, high;
} Option;

enum { OPTIONS_MAX = 32 };

/* 0: all read, what follows them begins at argv[optind]. 2: said on stderr what is wrong. */
int options_read(const char *me, int argc, char **argv, const Option *options, size_t n);
/* "docket surge: PROBLEM: VALUE" (NULL: no value) and where help is; 2. */
int options_misused(const char *me, const char *problem, const char *value);
