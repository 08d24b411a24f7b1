/* Values first, then words, then what a letter of its way needs besides. */
#include "notifier/letters/letter.h"

#include <errno.h>
#include <stdlib.h>

#include "html/html.h"
#include "notifier/letters/values.h"
#include "signing/hmac.h"
#include "signing/link.h"
#include "json/json.h"

#define DAY_MS INT64_C(86400000)

enum {
    SUBJECT_BYTES = 900,
    REPLY_DAYS = 365,
    ACKNOWLEDGE_DAYS = 7,
    UNSUBSCRIBE_DAYS = 365,
    OWN_VALUES = 4, /* recipient, tenant, links, tickets */
    ID_MAC_BYTES = 8
};

typedef struct Writing {
    const LetterWorld *world;
    const LetterRow *row; /* the first one */
    const LetterPerson *person;
    Arena *arena;
    Letter *letter;
    Buf *problem;
    const TemplateValue *values;
    size_t values_n;
} Writing;

int64_t letter_person_id(Str recipient) {
    Str id, kind = str_cut(recipient, ':', &id);
    int64_t n;
    return !str_is(kind, "system") && id.p && str_to_i64(id, &n) == 0 && n > 0 ? n : 0;
}

static bool is_by_robot(NotifyWay way) {
    return way == NOTIFY_BY_DINGTALK || way == NOTIFY_BY_WECOM || way == NOTIFY_BY_FEISHU;
}

/* ---- Values ---- */

static Str link_to(Writing *w, TokenPurpose purpose, Str about, int days) {
    CLEANUP(buf_done) Buf link = {0};
    char token[TOKEN_TEXT];
    Token t = {.purpose = purpose,
               .tenant_id = w->row->tenant_id,
               .ticket_id = w->row->ticket_id,
               .person_id = letter_person_id(w->row->recipient),
               .expires_ms = w->row->created_ms + days * DAY_MS};
    if (!w->world->key || !w->world->desk_url[0] || !t.person_id) return (Str){NULL, 0};
    token_format(w->world->key, &t, token);
    link_write(str(w->world->desk_url), token, about, &link);
    return arena_str(w->arena, buf_str(&link));
}

static TemplateValue group(Writing *w, Str name, size_t room) {
    return (TemplateValue){.name = name,
                           .members = arena_zalloc(w->arena, room * sizeof(TemplateValue))};
}

static void add_member(TemplateValue *to, Str name, Str text) {
    if (text.n)
        ((TemplateValue *)to->members)[to->members_n++] =
            (TemplateValue){.name = name, .text = text};
}

static TemplateValue tenant_value(Writing *w) {
    TemplateValue v = group(w, STR("tenant"), 1);
    add_member(&v, STR("name"), w->letter->sender);
    return v;
}

static TemplateValue recipient_value(Writing *w) {
    TemplateValue v = group(w, STR("recipient"), 2);
    add_member(&v, STR("name"), w->letter->name);
    add_member(&v, STR("language"), w->letter->language);
    return v;
}

static TemplateValue links_value(Writing *w) {
    TemplateValue v = group(w, STR("links"), 2);
    if (str_starts(w->letter->event, STR("promise_")) && w->row->ticket_id &&
        !str_starts(w->row->recipient, STR("requester:")))
        add_member(&v, STR("acknowledge"),
                   link_to(w, TOKEN_ACKNOWLEDGE, (Str){NULL, 0}, ACKNOWLEDGE_DAYS));
    if (w->letter->by == NOTIFY_BY_MAIL) {
        Str about = str(arena_printf(w->arena, "mail:%.*s", STR_ARG(w->row->notification)));
        w->letter->unsubscribe_url = link_to(w, TOKEN_UNSUBSCRIBE, about, UNSUBSCRIBE_DAYS);
        add_member(&v, STR("unsubscribe"), w->letter->unsubscribe_url);
    }
    return v;
}

