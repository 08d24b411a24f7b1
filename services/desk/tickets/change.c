/* The ways to ask for a change, each from its beginning to its verdict. */
#include <errno.h>

#include "base/clock.h"
#include "desk/tickets/change_internal.h"
#include "desk/tickets/standard.h"
#include "desk/tickets/ticket_json.h"
#include "vault/personal.h"
#include "json/json.h"

/* ---- What all have in common ---- */

ChangeVerdict draft_begin(Draft *d, const ChangeActor *a, const ChangeTicket *t, Arena *arena,
                          Change *out) {
    *out = (Change){0};
    invalid_init(&out->invalid, arena);
    *d = (Draft){.a = a,
                 .t = t,
                 .row = &t->row,
                 .arena = arena,
                 .out = out,
                 .e = &out->edit,
                 .bad = &out->invalid,
                 .kind = t->row.kind,
                 .category = t->row.category,
                 .form_id = t->row.form_id,
                 .why = "updated"};
    *d->e = (TicketEdit){.tenant_id = t->row.tenant_id,
                         .ticket_id = t->row.id,
                         .expected_version = t->row.version,
                         .actor_kind = ACTOR_AGENT,
                         .actor = a->actor,
                         .revision = a->catalog ? catalog_revision(a->catalog) : 0,
                         .status = t->row.status,
                         .priority = t->row.priority,
                         .group_id = t->row.group_id,
                         .assignee_id = t->row.assignee_id};
    TicketScope scope = ticket_row_scope(&t->row);
    if (t->row.status == TICKET_DELETED ||
        rights_decide(a->who, RIGHT_TICKETS_READ, &scope, NULL) == RIGHTS_HIDDEN)
        return VERDICT_HIDDEN;
    cJSON *fields = NULL;
    if (t->row.custom_fields.n &&
        json_parse_in(arena, t->row.custom_fields, NULL, &fields, NULL) == 0)
        d->custom_fields = fields;
    return VERDICT_EDIT;
}

ChangeVerdict draft_refuse_closed(Draft *d) {
    if (d->row->status == TICKET_MERGED)
        invalid_add(d->bad, "status", "InvalidValue",
                    "工单已合并，不能再修改 (the ticket was merged and cannot be changed)");
    else
        invalid_add(
            d->bad, "status", "InvalidValue",
            "工单已结案，不能再修改；请新建跟进工单 (the ticket is closed; create a follow-up "
            "with via_followup_source_id)");
    return VERDICT_INVALID;
}

bool draft_is_over(const TicketRow *t) {
    return t->status == TICKET_CLOSED || t->status == TICKET_MERGED;
}

bool draft_blank(Str text) {
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r\n", text.p[i])) return false;
    return true;
}

int draft_text(Draft *d, const cJSON *object, const char *key, const char *field, size_t bytes_max,
               Str *ret) {
    Str text = {NULL, 0};
    int r = json_get_string(object, key, &text);
    if (r < 0) invalid_add(d->bad, field, "InvalidValue", "%s 必须是文字 (must be a text)", key);
    if (r <= 0) return r;
    if (text.n > bytes_max) {
        invalid_add(d->bad, field, "TooLong", "%s 太长，最多 %zu 字节 (at most %zu bytes)", key,
                    bytes_max, bytes_max);
        return -EINVAL;
    }
    *ret = text;
    return 1;
}

int draft_id(Draft *d, const cJSON *object, const char *key, const char *field, int64_t *ret,
             bool *ret_null) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    Str text;
    int64_t id = 0;
    *ret_null = false;
    if (!value) return 0;
    if (cJSON_IsNull(value) || (json_as_string(value, &text) == 1 && !text.n)) {
        *ret_null = true;
        return 0;
    }
    bool good = json_as_string(value, &text) == 1 ? str_to_i64(text, &id) == 0
                                                  : json_as_int(value, &id) == 1;
    if (good && id > 0 && id <= TICKET_ID_MAX) {
        *ret = id;
        return 1;
    }
    invalid_add(d->bad, field, "InvalidValue", "%s 必须是编号 (must be an id)", key);
    return -EINVAL;
}

