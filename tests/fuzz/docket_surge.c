/* What a surge reads: answers of a gate, and CSV. The first byte chooses. */
#include <stdint.h>
#include <stdlib.h>

#include "docket/surge_body.h"
#include "docket/surge_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_reply(Str bytes) {
    HttpReply http, cut;
    SurgeReply reply;
    size_t used, less;
    if (http_reply_read(bytes, &http, &used) != HTTP_REPLY_WHOLE) return;
    if (used == 0 || used > bytes.n) abort();
    if (http_reply_header(&http, "Content-Type").n > http.head.n) abort();
    if (surge_reply_of(&http, &reply) && reply.status == 201 && reply.ticket_id <= 0) abort();
    /* One byte less is never a whole answer. */
    if (http_reply_read((Str){bytes.p, used - 1}, &cut, &less) == HTTP_REPLY_WHOLE) abort();
}

static void read_csv(Str text) {
    CLEANUP(buf_done) Buf store = {0};
    Str fields[8];
    size_t left = text.n, n;
    while ((n = surge_csv_next(&text, &store, fields, 8))) {
        if (n > 8 || text.n >= left) abort(); /* it moves on */
        left = text.n;
        for (size_t i = 0; i < n; i++)
            if (fields[i].p < store.p || fields[i].p + fields[i].n > store.p + store.n) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0) return 0;
    /* An exact copy, so that reading past the end is seen. */
    CLEANUP(mem_freep) char *copy = xmalloc(n > 1 ? n - 1 : 1);
    memcpy(copy, data + 1, n - 1);
    if (data[0] & 1)
        read_csv((Str){copy, n - 1});
    else
        read_reply((Str){copy, n - 1});
    return 0;
}
