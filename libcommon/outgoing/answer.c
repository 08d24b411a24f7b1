/* Two tables of codes, and one header. */
#include "outgoing/answer.h"

#include <errno.h>
#include <time.h>

#include <curl/curl.h>

enum { LINE_MAX_BYTES = 8192, DATE_BYTES = 40 };

#define WEEK_MS (7 * 24 * INT64_C(3600000))

OutgoingOutcome answer_of_http(int status) {
    if (status >= 200 && status < 300) return OUTGOING_DELIVERED;
    if (status == 408 || status == 425 || status == 429 || status >= 500) return OUTGOING_LATER;
    return OUTGOING_REFUSED;
}

OutgoingOutcome answer_of_smtp(int code) {
    if (code >= 200 && code < 300) return OUTGOING_DELIVERED;
    return code >= 500 && code < 600 ? OUTGOING_REFUSED : OUTGOING_LATER;
}

int64_t answer_retry_after(Str value, int64_t now_ms) {
    uint64_t seconds;
    char date[DATE_BYTES];
    value = str_trim(value);
    if (value.n && value.p[0] >= '0' && value.p[0] <= '9' && value.n <= 20) {
        int r = str_to_u64(value, &seconds);
        if (r == -ERANGE || (r == 0 && seconds > WEEK_MS / 1000)) return WEEK_MS;
        if (r == 0) return (int64_t)seconds * 1000;
    }
    if (value.n == 0 || value.n >= sizeof(date)) return -1;
    memcpy(date, value.p, value.n);
    date[value.n] = 0;
    time_t when = curl_getdate(date, NULL);
    if (when == -1) return -1;
    int64_t ms = (int64_t)when * 1000 - now_ms;
    return ms < 0 ? 0 : ms > WEEK_MS ? WEEK_MS : ms;
}

static bool is_token(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

int answer_check_line(Str line, Buf *problem) {
    static const Str ours[] = {STR("Host"),   STR("Content-Length"), STR("Transfer-Encoding"),
                               STR("Expect"), STR("Connection"),     STR("Keep-Alive"),
                               STR("TE"),     STR("Upgrade"),        STR("Trailer")};
    Str value, name = str_cut(line, ':', &value);
    bool good = name.n > 0 && value.p && line.n <= LINE_MAX_BYTES;
    for (size_t i = 0; i < name.n && good; i++)
        good = is_token(name.p[i]);
    for (size_t i = 0; i < value.n && good; i++)
        good = (unsigned char)value.p[i] >= ' ' ? value.p[i] != 0x7f : value.p[i] == '\t';
    if (!good) {
        buf_adds(problem,
                 "a header line is \"Name: value\" without control characters, at most 8 KiB");
        return -EINVAL;
    }
    bool taken = name.n > 6 && str_eq_nocase((Str){name.p, 6}, STR("Proxy-"));
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        taken = taken || str_eq_nocase(name, ours[i]);
    if (taken) buf_printf(problem, "the header %.*s is not the caller's to set", STR_ARG(name));
    return taken ? -EINVAL : 0;
}