void draft_seal(Draft *d, Str field, Str clear, Buf *list) {
    CLEANUP(buf_done) Buf sealed = {0};
    if (!d->a->vault) return;
    if (vault_seal(d->a->vault, d->row->tenant_id, field, clear, &sealed) < 0) {
        d->sealing_failed = true;
        return;
    }
    buf_adds(list, list->n ? ",{\"field\":" : "{\"field\":");
    buf_add_json(list, field);
    buf_adds(list, ",\"sealed\":\"");
    buf_reserve(list, 4 * (sealed.n + 2) / 3 + 1);
    list->n += text_base64url(sealed.p, sealed.n, list->p + list->n);
    buf_adds(list, "\"}");
}

Str draft_mask(Draft *d, Str field, Str text, Buf *list) {
    CLEANUP(buf_done) Buf masked = {0};
    if (!text.n || personal_mask_text(text, &masked) == 0) return text;
    draft_seal(d, field, text, list);
    return arena_str(d->arena, buf_str(&masked));
}

/* ---- The end of all ---- */

static ChangeVerdict check_rights(Draft *d) {
    TicketScope scope = ticket_row_scope(d->row);
    for (int right = 0; right < RIGHTS; right++) {
        if (!(d->needs >> right & 1)) continue;
        switch (rights_decide(d->a->who, (Right)right, &scope, &d->out->reason)) {
        case RIGHTS_HIDDEN:
            return VERDICT_HIDDEN;
        case RIGHTS_NO:
            return VERDICT_FORBIDDEN;
        case RIGHTS_YES:
            break;
        }
    }
    return VERDICT_EDIT;
}

static void check_standard(Draft *d) {
    size_t n = d->t->evidence_n;
    Str *evidence = arena_alloc(d->arena, (n + d->a->files_n + 1) * sizeof(*evidence));
    if (n) memcpy(evidence, d->t->evidence, n * sizeof(*evidence));
    for (size_t i = 0; i < d->a->files_n && d->e->comment.present; i++)
        evidence[n++] = d->a->files[i].class;
    StandardFacts facts = {.kind = d->kind,
                           .category = d->category,
                           .form_id = d->form_id,
                           .custom_fields = d->custom_fields,
                           .evidence = evidence,
                           .evidence_n = n,
                           .enters = d->e->status != d->row->status,
                           .status = d->e->status,
                           .replies = d->replies,
                           .reply = d->reply};
    (void)standard_check(d->a->catalog, &facts, d->bad);
}

static void write_reason(Draft *d) {
    CLEANUP(buf_done) Buf reason = {0};
    buf_printf(&reason, "{\"why\":\"%s\"", d->why);
    if (d->e->sets & EDIT_GROUP && d->row->group_id)
        buf_printf(&reason, ",\"from_group\":%lld", (long long)d->row->group_id);
    if (d->e->sets & EDIT_ASSIGNEE && d->row->assignee_id)
        buf_printf(&reason, ",\"from_assignee\":%lld", (long long)d->row->assignee_id);
    if (d->above_capacity) buf_adds(&reason, ",\"above_capacity\":true");
    buf_add_str(&reason, d->why_more);
    if (d->a->by.n) {
        buf_adds(&reason, ",\"by\":");
        buf_add_json(&reason, d->a->by);
    }
    buf_addc(&reason, '}');
    d->e->reason = arena_str(d->arena, buf_str(&reason));
}

static Str listed(Draft *d, Buf *elements) {
    if (!elements->n) return (Str){NULL, 0};
    Str list = str(arena_printf(d->arena, "[%.*s]", (int)elements->n, elements->p));
    buf_done(elements);
    return list;
}

