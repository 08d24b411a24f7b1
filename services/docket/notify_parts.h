/* NotifyParts -- the verbs of `docket notify`, one file each, and what they share. Each returns the
 * command's exit code. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "docket/lookup.h"

enum { NOTIFY_IDS_MAX = 1000 };

typedef struct NotifyOptions {
    const char *postgres, *tenant, *ring;
    /* Which deliveries. */
    const char *state, *destination, *person;
    int64_t ticket, limit; /* 0: any */
    const char **words;    /* behind the verb: numbers, a destination, a system */
    int words_n;
    /* What to do with them. */
    const char *why, *by;
    bool despite_doubt;
    /* Secrets. */
    const char *kind, *manner;
    bool fresh, at_once, plain, previous;
    bool json;
} NotifyOptions;

int notify_preview(int argc, char **argv);
int notify_list(const NotifyOptions *o);
int notify_show(const NotifyOptions *o);
int notify_retry(const NotifyOptions *o);
int notify_drop(const NotifyOptions *o);
int notify_destinations(const NotifyOptions *o);
int notify_pause(const NotifyOptions *o);
int notify_resume(const NotifyOptions *o);
int notify_secret(const NotifyOptions *o); /* words: set, list or remove, and a system */

/* Which deliveries: four parameters, in this order $1 tenant (0: any), $2 state, $3 destination,
 * $4 recipient ("": any), $5 ticket (0: any), $6 numbers (none: any). 0, or the exit code after
 * saying what is wrong. */
#define NOTIFY_FILTER                                                                              \
    "($1::bigint = 0 OR d.tenant_id = $1::bigint) AND ($2::text = '' OR d.state = $2::text) AND "  \
    "($3::text = '' OR d.destination = $3::text) AND ($4::text = '' OR d.recipient = $4::text) "   \
    "AND ($5::bigint = 0 OR d.ticket_id = $5::bigint) AND (cardinality($6::bigint[]) = 0 OR "      \
    "d.delivery_id = ANY ($6::bigint[]))"
int notify_filter(const NotifyOptions *o, PostgresSession *s, Params *ret);
/* Who does it, for the record: --by, or the user of this machine. */
Str notify_actor(const NotifyOptions *o);
