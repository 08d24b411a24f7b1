/* libcurl's own parser, and what it would let pass. */
#include "outgoing/target.h"

#include <errno.h>

static int bad(Buf *problem, const char *why) {
    buf_adds(problem, why);
    return -EINVAL;
}

static bool has(CURLU *u, CURLUPart part) {
    char *text = NULL;
    CURLUcode r = curl_url_get(u, part, &text, 0);
    curl_free(text);
    return r == CURLUE_OK;
}

static int judge(CURLU *u, const AddressList *allowed, Buf *destination, Buf *problem) {
    char *scheme = NULL, *host = NULL, *port = NULL;
    int r = 0;
    if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD) || has(u, CURLUPART_OPTIONS))
        return bad(problem, "a URL holds no user name and no password");
    if (has(u, CURLUPART_ZONEID)) return bad(problem, "an IPv6 address here has no zone");
    if (has(u, CURLUPART_FRAGMENT))
        return bad(problem, "what stands behind # is never sent; leave it out");
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)) {
        r = bad(problem, "this is no URL with a host");
    } else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
        r = bad(problem, "only http and https are spoken");
    } else {
        size_t n = strlen(host);
        bool brackets = n > 2 && host[0] == '[';
        char address[256] = "";
        if (n < sizeof(address)) memcpy(address, host + brackets, n - 2 * brackets);
        const char *what = address_text_refusal(allowed, address);
        if (n >= sizeof(address)) r = bad(problem, "the host's name is too long");
        if (what) {
            buf_printf(problem, "%s is of %s, which may not be reached from here", address, what);
            r = -EINVAL;
        }
        for (char *c = host; *c; c++)
            if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
        if (r == 0) buf_printf(destination, "%s://%s:%s", scheme, host, port);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return r;
}

int target_parse(Str url, const AddressList *allowed, CURLU **ret, Buf *destination, Buf *problem) {
    char text[TARGET_BYTES + 1];
    if (url.n == 0 || url.n > TARGET_BYTES) return bad(problem, "a URL has 1 to 2,048 characters");
    for (size_t i = 0; i < url.n; i++) {
        if (url.p[i] <= ' ' || url.p[i] > '~' || strchr("\"<>\\^`{|}", url.p[i]))
            return bad(problem, "a URL is of printable ASCII; a name in Chinese is written as "
                                "\"xn--...\", everything else percent-encoded");
    }
    memcpy(text, url.p, url.n);
    text[url.n] = 0;
    char *host = strstr(text, "://"); /* libcurl would take one slash, and three */
    if (!host || host[3] == '/')
        return bad(problem, "a URL begins with http:// or https:// and a host");
    CURLU *u = curl_url();
    if (!u) return -ENOMEM;
    CURLUcode code = curl_url_set(u, CURLUPART_URL, text, 0);
    int r = code ? bad(problem, curl_url_strerror(code)) : judge(u, allowed, destination, problem);
    if (r < 0) {
        curl_url_cleanup(u);
        return r;
    }
    *ret = u;
    return 0;
}
