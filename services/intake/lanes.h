/* Lanes -- who sends more than its share? Token buckets per source and per tenant. Pure; `now_ms`
 * is monotonic.
 *
 * Above its source's rate a submission takes the bulk lane, so that a storm queues behind itself;
 * above the tenant's hard limit it is not taken at all. A bucket holds one second's worth. Each
 * gate counts for itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

typedef struct Lanes Lanes;

typedef enum Lane { LANE_EXPRESS, LANE_BULK, LANE_REFUSED } Lane;

/* tenant_rate: submissions a second that one tenant may bring to this gate; 0: no limit. At most
 * `limit` buckets are kept; who does not fit is not limited. */
Lanes *lanes_new(size_t limit, int64_t tenant_rate);
Lanes *lanes_free(Lanes *l);
DEFINE_FREEP(Lanes, lanes)

/* source_rate 0: no limit. *ret_retry_s is written only with LANE_REFUSED: whole seconds, >= 1. */
Lane lanes_choose(Lanes *l, int64_t tenant_id, int64_t source_id, int64_t source_rate,
                  int64_t now_ms, int *ret_retry_s);
size_t lanes_count(const Lanes *l); /* buckets kept */
