/* The limits, the list of what runs, and what every handle is set to. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "outgoing/outgoing_internal.h"

static size_t or_else(size_t value, size_t otherwise) {
    return value ? value : otherwise;
}

Outgoing *outgoing_new(Loop *loop, const OutgoingSettings *settings, Buf *ret_problem) {
    Outgoing *o = xcalloc(1, sizeof(*o));
    *o = (Outgoing){.loop = loop,
                    .user_agent = xstrdup(settings->user_agent ? settings->user_agent : "Docket"),
                    .ca_file = settings->ca_file ? xstrdup(settings->ca_file) : NULL,
                    .helo = xstrdup(settings->helo ? settings->helo : "localhost"),
                    .max_running = or_else(settings->max_running, 256),
                    .max_per_destination = or_else(settings->max_per_destination, 4),
                    .max_bytes = or_else(settings->max_bytes, (size_t)64 << 20),
                    .max_idle = or_else(settings->max_idle, 64)};
    if (address_list_parse(settings->allow, &o->allowed, ret_problem) < 0) return outgoing_free(o);
    if (o->helo[strspn(o->helo,
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")]) {
        buf_adds(ret_problem, "our name to mail servers is of letters, digits, dots and hyphens");
        return outgoing_free(o);
    }
    if (o->ca_file && access(o->ca_file, R_OK) < 0) {
        buf_printf(ret_problem, "%s cannot be read", o->ca_file);
        return outgoing_free(o);
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) /* counts its callers */
        o->engine = engine_new(loop, (long)o->max_idle, post_done, o);
    if (!o->engine) {
        buf_adds(ret_problem, "libcurl does not start");
        return outgoing_free(o);
    }
    return o;
}

/* ---- How much runs to where ---- */

typedef struct Place {
    struct Place *next; /* of its bucket */
    size_t running;
    Str name; /* behind it */
} Place;

static Place **place_of(Outgoing *o, Str name) {
    uint64_t h = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
    Place **at = &o->places[(h ^ h >> 29) % OUTGOING_PLACES];
    while (*at && !str_eq((*at)->name, name))
        at = &(*at)->next;
    return at;
}

static Place *place_enter(Outgoing *o, Str name) {
    Place **at = place_of(o, name);
    if (!*at) {
        Place *p = xcalloc(1, sizeof(*p) + name.n);
        memcpy(p + 1, name.p, name.n);
        p->name = (Str){(const char *)(p + 1), name.n};
        *at = p;
    }
    (*at)->running++;
    return *at;
}

static void place_leave(Outgoing *o, Place *p) {
    if (--p->running > 0) return;
    Place **at = place_of(o, p->name);
    *at = p->next;
    free(p);
}

static void leave(OutgoingRequest *r) {
    *r->self = r->next;
    if (r->next) r->next->self = r->self;
    place_leave(r->owner, r->place);
    r->owner->running--;
    r->owner->bytes -= r->bytes;
}

Outgoing *outgoing_free(Outgoing *o) {
    if (!o) return NULL;
    o->freeing = true;
    while (o->first)
        outgoing_cancel(o->first);
    if (o->close_idle) o->close_idle(o);
    if (o->free_spare) o->free_spare(o);
    o->engine = engine_free(o->engine);
    free(o->user_agent);
    free(o->ca_file);
    free(o->helo);
    free(o);
    return NULL;
}

int outgoing_room(const Outgoing *o, Str destination, size_t bytes) {
    if (o->running >= o->max_running || bytes > o->max_bytes - o->bytes) return -ENOBUFS;
    const Place *p = *place_of((Outgoing *)o, destination);
    return p && p->running >= o->max_per_destination ? -EBUSY : 0;
}

void outgoing_enter(Outgoing *o, OutgoingRequest *r, OutgoingCallback cb, void *arg,
                    Str destination, size_t bytes, int64_t not_after_ms) {
    r->owner = o;
    r->cb = cb;
    r->arg = arg;
    r->place = place_enter(o, destination);
    r->bytes = bytes;
    r->not_after_ms = not_after_ms;
    r->next = o->first;
    r->self = &o->first;
    if (r->next) r->next->self = &r->next;
    o->first = r;
    o->running++;
    o->bytes += bytes;
}

void outgoing_end(OutgoingRequest *r, OutgoingResult *result) {
    leave(r);
    if (result->outcome == OUTGOING_DELIVERED) result->doubtful = false;
    r->cb(r->arg, result);
    r->free_rest(r);
}

void outgoing_cancel(OutgoingRequest *r) {
    if (!r) return;
    leave(r);
    r->free_rest(r);
}

size_t outgoing_running(const Outgoing *o) {
    return o->running;
}

bool outgoing_too_late(const OutgoingRequest *r) {
    return r->not_after_ms && clock_monotonic_ms() > r->not_after_ms;
}

/* The one place where a connection to somewhere begins. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    SocketGuard *guard = arg;
    if (guard->begun) {
        guard->again = true;
        return CURL_SOCKET_BAD;
    }
    const char *what = purpose == CURLSOCKTYPE_IPCXN
                           ? address_refusal(guard->allowed, &address->addr)
                           : "no network of the Internet";
    if (what) {
        guard->forbidden = what;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    if (guard->engine) engine_opened(guard->engine, fd);
    guard->opened++;
    return fd;
}

void outgoing_prepare(const Outgoing *o, Engine *engine, CURL *easy, SocketGuard *guard,
                      char *error) {
    *guard = (SocketGuard){.allowed = &o->allowed, .engine = engine};
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, guard);
    if (engine) {
        (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, engine_close);
        (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, engine);
    }
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not the environment's either */
    /* A resolver that hangs is left to its thread, instead of waited for. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (o->ca_file) (void)curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
}

void outgoing_failure(CURLcode code, const SocketGuard *guard, const char *error, int ms,
                      Buf *reason, OutgoingResult *ret) {
    ret->outcome = OUTGOING_LATER;
    if (code != CURLE_OPERATION_TIMEDOUT && guard->forbidden && !guard->opened) {
        ret->outcome = OUTGOING_REFUSED;
        buf_printf(reason, "its address is of %s, which may not be reached from here",
                   guard->forbidden);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        buf_printf(reason, "no answer within %d ms", ms);
    } else {
        buf_adds(reason, error[0] ? error : curl_easy_strerror(code));
    }
}
