/* process_*: what the kernel says about us, read at the moment of a scrape. */
#include "metrics/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "metrics/metrics.h"

static double resident_bytes(void) {
    unsigned long long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    if (fscanf(f, "%llu %llu", &total, &resident) != 2) resident = 0;
    (void)fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void) {
    DIR *d = opendir("/proc/self/fd");
    double n = -3; /* ".", ".." and the descriptor of this very folder */
    if (!d) return 0;
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static double cpu_seconds(void) {
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) < 0) return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* From the kernel's own record: boot time + ticks in /proc/self/stat. */
static double start_seconds(void) {
    static double start;
    char line[1024];
    unsigned long long ticks;
    struct timespec up, now;
    if (start > 0) return start;
    FILE *f = fopen("/proc/self/stat", "re");
    if (!f) return 0;
    size_t n = fread(line, 1, sizeof(line) - 1, f);
    (void)fclose(f);
    line[n] = 0;
    const char *at = strrchr(line, ')'); /* the command may hold anything */
    /* 20 fields stand between the command and starttime */
    if (!at || sscanf(at + 1,
                      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                      "%*d %llu",
                      &ticks) != 1)
        return 0;
    (void)clock_gettime(CLOCK_BOOTTIME, &up);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double age =
        (double)up.tv_sec + (double)up.tv_nsec / 1e9 - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    start = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - age;
    return start;
}

void process_metrics_refresh(void) {
    static Metric *memory, *cpu, *fds, *max_fds, *start;
    struct rlimit limit;
    if (!memory) {
        memory = metric_gauge("process_resident_memory_bytes", "Memory in RAM.", NULL);
        cpu = metric_counter("process_cpu_seconds_total", "User and system CPU time.", NULL);
        fds = metric_gauge("process_open_fds", "Open file descriptors.", NULL);
        max_fds = metric_gauge("process_max_fds", "Most file descriptors we may open.", NULL);
        start = metric_gauge("process_start_time_seconds", "Start, since 1970.", NULL);
    }
    metric_set(memory, resident_bytes());
    metric_set(cpu, cpu_seconds());
    metric_set(fds, open_fds());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) metric_set(max_fds, (double)limit.rlim_cur);
    metric_set(start, start_seconds());
}
