/* ExportColumns -- the figures of a ticket as one line of CSV (RFC 4180, UTF-8, LF, a head line),
 * and the JSON schema that says what each column holds. Pure.
 *
 * Instants are ISO 8601 in UTC with milliseconds, durations whole milliseconds; what is not there
 * is an empty field, an empty text is "". No personal data: people are numbers that nothing outside
 * Docket resolves. */
#pragma once

#include "facts/sheet.h"

enum { EXPORT_VERSION = 1 }; /* of the columns: another one when one goes, moves or means more */

typedef struct ExportRow {
    int64_t tenant_id, ticket_id;
    const FactSheet *sheet;
    int64_t due_ms; /* earliest due instant of its running promises; INT64_MAX: none */
} ExportRow;

void export_write_head(Buf *ret);
void export_write_row(const ExportRow *row, Buf *ret);
/* The document deploy/api/facts.schema.json. */
void export_write_schema(Buf *ret);
