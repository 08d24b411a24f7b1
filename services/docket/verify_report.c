/* What `docket verify` found: collected promise by promise, printed for people or for programs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "docket/verify_internal.h"

Finding *verify_begin(Verify *v, const char *promise) {
    if (v->findings_n == VERIFY_FINDINGS_MAX) abort(); /* our own table is too long for its page */
    Finding *f = &v->findings[v->findings_n++];
    f->promise = xstrdup(promise);
    f->only = v->only;
    return f;
}

void finding_broken(Finding *f, int64_t tenant, const char *fmt, ...) {
    if (f->only && tenant != f->only) return;
    f->broken++;
    if (f->offenders_n == VERIFY_OFFENDERS_SHOWN) return;
    CLEANUP(buf_done) Buf text = {0};
    buf_printf(&text, "tenant %lld, ", (long long)tenant);
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    f->offenders[f->offenders_n++] = xstrdup(text.p);
}

const PostgresRows *verify_query(Verify *v, const char *sql, const Params *params) {
    const PostgresRows *rows = NULL;
    if (postgres_session_run(v->postgres, sql, params, &rows, &v->trouble) < 0) return NULL;
    return rows;
}

int64_t verify_print_people(const Verify *v) {
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    int64_t broken = 0;
    for (size_t i = 0; i < v->findings_n; i++) {
        const Finding *f = &v->findings[i];
        const char *mark = f->broken ? "✗" : "✓";
        const char *paint = !colour ? "" : f->broken ? "\033[31m" : "\033[32m";
        printf("%s%s%s %-68s %10lld", paint, mark, colour ? "\033[0m" : "", f->promise,
               (long long)f->checked);
        if (f->broken) printf("   %lld broken", (long long)f->broken);
        printf("\n");
        for (size_t k = 0; k < f->offenders_n; k++)
            printf("    %s\n", f->offenders[k]);
        if (f->broken > (int64_t)f->offenders_n && f->offenders_n)
            printf("    ... and %lld more\n", (long long)(f->broken - (int64_t)f->offenders_n));
        broken += f->broken;
    }
    if (broken)
        printf("核对未通过 NOT verified: %lld offenders\n", (long long)broken);
    else
        printf("核对通过 verified: 不丢、不重、账目完整 nothing lost, nothing doubled, every "
               "ledger whole\n");
    return broken;
}

int64_t verify_print_json(const Verify *v) {
    CLEANUP(buf_done) Buf out = {0};
    int64_t broken = 0;
    buf_adds(&out, "{\"findings\":[");
    for (size_t i = 0; i < v->findings_n; i++) {
        const Finding *f = &v->findings[i];
        buf_adds(&out, i ? ",{\"promise\":" : "{\"promise\":");
        buf_add_json(&out, str(f->promise));
        buf_printf(&out, ",\"checked\":%lld,\"broken\":%lld,\"offenders\":[", (long long)f->checked,
                   (long long)f->broken);
        for (size_t k = 0; k < f->offenders_n; k++) {
            if (k) buf_addc(&out, ',');
            buf_add_json(&out, str(f->offenders[k]));
        }
        buf_adds(&out, "]}");
        broken += f->broken;
    }
    buf_printf(&out, "],\"verified\":%s}\n", broken ? "false" : "true");
    (void)fwrite(out.p, 1, out.n, stdout);
    return broken;
}
