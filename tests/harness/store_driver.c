/* Drives libcommon/store for tests: one JSON command a line on standard input, one JSON answer a
 * line on standard output. tests/harness/store.py is its other side.
 *
 *   store_driver URL [--no-rls]
 *   {"op":"new","tickets":[{"tenant":1,"id":100001,"cause":"<32 hex>","hash":"<64 hex>", ...}]}
 *   {"op":"change","changes":[...]}  {"op":"places","tickets":[[tenant,id],...]}
 *   {"op":"edit","edits":[{"tenant":1,"id":100001,"version":2,"cause":"<32 hex>",
 *     "set":{"status":"solved",...},"comment":{...},"note":"","actor":"agent:7",...}]}
 *   {"op":"open","tenant":1,"after":0,"max":100}  {"op":"outbox","older":0,"max":100}
 *   {"op":"outbox_delete","rows":[[tenant,id],...]}  {"op":"sweep","max":1000}
 *   {"op":"arrivals","ids":[...],"late_ms":2000}   {"op":"pulse","who":"router-1","oldest":0}
 *   {"op":"ids","n":3}   {"op":"token","token":"..."}
 *   {"op":"bench","batches":20,"size":1000,"tenants":20,"again":50,"first":1000000} */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "edits_json.h"
#include "store/arrivals.h"
#include "store/ids.h"
#include "store/store.h"
#include "store/tokens.h"
#include "json/json.h"

static Loop *loop;
static Store *store;
static const char *url;
static Ids *ids;       /* made when first asked for, like the gate's */
static Tokens *tokens; /* likewise */
static Arena *arena;
static bool finished;
static StoreOutcome outcome;
static Buf problem;

static const char *const outcome_names[] = {"done", "again", "refused", "busy", "late"};
static const char *const new_fates[] = {"stored", "replayed", "aliased", "conflict"};

static void on_done(void *arg, StoreOutcome o, const char *why) {
    (void)arg;
    outcome = o;
    buf_clear(&problem);
    buf_adds(&problem, why ? why : "");
    finished = true;
    loop_stop(loop);
}

static void wait_done(void) {
    while (!finished)
        loop_run_for(loop, 1000);
    finished = false;
}

/* "use_in_ms": from now. */
static int64_t use_by_of(const cJSON *o) {
    int64_t in;
    return json_get_int(o, "use_in_ms", &in) > 0 ? clock_monotonic_ms() + in : 0;
}

static void print_outcome(void) {
    CLEANUP(buf_done) Buf quoted = {0};
    buf_add_json(&quoted, buf_str(&problem));
    (void)printf("{\"outcome\":\"%s\",\"problem\":%s", outcome_names[outcome], quoted.p);
}

static void fill_new(NewTicket *t, Submission *s, const cJSON *o) {
    static const char kind[] = "投诉";
    Str priority = text_of(o, "priority");
    *s = (Submission){.tenant_id = int_of(o, "tenant", 0),
                      .ticket_id = int_of(o, "id", 0),
                      .cause = cause_of(o),
                      .accepted_ms = int_of(o, "accepted_ms", clock_wall_ms()),
                      .source_id = int_of(o, "source", 7),
                      .channel = STR("web"),
                      .subject = text_of(o, "subject"),
                      .description = text_of(o, "description"),
                      .contact_hash = bytes_of(arena, o, "hash"),
                      .idempotency_key = text_of(o, "key"),
                      .key_fingerprint = bytes_of(arena, o, "fingerprint"),
                      .custom_fields = text_of(o, "custom_fields"),
                      .followup_of = int_of(o, "followup_of", 0)};
    s->tags = texts_of(arena, o, "tags", &s->tags_n);
    static PersonalField personal = {
        .field = {"phone", 5}, .sealed = {"abc", 3}, .masked = {"138****", 7}};
    if (int_of(o, "personal", 0)) s->personal = &personal, s->personal_n = 1;
    *t = (NewTicket){.submission = s,
                     .facts = {.kind = {kind, sizeof(kind) - 1},
                               .category = STR("物流/丢件"),
                               .priority = PRIORITY_NORMAL,
                               .group_id = int_of(o, "group", 0),
                               .tags = s->tags,
                               .tags_n = s->tags_n,
                               .reason = STR("{\"rules\":[\"r1\"]}")},
                     .assignee_id = int_of(o, "assignee", 0),
                     .use_by_ms = use_by_of(o),
                     .place_reason = STR("{\"load\":1}"),
                     .revision = 1,
                     .instead_of = int_of(o, "instead_of", 0),
                     .note = text_of(o, "note")};
    if (priority.n) (void)ticket_priority_parse(priority, &t->facts.priority);
    t->facts.skills = texts_of(arena, o, "skills", &t->facts.skills_n);
}

