/* ClockCase -- one written case of a ticket's life, judged by the scheduler's own code: JSON in,
 * what its clocks say out.
 *
 *   {"id","step_ms","now","shares":[50,80,95],
 *    "calendars":{"c1":[{"always":true} | {"zone","week":[[start,end]],"holidays":["2025-10-01"],
 *                 "makeup":{"2025-09-28":0}}, ...]},          revisions 1, 2, ...; 1 holds at first
 *    "policies":[{"targets":{METRIC:{PRIORITY:{"minutes":60,"hours":"calendar"|"c1"}}},
 *                 "reopen":"resume"|"restart","pause":{METRIC:[STATE]},"replies_by":["agent"],
 *                 "private_replies":false}, ...],              revisions 1, 2, ...; 0: no policy
 *    "events":[{"at","type":"create","by","public","priority","policy","state"} | comment | state |
 *              priority | policy | calendar | ack | merge | delete, ...]}
 *
 * Instants are milliseconds UTC. Calendars that cannot be are 24/7, and named under "alarms" when a
 * clock asked them. */
#pragma once

#include "base/text.h"

/* Appends the result's JSON to *ret. -EINVAL with a sentence in *ret_problem when it is no case. */
int clock_case_judge(Str text, Buf *ret, Buf *ret_problem);