/* Where people find it: a ticket by its number, of other things the desk. */
static void add_url(Writing *w, TemplateValue *to) {
    const char *desk = w->world->desk_url;
    const TemplateValue *id = values_find(to->members, to->members_n, "id");
    if (!desk[0] || values_find(to->members, to->members_n, "url")) return;
    TemplateValue *members = arena_alloc(w->arena, (to->members_n + 1) * sizeof(*members));
    if (to->members_n) memcpy(members, to->members, to->members_n * sizeof(*members));
    members[to->members_n] = (TemplateValue){
        .name = STR("url"),
        .text = id ? str(arena_printf(w->arena, "%s/tickets/%.*s", desk, STR_ARG(id->text)))
                   : str(desk)};
    to->members = members;
    to->members_n++;
}

/* Each ticket once, as it was told last, in the order in which they were told first. */
static TemplateValue tickets_value(Writing *w, cJSON *const *trees, size_t n) {
    TemplateValue v = group(w, STR("tickets"), n);
    TemplateValue *items = (TemplateValue *)v.members;
    for (size_t i = 0; i < n; i++) {
        const cJSON *ticket = cJSON_GetObjectItemCaseSensitive(trees[i], "ticket");
        TemplateValue *members;
        if (!cJSON_IsObject(ticket)) continue;
        TemplateValue item = {.members_n = values_of(ticket, w->arena, &members)};
        item.members = members;
        add_url(w, &item);
        reader_translate(&(Reader){w->letter->language, w->person->zone}, &item, 1, w->arena);
        members = (TemplateValue *)item.members;
        const TemplateValue *id = values_find(members, item.members_n, "id");
        size_t k = 0;
        while (k < v.members_n) {
            const TemplateValue *other = values_find(items[k].members, items[k].members_n, "id");
            if (id && other && str_eq(id->text, other->text)) break;
            k++;
        }
        items[k] = item;
        if (k == v.members_n) v.members_n++;
    }
    return v;
}

/* Which event, and when. */
static void read_event(Writing *w, const cJSON *tree) {
    const cJSON *event;
    if (json_get_object(tree, "event", &event) != 1) return;
    (void)json_get_string(event, "name", &w->letter->event);
    (void)json_get_int(event, "at_ms", &w->letter->occurred_ms);
}

static void collect_values(Writing *w, cJSON *const *trees, size_t n, bool folded) {
    TemplateValue *said;
    size_t said_n = values_of(trees[n - 1], w->arena, &said), k = 0;
    TemplateValue *all = arena_alloc(w->arena, (said_n + OWN_VALUES) * sizeof(*all));
    for (size_t i = 0; i < said_n; i++) {
        Str name = said[i].name;
        if (str_is(name, "recipient") || str_is(name, "tenant") || str_is(name, "links")) continue;
        if (folded && (str_is(name, "ticket") || str_is(name, "comment") ||
                       str_is(name, "promise") || str_is(name, "tickets")))
            continue;
        all[k] = said[i];
        if (str_is(name, "ticket")) add_url(w, &all[k]);
        if (str_is(name, "storm")) add_url(w, &all[k]);
        if (str_is(name, "tickets"))
            for (size_t m = 0; m < all[k].members_n; m++)
                add_url(w, (TemplateValue *)&all[k].members[m]);
        k++;
    }
    reader_translate(&(Reader){w->letter->language, w->person->zone}, all, k, w->arena);
    all[k++] = tenant_value(w);
    all[k++] = recipient_value(w);
    all[k++] = links_value(w);
    if (folded) all[k++] = tickets_value(w, trees, n);
    w->values = all;
    w->values_n = k;
}

/* ---- The event as it is ---- */

static void write_event(const cJSON *tree, Buf *ret) {
    bool first = true;
    buf_addc(ret, '{');
    for (const cJSON *item = tree->child; item; item = item->next) {
        if (strcmp(item->string, "recipient") == 0 || strcmp(item->string, "links") == 0 ||
            strcmp(item->string, "show") == 0)
            continue;
        if (!first) buf_addc(ret, ',');
        buf_add_json(ret, str(item->string));
        buf_addc(ret, ':');
        json_write(ret, item);
        first = false;
    }
    buf_addc(ret, '}');
}

static bool is_private(const cJSON *tree, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(tree, name) != NULL;
}

