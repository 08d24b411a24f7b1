/* Dead -- how a message that cannot be processed lies in docket.dead: its own key and bytes, and
 * these headers. `docket dead` reads them; a replay produces key and bytes to `dead_topic` again.
 */
#pragma once

#define DEAD_TOPIC            "docket.dead"
#define DEAD_HEADER_REASON    "dead_reason"    /* in words, no contents */
#define DEAD_HEADER_TOPIC     "dead_topic"     /* where it came from ... */
#define DEAD_HEADER_PARTITION "dead_partition" /* decimal */
#define DEAD_HEADER_OFFSET    "dead_offset"    /* decimal */
#define DEAD_HEADER_AT        "dead_at"        /* RFC 3339, when it was given up */
#define DEAD_HEADER_BY        "dead_by"        /* instance that gave it up */
#define DEAD_HEADER_TENANT    "dead_tenant"    /* decimal; absent when the bytes do not say */
#define DEAD_HEADER_TICKET    "dead_ticket"    /* likewise */
