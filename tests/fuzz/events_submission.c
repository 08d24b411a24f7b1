/* Wrong bytes on docket.submissions and docket.signals: refused with a reason, or a submission that
 * goes out as it came in. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "events/signal.h"
#include "events/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf once = {0};
    CLEANUP(buf_done) Buf twice = {0};
    Submission s;
    Signal signal;
    const char *problem = NULL;
    Str message = {(const char *)data, size};
    if (signal_decode(message, arena, &signal, &problem) < 0) assert(problem);
    problem = NULL;
    if (submission_decode(message, arena, &s, &problem) < 0) {
        assert(problem);
        return 0;
    }
    assert(str_is_text(s.subject) && str_is_text(s.description) && s.tenant_id > 0);
    submission_encode(&s, &once);
    assert(submission_decode(buf_str(&once), arena, &s, &problem) == 0);
    submission_encode(&s, &twice);
    assert(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