static void write_events(Writing *w, cJSON *const *trees, size_t n, bool folded) {
    CLEANUP(buf_done) Buf json = {0};
    w->letter->json_is_event = true;
    if (!folded && !is_private(trees[0], "recipient") && !is_private(trees[0], "links") &&
        !is_private(trees[0], "show")) {
        w->letter->json = w->row->said; /* it is written already */
        return;
    }
    if (folded) buf_adds(&json, "{\"events\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(&json, ',');
        write_event(trees[i], &json);
    }
    if (folded) buf_adds(&json, "]}");
    w->letter->json = arena_str(w->arena, buf_str(&json));
}

/* ---- Words ---- */

static int render(Writing *w, const Template *t, size_t bytes, const char *what, Str *ret) {
    CLEANUP(buf_done) Buf text = {0};
    if (!t) return 0;
    if (template_render(t, w->values, w->values_n, bytes, &text) == TEMPLATE_TOO_LONG) {
        buf_printf(w->problem, "the %s of its template is longer than this way allows", what);
        return -EINVAL;
    }
    *ret = arena_str(w->arena, text.p ? buf_str(&text) : STR(""));
    return 0;
}

static int render_sms(Writing *w, const Wording *words) {
    Letter *l = w->letter;
    GatewayPair *pairs = arena_zalloc(w->arena, (words->sms_n + 1) * sizeof(*pairs));
    l->sms_code = words->sms_code;
    l->sms = pairs;
    l->sms_n = words->sms_n;
    for (size_t i = 0; i < words->sms_n; i++) {
        pairs[i].name = words->sms[i].name;
        if (render(w, words->sms[i].text, notify_way_bytes(NOTIFY_BY_SMS), "SMS", &pairs[i].value) <
            0)
            return -EINVAL;
    }
    return 0;
}

static int lacks(Writing *w, const char *what) {
    buf_printf(w->problem, "its template has no %s", what);
    return -EINVAL;
}

static int render_words(Writing *w, const Wording *words) {
    Letter *l = w->letter;
    size_t bytes = notify_way_bytes(l->by);
    if (l->by == NOTIFY_BY_SMS)
        return words->sms_code.n ? render_sms(w, words) : lacks(w, "part for SMS");
    if (l->by == NOTIFY_BY_WEBHOOK || l->by == NOTIFY_BY_KAFKA)
        return render(w, words->json, bytes, "json", &l->json);
    if (render(w, words->subject, SUBJECT_BYTES, "subject", &l->subject) < 0) return -EINVAL;
    if (is_by_robot(l->by))
        return words->markdown ? render(w, words->markdown, bytes, "markdown", &l->markdown)
                               : lacks(w, "markdown");
    if (!words->text) return lacks(w, "text");
    return render(w, words->text, bytes, "text", &l->text) < 0 ||
                   render(w, words->html, bytes, "html", &l->html) < 0
               ? -EINVAL
               : 0;
}

/* ---- Mail ---- */

static Str domain_of(Str address) {
    for (size_t i = address.n; i-- > 0;)
        if (address.p[i] == '@') return (Str){address.p + i + 1, address.n - i - 1};
    return STR("localhost");
}

/* Nobody who knows the numbers can make one up. */
static Str message_id(Writing *w, Str left, Str domain) {
    uint8_t mac[HMAC_BYTES];
    char hex[2 * ID_MAC_BYTES + 1] = "";
    const Str parts[] = {STR("docket-message-id:"), left};
    if (w->world->key) {
        hmac_sha256((Str){(const char *)w->world->key->bytes, sizeof(w->world->key->bytes)}, parts,
                    2, mac);
        text_hex(mac, ID_MAC_BYTES, hex);
    }
    return str(arena_printf(w->arena, "%.*s%s%s@%.*s", STR_ARG(left), hex[0] ? "." : "", hex,
                            STR_ARG(domain)));
}

