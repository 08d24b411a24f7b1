/* Process -- what the kernel says about us: process_* (memory, CPU, descriptors, start). */
#pragma once

/* Sets them as they are now; called before each metrics_render(). Registers them at its first call.
 */
void process_metrics_refresh(void);
