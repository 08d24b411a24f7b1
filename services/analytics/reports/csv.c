/* CSV by RFC 4180: CRLF, quotes doubled. */
#include "analytics/reports/answer.h"
#include "analytics/reports/instants.h"

static bool is_formula(Str s) {
    static const char beginnings[] = {'=', '+', '-', '@', '\t', '\r'};
    return s.n && memchr(beginnings, s.p[0], sizeof(beginnings)) != NULL;
}

void report_csv_text(Str text, Buf *ret) {
    bool formula = is_formula(text), quoted = formula;
    for (size_t i = 0; !quoted && i < text.n; i++)
        quoted = text.p[i] == '"' || text.p[i] == ',' || text.p[i] == '\n' || text.p[i] == '\r';
    if (!quoted) {
        buf_add_str(ret, text);
        return;
    }
    buf_addc(ret, '"');
    if (formula) buf_addc(ret, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') buf_addc(ret, '"');
        buf_addc(ret, text.p[i]);
    }
    buf_addc(ret, '"');
}

void report_csv_head(const ReportTable *t, bool bom, Buf *ret) {
    if (bom) buf_adds(ret, "\xef\xbb\xbf");
    for (size_t i = 0; i < t->columns_n; i++) {
        if (i) buf_addc(ret, ',');
        report_csv_text(str(t->columns[i].name), ret);
    }
    buf_adds(ret, "\r\n");
}

void report_csv_row(const ReportTable *t, const Zone *zone, size_t row, Buf *ret) {
    const ReportCell *cells = t->cells + row * t->columns_n;
    for (size_t i = 0; i < t->columns_n; i++) {
        if (i) buf_addc(ret, ',');
        if (!cells[i].there) continue;
        if (t->columns[i].unit == UNIT_TEXT)
            report_csv_text(cells[i].text, ret);
        else if (t->columns[i].unit == UNIT_INSTANT)
            instant_write((int64_t)cells[i].number, zone, ret);
        else
            report_write_number(t->columns[i].unit, cells[i].number, ret);
    }
    buf_adds(ret, "\r\n");
}
