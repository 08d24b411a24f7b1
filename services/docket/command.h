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

extern const Command agents_command, apply_command, dead_command, desk_command, doctor_command, explain_command,
    keys_command, ledger_command, migrate_command, source_command, surge_command, tenant_command,
    token_command, topics_command, verify_command, workforce_command;

/* The connection a command needs, from its option or the environment (DOCKET_POSTGRES,
 * DOCKET_POSTGRES_ADMIN, DOCKET_KAFKA, DOCKET_REDIS ...); says on stderr which is missing and how
 * to get it, and exits 2. */
const char *command_environment(const char *variable, const char *purpose);
