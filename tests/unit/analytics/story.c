/* A ticket told in batches: however its rows come together, its figures and what it adds to the
 * windows are the same. */
#include "analytics/keeping/story.h"

#include "analytics/keeping/windows.h"
#include "unit/lives/world.h"

enum { ROWS = 40 };

static uint64_t dice_state;

static uint64_t dice(uint64_t sides) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % sides;
}

static const char documents[] =
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "calendars: [{name: 班, zone: Asia/Shanghai, week: {mon-sun: \"09:00-18:00\"}}]\n"
    "policies:\n"
    "  - {name: 急, when: {all: {priority: [urgent]}}, targets: {resolution: 4h}, reopen: "
    "restart}\n"
    "  - name: 其他\n"
    "    targets: {first_reply: 1h, next_reply: 30m, resolution: {within: 8h, hours: 班},\n"
    "      stages: {in_progress: 2h}}\n"
    "    reopen: restart\n";

typedef struct Shop {
    const Catalog *catalog;
    Tenants *tenants;
    const JudgedTenant *tenant;
    Arena *arena;
    Event rows[ROWS];
} Shop;

static int open_shop(void **state) {
    Shop *s = xcalloc(1, sizeof(*s));
    s->catalog = compile(documents, 3);
    s->tenants = tenants_new();
    assert_true(tenants_put(s->tenants, 1, s->catalog));
    tenants_answer(s->tenants, 1, 3, 2, BORN - HOUR);
    s->tenant = tenants_find(s->tenants, 1);
    s->arena = arena_new(0);
    *state = s;
    return 0;
}

static int close_shop(void **state) {
    Shop *s = *state;
    tenants_free(s->tenants);
    (void)catalog_unref(s->catalog);
    arena_free(s->arena);
    free(s);
    return 0;
}

/* A history of its own for each seed. */
static void live(Shop *s, uint64_t seed) {
    static const TicketStatus states[] = {TICKET_ASSIGNED, TICKET_IN_PROGRESS, TICKET_PENDING,
                                          TICKET_ON_HOLD, TICKET_SOLVED};
    static const char *const actors[] = {"agent:12", "agent:13", "requester:7", "router"};
    int64_t at = BORN;
    dice_state = seed;
    s->rows[0] = (Event){.tenant_id = 1,
                         .ticket_id = 100001,
                         .seq = 1,
                         .kind = LEDGER_TICKET_CREATED,
                         .at_ms = BORN + 2000,
                         .created_ms = BORN,
                         .actor = STR("requester:7"),
                         .channel = STR("web"),
                         .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_GROUP | EDIT_CATEGORY,
                                 .priority = PRIORITY_NORMAL,
                                 .group_id = 1002,
                                 .category = STR("其他")}};
    for (int i = 1; i < ROWS; i++) {
        at += (int64_t)dice(3 * HOUR);
        s->rows[i] = (Event){.tenant_id = 1,
                             .ticket_id = 100001,
                             .seq = i + 1,
                             .kind = LEDGER_TICKET_UPDATED,
                             .at_ms = at,
                             .actor = str(actors[dice(4)])};
        TicketUpdate *u = &s->rows[i].set;
        if (dice(3) == 0) {
            u->sets |= EDIT_STATUS;
            u->status = states[dice(5)];
        }
        if (dice(4) == 0) {
            u->sets |= EDIT_ASSIGNEE | EDIT_GROUP;
            u->assignee_id = (int64_t)(12 + dice(3));
            u->group_id = (int64_t)(1001 + dice(3));
        }
        if (dice(6) == 0) {
            u->sets |= EDIT_CATEGORY;
            u->category = dice(2) ? STR("退款") : STR("物流/破损");
        }
        if (dice(8) == 0) {
            u->sets |= EDIT_PRIORITY;
            u->priority = (TicketPriority)dice(PRIORITIES);
        }
        if (dice(3) == 0) u->comment = (EditComment){.present = true, .is_public = dice(2)};
        if (dice(9) == 0) {
            u->sets |= EDIT_SATISFACTION;
            u->satisfaction = dice(2) ? STR("good") : STR("bad");
        }
        if (dice(9) == 0) s->rows[i].kind = LEDGER_PROMISE_WARNED + (LedgerKind)dice(2);
    }
}

