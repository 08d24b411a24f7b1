/* Formats one line per event and writes it with one write(2). */
#include "log/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { LINES_PER_SECOND = 200, LINE_BYTES = 4096, MESSAGE_BYTES = 3600 };

static struct {
    char service[32];
    bool json;
    LogLevel lowest;
} log_state = {.service = "docket", .lowest = LOG_INFO};

void log_setup(const char *service, bool json, LogLevel lowest) {
    (void)snprintf(log_state.service, sizeof(log_state.service), "%s", service);
    log_state.json = json;
    log_state.lowest = lowest;
}

bool log_shows(LogLevel level) {
    return level >= log_state.lowest;
}

/* True when the line may be written; *ret_dropped then tells how many before it were not. */
static bool within_rate(LogSite *site, uint32_t *ret_dropped) {
    int64_t second = clock_monotonic_ms() / 1000;
    if (site->second != second) {
        site->second = second;
        site->lines = 0;
    }
    if (++site->lines > LINES_PER_SECOND) {
        site->dropped++;
        return false;
    }
    *ret_dropped = site->dropped;
    site->dropped = 0;
    return true;
}

/* The message as a JSON string, cut between characters so that the rest of the line still fits
 * behind its escapes. */
static void add_message(Buf *line, Str message) {
    size_t n = 0;
    for (size_t escaped = 0; n < message.n; n++) {
        unsigned char c = (unsigned char)message.p[n];
        escaped += c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
        if (escaped > MESSAGE_BYTES) break;
    }
    while (n && n < message.n && ((unsigned char)message.p[n] & 0xc0) == 0x80)
        n--;
    buf_add_json(line, (Str){message.p, n});
}

void log_line(LogSite *site, LogLevel level, const LogAbout *about, const char *fmt, ...) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char message[2048], when[25];
    uint32_t dropped = 0;
    if (!within_rate(site, &dropped)) return;

    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    clock_format_ms(clock_wall_ms(), when);

    CLEANUP(buf_done) Buf line = {0};
    if (log_state.json) {
        buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"service\":\"%s\",\"msg\":", when,
                   names[level], log_state.service);
        add_message(&line, str(message));
        if (about && about->tenant_id)
            buf_printf(&line, ",\"tenant\":%lld", (long long)about->tenant_id);
        if (about && about->ticket_id)
            buf_printf(&line, ",\"ticket\":%lld", (long long)about->ticket_id);
        if (about && about->trace_id) buf_printf(&line, ",\"trace\":\"%s\"", about->trace_id);
        if (dropped) buf_printf(&line, ",\"left_out\":%u", dropped);
        buf_addc(&line, '}');
    } else {
        buf_printf(&line, "time=%s level=%s service=%s msg=", when, names[level],
                   log_state.service);
        add_message(&line, str(message));
        if (about && about->tenant_id)
            buf_printf(&line, " tenant=%lld", (long long)about->tenant_id);
        if (about && about->ticket_id)
            buf_printf(&line, " ticket=%lld", (long long)about->ticket_id);
        if (about && about->trace_id) buf_printf(&line, " trace=%s", about->trace_id);
        if (dropped) buf_printf(&line, " left_out=%u", dropped);
    }
    if (line.n > LINE_BYTES - 1) line.n = LINE_BYTES - 1;
    buf_addc(&line, '\n');
    if (write(STDERR_FILENO, line.p, line.n) < 0) return; /* nowhere left to say it */
}