static void address_mail(Writing *w, bool folded) {
    Letter *l = w->letter;
    Str from = str(w->world->mail_from), domain = domain_of(from);
    char token[TOKEN_TEXT];
    l->message_id = message_id(w, l->key, domain);
    if (!l->html.n && l->text.n) {
        CLEANUP(buf_done) Buf html = {0};
        html_from_text(l->text, &html);
        l->html = arena_str(w->arena, buf_str(&html));
    }
    if (!l->ticket_id || folded) return;
    Str *first = arena_alloc(w->arena, sizeof(*first));
    *first = message_id(w,
                        str(arena_printf(w->arena, "t_%lld_%lld", (long long)l->tenant_id,
                                         (long long)l->ticket_id)),
                        domain);
    l->references = first;
    l->references_n = 1;
    if (!w->world->key || from.n <= domain.n + 1) return;
    Token t = {.purpose = TOKEN_REPLY,
               .tenant_id = l->tenant_id,
               .ticket_id = l->ticket_id,
               .person_id = letter_person_id(w->row->recipient),
               .expires_ms = w->row->created_ms + REPLY_DAYS * DAY_MS};
    token_format(w->world->key, &t, token);
    l->reply_to = str(arena_printf(w->arena, "%.*s+%s@%.*s", (int)(from.n - domain.n - 1), from.p,
                                   token, STR_ARG(domain)));
}

/* ---- The whole ---- */

static int find_system(Writing *w, const Catalog *catalog) {
    Str name, kind = str_cut(w->row->recipient, ':', &name);
    Letter *l = w->letter;
    if (!str_is(kind, "system")) {
        l->address = w->person->address;
        l->name = w->person->name;
        l->language = w->person->language;
        return 0;
    }
    l->system = catalog ? catalog_system(catalog, name) : NULL;
    if (!l->system || l->system->by != l->by) {
        buf_adds(w->problem, "its system is no longer in the documents");
        return -EINVAL;
    }
    l->address = l->system->address;
    return 0;
}

static bool is_ours(const LetterRow *row) {
    return row->notification.n == 0 || str_starts(row->cause, STR("paused."));
}

int letter_write(const LetterWorld *world, const Catalog *catalog, const LetterRow *rows, size_t n,
                 bool folded, const LetterPerson *person, Arena *arena, Letter *ret,
                 Buf *ret_problem) {
    const LetterRow *row = &rows[0];
    Letter l = {.tenant_id = row->tenant_id,
                .delivery_id = row->delivery_id,
                .ticket_id = folded ? 0 : row->ticket_id,
                .by = row->way,
                .occurred_ms = rows[n - 1].created_ms,
                .seq = folded ? 0 : row->seq,
                .urgent = row->urgent,
                .sender = person->tenant};
    Writing w = {world, row, person, arena, &l, ret_problem, NULL, 0};
    cJSON **trees = arena_zalloc(arena, n * sizeof(*trees));
    const MessageTemplate *words = NULL;
    l.key = str(
        arena_printf(arena, "d_%lld_%lld", (long long)row->tenant_id, (long long)row->delivery_id));
    if (find_system(&w, catalog) < 0) return -EINVAL;
    if (!is_ours(row)) {
        const Notification *of = catalog ? catalog_notification(catalog, row->notification) : NULL;
        if (!of) {
            buf_adds(ret_problem, "its notification is no longer in the documents");
            return -EINVAL;
        }
        words = of->words;
    }
    for (size_t i = 0; i < n; i++)
        if (values_parse(rows[i].said, arena, &trees[i]) < 0) {
            buf_adds(ret_problem, "what was to be said cannot be read");
            return -EINVAL;
        }
    read_event(&w, trees[n - 1]);
    bool to_program = l.by == NOTIFY_BY_WEBHOOK || l.by == NOTIFY_BY_KAFKA;
    const Wording *wording = NULL;
    if (!words && !to_program) words = words_for(world->words, l.event);
    if (words) wording = message_wording(words, l.language);
    if (wording && (!to_program || wording->json)) {
        collect_values(&w, trees, n, folded);
        if (render_words(&w, wording) < 0) return -EINVAL;
    } else {
        write_events(&w, trees, n, folded);
    }
    if (l.by == NOTIFY_BY_MAIL) address_mail(&w, folded);
    *ret = l;
    return 0;
}
