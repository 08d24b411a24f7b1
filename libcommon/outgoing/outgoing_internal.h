/* What POSTs and mails have in common: the client's limits, and a request's life. */
#pragma once

#include <curl/curl.h>

#include "outgoing/address.h"
#include "outgoing/engine.h"
#include "outgoing/outgoing.h"

enum { OUTGOING_SPARE = 16, OUTGOING_PLACES = 512 /* buckets */ };

struct Outgoing {
    Loop *loop;
    AddressList allowed;
    char *user_agent, *ca_file, *helo;
    size_t max_running, max_per_destination, max_bytes, max_idle;
    Engine *engine;                           /* of POSTs; each mail connection has its own */
    struct PostHandle *spare[OUTGOING_SPARE]; /* of POSTs that have ended, the oldest first */
    size_t spare_n;
    void (*free_spare)(Outgoing *o); /* set by who keeps some */
    OutgoingRequest *first;
    struct Place *places[OUTGOING_PLACES]; /* destinations to which something runs */
    size_t running, bytes;
    struct MailConnection *idle; /* the youngest first */
    size_t idle_n;
    void (*close_idle)(Outgoing *o); /* set by who keeps some */
    bool freeing;
};

struct OutgoingRequest {
    Outgoing *owner;
    OutgoingRequest *next, **self; /* *self points to this one */
    OutgoingCallback cb;
    void *arg;
    struct Place *place; /* its destination */
    int64_t not_after_ms;
    size_t bytes; /* counted against max_bytes */
    void (*free_rest)(OutgoingRequest *r);
};

/* What the sockets of one easy handle were allowed; its address is their callback's argument. */
typedef struct SocketGuard {
    const AddressList *allowed;
    Engine *engine;        /* that closes them (engine_opened()); NULL: libcurl does */
    const char *forbidden; /* what kind of network the last refused address was of */
    size_t opened;         /* addresses that could be tried */
    bool begun;            /* a request went out over one of them: no other is opened */
    bool again;            /* ... though libcurl wanted to send it once more */
} SocketGuard;

/* 0, -EBUSY or -ENOBUFS: is there room for one more? */
int outgoing_room(const Outgoing *o, Str destination, size_t bytes);
/* Fills in the common part of *r and counts it. */
void outgoing_enter(Outgoing *o, OutgoingRequest *r, OutgoingCallback cb, void *arg,
                    Str destination, size_t bytes, int64_t not_after_ms);
/* Uncounts it, tells the caller, frees it. */
void outgoing_end(OutgoingRequest *r, OutgoingResult *result);
bool outgoing_too_late(const OutgoingRequest *r);

/* What every handle needs, whatever it speaks: the guard, certificates, no proxies, no signals.
 * `engine`: where its connections stay watched while they are idle; NULL: nowhere. */
void outgoing_prepare(const Outgoing *o, Engine *engine, CURL *easy, SocketGuard *guard,
                      char *error);

/* Why a transfer failed, as a result that is LATER, or REFUSED when every address was forbidden. */
void outgoing_failure(CURLcode code, const SocketGuard *guard, const char *error, int ms,
                      Buf *reason, OutgoingResult *ret);

void post_done(void *arg, CURL *easy, CURLcode code); /* an EngineDone */