static void op_new(const cJSON *o) {
    const cJSON *list = NULL, *item;
    if (json_get_array(o, "tickets", &list) <= 0) return;
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    NewTicket *batch = arena_alloc(arena, n * sizeof(*batch));
    Submission *all = arena_alloc(arena, n * sizeof(*all));
    cJSON_ArrayForEach(item, list) fill_new(&batch[i], &all[i], item), i++;
    store_new_tickets(store, batch, n, arena, on_done, NULL);
    wait_done();
    print_outcome();
    (void)printf(",\"tickets\":[");
    for (i = 0; i < n && outcome == STORE_DONE; i++) {
        (void)printf("%s{\"fate\":\"%s\",\"place\":", i ? "," : "", new_fates[batch[i].fate]);
        print_place(&batch[i].place);
        (void)printf(",\"rows\":[");
        for (size_t r = 0; r < batch[i].rows_n; r++) {
            if (r) (void)putchar(',');
            print_row(arena, &batch[i].rows[r]);
        }
        (void)printf("]}");
    }
    (void)printf("]}\n");
}

static void op_change(const cJSON *o) {
    const cJSON *list = NULL, *item;
    if (json_get_array(o, "changes", &list) <= 0) return;
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    TicketChange *all = arena_alloc(arena, n * sizeof(*all));
    cJSON_ArrayForEach(item, list) {
        TicketChange c = {.tenant_id = int_of(item, "tenant", 0),
                          .ticket_id = int_of(item, "id", 0),
                          .expected_version = (int32_t)int_of(item, "version", 0),
                          .cause = cause_of(item),
                          .step = (int32_t)int_of(item, "step", 0),
                          .actor_kind = (ActorKind)int_of(item, "actor_kind", ACTOR_ROUTER),
                          .actor = STR("router"),
                          .to_group_id = int_of(item, "group", 0),
                          .to_assignee_id = int_of(item, "assignee", 0),
                          .use_by_ms = use_by_of(item),
                          .reason = STR("{\"why\":\"test\"}"),
                          .revision = 2};
        (void)ledger_kind_parse(text_of(item, "kind"), &c.kind);
        (void)ticket_status_parse(text_of(item, "status"), &c.to_status);
        all[i++] = c;
    }
    store_change_tickets(store, all, n, arena, on_done, NULL);
    wait_done();
    print_outcome();
    (void)printf(",\"changes\":[");
    for (i = 0; i < n && outcome == STORE_DONE; i++) {
        (void)printf("%s{\"fate\":\"%s\",\"outbox_id\":%lld,\"place\":", i ? "," : "",
                     change_fate_name(all[i].fate), (long long)all[i].outbox_id);
        print_place(&all[i].place);
        (void)printf(",\"row\":");
        if (all[i].row.seq)
            print_row(arena, &all[i].row);
        else
            (void)printf("null");
        (void)printf("}");
    }
    (void)printf("]}\n");
}

static void op_edit(const cJSON *o) {
    const cJSON *list = NULL, *item;
    if (json_get_array(o, "edits", &list) <= 0) return;
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    TicketEdit *all = arena_alloc(arena, n * sizeof(*all));
    cJSON_ArrayForEach(item, list) fill_edit(arena, &all[i++], item);
    store_edit_tickets(store, all, n, arena, on_done, NULL);
    wait_done();
    print_outcome();
    (void)printf(",\"edits\":[");
    for (i = 0; i < n && outcome == STORE_DONE; i++) {
        if (i) (void)putchar(',');
        print_edit(arena, &all[i]);
    }
    (void)printf("]}\n");
}

static void print_places(const TicketPlace *places, size_t n) {
    print_outcome();
    (void)printf(",\"places\":[");
    for (size_t i = 0; i < n && outcome == STORE_DONE; i++) {
        if (i) (void)putchar(',');
        print_place(&places[i]);
    }
    (void)printf("]}\n");
}

