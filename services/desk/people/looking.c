/* Who looks at a ticket and who writes, so that two people do not answer at once: said again every
 * few seconds, forgotten 20 s after the last time. In Redis alone; without it nobody is seen and
 * work goes on. */
#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/desk.h"
#include "desk/tickets/reader.h"

enum { FORGOTTEN_MS = 20000, SHOWN_MAX = 50 };

/* KEYS: a hash of the ticket: user -> "doing|when". ARGV: now, FORGOTTEN_MS, user, doing ("": only
 * looks who is there; "gone": is forgotten). Returns user, doing, when of each who is there. */
static const char looking_source[] =
    "local now, ttl, user, doing = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]\n"
    "if doing == 'gone' then\n"
    "    redis.call('HDEL', KEYS[1], user)\n"
    "elseif doing ~= '' then\n"
    "    redis.call('HSET', KEYS[1], user, doing .. '|' .. now)\n"
    "    redis.call('PEXPIRE', KEYS[1], ttl)\n"
    "end\n"
    "local all, here = redis.call('HGETALL', KEYS[1]), {}\n"
    "for i = 1, #all, 2 do\n"
    "    local what, at = string.match(all[i + 1], '^(%a+)|(%d+)$')\n"
    "    if what and math.abs(now - tonumber(at)) < ttl then\n"
    "        here[#here + 1] = all[i]\n"
    "        here[#here + 1] = what\n"
    "        here[#here + 1] = at\n"
    "    else\n"
    "        redis.call('HDEL', KEYS[1], all[i])\n"
    "    end\n"
    "end\n"
    "return here\n";

static RedisScript script;

static void add_person(Request *r, Buf *body, const RedisReply *reply, size_t i) {
    int64_t id = redis_reply_int(redis_reply_at(reply, i));
    const Agent *agent = r->catalog ? catalog_agent(r->catalog, id) : NULL;
    char at[21];
    clock_format_s(redis_reply_int(redis_reply_at(reply, i + 2)), at);
    buf_printf(body, "{\"user_id\":%lld,\"name\":", (long long)id);
    if (agent)
        buf_add_json(body, agent->title.n ? agent->title : agent->name);
    else
        buf_adds(body, "null");
    buf_adds(body, ",\"doing\":");
    buf_add_json(body, redis_reply_str(redis_reply_at(reply, i + 1)));
    buf_printf(body, ",\"seen_at\":\"%s\"}", at);
}

static void answer_with(Request *r, const RedisReply *reply, bool available) {
    Buf *body = request_buf(r);
    size_t shown = 0;
    buf_printf(body, "{\"presence\":{\"available\":%s,\"people\":[", available ? "true" : "false");
    for (size_t i = 0; i + 2 < redis_reply_count(reply) && shown < SHOWN_MAX; i += 3) {
        if (redis_reply_int(redis_reply_at(reply, i)) == r->subject.user_id) continue; /* herself */
        if (shown++) buf_addc(body, ',');
        add_person(r, body, reply, i);
    }
    buf_adds(body, "]}}");
    answer_json(r, 200, buf_str(body));
}

static void on_looked(void *arg, const RedisReply *reply, int error) {
    answer_with(arg, error ? NULL : reply, !error);
}

static void ask_redis(Request *r, int64_t ticket_id, Str doing) {
    CLEANUP(buf_done) Buf key = {0}, now = {0}, ttl = {0}, user = {0};
    if (!script.sha1[0]) redis_script_init(&script, "looking", looking_source);
    buf_printf(&key, "desk:{%lld}:looking:%lld", (long long)r->subject.tenant_id,
               (long long)ticket_id);
    buf_add_i64(&now, clock_wall_ms());
    buf_add_i64(&ttl, FORGOTTEN_MS);
    buf_add_i64(&user, r->subject.user_id);
    const Str argv[] = {buf_str(&key), buf_str(&now), buf_str(&ttl), buf_str(&user), doing};
    if (redis_eval(r->desk->redis, &script, on_looked, r, 1, 5, argv) < 0)
        answer_with(r, NULL, false);
}

/* ---- the ticket has to be reached, whatever else is wrong ---- */

typedef enum Wish { LOOKS_ONLY, IS_HERE, LEAVES } Wish;

static bool may(Request *r, Wish wish) {
    if (wish == LOOKS_ONLY || r->subject.user_id) return true;
    answer_forbidden(r, "只有登录的人才能显示在场 Only a person can be present; this token is a "
                        "program's");
    return false;
}

/* "viewing" or "writing"; absent, having answered 422. */
static Str doing_of(Request *r) {
    const cJSON *body = r->body, *inner = cJSON_GetObjectItemCaseSensitive(body, "presence");
    const cJSON *doing =
        cJSON_GetObjectItemCaseSensitive(cJSON_IsObject(inner) ? inner : body, "doing");
    if (cJSON_IsString(doing) && !strcmp(doing->valuestring, "viewing")) return STR("viewing");
    if (cJSON_IsString(doing) && !strcmp(doing->valuestring, "writing")) return STR("writing");
    Invalid invalid;
    invalid_init(&invalid, r->arena);
    invalid_add(&invalid, "doing", "InvalidValue",
                "只能是 viewing 或 writing Send viewing or writing");
    answer_invalid(r, &invalid);
    return (Str){NULL, 0};
}

static void on_ticket(Request *r, const TicketRow *ticket) {
    const Wish *wish = r->context;
    if (!ticket) {
        answer_not_found(r);
        return;
    }
    if (!ticket_allows(r, RIGHT_TICKETS_READ, ticket) || !may(r, *wish)) return;
    Str doing = *wish == LEAVES ? STR("gone") : STR("");
    if (*wish == IS_HERE && !(doing = doing_of(r)).p) return;
    ask_redis(r, ticket->id, doing);
}

static void look(Request *r, Wish wish) {
    Wish *kept = arena_alloc(r->arena, sizeof(*kept));
    *kept = wish;
    r->context = kept;
    ticket_read(r, r->ids[0], on_ticket);
}

static void get_looking(Request *r) {
    look(r, LOOKS_ONLY);
}

static void post_looking(Request *r) {
    look(r, IS_HERE);
}

static void delete_looking(Request *r) {
    look(r, LEAVES);
}

static const Route routes[] = {
    {"GET", "/api/v2/tickets/{id}/presence", RIGHT_TICKETS_READ, ROUTE_TICKET, get_looking},
    {"POST", "/api/v2/tickets/{id}/presence", RIGHT_TICKETS_READ, ROUTE_TICKET | ROUTE_JSON,
     post_looking},
    {"DELETE", "/api/v2/tickets/{id}/presence", RIGHT_TICKETS_READ, ROUTE_TICKET, delete_looking},
};
const RouteTable looking_routes = {"presence", routes, sizeof(routes) / sizeof(*routes)};