static int by_name(const void *a, const void *b) {
    const Window *x = a, *y = b;
    if (x->starts_ms != y->starts_ms) return x->starts_ms < y->starts_ms ? -1 : 1;
    if (x->category.n != y->category.n) return x->category.n < y->category.n ? -1 : 1;
    return memcmp(x->category.p, y->category.p, x->category.n);
}

/* Batches of up to `most` rows, in them now and then one that has been told; what is kept goes
 * through its packed form. */
static void keep(Shop *s, size_t most, Buf *ret_sheet, Windows *windows) {
    CLEANUP(buf_done) Buf life = {0};
    Kept kept = {0};
    int told = 0;
    while (told < ROWS) {
        Story story = {.tenant_id = 1, .ticket_id = 100001, .partition = 3};
        int n = 1 + (int)dice(most);
        if (told && dice(2)) followed_rows_add(&story.rows, &s->rows[told - 1], s->arena);
        for (int i = 0; i < n && told < ROWS; i++)
            followed_rows_add(&story.rows, &s->rows[told++], s->arena);
        story_go_on(&story, &kept, s->tenant, true, s->arena);
        assert_int_equal(story.fate, STORY_TOLD);
        for (size_t i = 0; i < story.tallies_n; i++)
            windows_add(windows, 1, story.partition, &story.tallies[i]);
        buf_clear(ret_sheet);
        buf_clear(&life);
        fact_sheet_pack(story.record.sheet, ret_sheet);
        ticket_life_pack(story.record.life, &life);
        kept = (Kept){told, 3, buf_str(ret_sheet), buf_str(&life)};
        story_reset(&story);
    }
}

static void figures_and_windows_are_the_same_however_rows_come_together(void **state) {
    Shop *s = *state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        CLEANUP(buf_done) Buf whole = {0}, parts = {0};
        CLEANUP(windows_freep) Windows *at_once = windows_new();
        CLEANUP(windows_freep) Windows *by_and_by = windows_new();
        const Window *a, *b;
        live(s, seed);
        keep(s, ROWS * 4, &whole, at_once);
        keep(s, 4, &parts, by_and_by);
        assert_true(str_eq(buf_str(&whole), buf_str(&parts)));
        size_t n = windows_all(at_once, &a);
        assert_int_equal(n, windows_all(by_and_by, &b));
        qsort((void *)a, n, sizeof(*a), by_name);
        qsort((void *)b, n, sizeof(*b), by_name);
        for (size_t i = 0; i < n; i++) {
            assert_true(a[i].starts_ms == b[i].starts_ms && str_eq(a[i].category, b[i].category));
            assert_memory_equal(a[i].counts, b[i].counts, sizeof(a[i].counts));
        }
        arena_reset(s->arena);
    }
}

static StoryFate fate_of(Shop *s, const Kept *kept, const JudgedTenant *tenant, int first, int last,
                         int32_t wanted, bool newest) {
    Story story = {.tenant_id = 1, .ticket_id = 100001, .wanted = wanted};
    for (int i = first; i <= last && i > 0; i++)
        followed_rows_add(&story.rows, &s->rows[i - 1], s->arena);
    story_go_on(&story, kept, tenant, newest, s->arena);
    if (story.fate == STORY_LEDGER) assert_true(!story.record.sheet && !story.tallies_n);
    StoryFate fate = story.fate;
    story_reset(&story);
    return fate;
}