static size_t pairs_of(const cJSON *o, const char *key, int64_t (**ret)[2]) {
    const cJSON *list = NULL, *item;
    if (json_get_array(o, key, &list) <= 0) return 0;
    size_t i = 0;
    *ret = arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * sizeof(**ret));
    cJSON_ArrayForEach(item, list) {
        (void)json_as_int(cJSON_GetArrayItem(item, 0), &(*ret)[i][0]);
        (void)json_as_int(cJSON_GetArrayItem(item, 1), &(*ret)[i][1]);
        i++;
    }
    return i;
}

static void op_places(const cJSON *o) {
    int64_t(*pairs)[2] = NULL;
    size_t n = pairs_of(o, "tickets", &pairs);
    TicketPlace *places = arena_zalloc(arena, n * sizeof(*places));
    for (size_t i = 0; i < n; i++) {
        places[i].tenant_id = pairs[i][0];
        places[i].ticket_id = pairs[i][1];
    }
    store_places(store, places, n, arena, on_done, NULL);
    wait_done();
    print_places(places, n);
}

static void op_open(const cJSON *o) {
    size_t max = (size_t)int_of(o, "max", 100), n = 0;
    TicketPlace *places = arena_zalloc(arena, max * sizeof(*places));
    store_open_tickets(store, int_of(o, "tenant", 0), int_of(o, "after", 0), places, max, &n, arena,
                       on_done, NULL);
    wait_done();
    print_places(places, n);
}

static void op_outbox(const cJSON *o) {
    size_t max = (size_t)int_of(o, "max", 100), n = 0;
    OutboxRow *rows = arena_zalloc(arena, max * sizeof(*rows));
    store_outbox_take(store, int_of(o, "older", 0), rows, max, &n, arena, on_done, NULL);
    wait_done();
    print_outcome();
    (void)printf(",\"rows\":[");
    for (size_t i = 0; i < n && outcome == STORE_DONE; i++)
        (void)printf("%s{\"tenant\":%lld,\"outbox_id\":%lld,\"topic\":\"%.*s\",\"key\":\"%.*s\","
                     "\"bytes\":%zu}",
                     i ? "," : "", (long long)rows[i].tenant_id, (long long)rows[i].outbox_id,
                     STR_ARG(rows[i].topic), STR_ARG(rows[i].key), rows[i].message.n);
    (void)printf("]}\n");
}

static void op_outbox_delete(const cJSON *o) {
    int64_t(*pairs)[2] = NULL;
    size_t n = pairs_of(o, "rows", &pairs);
    OutboxRow *rows = arena_zalloc(arena, n * sizeof(*rows));
    for (size_t i = 0; i < n; i++)
        rows[i] = (OutboxRow){.tenant_id = pairs[i][0], .outbox_id = pairs[i][1]};
    store_outbox_delete(store, rows, n, on_done, NULL);
    wait_done();
    print_outcome();
    (void)printf("}\n");
}

/* The next n ids, waiting for them at most 5 s. */
static void op_ids(const cJSON *o) {
    CLEANUP(buf_done) Buf why = {0};
    int64_t until = clock_monotonic_ms() + 5000;
    if (!ids) ids = ids_new(loop, url, "store_driver ids", &why);
    for (int64_t i = 0, burnt = int_of(o, "burn", 0); i < burnt;) {
        if (ids_next(ids))
            i++;
        else if (clock_monotonic_ms() > until)
            break;
        else
            loop_run_for(loop, 10);
    }
    (void)printf("{\"ids\":[");
    for (int64_t i = 0, n = int_of(o, "n", 1); i < n;) {
        int64_t id = ids_next(ids);
        if (id) {
            (void)printf("%s%lld", i ? "," : "", (long long)id);
            i++;
        } else if (clock_monotonic_ms() > until) {
            break;
        } else {
            loop_run_for(loop, 10);
        }
    }
    loop_run_for(loop, 20); /* what was asked for ahead may come */
    (void)printf("],\"left\":%lld}\n", (long long)ids_left(ids));
}

static size_t open_asks;

static void on_arrival(void *arg, bool recent) {
    *(bool *)arg = recent;
    if (--open_asks == 0) loop_stop(loop);
}

