/* Where the servers are, for every command. */
#include <stdio.h>
#include <stdlib.h>

#include "docket/command.h"

const char *command_environment(const char *variable, const char *purpose) {
    const char *value = getenv(variable);
    if (value && *value) return value;
    (void)fprintf(stderr,
                  "docket: %s is not set (%s)\n"
                  "For the local stack: eval \"$(deploy/local/stack env)\"\n",
                  variable, purpose);
    exit(2);
}