ChangeVerdict draft_end(Draft *d) {
    d->e->personal = listed(d, &d->personal);
    d->e->comment.personal = listed(d, &d->comment_personal);
    ChangeVerdict verdict = check_rights(d);
    if (verdict != VERDICT_EDIT) return verdict;
    if (d->sealing_failed)
        invalid_add(d->bad, "base", "InvalidValue",
                    "个人信息无法加密保存 (personal data could not be sealed)");
    if (d->e->actor_kind == ACTOR_AGENT) check_standard(d);
    if (d->bad->n) return VERDICT_INVALID;
    if (!d->e->sets && !d->e->comment.present && !d->e->note.n) return VERDICT_NOTHING;
    write_reason(d);
    return VERDICT_EDIT;
}

/* ---- PUT ---- */

/* Is it what was shown of this version? Whole seconds, and milliseconds where the version before
 * was in the same second (2026-11-22T05:43:00Z, 2026-11-22T05:43:00.120Z); clients that write times
 * anew may append zeros, or write +00:00. */
static bool same_stamp(Str stamp, const TicketRow *row) {
    char now[21];
    clock_format_s(row->updated_ms, now);
    if (stamp.n < 20 || memcmp(stamp.p, now, 19) != 0) return false;
    Str rest = {stamp.p + 19, stamp.n - 19};
    int64_t ms = 0, digits = 0;
    bool zero = true;
    if (rest.p[0] == '.') {
        for (rest = (Str){rest.p + 1, rest.n - 1}; rest.n && rest.p[0] >= '0' && rest.p[0] <= '9';
             rest = (Str){rest.p + 1, rest.n - 1}) {
            if (digits++ < 3) ms = ms * 10 + (rest.p[0] - '0');
            zero = zero && rest.p[0] == '0';
        }
        for (int64_t i = digits; i < 3; i++)
            ms *= 10;
        if (!digits) return false;
    }
    if (!str_is(rest, "Z") && !str_is(rest, "+00:00")) return false;
    return zero && !row->same_second ? true : digits && ms == row->updated_ms % 1000;
}

static bool says_true(const cJSON *object, const char *key) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    Str text;
    return cJSON_IsTrue(value) || (json_as_string(value, &text) == 1 && str_is(text, "true"));
}

static ChangeVerdict check_stamp(Draft *d, const cJSON *ticket) {
    Str stamp = {NULL, 0};
    int64_t version;
    bool safe = says_true(ticket, "safe_update");
    if (safe && json_get_string(ticket, "updated_stamp", &stamp) != 1) {
        invalid_add(d->bad, "updated_stamp", "BlankValue",
                    "safe_update 需要 updated_stamp，即读到的 updated_at (safe_update needs the "
                    "updated_at that was read)");
        return VERDICT_INVALID;
    }
    bool named = json_get_int(ticket, "version", &version) == 1;
    d->out->pinned = safe || named;
    bool stale = (safe && !same_stamp(stamp, d->row)) || (named && version != d->row->version);
    if (!stale) return VERDICT_EDIT;
    d->out->reason =
        "工单在您读取之后已被修改，请刷新后再试 (the ticket was changed after you read it; "
        "read it again)";
    return VERDICT_STALE;
}

ChangeVerdict change_update(const ChangeActor *a, const ChangeTicket *t, const cJSON *ticket,
                            Arena *arena, Change *ret) {
    Draft d;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    verdict = check_stamp(&d, ticket);
    if (verdict != VERDICT_EDIT) return verdict;
    if (draft_is_over(d.row)) return draft_refuse_closed(&d);
    draft_facts(&d, ticket);
    draft_tag_members(&d, ticket);
    draft_custom_fields(&d, ticket);
    draft_people(&d, ticket);
    draft_comment(&d, cJSON_GetObjectItemCaseSensitive(ticket, "comment"));
    Str note = {NULL, 0};
    if (draft_text(&d, ticket, "handover_note", "handover_note", CHANGE_NOTE_BYTES, &note) > 0 &&
        note.n)
        draft_note(&d, note, false);
    draft_place(&d, ticket);
    return draft_end(&d);
}

/* ---- Claim, transfer, tags, delete ---- */

