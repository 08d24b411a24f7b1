/* What the files of this room share. */
#pragma once

#include "mail/mail.h"

bool mail_is_line(Str s);       /* UTF-8 without control characters */
bool mail_is_message_id(Str s); /* "left@right" */
/* Appends `s` as encoded words (RFC 2047), or as it is when it needs none; in a phrase quoted. */
void mail_encode(Str s, bool phrase, Buf *ret);
/* Lines of `line` bytes (a multiple of 3), in base64 a third more; 0: one line. */
void mail_base64(Str s, size_t line, Buf *ret);
void mail_quote(Str s, Buf *ret); /* quoted-printable */
