/* HttpLink -- one keep-alive connection to an HTTP/1.1 server, seen from the client's side: what is
 * put into `out` is sent, answers come in the order of the requests, and a lost connection is made
 * again by itself. For load generators: one thread, raw sockets, no request objects. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "docket/http_reply.h"
#include "loop/loop.h"

typedef struct HttpAddress {
    struct sockaddr_storage address;
    socklen_t address_n;
    char host[256]; /* with port, for the Host header */
} HttpAddress;

/* "http://host:port"; looks the name up. -EINVAL with a sentence in *ret_problem. */
int http_address_resolve(Str url, HttpAddress *ret, Buf *ret_problem);

typedef enum HttpLoss {
    HTTP_LOSS_REFUSED, /* it never stood */
    HTTP_LOSS_ENDED,   /* the server closed it, an error, or http_link_drop() */
    HTTP_LOSS_BROKEN   /* an answer that is none, or that nobody asked for */
} HttpLoss;

/* None of them may free the link or call http_link_flush() but `opened` and `rested`. */
typedef struct HttpLinkUser {
    void (*opened)(void *arg);
    /* Its oldest request is answered; slices live until the return. False: that is no answer to it,
     * the link is BROKEN. More may be put into `out`; it is sent afterwards. */
    bool (*answered)(void *arg, const HttpReply *reply);
    void (*lost)(void *arg, HttpLoss why); /* nothing under way will be answered */
    void (*rested)(void *arg);             /* all that came has been read; may be NULL */
} HttpLinkUser;

typedef struct HttpLink {
    Buf out; /* append whole requests, then http_link_flush() */
    bool open;
    /* private */
    Loop *loop;
    const HttpAddress *server;
    const HttpLinkUser *user;
    void *arg;
    int fd;
    LoopFd *watch;
    LoopTimer *again; /* to connect once more */
    Buf in;
    size_t out_at;
    bool ended;
} HttpLink;

/* Connects at once; `server` and `user` are kept by reference. */
void http_link_init(HttpLink *l, Loop *loop, const HttpAddress *server, const HttpLinkUser *user,
                    void *arg);
/* False: it was lost meanwhile, and lost() has been called. */
bool http_link_flush(HttpLink *l);
/* Gives the connection up (a timeout, say): lost(), and connects again. */
void http_link_drop(HttpLink *l);
/* For good; lost() is called once more when it stood. */
void http_link_done(HttpLink *l);