ChangeVerdict change_claim(const ChangeActor *a, const ChangeTicket *t, Arena *arena, Change *ret) {
    Draft d;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    if (draft_is_over(d.row)) return draft_refuse_closed(&d);
    int64_t me = a->who->user_id;
    if (d.row->assignee_id == me && me && ticket_status_is_open(d.row->status))
        return VERDICT_NOTHING;
    d.needs |= right_bit(RIGHT_TICKETS_CLAIM);
    d.why = "claimed";
    const Agent *agent = draft_agent(&d, me);
    if (d.row->assignee_id || d.row->status != TICKET_NEW) {
        verdict = check_rights(&d);
        if (verdict != VERDICT_EDIT) return verdict;
        const Agent *holder = draft_agent(&d, d.row->assignee_id);
        ret->reason = holder ? arena_printf(arena, "工单已由「%.*s」领取 (already taken by %.*s)",
                                            STR_ARG(holder->title), STR_ARG(holder->name))
                             : "工单不在待领取的池中 (the ticket is not in the pool)";
        return VERDICT_STALE;
    }
    if (!agent)
        invalid_add(d.bad, "assignee_id", "InvalidValue",
                    "只有客服可以领取工单 (only agents can claim tickets)");
    else if (d.row->group_id && !agent_in(agent, d.row->group_id))
        invalid_add(d.bad, "assignee_id", "InvalidValue",
                    "您不在该工单所属的组 (you are not in the ticket's group)");
    else
        draft_move(&d, TICKET_ASSIGNED, d.row->group_id ? d.row->group_id : agent->groups[0], me,
                   ACTOR_AGENT);
    return draft_end(&d);
}

/* "group_id": number or "group": name, likewise for people. 1, 0 absent, -EINVAL. */
static int named_group(Draft *d, const cJSON *body, int64_t *ret) {
    Str name = {NULL, 0};
    bool empty;
    int r = draft_id(d, body, "group_id", "group_id", ret, &empty);
    if (r == 0) r = draft_text(d, body, "group", "group", 128, &name);
    if (r <= 0 || !name.p) return r;
    const Group *groups;
    size_t n = d->a->catalog ? catalog_groups(d->a->catalog, &groups) : 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(groups[i].name, name)) {
            *ret = groups[i].id;
            return 1;
        }
    invalid_add(d->bad, "group", "InvalidValue", "没有「%.*s」这个组 (no such group)",
                STR_ARG(name));
    return -EINVAL;
}

static int named_agent(Draft *d, const cJSON *body, int64_t *ret) {
    Str name = {NULL, 0};
    bool empty;
    int r = draft_id(d, body, "assignee_id", "assignee_id", ret, &empty);
    if (r == 0) r = draft_text(d, body, "assignee", "assignee", 128, &name);
    if (r <= 0 || !name.p) return r;
    const Agent *agents;
    size_t n = d->a->catalog ? catalog_agents(d->a->catalog, &agents) : 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(agents[i].name, name)) {
            *ret = agents[i].id;
            return 1;
        }
    invalid_add(d->bad, "assignee", "InvalidValue", "没有「%.*s」这位客服 (no such agent)",
                STR_ARG(name));
    return -EINVAL;
}

/* What is worked on begins anew with the next person; what waits for the customer goes on waiting.
 */
static TicketStatus status_handed(TicketStatus now) {
    return now == TICKET_IN_PROGRESS || now == TICKET_NEW ? TICKET_ASSIGNED : now;
}