static void op_arrivals(const cJSON *o) {
    static Arrivals *arrivals; /* lives as long as we do, like a desk's */
    CLEANUP(buf_done) Buf why = {0};
    if (int_of(o, "end", 0)) {
        arrivals = arrivals_free(arrivals);
        (void)printf("{}\n");
        return;
    }
    if (!arrivals) arrivals = arrivals_new(loop, url, "store_driver arrivals", &why);
    const cJSON *list = NULL, *item;
    if (json_get_array(o, "ids", &list) <= 0) return;
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    bool *recent = arena_zalloc(arena, n + 1);
    loop_run_for(loop, int_of(o, "wait_ms", 0));
    cJSON_ArrayForEach(item, list) {
        int64_t id = 0;
        (void)json_as_int(item, &id);
        open_asks += arrivals_ask(arrivals, id, on_arrival, &recent[i++]) != NULL;
    }
    while (open_asks)
        loop_run_for(loop, 1000);
    (void)printf("{\"late\":%s,\"recent\":[",
                 arrivals_late(arrivals, int_of(o, "late_ms", 2000)) ? "true" : "false");
    for (i = 0; i < n; i++)
        (void)printf("%s%s", i ? "," : "", recent[i] ? "true" : "false");
    (void)printf("]}\n");
}

static void op_pulse(const cJSON *o) {
    char *who = arena_strndup(arena, text_of(o, "who").p, text_of(o, "who").n);
    store_pulse(store, who, int_of(o, "oldest", 0), on_done, NULL);
    wait_done();
    print_outcome();
    (void)printf("}\n");
}

static void on_token(void *arg, SecretVerdict verdict, const void *value) {
    const Principal *p = value;
    static const char *const names[] = {"known", "unknown", "unsure"};
    (void)arg;
    (void)printf("{\"verdict\":\"%s\"", names[verdict]);
    if (p)
        (void)printf(",\"tenant\":%lld,\"principal\":\"%.*s\",\"source\":%lld,\"channels\":%zu,"
                     "\"create\":%s,\"place\":%s,\"rate\":%d,\"dedup\":%s",
                     (long long)p->tenant_id, STR_ARG(p->principal), (long long)p->source_id,
                     p->channels_n, p->may_create ? "true" : "false",
                     p->may_place ? "true" : "false", p->rate_per_second,
                     p->dedup_by_external_id ? "true" : "false");
    (void)printf("}\n");
    finished = true;
    loop_stop(loop);
}

static void op_token(const cJSON *o) {
    CLEANUP(buf_done) Buf why = {0};
    if (!tokens) tokens = tokens_new(loop, url, "store_driver tokens", &why);
    tokens_check(tokens, text_of(o, "token"), on_token, NULL);
    wait_done();
}

