/* Dead -- how a message that cannot be processed lies in docket.dead: its own key and bytes, and
 * these headers. `docket dead` reads them; a replay produces key and bytes to `docket_topic` again.
 */
#pragma once

#define DEAD_TOPIC            "docket.dead"
#define DEAD_HEADER_REASON    "docket_reason"    /* in words, no contents */
#define DEAD_HEADER_TOPIC     "docket_topic"     /* where it came from ... */
#define DEAD_HEADER_PARTITION "docket_partition" /* decimal */
#define DEAD_HEADER_OFFSET    "docket_offset"    /* decimal */
#define DEAD_HEADER_AT        "docket_at"        /* RFC 3339, when it was given up */
#define DEAD_HEADER_BY        "docket_by"        /* instance that gave it up */
#define DEAD_HEADER_TENANT    "docket_tenant"    /* decimal; absent when the bytes do not say */
#define DEAD_HEADER_TICKET    "docket_ticket"    /* likewise */
