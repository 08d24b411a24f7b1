/* VerifyChecks -- the promises about rows, each as one SQL query of its own that returns whatever
 * breaks it. Written from the protocol, not from libcommon/store: a mistake there must not be
 * repeated here. */
#pragma once

#include <stddef.h>

typedef struct VerifyCheck {
    const char *promise; /* "every ledger is gap-free" */
    const char *counted; /* SQL: one number, how many were looked at */
    const char *broken;  /* SQL: rows (tenant_id, subject, problem) as text; empty when the promise
                            is kept */
} VerifyCheck;

extern const VerifyCheck verify_checks[];
extern const size_t verify_checks_n;

/* What the queries need in their session before they run: an aggregate in pg_temp that merges JSON
 * objects in order. */
extern const char verify_prepare_sql[];
