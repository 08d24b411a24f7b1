/* Any bytes: what comes out, parsed again inside a <div>, holds nothing outside the white list and
 * stays in there; of plain text it is paragraphs, breaks and links, and plain text of HTML is
 * never longer than it by more than its marks. */
#include <stdlib.h>

#include "../harness/html_oracle.h"
#include "html/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    Str in = {(const char *)data, n};
    CLEANUP(buf_done) Buf clean = {0}, shown = {0}, text = {0}, again = {0};
    (void)html_sanitise(in, &clean);
    if (!oracle_holds(buf_str(&clean), ORACLE_ELEMENTS)) abort();
    html_from_text(in, &shown);
    if (!oracle_holds(buf_str(&shown), " div p br a ")) abort();
    (void)html_to_text(in, &text);
    html_from_text(buf_str(&text), &again);
    if (!oracle_holds(buf_str(&again), " div p br a ")) abort();
    buf_clear(&again);
    (void)html_sanitise(buf_str(&clean), &again); /* what is clean may be sent on */
    if (!oracle_holds(buf_str(&again), ORACLE_ELEMENTS)) abort();
    return 0;
}
