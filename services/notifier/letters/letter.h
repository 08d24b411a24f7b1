/* LetterWriting -- a row of notify.deliveries (or the rows of one digest) as the letter that is
 * sent. Pure: the same row and documents give the same letter at every try. */
#pragma once

#include "notifier/channels/channel.h"
#include "notifier/letters/reader.h"
#include "notifier/letters/words.h"
#include "signing/token.h"

enum { LETTER_ROWS_MAX = 1000 }; /* of one digest */

typedef struct LetterWorld {
    const char *desk_url;  /* "https://desk.example", no slash behind: where links lead; "": none */
    const char *mail_from; /* "support@desk.example": answers go there, with a token; message ids
                              are of its domain */
    const TokenKey *key;   /* signs links and reply addresses; NULL: there are none */
    const Words *words;    /* of what no template is written for */
} LetterWorld;

typedef struct LetterRow { /* borrowed */
    int64_t tenant_id, delivery_id;
    int64_t ticket_id, seq; /* 0: none */
    Str cause, notification, recipient, said;
    NotifyWay way;
    bool urgent;
    int64_t created_ms;
} LetterRow;

typedef struct LetterPerson { /* a person who is told; all absent of a system */
    Str address, name, language;
    const Zone *zone; /* whose hours are hers; NULL: UTC */
    Str tenant;       /* the tenant's title */
} LetterPerson;

/* `folded`: the rows are those of one digest, oldest first, even when there is one; else n is 1.
 * 0 and *ret, whose texts are in the arena or borrowed; -EINVAL: it can never be written, why is in
 * *ret_problem (nothing personal). `catalog` may be NULL: no documents. */
int letter_write(const LetterWorld *world, const Catalog *catalog, const LetterRow *rows, size_t n,
                 bool folded, const LetterPerson *person, Arena *arena, Letter *ret,
                 Buf *ret_problem);

/* "requester:7" is 7; 0: no person. */
int64_t letter_person_id(Str recipient);
