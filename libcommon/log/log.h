/* Log -- one line per event, to standard error, as logfmt or JSON. Services log, libraries return.
 *
 * Never give it personal data, bodies or tokens. A line is at most 4 KiB; control characters are
 * escaped. At most 200 lines a second for one call site; what is left out is counted and said in
 * its next line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } LogLevel;

/* Whom a line is about; zero fields are left out. */
typedef struct LogAbout {
    int64_t tenant_id;
    int64_t ticket_id;
    const char *trace_id; /* 32 hex digits or NULL */
} LogAbout;

typedef struct LogSite { /* one per call site: the rate limit */
    int64_t second;
    uint32_t lines, dropped;
} LogSite;

/* Before anything is logged: the process's name in every line ("router"), the format and the lowest
 * level shown. */
void log_setup(const char *service, bool json, LogLevel lowest);
bool log_shows(LogLevel level);
void log_line(LogSite *site, LogLevel level, const LogAbout *about, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define LOG_AT(level, about, ...)                                                                  \
    do {                                                                                           \
        static LogSite site_;                                                                      \
        if (log_shows(level)) log_line(&site_, (level), (about), __VA_ARGS__);                     \
    } while (0)
#define log_debug(about, ...) LOG_AT(LOG_DEBUG, (about), __VA_ARGS__)
#define log_info(about, ...)  LOG_AT(LOG_INFO, (about), __VA_ARGS__)
#define log_warn(about, ...)  LOG_AT(LOG_WARN, (about), __VA_ARGS__)
#define log_error(about, ...) LOG_AT(LOG_ERROR, (about), __VA_ARGS__)
#define ABOUT(tenant, ticket)                                                                      \
    (&(LogAbout){.tenant_id = (int64_t)(tenant), .ticket_id = (int64_t)(ticket)})