static double own_cpu_us(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Tickets like the ones of a surge: about 400 bytes, a key each, `again` per mille sent twice. */
static void op_bench(const cJSON *o) {
    static const char body[] =
        "我的包裹已经三天没有更新物流信息了，订单号见下，请尽快帮我查询一下到底在哪里，谢谢。如果丢"
        "失请直接退款。"
        "我的包裹已经三天没有更新物流信息了，订单号见下，请尽快帮我查询一下到底在哪里，谢谢。";
    int64_t batches = int_of(o, "batches", 10), first = int_of(o, "first", 1000000);
    int64_t tenants = int_of(o, "tenants", 20), twice = int_of(o, "again", 20);
    size_t size = (size_t)int_of(o, "size", 1000);
    int64_t began = clock_monotonic_us(), id = first, tickets = 0;
    double cpu = own_cpu_us();
    for (int64_t b = 0; b < batches; b++) {
        arena_reset(arena);
        NewTicket *batch = arena_alloc(arena, size * sizeof(*batch));
        Submission *all = arena_alloc(arena, size * sizeof(*all));
        PersonalField *personal = arena_alloc(arena, size * 3 * sizeof(*personal));
        for (size_t i = 0; i < size; i++) {
            bool repeat = i && (int64_t)(i * 1000 / size) % 1000 < twice && i % 2;
            if (repeat) {
                all[i] = all[i - 1];
            } else {
                char *hash = arena_alloc(arena, 32);
                random_bytes(hash, 32);
                char *sealed = arena_alloc(arena, 48);
                random_bytes(sealed, 48);
                for (int f = 0; f < 3; f++)
                    personal[3 * i + (size_t)f] = (PersonalField){.field = STR("email"),
                                                                  .sealed = {sealed, 44},
                                                                  .masked = STR("z***@example.com"),
                                                                  .hash = {hash, f ? 32 : 0}};
                all[i] = (Submission){.tenant_id = 1 + id % tenants,
                                      .ticket_id = id,
                                      .cause = cause_new(),
                                      .accepted_ms = clock_wall_ms(),
                                      .trace = trace_new(),
                                      .source_id = 1003,
                                      .channel = STR("web"),
                                      .subject = STR("包裹三天没有动静"),
                                      .description = {body, sizeof(body) - 1},
                                      .contact_hash = {hash, 32},
                                      .requester_personal = &personal[3 * i],
                                      .requester_personal_n = 3,
                                      .key_fingerprint = {hash, 32},
                                      .order = STR("SO-20261122-000123"),
                                      .product = STR("蓝牙耳机"),
                                      .region = STR("华东"),
                                      .tier = STR("vip"),
                                      .language = STR("zh"),
                                      .custom_fields = STR("{\"mood\":\"angry\"}")};
                all[i].idempotency_key =
                    str(arena_printf(arena, "k:bench-%lld-key-0123456789", (long long)id));
                id++;
            }
            batch[i] =
                (NewTicket){.submission = &all[i],
                            .facts = {.kind = STR("售后"),
                                      .category = STR("物流/丢件"),
                                      .priority = PRIORITY_NORMAL,
                                      .group_id = 1001,
                                      .reason = STR("{\"rules\":[\"物流\"],\"revision\":1}")},
                            .assignee_id = i % 2 ? 1020 : 0,
                            .place_reason = STR("{\"load\":3,\"capacity\":8,\"candidates\":5}"),
                            .revision = 1};
        }
        store_new_tickets(store, batch, size, arena, on_done, NULL);
        wait_done();
        if (outcome != STORE_DONE) break;
        tickets += (int64_t)size;
    }
    print_outcome();
    (void)printf(",\"tickets\":%lld,\"next\":%lld,\"wall_us\":%.1f,\"client_us\":%.1f}\n",
                 (long long)tickets, (long long)id,
                 (double)(clock_monotonic_us() - began) / (double)(tickets ? tickets : 1),
                 (own_cpu_us() - cpu) / (double)(tickets ? tickets : 1));
}

static void run(Str line) {
    cJSON *o = NULL;
    CLEANUP(buf_done) Buf why = {0};
    JsonLimits limits = {.bytes = 64 << 20, .depth = 32, .members = 1000};
    if (json_parse(line, &limits, &o, &why) < 0) {
        (void)fprintf(stderr, "store_driver: %s\n", why.p);
        exit(2);
    }
    Str op = text_of(o, "op");
    if (str_is(op, "new")) op_new(o);
    if (str_is(op, "change")) op_change(o);
    if (str_is(op, "edit")) op_edit(o);
    if (str_is(op, "places")) op_places(o);
    if (str_is(op, "open")) op_open(o);
    if (str_is(op, "outbox")) op_outbox(o);
    if (str_is(op, "outbox_delete")) op_outbox_delete(o);
    if (str_is(op, "bench")) op_bench(o);
    if (str_is(op, "ids")) op_ids(o);
    if (str_is(op, "arrivals")) op_arrivals(o);
    if (str_is(op, "pulse")) op_pulse(o);
    if (str_is(op, "token")) op_token(o);
    if (str_is(op, "sweep")) {
        store_sweep(store, (size_t)int_of(o, "max", 1000), on_done, NULL);
        wait_done();
        print_outcome();
        (void)printf("}\n");
    }
    (void)fflush(stdout);
    cJSON_Delete(o);
    arena_reset(arena);
}

int main(int argc, char **argv) {
    CLEANUP(buf_done) Buf why = {0};
    if (argc < 2) return 2;
    url = argv[1];
    loop = loop_new();
    arena = arena_new(1 << 20);
    store = store_new(loop,
                      &(StoreSettings){.postgres_url = argv[1],
                                       .application_name = "store_driver",
                                       .row_level_security = argc < 3},
                      &why);
    if (!store) {
        (void)fprintf(stderr, "store_driver: %s\n", why.p);
        return 2;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, stdin)) > 0)
        run((Str){line, (size_t)n - (line[n - 1] == '\n')});
    free(line);
    store = store_free(store);
    ids = ids_free(ids);
    tokens = tokens_free(tokens);
    loop_run_for(loop, 10);
    arena = arena_free(arena);
    loop = loop_free(loop);
    buf_done(&problem);
    return 0;
}
