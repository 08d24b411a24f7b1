/* Command -- one subcommand of the operator's tool; each file of this folder holds one, main.c
 * lists them. */
#pragma once

#include "base/text.h"

typedef struct Command {
    const char *name;    /* "verify" */
    const char *summary; /* one line, for `docket --help` */
    const char *help;    /* the whole page, for `docket verify --help`; begins with "Usage: " */
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand; returns the exit code: 0 good,
                                          1 bad news, 2 usage or not possible */
} Command;

extern const Command agents_command;
extern const Command analytics_command;
extern const Command apply_command;
extern const Command clock_command;
extern const Command dead_command;
extern const Command desk_command;
extern const Command doctor_command;
extern const Command explain_command;
extern const Command keys_command;
extern const Command ledger_command;
extern const Command migrate_command;
extern const Command notify_command;
extern const Command replay_command;
extern const Command report_command;
extern const Command source_command;
extern const Command surge_command;
extern const Command tenant_command;
extern const Command token_command;
extern const Command top_command;
extern const Command topics_command;
extern const Command user_command;
extern const Command verify_command;
extern const Command workforce_command;

/* The connection a command needs, from its option or the environment (DOCKET_POSTGRES,
 * DOCKET_POSTGRES_ADMIN, DOCKET_KAFKA, DOCKET_REDIS ...); says on stderr which is missing and how
 * to get it, and exits 2. */
const char *command_environment(const char *variable, const char *purpose);
