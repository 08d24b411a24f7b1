/* Partition -- where the events of a ticket lie, as every producer of them decides it: murmur2 of
 * the key, as Java's clients have it. Pure. */
#pragma once

#include <stdint.h>

/* `partitions` of the topic, at least 1. */
int32_t partition_of_ticket(int64_t ticket_id, int partitions);
