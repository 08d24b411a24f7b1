/* What makes and packs a sheet: for this room. */
#pragma once

#include "facts/sheet.h"

/* 9999-12-31: what a sheet can be told of, whatever a ledger says. */
#define SHEET_INSTANT_MAX INT64_C(253402300799999)

/* Cut to SHEET_TEXT_MAX bytes and owned. True: it is another text now. */
bool sheet_text_set(FactSheet *f, SheetText t, Str value);
/* An outcome put where it belongs, its place given back; the oldest one that may go is folded when
 * there are too many. NULL: there is no room even so. */
Outcome *outcome_add(FactSheet *f, const Outcome *o);
