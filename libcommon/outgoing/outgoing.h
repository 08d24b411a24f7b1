/* Outgoing -- what Docket sends to addresses that others chose: HTTP POSTs and mails, on the loop,
 * each ended exactly once by an outcome.
 *
 * Never where it must not: only http and https, no credentials in URLs, no proxies, no redirects
 * followed; and the address that is connected to is looked at at that moment, so that a name may
 * resolve to whatever it likes. Addresses of private, link-local, loopback, carrier-grade NAT and
 * otherwise special networks, IPv4 in IPv6's clothes included, are refused unless `allow` names
 * them. TLS is 1.2 or newer and the certificate must be the host's.
 *
 * Never more than there is room for: nothing waits in here. Where a destination (scheme, host and
 * port) or the whole is at its limit, the caller is told so and comes again later.
 *
 * Names are resolved by libcurl's threads, one for each request that needs one. Connections are
 * kept for the next request to the same destination. One thread: everything is called, and every
 * callback comes, on the loop's thread. SIGPIPE must be ignored. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct Outgoing Outgoing;
typedef struct OutgoingRequest OutgoingRequest;

typedef struct OutgoingSettings {
    const char *allow;      /* networks that may be reached all the same, "10.8.0.0/16,fd00:5::/48";
                               NULL: none */
    const char *user_agent; /* NULL: "Docket" */
    const char *ca_file;    /* PEM; NULL: the system's authorities */
    const char *helo;       /* our name to mail servers; NULL: "localhost" */
    size_t max_running;     /* requests; 0: 256 */
    size_t max_per_destination; /* 0: 4 */
    size_t max_bytes;           /* bodies of all that run; 0: 64 MiB */
    size_t max_idle;            /* connections kept for reuse; 0: 64 */
} OutgoingSettings;

typedef enum OutgoingOutcome {
    OUTGOING_DELIVERED, /* the other side has taken it */
    OUTGOING_LATER,     /* it may help to try again */
    OUTGOING_REFUSED    /* it will not */
} OutgoingOutcome;

typedef struct OutgoingResult {
    OutgoingOutcome outcome;
    int status;             /* HTTP's or SMTP's; 0: no answer came */
    int64_t retry_after_ms; /* as the other side asked for, at most a week; -1: it did not ask */
    bool doubtful;          /* not DELIVERED, but it had been sent whole: it may have been taken */
    Str reason;   /* a sentence; "" when delivered. May hold host names and, from mail servers,
                     addresses; never a URL's path, a password or a body */
    Str response; /* HTTP: the first max_response bytes of the body */
    bool cut;     /* there was more, or it did not end in time */
} OutgoingResult; /* all of it valid until the callback returns */

typedef void (*OutgoingCallback)(void *arg, const OutgoingResult *result);

/* NULL and a sentence in *ret_problem when the settings are no good. */
Outgoing *outgoing_new(Loop *loop, const OutgoingSettings *settings, Buf *ret_problem);
/* Cancels what runs: no callback comes any more. Not from inside one. */
Outgoing *outgoing_free(Outgoing *o);
DEFINE_FREEP(Outgoing, outgoing)

/* May this URL be given to outgoing_post()? For checking what somebody saves. 0, or -EINVAL and
 * what is wrong in *ret_problem (may be NULL). A name is not resolved. */
int outgoing_check(const Outgoing *o, Str url, Buf *ret_problem);

typedef struct OutgoingPost {
    Str url; /* http or https, printable ASCII (a Chinese name as "xn--..."), at most 2,048 */
    const Str
        *lines;     /* "Name: value"; Content-Type too. Host, Content-Length, Transfer-Encoding,
                       Connection, Expect, Upgrade, TE, Trailer and Proxy-* are not the caller's */
    size_t lines_n; /* at most 32, of 16 KiB together */
    Str body;       /* copied */
    bool put;       /* PUT in place of POST */
    int timeout_ms; /* for everything, names and connecting included; 0: 15 s */
    int connect_ms; /* for names, connecting and TLS; 0: 5 s */
    size_t max_response;  /* 0: 64 KiB. What is longer is cut, and its connection closed */
    int64_t not_after_ms; /* clock_monotonic_ms() after which not a byte of it is sent: the caller's
                             lease has ended; 0: at any time */
} OutgoingPost;

/* DELIVERED: 2xx, as soon as its head is there; a body that does not end is cut. LATER: 408, 425,
 * 429, 5xx, and whatever went wrong before a head was there. REFUSED: every other status (redirects
 * included), and addresses that may not be reached.
 *
 * 0: the callback will come, exactly once, never inside this call; *ret (may be NULL) is valid
 * until then. -EINVAL: this can never be sent, why stands in *ret_problem (may be NULL). -EBUSY:
 * its destination is at its limit; -ENOBUFS: the whole is. Then no callback comes. */
int outgoing_post(Outgoing *o, const OutgoingPost *post, OutgoingCallback cb, void *arg,
                  OutgoingRequest **ret, Buf *ret_problem);

typedef enum OutgoingTls {
    OUTGOING_TLS_STARTTLS, /* demanded: without it nothing is sent */
    OUTGOING_TLS_IMPLICIT,
    OUTGOING_TLS_NONE
} OutgoingTls;

typedef struct OutgoingMail {
    Str host; /* of the server: a name or an address */
    int port; /* 0: 587, 465 or 25, as `tls` is */
    OutgoingTls tls;
    Str user, password;   /* absent: no login. Not without TLS */
    Str from;             /* of the envelope; "" for what must not be answered */
    Str to;               /* one, so that there is one outcome */
    Str message;          /* RFC 5322: lines end in CR LF, at most 998 bytes each. Copied */
    int timeout_ms;       /* 0: 60 s */
    int connect_ms;       /* up to the end of the login; 0: 10 s */
    int64_t not_after_ms; /* as with a POST; looked at before MAIL and again before DATA */
} OutgoingMail;

/* DELIVERED: the server took responsibility (250 after DATA). REFUSED: 5xx to this sender,
 * recipient or message. LATER: 4xx (greylisting), and everything that is the server's trouble and
 * not the mail's: no connection, no TLS, a certificate that is not its own, a refused login.
 * Returns as outgoing_post(); *ret likewise. A mail that needs SMTPUTF8 where the server has none
 * is REFUSED. */
int outgoing_mail(Outgoing *o, const OutgoingMail *mail, OutgoingCallback cb, void *arg,
                  OutgoingRequest **ret, Buf *ret_problem);

/* No callback comes. What had been sent has been sent. Not for a request that has ended. */
void outgoing_cancel(OutgoingRequest *r);

size_t outgoing_running(const Outgoing *o);
/* "https://host:port" in lower case: what counts as one destination. 0 and appended, -EINVAL. */
int outgoing_destination(const Outgoing *o, Str url, Buf *ret);
