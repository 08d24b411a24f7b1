/* Counts -- what the gate counts of requests and refusals. Reasons are a closed set of our own
 * words, never texts of a sender. */
#pragma once

#include <stdint.h>

void counts_register(void);    /* at start: every series is there from the beginning */
void count_answer(int status); /* one request answered */
void count_refusal(const char *reason);
void count_claim(const char *result); /* hit miss other_body unknown */
void count_acceptance(int64_t us);    /* from the request's first byte to its 201 */
