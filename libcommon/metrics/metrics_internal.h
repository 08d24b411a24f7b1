/* The process's own figures, set just before a page is rendered. */
#pragma once

#include "metrics/metrics.h"

void process_metrics_refresh(void);