ChangeVerdict change_transfer(const ChangeActor *a, const ChangeTicket *t, const cJSON *body,
                              Arena *arena, Change *ret) {
    Draft d;
    int64_t group = 0, person = 0;
    Str note = {NULL, 0};
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    if (draft_is_over(d.row)) return draft_refuse_closed(&d);
    d.needs |= right_bit(RIGHT_TICKETS_TRANSFER);
    d.why = "transferred";
    if (d.row->status == TICKET_SOLVED)
        invalid_add(d.bad, "status", "InvalidValue",
                    "工单已解决；要转交请先重新打开 (the ticket is solved; reopen it before a "
                    "transfer)");
    int g = named_group(&d, body, &group), p = named_agent(&d, body, &person);
    if (draft_text(&d, body, "note", "note", CHANGE_NOTE_BYTES, &note) >= 0)
        draft_note(&d, note, true);
    if (g == 0 && p == 0)
        invalid_add(d.bad, "base", "BlankValue",
                    "请指明转交给哪个组或哪位客服 (name the group or the person to transfer to)");
    if (g < 0 || p < 0 || (g == 0 && p == 0)) return draft_end(&d);
    const Agent *agent = draft_agent(&d, person);
    if (!g && agent && d.row->group_id && agent_in(agent, d.row->group_id)) group = d.row->group_id;
    if (!g && !group && agent) group = agent->groups[0];
    if (person == d.row->assignee_id && (!group || group == d.row->group_id))
        invalid_add(d.bad, "base", "InvalidValue", "工单已经在那里 (the ticket is there already)");
    else
        draft_move(&d, person ? status_handed(d.row->status) : TICKET_NEW,
                   group ? group : d.row->group_id, person, ACTOR_AGENT);
    return draft_end(&d);
}

ChangeVerdict change_tags(const ChangeActor *a, const ChangeTicket *t, ChangeTags how,
                          const cJSON *tags, Arena *arena, Change *ret) {
    Draft d;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    if (draft_is_over(d.row)) return draft_refuse_closed(&d);
    d.needs |= right_bit(RIGHT_TICKETS_EDIT);
    draft_tags(&d, how, tags);
    return draft_end(&d);
}

ChangeVerdict change_acknowledge(const ChangeActor *a, const ChangeTicket *t, Arena *arena,
                                 Change *ret) {
    Draft d;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    d.needs |= right_bit(RIGHT_TICKETS_EDIT);
    d.why = "acknowledged";
    verdict = check_rights(&d);
    if (verdict != VERDICT_EDIT) return verdict;
    if (draft_is_over(d.row)) return draft_refuse_closed(&d);
    if (t->acknowledged || d.row->status == TICKET_SOLVED) return VERDICT_NOTHING;
    write_reason(&d);
    return VERDICT_EDIT;
}

ChangeVerdict change_delete(const ChangeActor *a, const ChangeTicket *t, Arena *arena,
                            Change *ret) {
    Draft d;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    d.needs |= right_bit(RIGHT_TICKETS_DELETE);
    d.why = "deleted";
    d.e->status = TICKET_DELETED;
    d.e->sets |= EDIT_STATUS;
    verdict = check_rights(&d);
    if (verdict != VERDICT_EDIT) return verdict;
    write_reason(&d);
    return VERDICT_EDIT;
}

/* ---- What is read before ---- */

size_t change_uploads(const cJSON *ticket, Str *ret) {
    const cJSON *comment = cJSON_GetObjectItemCaseSensitive(ticket, "comment");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(comment, "uploads"), *item;
    size_t n = 0;
    cJSON_ArrayForEach(item, list) {
        if (n < CHANGE_UPLOADS_MAX && cJSON_IsArray(list) && json_as_string(item, &ret[n]) == 1)
            n++;
    }
    return n;
}

bool change_wants_loads(const cJSON *ticket) {
    return cJSON_GetObjectItemCaseSensitive(ticket, "assignee_id") ||
           cJSON_GetObjectItemCaseSensitive(ticket, "group_id") || change_wants_evidence(ticket);
}

bool change_wants_evidence(const cJSON *ticket) {
    return cJSON_GetObjectItemCaseSensitive(ticket, "status") ||
           cJSON_GetObjectItemCaseSensitive(ticket, "docket_status") ||
           cJSON_GetObjectItemCaseSensitive(ticket, "assignee_id") ||
           cJSON_GetObjectItemCaseSensitive(ticket, "group_id");
}

int64_t change_assignee(const cJSON *ticket) {
    int64_t id = 0;
    Str text;
    if (json_get_string(ticket, "assignee_id", &text) == 1) return str_to_i64(text, &id) ? 0 : id;
    return json_get_int(ticket, "assignee_id", &id) == 1 && id > 0 ? id : 0;
}
