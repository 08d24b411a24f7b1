/* mail-sink -- a mail server that takes everything and keeps nothing: SMTP with PIPELINING over
 * kept connections, each mail counted by its Message-ID. It shares the machine with what is
 * measured, so it does no more than that: one thread, one read and one write for what came.
 *
 * Usage: mail-sink PORT COUNTERS_PORT
 * Both on 127.0.0.1. Whoever connects to COUNTERS_PORT gets the counters as JSON and is hung up on;
 * SIGTERM prints them and ends. `distinct` counts Message-IDs (by 64 bits of a hash). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES = 1 << 20, SAY = 8192, EVENTS = 256, KINDS = 3, PEERS = 4096 };

typedef struct Peer {
    int fd;
    bool message; /* what comes is a message, up to its dot */
    size_t n;     /* not yet understood, in bytes */
    char *bytes;
} Peer;

static Peer *peers[PEERS]; /* by descriptor */
static long connections, mails, recipients, without_id, overlong;
static uint64_t *seen; /* hashes, open addressing; 0: empty */
static size_t seen_n, seen_room = 1 << 20;

static bool seen_put(uint64_t *table, size_t room, uint64_t hash) {
    size_t at = hash & (room - 1);
    while (table[at] && table[at] != hash)
        at = (at + 1) & (room - 1);
    if (table[at]) return false;
    table[at] = hash;
    return true;
}

static void see(const char *id, size_t n) {
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)id[i]) * UINT64_C(1099511628211);
    hash = (hash ^ hash >> 32) | 1; /* the low bits are the place */
    if (2 * seen_n >= seen_room) {
        uint64_t *more = calloc(seen_room * 2, sizeof(*more));
        if (!more) abort();
        for (size_t i = 0; i < seen_room; i++)
            if (seen[i]) (void)seen_put(more, seen_room * 2, seen[i]);
        free(seen);
        seen = more;
        seen_room *= 2;
    }
    seen_n += seen_put(seen, seen_room, hash);
}

static void counters(int fd) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    (void)dprintf(fd,
                  "{\"connections\": %ld, \"mails\": %ld, \"distinct\": %zu, \"recipients\": %ld,"
                  " \"without_id\": %ld, \"overlong\": %ld, \"cpu\": %.6f}\n",
                  connections, mails, seen_n, recipients, without_id, overlong,
                  (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

/* The message's own id, of its header lines. */
static void take_message(const char *text, size_t n) {
    static const char name[] = "message-id:";
    const char *end = text + n;
    mails++;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        if (length <= 1) break; /* the header's end */
        if (length > sizeof(name) && strncasecmp(line, name, sizeof(name) - 1) == 0) {
            see(line + sizeof(name) - 1, length - sizeof(name) + 1);
            return;
        }
        line += length + 1;
    }
    without_id++;
}

static bool is(const char *line, size_t n, const char *word) {
    size_t k = strlen(word);
    return n >= k && strncasecmp(line, word, k) == 0;
}

/* What is answered to one command; NULL: nothing more, after `quit`. */
static const char *answer(Peer *p, const char *line, size_t n) {
    if (is(line, n, "MAIL")) return "250 ok\r\n";
    if (is(line, n, "RCPT")) {
        recipients++;
        return "250 ok\r\n";
    }
    if (is(line, n, "DATA")) {
        p->message = true;
        return "354 go on\r\n";
    }
    if (is(line, n, "EHLO"))
        return "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
    if (is(line, n, "HELO") || is(line, n, "RSET") || is(line, n, "NOOP")) return "250 ok\r\n";
    if (is(line, n, "QUIT")) return NULL;
    return "500 what\r\n";
}

/* All that is whole in what came. False: the peer is to be hung up on. */
static bool understand(Peer *p) {
    char say[SAY];
    size_t at = 0, said = 0;
    bool stays = true;
    while (stays && at < p->n && said + 128 < sizeof(say)) {
        const char *from = p->bytes + at;
        size_t left = p->n - at;
        const char *reply;
        if (p->message) {
            const char *dot = memmem(from, left, "\r\n.\r\n", 5);
            if (!dot) break;
            take_message(from, (size_t)(dot - from) + 2);
            at += (size_t)(dot - from) + 5;
            p->message = false;
            reply = "250 ok\r\n";
        } else {
            const char *stop = memchr(from, '\n', left);
            if (!stop) break;
            at += (size_t)(stop - from) + 1;
            reply = answer(p, from, (size_t)(stop - from));
            stays = reply != NULL;
            if (!reply) reply = "221 bye\r\n";
        }
        while (*reply)
            say[said++] = *reply++;
    }
    memmove(p->bytes, p->bytes + at, p->n - at);
    p->n -= at;
    /* A few short lines: a peer that does not read them is not waited for. */
    if (said && send(p->fd, say, said, MSG_NOSIGNAL) != (ssize_t)said) return false;
    return stays;
}

static void hang_up(Peer *p) {
    peers[p->fd] = NULL;
    (void)close(p->fd);
    free(p->bytes);
    free(p);
}

static void hear(Peer *p) {
    ssize_t got = recv(p->fd, p->bytes + p->n, BYTES - p->n, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) p->n += (size_t)got;
    if (p->n == BYTES) overlong++;
    if (got <= 0 || !understand(p) || p->n == BYTES) hang_up(p);
}

static void greet(int epoll, int listener) {
    static const char hello[] = "220 sink\r\n";
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= PEERS) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    Peer *p = peers[fd] = calloc(1, sizeof(*p));
    if (!p || !(p->bytes = malloc(BYTES))) abort();
    p->fd = fd;
    connections++;
    (void)send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) hang_up(p);
}

static int listen_at(const char *port) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(port)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1024) < 0) {
        perror("mail-sink");
        exit(2);
    }
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    int kinds[KINDS] = {listen_at(argv[1]), listen_at(argv[2]), signalfd(-1, &ends, SFD_CLOEXEC)};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    seen = calloc(seen_room, sizeof(*seen));
    if (!seen || epoll < 0) return 2;
    for (int i = 0; i < KINDS; i++)
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, kinds[i],
                        &(struct epoll_event){.events = EPOLLIN, .data.fd = kinds[i]});
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == kinds[0]) {
                greet(epoll, fd);
            } else if (fd == kinds[1]) {
                int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                if (peer >= 0) counters(peer), (void)close(peer);
            } else if (fd == kinds[2]) {
                counters(STDOUT_FILENO);
                return 0;
            } else if (peers[fd]) {
                hear(peers[fd]);
            }
        }
    }
}
