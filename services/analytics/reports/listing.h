/* Listing -- every report, dimension, number, flag and cut with its names, as one JSON object: what
 * a client needs to offer them. Pure. */
#pragma once

#include "analytics/reports/report.h"

void report_write_list(Buf *ret);
