#include "docket/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum { FIRST = 256 }; /* beyond every letter */

int options_misused(const char *me, const char *problem, const char *value) {
    (void)fprintf(stderr, "%s: %s%s%s\nSee %s --help\n", me, problem, value ? ": " : "",
                  value ? value : "", me);
    return 2;
}

static int take_number(const Option *o, const char *text) {
    int64_t n;
    if (str_to_i64(str(text), &n) < 0) return -EINVAL;
    if (o->kind == OPTION_SEED ? n < 0 : (double)n < o->low || (double)n > o->high) return -EINVAL;
    *(int64_t *)o->to = n;
    return 0;
}

static int take_fraction(const Option *o, const char *text) {
    char *end;
    double d = strtod(text, &end);
    if (end == text || *end || !(d >= o->low && d <= o->high)) return -EINVAL;
    *(double *)o->to = d;
    return 0;
}

static int take(const Option *o, const char *text) {
    switch (o->kind) {
    case OPTION_TEXT:
        *(const char **)o->to = text;
        return 0;
    case OPTION_FLAG:
        *(bool *)o->to = true;
        return 0;
    case OPTION_NUMBER:
    case OPTION_SEED:
        return take_number(o, text);
    case OPTION_FRACTION:
        return take_fraction(o, text);
    }
    return -EINVAL;
}

int options_read(const char *me, int argc, char **argv, const Option *options, size_t n) {
    struct option names[OPTIONS_MAX + 1] = {{0}};
    assert(n <= OPTIONS_MAX);
    for (size_t i = 0; i < n; i++)
        names[i] =
            (struct option){options[i].name, options[i].kind != OPTION_FLAG, NULL, FIRST + (int)i};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c < FIRST) return 2; /* getopt has said why */
        if (take(&options[c - FIRST], optarg) < 0)
            return options_misused(me, "not a sensible value", optarg);
    }
    return 0;
}
