/* docket -- the operator's tool: finds the subcommand and hands over. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "docket/command.h"

/* By name; one a line, so that two new ones do not collide. */
/* clang-format off */
static const Command *const commands[] = {
    &agents_command,
    &analytics_command,
    &apply_command,
    &clock_command,
    &dead_command,
    &desk_command,
    &doctor_command,
    &explain_command,
    &keys_command,
    &ledger_command,
    &migrate_command,
    &notify_command,
    &replay_command,
    &report_command,
    &source_command,
    &surge_command,
    &tenant_command,
    &token_command,
    &top_command,
    &topics_command,
    &user_command,
    &verify_command,
    &workforce_command,
};
/* clang-format on */
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *to) {
    (void)fputs("Usage: docket COMMAND [OPTION...]\n"
                "The operator's tool of Docket, the work-order system.\n\n",
                to);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\ndocket COMMAND --help says more; docket --version says which this is.\n", to);
}

static const Command *find(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i]->name, name)) return commands[i];
    return NULL;
}

/* Edits (insert, drop, change, swap of neighbours) from one short word to another; at most 99. */
static int distance(const char *a, const char *b) {
    enum { LONGEST = 24 };
    int d[LONGEST + 1][LONGEST + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return 99;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = (int)(i + j);
                continue;
            }
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

static int unknown(const char *name) {
    const Command *nearest = NULL;
    int least = 3; /* farther away is no typing error */
    for (size_t i = 0; i < COMMANDS; i++) {
        int far = distance(name, commands[i]->name);
        if (far < least) least = far, nearest = commands[i];
    }
    (void)fprintf(stderr, "docket: there is no command `%s`", name);
    if (nearest) (void)fprintf(stderr, "; did you mean `%s`?", nearest->name);
    (void)fputs("\nAll commands: docket --help\n", stderr);
    return 2;
}

static bool asks_for_help(const char *word) {
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

int main(int argc, char **argv) {
    (void)signal(SIGPIPE, SIG_IGN); /* a server that goes away is an error to report, not a death */
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--version")) {
        (void)printf("docket %s\n", DOCKET_VERSION);
        return 0;
    }
    bool help = asks_for_help(name) || !strcmp(name, "help");
    if (help && argc == 2) {
        print_usage(stdout);
        return 0;
    }
    if (help) name = argv[2];
    const Command *command = find(name);
    if (!command) return unknown(name);
    for (int i = 2; !help && i < argc && strcmp(argv[i], "--") != 0; i++)
        help = asks_for_help(argv[i]);
    if (help) {
        (void)fputs(command->help, stdout);
        return 0;
    }
    return command->run(argc - 1, argv + 1);
}
