/* What is decided about a change: rights, legal steps, who gets the ticket, standards, texts. */
#include "desk/tickets/change.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "json/json.h"

static const char shop[] =
    "kinds: [咨询, 投诉, 售后]\n"
    "groups: [{name: 售后}, {name: 物流}]\n"
    "agents:\n"
    "  - {name: lin, title: 林悦, groups: [售后]}\n"
    "  - {name: wu, title: 吴建国, groups: [物流]}\n"
    "  - {name: zhou, title: 周文, groups: [售后, 物流]}\n"
    "fields:\n"
    "  - {name: 退款金额, type: decimal}\n"
    "  - {name: 退款方式, type: tagger, options: [原路退回, 余额]}\n"
    "  - {name: 账号, personal: on}\n"
    "  - {name: 渠道, required_in: [solved]}\n"
    "forms: [{name: 咨询单, kinds: [咨询], fields: [渠道], default: on}]\n"
    "standards:\n"
    "  - {name: 退款, title: 退款标准, kinds: [售后], categories: [退款], before: [solved], "
    "fields: [退款金额], evidence: [审批截图]}\n"
    "  - {name: 用语, reply: {must_not: [绝对]}}\n"
    "  - {name: 致歉, kinds: [投诉], reply: {must: [抱歉, 对不起]}}\n";

enum { G_SALES = 1, G_LOGISTICS = 2, LIN = 11, WU = 12, ZHOU = 13, FIELD = 21 };

static int64_t lookup(void *arg, const char *kind, Str name) {
    static const struct {
        const char *name;
        int64_t id;
    } ids[] = {{"售后", G_SALES},
               {"物流", G_LOGISTICS},
               {"lin", LIN},
               {"wu", WU},
               {"zhou", ZHOU},
               {"退款金额", FIELD},
               {"退款方式", FIELD + 1},
               {"账号", FIELD + 2},
               {"渠道", FIELD + 3},
               {"咨询单", 31}};
    (void)arg;
    (void)kind;
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
        if (str_is(name, ids[i].name)) return ids[i].id;
    return -1;
}

typedef struct World {
    Catalog *catalog;
    Arena *arena;
    Subject who;
    ChangeActor actor;
    ChangeTicket ticket;
    ChangeLoad loads[3];
    int64_t groups[2];
    Change change;
} World;

static int begin(void **state) {
    World *w = xcalloc(1, sizeof(*w));
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource source = {{shop, sizeof(shop) - 1}, STR("shop.yaml"), 1};
    w->catalog = catalog_compile(&source, 1, 5, lookup, NULL, &problems);
    if (!w->catalog) print_error("%s", problems.p);
    w->arena = arena_new(0);
    w->groups[0] = G_SALES;
    w->who = (Subject){.tenant_id = 7,
                       .user_id = LIN,
                       .like = ROLE_AGENT,
                       .rights = rights_builtin(ROLE_AGENT),
                       .reach = rights_builtin_reach(ROLE_AGENT, w->groups, 1)};
    w->actor = (ChangeActor){
        .who = &w->who, .catalog = w->catalog, .actor = STR("agent:11"), .channel = STR("api")};
    w->ticket.row = (TicketRow){.tenant_id = 7,
                                .id = 100001,
                                .version = 4,
                                .status = TICKET_ASSIGNED,
                                .priority = PRIORITY_NORMAL,
                                .group_id = G_SALES,
                                .assignee_id = LIN,
                                .requester_id = 1000000000001,
                                .kind = STR("售后"),
                                .category = STR("退款/进度"),
                                .subject = STR("退款没到"),
                                .custom_fields = STR("{\"旧字段\": 1}"),
                                .updated_ms = 1763790000123};
    w->loads[0] = (ChangeLoad){LIN, true, 10, 1};
    w->loads[1] = (ChangeLoad){ZHOU, true, 2, 2};
    w->ticket.loads = w->loads;
    w->ticket.loads_n = 2;
    *state = w;
    return w->catalog ? 0 : -1;
}

static int end(void **state) {
    World *w = *state;
    (void)catalog_unref(w->catalog);
    arena_free(w->arena);
    free(w);
    return 0;
}

static const cJSON *json(World *w, const char *text) {
    cJSON *tree = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    if (json_parse_in(w->arena, str(text), NULL, &tree, &problem) < 0) fail_msg("%s", problem.p);
    return tree;
}

static ChangeVerdict put(World *w, const char *ticket) {
    return change_update(&w->actor, &w->ticket, json(w, ticket), w->arena, &w->change);
}

static void become(World *w, BuiltinRole role, int64_t user_id) {
    w->who.like = role;
    w->who.user_id = user_id;
    w->who.rights = rights_builtin(role);
    w->who.reach = rights_builtin_reach(role, w->groups, 1);
}

