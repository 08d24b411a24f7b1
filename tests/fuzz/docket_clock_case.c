/* A written case from anywhere: judged in one line of JSON, or refused with a sentence. */
#include <stdint.h>
#include <stdlib.h>

#include "docket/clock_case.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const JsonLimits any = {.bytes = (size_t)1 << 30, .depth = 8, .members = 100};
    CLEANUP(buf_done) Buf result = {0}, problem = {0};
    /* An exact copy, so that reading past the end is seen. */
    CLEANUP(mem_freep) char *copy = xmalloc(n ? n : 1);
    if (n) memcpy(copy, data, n);
    if (clock_case_judge((Str){copy, n}, &result, &problem) < 0) {
        if (problem.n == 0 || result.n != 0) abort();
        return 0;
    }
    if (problem.n != 0 || json_check(buf_str(&result), &any, NULL) < 0) abort();
    if (memchr(result.p, '\n', result.n)) abort();
    return 0;
}
