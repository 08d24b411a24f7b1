/* Signs of life go out as they come; the sweep is one round after the other, never two at once:
 * who is on duty by the desk (PostgreSQL) -> who of them is silent (Redis, a script a tenant) ->
 * off duty (a transaction each) -> tickets back to the queue. Each step is decided from what the
 * stores say, so a desk that dies in between leaves nothing that the next round does not find. */
#include "desk/people/presence.h"

#include <errno.h>

#include "base/clock.h"
#include "desk/people/silence.h"
#include "log/log.h"

enum {
    HEARD_EVERY_MS = 1500, /* of one person, at most */
    HEARD_ROOM = 4096,     /* people of one such time; beyond it each request is written */
};

struct Presence {
    Desk *desk;
    Silence *silence;
    /* those written since `since_ms` */
    struct {
        int64_t tenant_id, agent_id;
    } heard[HEARD_ROOM];
    size_t heard_n;
    int64_t since_ms;
};

/* True: not yet in this time. */
static bool is_news(struct Presence *p, int64_t tenant_id, int64_t agent_id) {
    int64_t now = clock_monotonic_ms();
    if (now - p->since_ms >= HEARD_EVERY_MS) {
        memset(p->heard, 0, sizeof(p->heard));
        p->heard_n = 0;
        p->since_ms = now;
    }
    uint64_t mixed = ((uint64_t)tenant_id * 0x9e3779b97f4a7c15u) ^ (uint64_t)agent_id;
    size_t at = (size_t)(mixed * 0x9e3779b97f4a7c15u >> 40) % HEARD_ROOM;
    while (p->heard[at].tenant_id) {
        if (p->heard[at].tenant_id == tenant_id && p->heard[at].agent_id == agent_id) return false;
        at = (at + 1) % HEARD_ROOM;
    }
    if (p->heard_n == HEARD_ROOM / 2) return true;
    p->heard[at].tenant_id = tenant_id;
    p->heard[at].agent_id = agent_id;
    p->heard_n++;
    return true;
}

static void write_down(Desk *d, int64_t tenant_id, int64_t agent_id) {
    CLEANUP(buf_done) Buf key = {0}, now = {0}, member = {0};
    silence_seen_key(tenant_id, &key);
    buf_add_i64(&now, clock_wall_ms());
    buf_add_i64(&member, agent_id);
    Str words[] = {STR("ZADD"), buf_str(&key), buf_str(&now), buf_str(&member)};
    (void)redis_command(d->redis, NULL, NULL, 4, words); /* away: the next one, or nobody's loss */
}

void presence_heard(Desk *d, const Subject *who) {
    if (!d->presence || !who->user_id || who->like == ROLE_CUSTOMER) return;
    if (is_news(d->presence, who->tenant_id, who->user_id))
        write_down(d, who->tenant_id, who->user_id);
}

void presence_began(Desk *d, int64_t tenant_id, int64_t agent_id) {
    write_down(d, tenant_id, agent_id);
}

static int start(Desk *d, Buf *problem) {
    (void)problem;
    d->presence = xcalloc(1, sizeof(*d->presence));
    d->presence->desk = d;
    d->presence->silence = silence_new(d);
    return 0;
}

static bool drained(Desk *d) {
    return !d->presence || silence_idle(d->presence->silence);
}

static void stop(Desk *d) {
    if (!d->presence) return;
    silence_free(d->presence->silence);
    free(d->presence);
    d->presence = NULL;
}

const DeskPart presence_part = {"presence", start, drained, stop};
