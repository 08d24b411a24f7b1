/* Drives the notifier's channels for robots, SMS and topics in tests: one letter as JSON a line on
 * standard input, its end as one JSON object a line on standard output; tests/harness/channels.py
 * is its other side.
 *
 *   channel_driver SETTINGS       {"allow": "127.0.0.0/8", "kafka": "host:port", "structured":
 * bool, "secrets": {"system": {"address": ..., "current": ...}}}
 *   {"id": 1, "channel": "robot", "by": "dingtalk", "system": ..., "key": ..., ...}   as Letter
 *   {"secrets": {...}}            from now on these
 *   {"free": true}                takes all channels down with whatever is on its way
 *
 *   channel_driver seal RING TENANT name|phone TEXT    one sealed field of a requester, as JSON
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "notifier/channels/robot.h"
#include "notifier/channels/sms.h"
#include "notifier/channels/topic.h"
#include "vault/field.h"
#include "json/json.h"

enum { IDS = 1024, PARAMS_MAX = 16, LEASE_MS = 20000 };

static Loop *loop;
static Outgoing *outgoing;
static Channel *robot, *sms, *topic;
static cJSON *secrets;
static Buf input;
static char ids[IDS]; /* an address each, for the callbacks */

static Str text(const cJSON *o, const char *key) {
    Str s = {NULL, 0};
    (void)json_get_string(o, key, &s);
    return s;
}

static int64_t number(const cJSON *o, const char *key) {
    int64_t n = 0;
    (void)json_get_int(o, key, &n);
    return n;
}

static bool flag(const cJSON *o, const char *key) {
    bool b = false;
    (void)json_get_bool(o, key, &b);
    return b;
}

static ChannelSecretOutcome find(void *arg, int64_t tenant_id, Str system, ChannelSecret *ret) {
    const cJSON *of = NULL;
    (void)arg;
    (void)tenant_id;
    if (str_is(system, "unread")) return CHANNEL_SECRET_UNKNOWN;
    char name[128];
    (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(system));
    if (!secrets || json_get_object(secrets, name, &of) <= 0) return CHANNEL_SECRET_NONE;
    *ret = (ChannelSecret){.address = text(of, "address"), .current = text(of, "current")};
    return CHANNEL_SECRET_FOUND;
}

static void on_done(void *arg, const Delivered *d) {
    static const char *const outcomes[] = {"delivered", "later", "refused"};
    CLEANUP(buf_done) Buf out = {0};
    buf_printf(&out,
               "{\"id\":%d,\"outcome\":\"%s\",\"status\":%d,\"retry_after_ms\":%lld,\"doubtful\":"
               "%s,\"dead\":%s,\"fine\":%s,\"reason\":",
               (int)((char *)arg - ids), outcomes[d->outcome], d->status,
               (long long)d->retry_after_ms, d->doubtful ? "true" : "false",
               d->destination_dead ? "true" : "false", d->destination_fine ? "true" : "false");
    buf_add_json(&out, d->reason);
    (void)printf("%s}\n", out.p);
}

static bool way_of(Str name, NotifyWay *ret) {
    for (int w = 0; w < NOTIFY_WAYS; w++)
        if (str_is(name, notify_way_name((NotifyWay)w))) {
            *ret = (NotifyWay)w;
            return true;
        }
    return false;
}

static void send_letter(const cJSON *o) {
    CLEANUP(buf_done) Buf problem = {0}, out = {0};
    const cJSON *params = NULL, *p;
    GatewayPair pairs[PARAMS_MAX];
    OutsideSystem system = {.name = text(o, "system"), .address = text(o, "address")};
    Letter l = {.tenant_id = 7,
                .delivery_id = number(o, "id"),
                .ticket_id = number(o, "ticket_id"),
                .key = text(o, "key"),
                .system = system.name.n ? &system : NULL,
                .address = text(o, "address"),
                .event = text(o, "event"),
                .occurred_ms = number(o, "occurred_ms"),
                .seq = number(o, "seq"),
                .urgent = flag(o, "urgent"),
                .subject = text(o, "subject"),
                .markdown = text(o, "markdown"),
                .json = text(o, "json"),
                .sms_code = text(o, "sms_code"),
                .sms = pairs};
    if (!way_of(text(o, "by"), &l.by)) exit(2);
    system.by = l.by;
    if (json_get_object(o, "params", &params) > 0) {
        cJSON_ArrayForEach(p, params) {
            if (l.sms_n < PARAMS_MAX)
                pairs[l.sms_n++] = (GatewayPair){str(p->string), text(params, p->string)};
        }
    }
    Channel *c = l.by == NOTIFY_BY_SMS ? sms : l.by == NOTIFY_BY_KAFKA ? topic : robot;
    int r = c->kind->send(c, &l, clock_monotonic_ms() + LEASE_MS, on_done,
                          &ids[l.delivery_id % IDS], &problem);
    if (r == 0) return;
    buf_printf(&out, "{\"id\":%lld,\"error\":\"%s\",\"reason\":", (long long)l.delivery_id,
               r == -EINVAL  ? "EINVAL"
               : r == -EBUSY ? "EBUSY"
                             : strerror(-r));
    buf_add_json(&out, problem.p ? buf_str(&problem) : STR(""));
    (void)printf("%s}\n", out.p);
}

