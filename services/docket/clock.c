/* docket clock -- what the promises of a ticket say. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docket/clock_case.h"
#include "docket/command.h"

static const char me[] = "docket clock";

/* 0, 1 when one of them was no case (the others are answered all the same), 2 when FILE cannot be
 * read. */
static int judge_file(const char *file) {
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    char *line = NULL;
    size_t room = 0, number = 0;
    int verdict = 0;
    if (!in) {
        (void)fprintf(stderr, "%s: cannot read %s: %m\n", me, file);
        return 2;
    }
    for (ssize_t n; (n = getline(&line, &room, in)) > 0;) {
        CLEANUP(buf_done) Buf result = {0}, problem = {0};
        Str text = {line, (size_t)n};
        if (line[n - 1] == '\n') text.n--;
        number++;
        if (clock_case_judge(text, &result, &problem) < 0) {
            (void)fprintf(stderr, "%s: %s:%zu: %s\n", me, file, number, problem.p);
            puts("null");
            verdict = 1;
        } else {
            puts(result.p);
        }
    }
    free(line);
    if (in != stdin) (void)fclose(in);
    return verdict;
}

static int clock_run(int argc, char **argv) {
    static const struct option options[] = {{"cases", required_argument, NULL, 'c'}, {0}};
    const char *cases = NULL;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c != 'c') return 2;
        cases = optarg;
    }
    if (!cases || optind != argc) {
        (void)fprintf(stderr, "%s: which cases? Give --cases FILE; see %s --help\n", me, me);
        return 2;
    }
    return judge_file(cases);
}

const Command clock_command = {
    .name = "clock",
    .summary = "what the promises of a ticket say",
    .help =
        "Usage: docket clock --cases FILE\n"
        "\n"
        "  --cases FILE   judges written lives of tickets, one JSON case a line ('-': standard\n"
        "                 input), by the code of the scheduler itself; one JSON result a line,\n"
        "                 in their order, `null` for what is no case (exit code 1)\n",
    .run = clock_run,
};
