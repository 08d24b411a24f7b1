/* Answer -- the bodies that the gate sends: the created ticket in Zendesk's shape, and Zendesk's
 * errors. Pure. None holds personal data in clear. */
#pragma once

#include "base/text.h"
#include "events/submission.h"
#include "intake/sealing.h"
#include "intake/submission_form.h"

/* {"ticket":{...},"audit":{...}} and "warnings" where there are some. `base` is where clients see
 * this gate ("https://help.example.com"), without a slash at its end. A replay of the same body
 * under the same id and moment gives the same bytes. */
void answer_created(Buf *ret, Str base, const Submission *s, const Sealed *sealed,
                    const FormNotes *warnings);
/* "<base>/api/v2/tickets/<id>.json" */
void answer_url(Buf *ret, Str base, int64_t ticket_id);

/* 422: {"error":"RecordInvalid","description":...,"details":{field:[{error,description}]}} */
void answer_invalid(Buf *ret, const FormNotes *problems);
/* {"error":error,"description":description} */
void answer_error(Buf *ret, const char *error, Str description);
/* 403: {"error":{"title":"Forbidden","message":message}} */
void answer_forbidden(Buf *ret, Str message);
/* "group_id: needs the right to place tickets; leave it out" */
void answer_note(Buf *ret, const FormNote *note);
