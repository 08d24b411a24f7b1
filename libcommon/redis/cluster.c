/* Nodes, the map from slots to nodes, and commands on their way. */
#include "redis/cluster.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "redis/connection.h"
#include "redis/slots.h"

enum {
    NODES_MAX = 128,
    NOBODY = 255,
    REDIRECTS_MAX = 5,
    REFRESH_MS = 500,
    WAIT_TICK_MS = 20,
};

typedef struct Node {
    RedisCluster *cluster;
    RedisHost host;
    RedisConnection *connection; /* NULL: this place is free */
    size_t slots;
    bool announced; /* connected() was told */
} Node;

/* A command on its way; its bytes are kept in case it is sent elsewhere. */
typedef struct Route {
    RedisCluster *cluster;
    Node *node; /* where it was sent last */
    RedisCallback cb;
    void *arg;
    int slot, redirects;
    bool ask; /* the next try is to `to`, after ASKING */
    RedisHost to;
    int64_t until_ms;
    struct Route *next; /* while it waits */
    Buf command;
} Route;

struct RedisCluster {
    Loop *loop;
    const RedisUrl *url;
    RedisSettings settings;
    RedisEvents events;
    void *arg;
    Node *nodes[NODES_MAX];
    uint8_t of_slot[REDIS_SLOTS];
    size_t outstanding;
    LoopTimer *refresh, *wait;
    bool asked, freed; /* CLUSTER SLOTS is on its way */
    Route *waiting;
    Node *answering; /* whose reply is being given to its callback */
    char trouble[320];
};

static void ask_map(RedisCluster *c);

/* ---- nodes ---- */

static int node_index(const RedisCluster *c, const RedisHost *host) {
    for (int i = 0; i < NODES_MAX; i++)
        if (c->nodes[i] && c->nodes[i]->host.port == host->port &&
            strcmp(c->nodes[i]->host.host, host->host) == 0)
            return i;
    return -1;
}

static void on_up(void *arg, RedisConnection *connection);
static void on_down(void *arg, RedisConnection *connection);

/* The node of that address, made when it is new; -1 when there is no room. */
static int node_get(RedisCluster *c, const RedisHost *host) {
    static const RedisConnectionEvents events = {.up = on_up, .down = on_down};
    int i = node_index(c, host);
    if (i >= 0) return i;
    for (i = 0; i < NODES_MAX && c->nodes[i];)
        i++;
    if (i == NODES_MAX) return -1;
    Node *n = xcalloc(1, sizeof(*n));
    *n = (Node){.cluster = c, .host = *host};
    RedisConnectionSettings s = {.host = *host,
                                 .user = c->url->user,
                                 .password = c->url->password,
                                 .timeout_ms = c->settings.timeout_ms,
                                 .max_outstanding = c->settings.max_outstanding,
                                 .max_bytes = c->settings.max_bytes};
    n->connection = redis_connection_new(c->loop, &s, &events, n);
    c->nodes[i] = n;
    return i;
}

static void node_free(RedisCluster *c, int i) {
    Node *n = c->nodes[i];
    c->nodes[i] = NULL;
    n->connection = redis_connection_free(n->connection);
    loop_free_later(c->loop, n, free);
}

static bool is_seed(const RedisCluster *c, const RedisHost *host) {
    for (size_t i = 0; i < c->url->n_hosts; i++)
        if (c->url->hosts[i].port == host->port && strcmp(c->url->hosts[i].host, host->host) == 0)
            return true;
    return false;
}

static Node *node_of(const RedisCluster *c, int slot) {
    if (slot >= 0) return c->of_slot[slot] == NOBODY ? NULL : c->nodes[c->of_slot[slot]];
    for (int i = 0; i < NODES_MAX; i++)
        if (c->nodes[i] && redis_connection_is_up(c->nodes[i]->connection)) return c->nodes[i];
    return NULL;
}

static int unserved_slot(const RedisCluster *c) {
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        const Node *n = node_of(c, slot);
        if (!n || !redis_connection_is_up(n->connection)) return slot;
    }
    return -1;
}

