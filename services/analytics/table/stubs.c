/* Nothing is known of any ticket. */
#include "analytics/table/asking.h"
#include "analytics/table/tables.h"

FactTable *fact_table_new(void) {
    return xcalloc(1, 1);
}
FactTable *fact_table_free(FactTable *t) {
    free(t);
    return NULL;
}
bool fact_table_put(FactTable *t, int64_t ticket_id, const FactSheet *sheet, int64_t due_ms) {
    (void)t, (void)ticket_id, (void)sheet, (void)due_ms;
    return true;
}
bool fact_table_remove(FactTable *t, int64_t ticket_id) {
    (void)t, (void)ticket_id;
    return false;
}
void fact_table_empty(FactTable *t) {
    (void)t;
}
size_t fact_table_count(const FactTable *t) {
    (void)t;
    return 0;
}
size_t fact_table_bytes(const FactTable *t) {
    (void)t;
    return 0;
}
uint64_t fact_table_version(const FactTable *t) {
    (void)t;
    return 0;
}
int32_t fact_table_seq(const FactTable *t, int64_t ticket_id) {
    (void)t, (void)ticket_id;
    return 0;
}
int fact_scan_new(const FactTable *t, const FactQuestion *q, Arena *arena, FactScan **ret,
                  Buf *ret_problem) {
    (void)t, (void)q, (void)ret_problem;
    FactAnswer *a = arena_zalloc(arena, sizeof(*a));
    *ret = (FactScan *)a;
    return 0;
}
int fact_scan_step(FactScan *s, size_t rows) {
    (void)s, (void)rows;
    return 0;
}
const FactAnswer *fact_scan_answer(FactScan *s) {
    return (const FactAnswer *)s;
}
FactScan *fact_scan_free(FactScan *s) {
    (void)s;
    return NULL;
}
int fact_ask(const FactTable *t, const FactQuestion *q, Arena *arena, const FactAnswer **ret,
             Buf *ret_problem) {
    (void)t, (void)q, (void)ret_problem;
    *ret = arena_zalloc(arena, sizeof(**ret));
    return 0;
}
int fact_each(const FactTable *t, const FactQuestion *q,
              bool (*each)(void *arg, const FactTicket *ticket), void *arg, Buf *ret_problem) {
    (void)t, (void)q, (void)each, (void)arg, (void)ret_problem;
    return 0;
}
int fact_latest(const FactTable *t, const FactQuestion *q, size_t limit, Arena *arena,
                const FactTicket **ret, size_t *ret_n, Buf *ret_problem) {
    (void)t, (void)q, (void)limit, (void)arena, (void)ret_problem;
    *ret = NULL;
    *ret_n = 0;
    return 0;
}
uint32_t fact_codes(const FactTable *t, FactDim d) {
    (void)t, (void)d;
    return 1;
}
FactKey fact_code_value(const FactTable *t, FactDim d, uint32_t code) {
    (void)t, (void)d, (void)code;
    return (FactKey){{NULL, 0}, 0};
}
uint32_t fact_code_of(const FactTable *t, FactDim d, FactKey value) {
    (void)t, (void)d, (void)value;
    return 0;
}
FactTables *fact_tables_new(void) {
    return xcalloc(1, 1);
}
FactTables *fact_tables_free(FactTables *ts) {
    free(ts);
    return NULL;
}
FactTable *fact_tables_find(const FactTables *ts, int64_t tenant_id) {
    (void)ts, (void)tenant_id;
    return NULL;
}
FactTable *fact_tables_of(FactTables *ts, int64_t tenant_id) {
    (void)tenant_id;
    return (FactTable *)ts;
}
FactTable *fact_tables_at(const FactTables *ts, size_t i, int64_t *ret_tenant_id) {
    (void)ts, (void)i, (void)ret_tenant_id;
    return NULL;
}
size_t fact_tables_count(const FactTables *ts) {
    (void)ts;
    return 0;
}
size_t fact_tables_bytes(const FactTables *ts) {
    (void)ts;
    return 0;
}
struct Asking {
    AskingDone done;
    void *arg;
    Arena *arena;
};
int asking_new(Loop *loop, const FactTable *t, const FactQuestion *q, Arena *arena, AskingDone done,
               void *arg, Asking **ret, Buf *ret_problem) {
    (void)loop, (void)t, (void)q, (void)arena, (void)done, (void)arg, (void)ret, (void)ret_problem;
    return -1;
}
Asking *asking_free(Asking *a) {
    free(a);
    return NULL;
}
