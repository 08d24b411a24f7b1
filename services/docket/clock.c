/* docket clock -- what the promises of a ticket say. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docket/clock_case.h"
#include "docket/clock_ticket.h"
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
    static const struct option options[] = {{"cases", required_argument, NULL, 'c'},
                                            {"tenant", required_argument, NULL, 't'},
                                            {"postgres", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    const char *cases = NULL, *tenant = NULL, *postgres = NULL;
    bool json = false;
    int64_t ticket = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            cases = optarg;
            break;
        case 't':
            tenant = optarg;
            break;
        case 'p':
            postgres = optarg;
            break;
        case 'j':
            json = true;
            break;
        default:
            return 2;
        }
    }
    if (cases && optind == argc && !tenant && !postgres && !json) return judge_file(cases);
    if (cases || argc - optind != 1 || str_to_i64(str(argv[optind]), &ticket) < 0 || ticket < 1) {
        (void)fprintf(stderr,
                      "%s: which ticket, or which cases? Give its number, or --cases FILE; see %s "
                      "--help\n",
                      me, me);
        return 2;
    }
    return clock_ticket(me, postgres, tenant, ticket, json);
}

const Command clock_command = {
    .name = "clock",
    .summary = "what the promises of a ticket say",
    .help =
        "Usage: docket clock TICKET [--tenant NAME] [--json]\n"
        "       docket clock --cases FILE\n"
        "\n"
        "Explains every minute of a ticket's promises from its ledger: when each clock ran, why "
        "it\n"
        "stood (state, hours), by which policy and revision, when it is due, what was recorded.\n"
        "\n"
        "  --tenant NAME    may be left out when only one tenant has such a ticket\n"
        "  --postgres URL   default: $DOCKET_POSTGRES\n"
        "  --json           one JSON object: the clocks with their spans, times in UTC\n"
        "  --cases FILE     judges written lives of tickets, one JSON case a line ('-': standard\n"
        "                   input), by the code of the scheduler itself; one JSON result a line,\n"
        "                   in their order, `null` for what is no case (exit code 1)\n"
        "\n"
        "Exit: 0 good, 1 there is no such ticket, 2 usage or not possible.\n",
    .run = clock_run,
};
