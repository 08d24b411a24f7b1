/* How late is too late: a moment of our own monotonic clock as one of PostgreSQL's clock, whose
 * hands need not agree with ours.
 *
 * PostgreSQL told its time p, and at m of our clock we had it; so at m its clock stood at p or
 * later, and our moment m + x is p + x or later there. `p + x` therefore never gives more time than
 * was meant: it is early by what the answer took to arrive. What remains is how differently both
 * clocks run within READING_MAX_MS (6 ms at 100 ppm), and a PostgreSQL whose clock is set back
 * meanwhile. A process or machine that was frozen in between comes out early as well.
 *
 * The check is the transaction's last statement before COMMIT: locks waited for, refused tries and
 * slow statements all count. It can fail by nothing but a division by zero, and so is told apart.
 */
#include "base/clock.h"
#include "store/store_internal.h"

enum { READING_MAX_MS = 60000 };

const PostgresStatement clock_statement = {"store_clock", "SELECT clock_timestamp()"};
static const PostgresStatement deadline_statement = {
    "store_deadline",
    "SELECT clock_timestamp(), 1 / (clock_timestamp() < $1::timestamptz)::integer"};

bool deadline_possible(const Store *s) {
    return s->clock_known && clock_monotonic_ms() - s->clock_ours_ms < READING_MAX_MS;
}

PostgresQuery deadline_query(Store *s, int64_t use_by_ms) {
    params_clear(&s->deadline);
    params_time_ms(&s->deadline, s->clock_server_ms + (use_by_ms - s->clock_ours_ms));
    return (PostgresQuery){&deadline_statement, &s->deadline};
}

void deadline_learn(Store *s, const PostgresRows *const *results) {
    for (size_t i = 0; i < s->attempt.n; i++) {
        const PostgresStatement *statement = s->attempt.queries[i].statement;
        if (statement != &clock_statement && statement != &deadline_statement) continue;
        s->clock_server_ms = rows_time_ms(results[i], 0, 0);
        s->clock_ours_ms = clock_monotonic_ms();
        s->clock_known = true;
    }
}

bool deadline_missed(Store *s, const PostgresProblem *problem) {
    if (problem->statement >= s->attempt.n ||
        s->attempt.queries[problem->statement].statement != &deadline_statement)
        return false;
    s->clock_known = false; /* perhaps its clock was set */
    return true;
}
