/* Collected problems. */
#include "documents/problems.h"

void problem(Problems *p, Place at, const char *fmt, ...) {
    if (p->n++ >= PROBLEMS_MAX) return;
    va_list args;
    va_start(args, fmt);
    buf_printf(p->text, "%.*s:", STR_ARG(at.file));
    if (at.line > 0) buf_printf(p->text, "%ld:", at.line);
    buf_addc(p->text, ' ');
    buf_vprintf(p->text, fmt, args);
    buf_addc(p->text, '\n');
    va_end(args);
}

void problems_end(Problems *p) {
    if (p->n > PROBLEMS_MAX)
        buf_printf(p->text, "... and %zu more; mend these first\n", p->n - PROBLEMS_MAX);
}