#define EDIT(w) (&(w)->change.edit)

static void a_reply_begins_the_work(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"comment\":{\"body\":\"已为您查询\"}}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, EDIT_STATUS);
    assert_int_equal(EDIT(w)->status, TICKET_IN_PROGRESS);
    assert_true(EDIT(w)->comment.is_public);
    assert_int_equal(EDIT(w)->comment.author_id, LIN);
    assert_int_equal(EDIT(w)->expected_version, 4);
    assert_true(str_is(EDIT(w)->actor, "agent:11"));
    assert_int_equal(EDIT(w)->revision, 5);
}

static void a_note_or_a_named_state_does_not(void **state) {
    World *w = *state;
    assert_int_equal(
        put(w, "{\"comment\":{\"body\":\"@周文 @wu 看一下 a@zhou\",\"public\":false}}"),
        VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, 0);
    assert_true(str_is(EDIT(w)->comment.mentions, "[13,12]"));
    assert_int_equal(put(w, "{\"status\":\"pending\",\"comment\":{\"body\":\"请补充单号\"}}"),
                     VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_PENDING);
}

static void what_is_so_already_is_no_change(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"subject\":\"退款没到\",\"priority\":\"normal\",\"group_id\":1,"
                            "\"assignee_id\":\"11\",\"tags\":[],\"custom_fields\":[{\"id\":"
                            "\"旧字段\",\"value\":1}],\"id\":100001,\"url\":\"x\"}"),
                     VERDICT_NOTHING);
}