/* After any change: says who is there now, drops who holds nothing, looks again if need be. */
static void settle(RedisCluster *c) {
    for (int i = 0; i < NODES_MAX; i++)
        if (c->nodes[i]) c->nodes[i]->slots = 0;
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        if (node_of(c, slot)) node_of(c, slot)->slots++;
    for (int i = 0; i < NODES_MAX; i++) {
        Node *n = c->nodes[i];
        if (!n) continue;
        bool up = redis_connection_is_up(n->connection);
        if (up && n->slots && !n->announced) {
            n->announced = true;
            if (c->events.connected)
                c->events.connected(c->arg, redis_connection_run_id(n->connection));
        } else if (!up && !n->slots && !is_seed(c, &n->host)) {
            node_free(c, i);
        }
    }
    if (unserved_slot(c) >= 0 && !loop_timer_armed(c->refresh))
        loop_timer_arm(c->refresh, REFRESH_MS);
}

static void on_up(void *arg, RedisConnection *connection) {
    Node *n = arg;
    (void)connection;
    ask_map(n->cluster);
    settle(n->cluster);
}

static void on_down(void *arg, RedisConnection *connection) {
    Node *n = arg;
    RedisCluster *c = n->cluster;
    (void)connection;
    if (c->freed) return;
    bool told = n->announced;
    n->announced = false;
    if (told && c->events.lost) c->events.lost(c->arg);
    ask_map(c);
    loop_timer_arm(c->refresh, REFRESH_MS);
}

/* ---- the map ---- */

static void on_map(void *arg, const RedisReply *reply, int error) {
    Node *n = arg;
    RedisCluster *c = n->cluster;
    c->asked = false;
    if (c->freed) return;
    if (error == 0 && redis_reply_count(reply)) memset(c->of_slot, NOBODY, sizeof(c->of_slot));
    for (size_t i = 0; !error && i < redis_reply_count(reply); i++) {
        int first, last, index;
        RedisHost host;
        if (redis_slot_range(redis_reply_at(reply, i), n->host.host, &first, &last, &host) < 0 ||
            (index = node_get(c, &host)) < 0)
            continue;
        memset(c->of_slot + first, index, (size_t)last - (size_t)first + 1);
    }
    settle(c);
}

static void ask_map(RedisCluster *c) {
    CLEANUP(buf_done) Buf b = {0};
    Node *n = node_of(c, -1);
    if (c->asked || !n) return;
    redis_encode(&b, 2, (Str[]){STR("CLUSTER"), STR("SLOTS")});
    c->asked = redis_connection_send(n->connection, buf_str(&b), on_map, n) == 0;
}

static void on_refresh(void *arg) {
    RedisCluster *c = arg;
    ask_map(c);
    if (unserved_slot(c) >= 0) loop_timer_arm(c->refresh, REFRESH_MS);
}

/* ---- commands ---- */

static void route_end(Route *r, const RedisReply *reply, int error) {
    RedisCluster *c = r->cluster;
    c->outstanding--;
    if (error == -ECANCELED && !c->freed) error = -ENOTCONN; /* its node was dropped */
    c->answering = reply ? r->node : NULL;
    if (r->cb) r->cb(r->arg, reply, error);
    c->answering = NULL;
    buf_done(&r->command);
    free(r);
}

static void on_route(void *arg, const RedisReply *reply, int error);

/* Where it is to go now: 0 when it was sent. */
static int route_send(Route *r) {
    RedisCluster *c = r->cluster;
    CLEANUP(buf_done) Buf asking = {0};
    Node *n = node_of(c, r->slot);
    if (r->ask) {
        int i = node_get(c, &r->to);
        n = i >= 0 ? c->nodes[i] : NULL;
    }
    if (!n || !redis_connection_is_up(n->connection)) return -ENOTCONN;
    if (r->ask) {
        redis_encode(&asking, 1, (Str[]){STR("ASKING")});
        int error = redis_connection_send(n->connection, buf_str(&asking), NULL, NULL);
        if (error < 0) return error;
    }
    r->node = n;
    int error = redis_connection_send(n->connection, buf_str(&r->command), on_route, r);
    if (error == 0) r->ask = false;
    return error;
}

static void route_wait(Route *r) {
    RedisCluster *c = r->cluster;
    r->next = c->waiting;
    c->waiting = r;
    if (!loop_timer_armed(c->wait)) loop_timer_arm(c->wait, WAIT_TICK_MS);
}

static void on_wait(void *arg) {
    RedisCluster *c = arg;
    Route *r = c->waiting, *in_order = NULL, *next;
    int64_t now = clock_monotonic_ms();
    c->waiting = NULL;
    for (; r; r = next) { /* the list is the newest first */
        next = r->next;
        r->next = in_order;
        in_order = r;
    }
    for (r = in_order; r; r = next) {
        next = r->next;
        if (now >= r->until_ms)
            route_end(r, NULL, -ETIMEDOUT);
        else if (route_send(r) < 0)
            route_wait(r);
    }
}