static void close_channels(void) {
    robot = channel_free(robot);
    sms = channel_free(sms);
    topic = channel_free(topic);
}

static void run(Str line) {
    CLEANUP(buf_done) Buf why = {0};
    cJSON *o = NULL;
    JsonLimits limits = {.bytes = 4 << 20, .depth = 8, .members = 100};
    if (json_parse(line, &limits, &o, &why) < 0) {
        (void)fprintf(stderr, "channel_driver: %s\n", why.p);
        exit(2);
    }
    if (cJSON_HasObjectItem(o, "secrets")) {
        cJSON_Delete(secrets);
        secrets = cJSON_DetachItemFromObjectCaseSensitive(o, "secrets");
    } else if (flag(o, "free")) {
        close_channels();
        (void)printf("{\"freed\":true}\n");
    } else {
        send_letter(o);
    }
    cJSON_Delete(o);
}

static void on_input(int fd, unsigned what, void *arg) {
    char bytes[65536];
    (void)what;
    (void)arg;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        loop_stop(loop);
        return;
    }
    buf_add(&input, bytes, (size_t)n);
    Str rest = buf_str(&input);
    for (const char *end; (end = memchr(rest.p, '\n', rest.n));) {
        run((Str){rest.p, (size_t)(end - rest.p)});
        rest = (Str){end + 1, rest.n - (size_t)(end + 1 - rest.p)};
    }
    memmove(input.p, rest.p, rest.n);
    input.n = rest.n;
}

static int seal(char **words) {
    CLEANUP(buf_done) Buf out = {0}, why = {0};
    SealedField field;
    int64_t tenant_id;
    Vault *v = vault_open(words[0], &why);
    if (!v || str_to_i64(str(words[1]), &tenant_id) < 0) return 2;
    FieldKind kind = strcmp(words[2], "phone") == 0 ? FIELD_PHONE : FIELD_NAME;
    if (field_seal(v, tenant_id, kind, str(words[3]), &field) < 0) return 2;
    field_json(&field, &out);
    (void)printf("%s\n", out.p);
    field_done(&field);
    v = vault_free(v);
    return 0;
}

int main(int argc, char **argv) {
    CLEANUP(buf_done) Buf why = {0};
    cJSON *o = NULL;
    if (argc == 6 && strcmp(argv[1], "seal") == 0) return seal(argv + 2);
    if (argc != 2 || json_parse(str(argv[1]), NULL, &o, &why) < 0) return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    loop = loop_new();
    secrets = cJSON_DetachItemFromObjectCaseSensitive(o, "secrets");
    outgoing = outgoing_new(loop, &(OutgoingSettings){.allow = text(o, "allow").p}, &why);
    ChannelSecrets finder = {.find = find};
    robot = robot_channel_new(loop, outgoing, finder);
    sms = sms_channel_new(loop, outgoing, finder);
    if (text(o, "kafka").n)
        topic = topic_channel_new(loop,
                                  &(TopicChannelSettings){.brokers = text(o, "kafka").p,
                                                          .mode = flag(o, "structured")
                                                                      ? CLOUD_EVENT_STRUCTURED
                                                                      : CLOUD_EVENT_BINARY},
                                  &why);
    cJSON_Delete(o);
    (void)printf("{\"ready\":true}\n");
    LoopFd *in = loop_fd_new(loop, STDIN_FILENO, on_input, NULL);
    loop_fd_want(in, LOOP_READ);
    loop_run(loop);
    in = loop_fd_free(in);
    close_channels();
    outgoing = outgoing_free(outgoing);
    loop_run_for(loop, 1);
    loop = loop_free(loop);
    cJSON_Delete(secrets);
    buf_done(&input);
    return 0;
}
