/* FieldValue -- what somebody wrote into a custom field, checked against its type and brought into
 * the one form in which it is stored. Pure.
 *
 * Stored are: text, textarea, tagger, date and regexp as a string; integer and decimal as a number,
 * with the digits that were sent; checkbox as true or false; multiselect as a list of strings.
 * null, "" and [] empty the field. Zendesk's clients send numbers and truths as strings too. */
#pragma once

#include "desk/api/answer.h"
#include "documents/forms.h"

/* 1 with the JSON of the value appended, 0: it is emptied, -EINVAL with one entry more in `bad`,
 * under "custom_fields". */
int field_value_read(const Catalog *c, const Field *f, const cJSON *value, Buf *ret, Invalid *bad);
/* Does a stored value say anything? A checkbox does when it is ticked. */
bool field_value_filled(const Field *f, const cJSON *value);
