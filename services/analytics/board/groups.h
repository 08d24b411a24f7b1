/* LagGroups -- which consumer groups make up which service on the board, as an operator names them:
 * "router=docket-router@docket.submissions, router=docket-router-signals@docket.signals, ...".
 * Pure.
 */
#pragma once

#include "analytics/board/picture.h"
#include "kafka/lag.h"

typedef struct LagGroups {
    KafkaLagPair pairs[KAFKA_LAG_MAX];
    size_t service_of[KAFKA_LAG_MAX]; /* place among `names` */
    size_t pairs_n;
    const char *names[BOARD_SERVICES_MAX]; /* in the order of their first appearance */
    size_t names_n;
    char *text;
} LagGroups;

/* NULL and a sentence in *ret_problem: not NAME=GROUP@TOPIC, a name that is not [a-z0-9-]+, or too
 * many. An empty text is no groups. */
LagGroups *lag_groups_parse(const char *text, Buf *ret_problem);
LagGroups *lag_groups_free(LagGroups *g);
DEFINE_FREEP(LagGroups, lag_groups)

/* What each service is behind: the sum of its groups; unknown where one of them is. `ret` has room
 * for names_n. */
void lag_groups_sum(const LagGroups *g, const int64_t *messages, BoardService *ret);