static void zendesks_states_mean_ours(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"status\":\"open\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_IN_PROGRESS);
    assert_int_equal(put(w, "{\"status\":\"hold\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_ON_HOLD);
    assert_int_equal(put(w, "{\"status\":\"new\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_NEW);
    assert_int_equal(EDIT(w)->assignee_id, 0);
    assert_int_equal(EDIT(w)->sets, EDIT_STATUS | EDIT_ASSIGNEE);
    assert_int_equal(put(w, "{\"status\":\"deleted\"}"), VERDICT_INVALID);
    assert_int_equal(put(w, "{\"status\":\"done\"}"), VERDICT_INVALID);
    w->ticket.row.status = TICKET_SOLVED;
    assert_int_equal(put(w, "{\"status\":\"open\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_ASSIGNED);
    assert_int_equal(put(w, "{\"status\":\"pending\"}"), VERDICT_INVALID);
}

static void solving_needs_what_the_standard_demands(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"status\":\"solved\"}"), VERDICT_INVALID);
    assert_int_equal(w->change.invalid.n, 2);
    assert_int_equal(
        put(w, "{\"status\":\"solved\",\"custom_fields\":[{\"id\":21,\"value\":\"199.00\"}]}"),
        VERDICT_INVALID);
    assert_int_equal(w->change.invalid.n, 1);
    Str classes[] = {STR("审批截图")};
    w->ticket.evidence = classes;
    w->ticket.evidence_n = 1;
    assert_int_equal(
        put(w, "{\"status\":\"solved\",\"custom_fields\":[{\"id\":21,\"value\":\"199.00\"}]}"),
        VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_SOLVED);
    assert_true(str_is(EDIT(w)->custom_fields, "{\"旧字段\":1,\"退款金额\":199.00}"));
    assert_true(str_is(EDIT(w)->reason, "{\"why\":\"solved\"}"));
}

static void evidence_may_come_with_the_same_change(void **state) {
    World *w = *state;
    ChangeFile file = {.id = 9,
                       .size = 10,
                       .name = STR("a.png"),
                       .type = STR("image/png"),
                       .class = STR("审批截图")};
    w->actor.files = &file;
    w->actor.files_n = 1;
    assert_int_equal(put(w, "{\"status\":\"solved\",\"comment\":{\"public\":false,\"uploads\":[\"t"
                            "\"]},\"fields\":{\"退款金额\":5}}"),
                     VERDICT_EDIT);
    assert_true(str_is(EDIT(w)->comment.attachments,
                       "[{\"id\":9,\"name\":\"a.png\",\"type\":\"image/png\",\"size\":10,"
                       "\"class\":\"审批截图\"}]"));
    assert_int_equal(EDIT(w)->files_n, 1);
}

static void a_state_demands_the_fields_of_the_tickets_form(void **state) {
    World *w = *state;
    w->ticket.row.kind = STR("咨询");
    w->ticket.row.category = STR("其他");
    assert_int_equal(put(w, "{\"status\":\"solved\"}"), VERDICT_INVALID);
    assert_int_equal(w->change.invalid.n, 1);
    assert_int_equal(put(w, "{\"status\":\"solved\",\"fields\":{\"渠道\":\"电话\"}}"),
                     VERDICT_EDIT);
    w->ticket.row.kind = STR("投诉");
    assert_int_equal(put(w, "{\"status\":\"solved\"}"), VERDICT_EDIT);
}

static void replies_keep_to_the_words(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"comment\":{\"body\":\"我们绝对会处理\"}}"), VERDICT_INVALID);
    assert_int_equal(put(w, "{\"comment\":{\"html_body\":\"<b>绝</b>对\"}}"), VERDICT_INVALID);
    assert_int_equal(put(w, "{\"comment\":{\"body\":\"绝对\",\"public\":false}}"), VERDICT_EDIT);
    w->ticket.row.kind = STR("投诉");
    assert_int_equal(put(w, "{\"comment\":{\"body\":\"您好\"}}"), VERDICT_INVALID);
    assert_int_equal(put(w, "{\"comment\":{\"body\":\"非常抱歉\"}}"), VERDICT_EDIT);
}

static void all_that_is_wrong_is_named_at_once(void **state) {
    World *w = *state;
    assert_int_equal(put(w,
                         "{\"subject\":\" \",\"priority\":\"huge\",\"kind\":\"怪\",\"group_id\":99,"
                         "\"assignee_id\":true,\"tags\":[1],\"custom_fields\":[{\"id\":21,"
                         "\"value\":\"很多\"},{\"id\":22,\"value\":\"现金\"},{\"id\":77,\"value\":1"
                         "}],\"comment\":{\"body\":\"\"}}"),
                     VERDICT_INVALID);
    assert_int_equal(w->change.invalid.n, 9);
}

static void handing_on_needs_a_note(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"assignee_id\":13}"), VERDICT_INVALID);
    assert_int_equal(put(w, "{\"assignee_id\":13,\"comment\":{\"body\":\"公开\"}}"),
                     VERDICT_INVALID);
    assert_int_equal(put(w, "{\"assignee_id\":13,\"handover_note\":\"已核实\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, EDIT_ASSIGNEE);
    assert_true(str_is(EDIT(w)->note, "已核实"));
    assert_false(EDIT(w)->comment.is_public);
    assert_true(str_is(EDIT(w)->reason,
                       "{\"why\":\"transferred\",\"from_assignee\":11,\"above_capacity\":true}"));
    assert_int_equal(
        put(w, "{\"assignee_id\":12,\"comment\":{\"body\":\"交接\",\"public\":false}}"),
        VERDICT_EDIT);
    assert_int_equal(EDIT(w)->group_id, G_LOGISTICS); /* she brings her group along */
}

static void a_group_leaves_behind_who_is_not_in_it(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"group_id\":2,\"handover_note\":\"转物流\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_NEW);
    assert_int_equal(EDIT(w)->assignee_id, 0);
    assert_int_equal(EDIT(w)->sets, EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE);
    assert_int_equal(put(w, "{\"group_id\":2,\"assignee_id\":11,\"handover_note\":\"x\"}"),
                     VERDICT_EDIT); /* named as it is: that is no wish */
    assert_int_equal(EDIT(w)->assignee_id, 0);
}

static void a_transfer_names_its_place_and_its_note(void **state) {
    World *w = *state;
#define TRANSFER(text) change_transfer(&w->actor, &w->ticket, json(w, text), w->arena, &w->change)
    assert_int_equal(TRANSFER("{\"group\":\"物流\"}"), VERDICT_INVALID);
    assert_int_equal(w->change.invalid.n, 1);
    assert_int_equal(TRANSFER("{\"note\":\"x\"}"), VERDICT_INVALID);
    assert_int_equal(TRANSFER("{\"group\":\"火星\",\"note\":\"x\"}"), VERDICT_INVALID);
    assert_int_equal(TRANSFER("{\"assignee\":\"lin\",\"note\":\"x\"}"), VERDICT_INVALID);
    assert_int_equal(TRANSFER("{\"group\":\"物流\",\"note\":\"查一下包裹\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_NEW);
    assert_int_equal(EDIT(w)->group_id, G_LOGISTICS);
    assert_true(EDIT(w)->comment.present && !EDIT(w)->comment.is_public);
    w->ticket.row.status = TICKET_IN_PROGRESS;
    assert_int_equal(TRANSFER("{\"assignee_id\":13,\"note\":\"x\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_ASSIGNED);
    assert_int_equal(EDIT(w)->group_id, G_SALES);
    w->ticket.row.status = TICKET_PENDING;
    assert_int_equal(TRANSFER("{\"assignee_id\":13,\"note\":\"x\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_PENDING);
    w->ticket.row.status = TICKET_SOLVED;
    assert_int_equal(TRANSFER("{\"assignee_id\":13,\"note\":\"x\"}"), VERDICT_INVALID);
}

static void a_claim_takes_from_the_pool_and_marks_what_is_too_much(void **state) {
    World *w = *state;
#define CLAIM() change_claim(&w->actor, &w->ticket, w->arena, &w->change)
    assert_int_equal(CLAIM(), VERDICT_NOTHING); /* hers already */
    w->ticket.row.assignee_id = ZHOU;
    assert_int_equal(CLAIM(), VERDICT_STALE);
    assert_non_null(strstr(w->change.reason, "周文"));
    w->ticket.row.assignee_id = 0;
    w->ticket.row.status = TICKET_NEW;
    assert_int_equal(CLAIM(), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_ASSIGNED);
    assert_int_equal(EDIT(w)->assignee_id, LIN);
    assert_true(str_is(EDIT(w)->reason, "{\"why\":\"claimed\"}"));
    w->loads[0].load = 10;
    assert_int_equal(CLAIM(), VERDICT_EDIT);
    assert_true(str_is(EDIT(w)->reason, "{\"why\":\"claimed\",\"above_capacity\":true}"));
    w->ticket.row.group_id = G_LOGISTICS;
    assert_int_equal(CLAIM(), VERDICT_HIDDEN);
}

static void an_acknowledgement_changes_nothing_but_the_record(void **state) {
    World *w = *state;
#define ACKNOWLEDGE() change_acknowledge(&w->actor, &w->ticket, w->arena, &w->change)
    assert_int_equal(ACKNOWLEDGE(), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, 0);
    assert_false(EDIT(w)->comment.present);
    assert_true(str_is(EDIT(w)->reason, "{\"why\":\"acknowledged\"}"));
    w->ticket.acknowledged = true;
    assert_int_equal(ACKNOWLEDGE(), VERDICT_NOTHING);
    w->ticket.acknowledged = false;
    w->ticket.row.status = TICKET_SOLVED; /* no clock runs */
    assert_int_equal(ACKNOWLEDGE(), VERDICT_NOTHING);
    w->ticket.row.status = TICKET_CLOSED;
    assert_int_equal(ACKNOWLEDGE(), VERDICT_INVALID);
    w->ticket.row.status = TICKET_ASSIGNED;
    become(w, ROLE_AUDITOR, 500);
    assert_int_equal(ACKNOWLEDGE(), VERDICT_FORBIDDEN);
    w->ticket.row.status = TICKET_DELETED;
    assert_int_equal(ACKNOWLEDGE(), VERDICT_HIDDEN);
}

static void who_begins_on_what_nobody_has_has_it(void **state) {
    World *w = *state;
    w->ticket.row.assignee_id = 0;
    w->ticket.row.status = TICKET_NEW;
    assert_int_equal(put(w, "{\"status\":\"open\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_IN_PROGRESS);
    assert_int_equal(EDIT(w)->assignee_id, LIN);
    become(w, ROLE_ADMINISTRATOR, 500); /* nobody who could have it */
    assert_int_equal(put(w, "{\"status\":\"open\"}"), VERDICT_INVALID);
    assert_int_equal(put(w, "{\"assignee_id\":11}"), VERDICT_EDIT); /* no note: nobody had it */
    assert_int_equal(EDIT(w)->status, TICKET_ASSIGNED);
}

static void a_stale_stamp_or_version_is_refused(void **state) {
    World *w = *state;
    assert_int_equal(put(w, "{\"safe_update\":\"true\",\"updated_stamp\":\"2025-11-22T05:40:00Z\","
                            "\"priority\":\"high\"}"),
                     VERDICT_EDIT);
    assert_true(w->change.pinned);
    assert_int_equal(put(w, "{\"safe_update\":true,\"updated_stamp\":\"2025-11-22T05:39:59Z\","
                            "\"priority\":\"high\"}"),
                     VERDICT_STALE);
    assert_int_equal(put(w, "{\"safe_update\":true,\"priority\":\"high\"}"), VERDICT_INVALID);
    assert_int_equal(put(w, "{\"version\":3,\"priority\":\"high\"}"), VERDICT_STALE);
    assert_int_equal(put(w, "{\"version\":4,\"priority\":\"high\"}"), VERDICT_EDIT);
    assert_int_equal(put(w, "{\"priority\":\"high\"}"), VERDICT_EDIT);
    assert_false(w->change.pinned);
}

#define STAMPED(stamp)                                                                             \
    put(w, "{\"safe_update\":true,\"updated_stamp\":\"" stamp "\",\"priority\":\"high\"}")

static void the_second_of_two_in_one_second_takes_its_milliseconds(void **state) {
    World *w = *state;
    assert_int_equal(STAMPED("2025-11-22T05:40:00Z"), VERDICT_EDIT);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.000Z"), VERDICT_EDIT); /* written anew */
    assert_int_equal(STAMPED("2025-11-22T05:40:00+00:00"), VERDICT_EDIT);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.123Z"), VERDICT_EDIT);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.122Z"), VERDICT_STALE);
    w->ticket.row.same_second = true;
    assert_int_equal(STAMPED("2025-11-22T05:40:00Z"), VERDICT_STALE); /* the one before */
    assert_int_equal(STAMPED("2025-11-22T05:40:00.000Z"), VERDICT_STALE);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.122Z"), VERDICT_STALE);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.123Z"), VERDICT_EDIT);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.123000+00:00"), VERDICT_EDIT);
    assert_int_equal(STAMPED("2025-11-22T05:40:00."), VERDICT_STALE);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.123"), VERDICT_STALE);
    assert_int_equal(STAMPED("2025-11-22T05:40:00.123+08:00"), VERDICT_STALE);
}

static void what_is_closed_stays_as_it_is(void **state) {
    World *w = *state;
    w->ticket.row.status = TICKET_CLOSED;
    assert_int_equal(put(w, "{\"priority\":\"high\"}"), VERDICT_INVALID);
    assert_int_equal(CLAIM(), VERDICT_INVALID);
    w->ticket.row.status = TICKET_DELETED;
    assert_int_equal(put(w, "{\"priority\":\"high\"}"), VERDICT_HIDDEN);
}

static void what_is_not_reached_is_not_there(void **state) {
    World *w = *state;
    w->ticket.row.group_id = G_LOGISTICS;
    w->ticket.row.assignee_id = WU;
    assert_int_equal(put(w, "{\"priority\":\"high\"}"), VERDICT_HIDDEN);
    w->ticket.row.group_id = G_SALES;
    w->ticket.row.tenant_id = 8;
    assert_int_equal(put(w, "{\"priority\":\"high\"}"), VERDICT_HIDDEN);
}

static void every_part_needs_its_right(void **state) {
    World *w = *state;
    static const struct {
        Right right;
        const char *ticket;
    } parts[] = {
        {RIGHT_TICKETS_REPLY, "{\"comment\":\"x\"}"},
        {RIGHT_TICKETS_NOTE, "{\"comment\":{\"body\":\"x\",\"public\":false}}"},
        {RIGHT_TICKETS_EDIT, "{\"priority\":\"high\"}"},
        {RIGHT_TICKETS_EDIT, "{\"tags\":[\"a\"]}"},
        {RIGHT_TICKETS_EDIT, "{\"status\":\"pending\"}"},
        {RIGHT_TICKETS_EDIT, "{\"fields\":{\"退款金额\":1}}"},
        {RIGHT_TICKETS_SOLVE, "{\"status\":\"solved\"}"},
        {RIGHT_TICKETS_TRANSFER, "{\"assignee_id\":13,\"handover_note\":\"x\"}"},
        {RIGHT_TICKETS_TRANSFER, "{\"group_id\":2,\"handover_note\":\"x\"}"},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        w->who.rights = rights_builtin(ROLE_AGENT) & ~right_bit(parts[i].right);
        if (put(w, parts[i].ticket) != VERDICT_FORBIDDEN) fail_msg("%s", parts[i].ticket);
        assert_non_null(w->change.reason);
    }
}

static void personal_numbers_are_masked(void **state) {
    World *w = *state;
    assert_int_equal(
        put(w, "{\"subject\":\"电话 13812345678\",\"comment\":{\"body\":\"打 13812345678\"}"
               ",\"fields\":{\"账号\":\"622\"}}"),
        VERDICT_EDIT);
    assert_true(str_is(EDIT(w)->subject, "电话 138****5678"));
    assert_true(str_is(EDIT(w)->comment.body, "打 138****5678"));
    assert_true(str_is(EDIT(w)->custom_fields, "{\"旧字段\":1,\"账号\":\"****\"}"));
    w->ticket.row.custom_fields = EDIT(w)->custom_fields;
    assert_int_equal(put(w, "{\"fields\":{\"账号\":\"****\"}}"), VERDICT_NOTHING);
}

static void tags_are_set_added_and_taken_away(void **state) {
    World *w = *state;
    Str now[] = {STR("a"), STR("b")};
    w->ticket.row.tags = now;
    w->ticket.row.tags_n = 2;
    const cJSON *list = json(w, "[\"b\",\" c \",\"\",\"c\"]");
    assert_int_equal(change_tags(&w->actor, &w->ticket, TAGS_ADD, list, w->arena, &w->change),
                     VERDICT_EDIT);
    assert_int_equal(EDIT(w)->tags_n, 3);
    assert_int_equal(change_tags(&w->actor, &w->ticket, TAGS_SET, list, w->arena, &w->change),
                     VERDICT_EDIT);
    assert_int_equal(EDIT(w)->tags_n, 2);
    assert_int_equal(change_tags(&w->actor, &w->ticket, TAGS_REMOVE, list, w->arena, &w->change),
                     VERDICT_EDIT);
    assert_int_equal(EDIT(w)->tags_n, 1);
    assert_int_equal(put(w, "{\"additional_tags\":[\"z\"],\"remove_tags\":\"a b\"}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->tags_n, 1);
    assert_true(str_is(EDIT(w)->tags[0], "z"));
}

/* ---- customers ---- */

static ChangeVerdict ask(World *w, const char *request) {
    become(w, ROLE_CUSTOMER, 1000000000001);
    w->actor.actor = STR("requester:1000000000001");
    return change_request(&w->actor, &w->ticket, json(w, request), w->arena, &w->change);
}

static void a_customers_reply_wakes_and_reopens(void **state) {
    World *w = *state;
    assert_int_equal(ask(w, "{\"comment\":{\"body\":\"怎么样了\",\"public\":false}}"),
                     VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, 0);
    assert_true(EDIT(w)->comment.is_public);
    w->ticket.row.status = TICKET_PENDING;
    assert_int_equal(ask(w, "{\"comment\":{\"body\":\"单号 1\"}}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_IN_PROGRESS);
    w->ticket.row.status = TICKET_SOLVED;
    assert_int_equal(ask(w, "{\"comment\":{\"body\":\"还没到\"}}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_ASSIGNED);
    assert_int_equal(EDIT(w)->assignee_id, LIN);
    w->loads[0].on_duty = false;
    assert_int_equal(ask(w, "{\"comment\":{\"body\":\"还没到\"}}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_NEW);
    assert_int_equal(EDIT(w)->assignee_id, 0);
    w->loads[0].on_duty = true;
    w->ticket.row.group_id = G_LOGISTICS; /* she has left it */
    assert_int_equal(ask(w, "{\"comment\":{\"body\":\"还没到\"}}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_NEW);
}

static void a_customer_is_not_held_to_agents_words(void **state) {
    World *w = *state;
    assert_int_equal(ask(w, "{\"comment\":{\"body\":\"绝对不满意\"}}"), VERDICT_EDIT);
}

static void a_customer_closes_what_is_solved(void **state) {
    World *w = *state;
    w->ticket.row.status = TICKET_SOLVED;
    assert_int_equal(ask(w, "{\"solved\":true}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->status, TICKET_CLOSED);
    w->ticket.row.status = TICKET_CLOSED;
    assert_int_equal(ask(w, "{\"comment\":{\"body\":\"x\"}}"), VERDICT_INVALID);
    w->ticket.row.status = TICKET_NEW;
    assert_int_equal(ask(w, "{\"solved\":true}"), VERDICT_INVALID);
    w->ticket.row.requester_id++;
    assert_int_equal(ask(w, "{\"solved\":true}"), VERDICT_HIDDEN);
}

static void only_its_requester_rates_and_only_what_is_solved(void **state) {
    World *w = *state;
    const cJSON *good = json(w, "{\"score\":\"good\",\"comment\":\"谢谢\"}");
#define RATE(rating) change_satisfaction(&w->actor, &w->ticket, rating, w->arena, &w->change)
    assert_int_equal(RATE(good), VERDICT_FORBIDDEN);
    become(w, ROLE_CUSTOMER, 1000000000001);
    assert_int_equal(RATE(good), VERDICT_INVALID);
    w->ticket.row.status = TICKET_SOLVED;
    assert_int_equal(RATE(good), VERDICT_EDIT);
    assert_true(str_is(EDIT(w)->satisfaction, "good"));
    assert_true(str_is(EDIT(w)->note, "谢谢"));
    assert_int_equal(RATE(json(w, "{\"score\":\"soso\"}")), VERDICT_INVALID);
}

/* ---- merging ---- */

static ChangeVerdict merge_into(World *w, int64_t into, const char *comment) {
    ChangeMerge m = {.into = into, .comment = comment ? json(w, comment) : NULL};
    return change_merge_source(&w->actor, &w->ticket, &m, w->arena, &w->change);
}

static void what_is_open_is_merged_and_says_into_what(void **state) {
    World *w = *state;
    TicketRow into = w->ticket.row;
    into.id++;
    w->ticket.other = &into;
    assert_int_equal(merge_into(w, into.id, NULL), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, EDIT_STATUS);
    assert_int_equal(EDIT(w)->status, TICKET_MERGED);
    assert_int_equal(EDIT(w)->assignee_id, LIN);
    assert_true(str_is(EDIT(w)->reason, "{\"why\":\"merged\",\"into\":100002}"));
    assert_false(EDIT(w)->comment.is_public);
    assert_true(str_starts(EDIT(w)->comment.body, STR("已合并到工单 #100002 ")));
    assert_int_equal(merge_into(w, into.id, "{\"body\":\"见新单\",\"public\":true}"), VERDICT_EDIT);
    assert_true(EDIT(w)->comment.is_public);
    for (TicketStatus s = TICKET_NEW; s < TICKET_STATUSES; s++) {
        w->ticket.row.status = s;
        ChangeVerdict wanted = s == TICKET_DELETED        ? VERDICT_HIDDEN
                               : ticket_status_is_open(s) ? VERDICT_EDIT
                                                          : VERDICT_INVALID;
        assert_int_equal(merge_into(w, into.id, NULL), wanted);
    }
}

static void nothing_is_merged_into_what_is_over_not_there_or_not_reached(void **state) {
    World *w = *state;
    TicketRow into = w->ticket.row;
    assert_int_equal(merge_into(w, into.id, NULL), VERDICT_INVALID); /* itself */
    into.id++;
    assert_int_equal(merge_into(w, into.id, NULL), VERDICT_INVALID);
    w->ticket.other = &into;
    into.status = TICKET_SOLVED;
    assert_int_equal(merge_into(w, into.id, NULL), VERDICT_EDIT);
    for (TicketStatus s = TICKET_CLOSED; s < TICKET_STATUSES; s++) {
        into.status = s;
        assert_int_equal(merge_into(w, into.id, NULL), VERDICT_INVALID);
    }
    into.status = TICKET_ASSIGNED;
    into.group_id = G_LOGISTICS;
    into.assignee_id = WU;
    assert_int_equal(merge_into(w, into.id, NULL), VERDICT_INVALID);
    into.group_id = G_SALES;
    w->who.rights &= ~right_bit(RIGHT_TICKETS_MERGE);
    assert_int_not_equal(merge_into(w, into.id, NULL), VERDICT_EDIT);
}

static void what_others_were_merged_into_names_them(void **state) {
    World *w = *state;
    static const int64_t merged[] = {100007, 100009};
    ChangeMerge m = {.merged = merged, .merged_n = 2};
#define INTO(merge) change_merge_target(&w->actor, &w->ticket, merge, w->arena, &w->change)
    assert_int_equal(INTO(&m), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, 0);
    assert_true(str_is(EDIT(w)->reason, "{\"why\":\"merged_from\",\"tickets\":[100007,100009]}"));
    assert_true(str_starts(EDIT(w)->comment.body, STR("工单 #100007、#100009 已合并到此工单 ")));
    m.merged_n = 0;
    assert_int_equal(INTO(&m), VERDICT_INVALID);
    m.merged_n = 2;
    w->ticket.row.status = TICKET_CLOSED;
    assert_int_equal(INTO(&m), VERDICT_INVALID);
    w->ticket.row.status = TICKET_PENDING;
    become(w, ROLE_AUDITOR, 99);
    w->who.reach.all_groups = true;
    assert_int_equal(INTO(&m), VERDICT_FORBIDDEN);
}

enum { LI = 1000000001, WANG = 1000000002, CHEN = 99, GONE = 98 };

static void know_people(World *w) {
    static const ChangePerson people[] = {
        {LI, true, false}, {WANG, true, false}, {CHEN, false, true}, {GONE, false, false}};
    w->ticket.people = people;
    w->ticket.people_n = sizeof(people) / sizeof(*people);
}

static void customers_are_put_in_copy_and_staff_follow(void **state) {
    World *w = *state;
    static const int64_t now[] = {LI};
    know_people(w);
    assert_int_equal(put(w, "{\"email_cc_ids\":[1000000001,\"1000000002\"]}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, EDIT_COLLABORATORS);
    assert_int_equal(EDIT(w)->collaborators_n, 2);
    assert_int_equal(EDIT(w)->collaborators[1], WANG);
    assert_int_equal(put(w, "{\"follower_ids\":[12,99]}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, EDIT_FOLLOWERS);
    assert_int_equal(EDIT(w)->followers[1], CHEN);

    w->ticket.row.collaborators = now;
    w->ticket.row.collaborators_n = 1;
    assert_int_equal(
        put(w, "{\"email_ccs\":[{\"user_id\":1000000002},{\"user_id\":1000000001,\"action\":"
               "\"delete\"}],\"followers\":[{\"user_id\":\"12\",\"action\":\"put\"}]}"),
        VERDICT_EDIT);
    assert_int_equal(EDIT(w)->sets, EDIT_COLLABORATORS | EDIT_FOLLOWERS);
    assert_int_equal(EDIT(w)->collaborators_n, 1);
    assert_int_equal(EDIT(w)->collaborators[0], WANG);
    assert_int_equal(put(w, "{\"collaborator_ids\":[]}"), VERDICT_EDIT);
    assert_int_equal(EDIT(w)->collaborators_n, 0);
}

/* A list sent back as it was shown, under both names, in another order, is no change; of two names
 * the one that differs counts; whoever is on it stays, whatever she has become. */
static void what_was_shown_of_people_and_sent_back_is_no_change(void **state) {
    World *w = *state;
    static const int64_t now[] = {LI, GONE};
    know_people(w);
    w->ticket.row.collaborators = now;
    w->ticket.row.collaborators_n = 2;
    assert_int_equal(put(w, "{\"collaborator_ids\":[98,1000000001,98],\"email_cc_ids\":[1000000001,"
                            "98],\"follower_ids\":[]}"),
                     VERDICT_NOTHING);
    assert_int_equal(put(w, "{\"collaborator_ids\":[1000000001,98,1000000002],\"email_cc_ids\":["
                            "1000000001,98]}"),
                     VERDICT_EDIT);
    assert_int_equal(EDIT(w)->collaborators_n, 3);
    assert_int_equal(put(w, "{\"collaborator_ids\":[1000000001],\"email_cc_ids\":[1000000002]}"),
                     VERDICT_INVALID);
}

static void who_cannot_be_told_is_not_put_on_a_list(void **state) {
    World *w = *state;
    static const char *const refused[] = {
        "{\"collaborator_ids\":[99]}",            /* staff */
        "{\"collaborator_ids\":[98]}",            /* nobody any more */
        "{\"collaborator_ids\":[5]}",             /* nobody */
        "{\"collaborator_ids\":[1000000000001]}", /* the requester */
        "{\"follower_ids\":[1000000001]}",        /* a customer */
        "{\"follower_ids\":[98]}",
        "{\"follower_ids\":\"12\"}",
        "{\"follower_ids\":[{}]}",
        "{\"follower_ids\":[-1]}",
        "{\"followers\":[12]}",
        "{\"followers\":{\"user_id\":12}}",
        "{\"followers\":[{\"user_id\":12,\"action\":\"drop\"}]}",
        "{\"email_ccs\":[{\"user_email\":\"a@example.com\"}]}"};
    know_people(w);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        assert_int_equal(put(w, refused[i]), VERDICT_INVALID);
        assert_int_equal(w->change.invalid.n, 1);
    }
    CLEANUP(buf_done) Buf many = {0};
    buf_adds(&many, "{\"collaborator_ids\":[");
    for (int i = 0; i <= CHANGE_COPIES_MAX; i++)
        buf_printf(&many, "%s%d", i ? "," : "", LI + i);
    buf_adds(&many, "]}");
    assert_int_equal(put(w, many.p), VERDICT_INVALID);
    assert_int_equal(w->change.invalid.n, 1);
    int64_t named[CHANGE_PEOPLE_MAX];
    assert_int_equal(change_people(json(w, many.p), named), CHANGE_COPIES_MAX + 1);
    w->who.rights &= ~right_bit(RIGHT_TICKETS_EDIT);
    assert_int_equal(put(w, "{\"follower_ids\":[12]}"), VERDICT_FORBIDDEN);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_reply_begins_the_work),
        TEST(a_note_or_a_named_state_does_not),
        TEST(what_is_so_already_is_no_change),
        TEST(zendesks_states_mean_ours),
        TEST(solving_needs_what_the_standard_demands),
        TEST(evidence_may_come_with_the_same_change),
        TEST(a_state_demands_the_fields_of_the_tickets_form),
        TEST(replies_keep_to_the_words),
        TEST(all_that_is_wrong_is_named_at_once),
        TEST(handing_on_needs_a_note),
        TEST(a_group_leaves_behind_who_is_not_in_it),
        TEST(a_transfer_names_its_place_and_its_note),
        TEST(a_claim_takes_from_the_pool_and_marks_what_is_too_much),
        TEST(an_acknowledgement_changes_nothing_but_the_record),
        TEST(who_begins_on_what_nobody_has_has_it),
        TEST(a_stale_stamp_or_version_is_refused),
        TEST(the_second_of_two_in_one_second_takes_its_milliseconds),
        TEST(what_is_closed_stays_as_it_is),
        TEST(what_is_not_reached_is_not_there),
        TEST(every_part_needs_its_right),
        TEST(personal_numbers_are_masked),
        TEST(tags_are_set_added_and_taken_away),
        TEST(a_customers_reply_wakes_and_reopens),
        TEST(a_customer_is_not_held_to_agents_words),
        TEST(a_customer_closes_what_is_solved),
        TEST(only_its_requester_rates_and_only_what_is_solved),
        TEST(what_is_open_is_merged_and_says_into_what),
        TEST(nothing_is_merged_into_what_is_over_not_there_or_not_reached),
        TEST(what_others_were_merged_into_names_them),
        TEST(customers_are_put_in_copy_and_staff_follow),
        TEST(what_was_shown_of_people_and_sent_back_is_no_change),
        TEST(who_cannot_be_told_is_not_put_on_a_list),
    };
    return cmocka_run_group_tests_name("desk/change", tests, NULL, NULL);
}