static void on_route(void *arg, const RedisReply *reply, int error) {
    Route *r = arg;
    RedisCluster *c = r->cluster;
    int slot, index;
    if (error != -EREMOTEIO || c->freed || r->redirects >= REDIRECTS_MAX) {
        route_end(r, reply, error);
        return;
    }
    Str text = redis_reply_str(reply);
    RedisRedirect redirect = redis_redirect_parse(text, r->node->host.host, &slot, &r->to);
    bool moving = str_starts(text, STR("TRYAGAIN")) || str_starts(text, STR("CLUSTERDOWN"));
    if (redirect == REDIRECT_NONE && !moving) {
        route_end(r, reply, error);
        return;
    }
    if (redirect == REDIRECT_MOVED && (index = node_get(c, &r->to)) >= 0)
        c->of_slot[slot] = (uint8_t)index;
    if (redirect != REDIRECT_NONE) r->redirects++;
    r->ask = redirect == REDIRECT_ASK;
    if (redirect != REDIRECT_ASK) ask_map(c);
    if (moving || route_send(r) < 0) route_wait(r);
}

int redis_cluster_send(RedisCluster *c, int slot, Str command, RedisCallback cb, void *arg) {
    if (c->outstanding >= c->settings.max_outstanding) return -ENOBUFS;
    Route *r = xmalloc(sizeof(*r));
    *r = (Route){.cluster = c,
                 .cb = cb,
                 .arg = arg,
                 .slot = slot,
                 .until_ms = clock_monotonic_ms() + c->settings.timeout_ms};
    buf_add_str(&r->command, command);
    int error = route_send(r);
    if (error < 0) {
        buf_done(&r->command);
        free(r);
        return error;
    }
    c->outstanding++;
    return 0;
}

/* ---- life ---- */

RedisCluster *redis_cluster_new(Loop *loop, const RedisUrl *url, const RedisSettings *settings,
                                const RedisEvents *events, void *arg) {
    RedisCluster *c = xcalloc(1, sizeof(*c));
    c->loop = loop;
    c->url = url;
    c->settings = *settings;
    c->events = *events;
    c->arg = arg;
    memset(c->of_slot, NOBODY, sizeof(c->of_slot));
    c->refresh = loop_timer_new(loop, on_refresh, c);
    c->wait = loop_timer_new(loop, on_wait, c);
    for (size_t i = 0; i < url->n_hosts; i++)
        (void)node_get(c, &url->hosts[i]);
    return c;
}

RedisCluster *redis_cluster_free(RedisCluster *c) {
    if (!c) return NULL;
    c->freed = true;
    c->events = (RedisEvents){0};
    for (int i = 0; i < NODES_MAX; i++)
        if (c->nodes[i]) node_free(c, i);
    while (c->waiting) {
        Route *r = c->waiting;
        c->waiting = r->next;
        route_end(r, NULL, -ECANCELED);
    }
    c->refresh = loop_timer_free(c->refresh);
    c->wait = loop_timer_free(c->wait);
    loop_free_later(c->loop, c, free);
    return NULL;
}

bool redis_cluster_served(const RedisCluster *c) {
    return unserved_slot(c) < 0;
}

const char *redis_cluster_run_id(const RedisCluster *c, int slot) {
    const Node *n = node_of(c, slot);
    return n ? redis_connection_run_id(n->connection) : "";
}

const char *redis_cluster_trouble(const RedisCluster *c) {
    int slot = unserved_slot(c);
    if (slot < 0) return "";
    const char *why = "the cluster gives it to nobody";
    const Node *n = node_of(c, slot);
    for (int i = 0; !n && i < NODES_MAX; i++) /* nothing known: what the named servers say */
        if (c->nodes[i] && !redis_connection_is_up(c->nodes[i]->connection)) n = c->nodes[i];
    if (n) why = redis_connection_trouble(n->connection);
    (void)snprintf(((RedisCluster *)c)->trouble, sizeof(c->trouble), "slot %d is not served: %s",
                   slot, why);
    return c->trouble;
}

size_t redis_cluster_outstanding(const RedisCluster *c) {
    return c->outstanding;
}

RedisReply *redis_cluster_keep_reply(RedisCluster *c) {
    return c->answering ? redis_connection_keep_reply(c->answering->connection) : NULL;
}