static void what_cannot_be_told_from_here_is_for_the_ledger(void **state) {
    Shop *s = *state;
    CLEANUP(buf_done) Buf sheet = {0}, life = {0};
    Story story = {.tenant_id = 1, .ticket_id = 100001};
    live(s, 7);
    for (int i = 0; i < 5; i++)
        followed_rows_add(&story.rows, &s->rows[i], s->arena);
    story_go_on(&story, &(Kept){0}, s->tenant, true, s->arena);
    fact_sheet_pack(story.record.sheet, &sheet);
    ticket_life_pack(story.record.life, &life);
    story_reset(&story);
    Kept kept = {5, 3, buf_str(&sheet), buf_str(&life)}, over = {5, 3, buf_str(&sheet), {NULL, 0}};
    Kept older = {5, 1, buf_str(&sheet), buf_str(&life)}, broken = {5, 3, STR("x"), buf_str(&life)};
    JudgedTenant late = *s->tenant, unasked = *s->tenant;
    late.since_ms = BORN + 1;
    unasked.since_ms = unasked.since_revision = NEVER;
    assert_int_equal(fate_of(s, &kept, s->tenant, 6, 8, 0, true), STORY_TOLD);
    assert_int_equal(fate_of(s, &kept, s->tenant, 2, 5, 0, true), STORY_OLD);
    assert_int_equal(fate_of(s, &kept, s->tenant, 0, 0, 5, true), STORY_OLD);
    assert_int_equal(fate_of(s, &kept, s->tenant, 7, 8, 0, true), STORY_LEDGER); /* a gap */
    assert_int_equal(fate_of(s, &kept, s->tenant, 6, 8, 9, true),
                     STORY_LEDGER); /* one not readable */
    assert_int_equal(fate_of(s, &over, s->tenant, 6, 8, 0, true), STORY_LEDGER);
    assert_int_equal(fate_of(s, &older, s->tenant, 6, 8, 0, true),
                     STORY_LEDGER); /* other promises */
    assert_int_equal(fate_of(s, &broken, s->tenant, 6, 8, 0, true), STORY_LEDGER);
    assert_int_equal(fate_of(s, &kept, s->tenant, 6, 8, 0, false), STORY_LEDGER);
    assert_int_equal(fate_of(s, &kept, s->tenant, 2, 5, 0, false), STORY_OLD);
    assert_int_equal(fate_of(s, &(Kept){0}, s->tenant, 2, 5, 0, true), STORY_LEDGER);
    assert_int_equal(fate_of(s, &(Kept){0}, &late, 1, 5, 0, true), STORY_LEDGER);
    assert_int_equal(fate_of(s, &(Kept){0}, &unasked, 1, 5, 0, true), STORY_LEDGER);
    assert_int_equal(fate_of(s, &(Kept){0}, s->tenant, 1, 5, 0, true), STORY_TOLD);
    assert_int_equal(fate_of(s, &(Kept){0}, NULL, 1, 5, 0, true), STORY_TOLD); /* no documents */
}

static void time_is_counted_by_the_hours_of_the_policy_in_force(void **state) {
    Shop *s = *state;
    const NamedCalendar *calendars;
    assert_int_equal(catalog_calendars(s->catalog, &calendars), 1);
    CLEANUP(ticket_life_freep) TicketLife *l = ticket_life_new(false, s->catalog);
    CLEANUP(ticket_life_freep) TicketLife *none = ticket_life_new(false, NULL);
    live(s, 1);
    assert_ptr_equal(ticket_life_hours(none), NULL);
    assert_ptr_equal(ticket_life_hours(l), calendars[0].calendar); /* nothing promised yet */
    assert_int_equal(ticket_life_tell(l, &s->rows[0]), 0);
    assert_ptr_equal(ticket_life_hours(l), calendars[0].calendar); /* of its resolution */
    assert_true(ticket_life_promised_ms(l) == BORN + HOUR);        /* its first reply */
    Event urgent = {.seq = 2,
                    .kind = LEDGER_TICKET_UPDATED,
                    .at_ms = BORN + MIN,
                    .actor = STR("agent:12"),
                    .set = {.sets = EDIT_PRIORITY, .priority = PRIORITY_URGENT}};
    assert_int_equal(ticket_life_tell(l, &urgent), 0);
    assert_ptr_equal(ticket_life_hours(l), NULL); /* around the clock */
    assert_true(ticket_life_promised_ms(l) == BORN + 4 * HOUR);
    Event solved = {.seq = 3,
                    .kind = LEDGER_TICKET_UPDATED,
                    .at_ms = BORN + 2 * MIN,
                    .actor = STR("agent:12"),
                    .set = {.sets = EDIT_STATUS, .status = TICKET_SOLVED}};
    assert_int_equal(ticket_life_tell(l, &solved), 0);
    assert_true(ticket_life_promised_ms(l) == NEVER);
}

#define IN_THE_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_THE_SHOP(figures_and_windows_are_the_same_however_rows_come_together),
        IN_THE_SHOP(what_cannot_be_told_from_here_is_for_the_ledger),
        IN_THE_SHOP(time_is_counted_by_the_hours_of_the_policy_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
