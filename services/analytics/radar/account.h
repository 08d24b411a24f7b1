/* Account -- what is to be said of a surge: which culprits, which texts alike, which examples, and
 * the words of its problem ticket. Pure. */
#pragma once

#include "analytics/radar/watch.h"
#include "base/arena.h"
#include "events/signal.h"
#include "radar/culprits.h"

enum {
    ACCOUNT_SURGE_MAX = 20000,  /* tickets of the surge that are looked at */
    ACCOUNT_BEFORE_MAX = 50000, /* of the weeks before */
    ACCOUNT_BEFORE_DAYS = 28,
    ACCOUNT_TEXTS_MAX = 500, /* texts read, of the surge; of those before as many */
    ACCOUNT_GROUPS = 5,      /* of texts that are told of */
    ACCOUNT_EXAMPLES = 10,
    ACCOUNT_CULPRITS = 5
};

typedef enum AccountDim { /* what a culprit may be a value of */
                          ACCOUNT_PRODUCT,
                          ACCOUNT_BATCH,
                          ACCOUNT_DEVICE,
                          ACCOUNT_REGION,
                          ACCOUNT_CHANNEL,
                          ACCOUNT_TIER,
                          ACCOUNT_CARRIER,
                          ACCOUNT_DIMS
} AccountDim;

typedef struct AccountText {
    int64_t ticket_id;
    Str subject, text; /* text: all of it, to compare by */
} AccountText;

typedef struct AccountGroup { /* of texts alike */
    Str name;                 /* its most telling words */
    uint64_t texts;           /* among those read */
} AccountGroup;

typedef struct Account {
    /* in */
    Str category;
    WatchMoment moment;
    int64_t offset_ms;              /* of local time */
    const int64_t *ids, *groups_of; /* of the surge's tickets, n; and the group each is in */
    const uint32_t *values;         /* ACCOUNT_DIMS a ticket; 0: none */
    size_t n;
    const uint32_t *before; /* likewise, of the weeks before */
    size_t before_n;
    const AccountText *texts; /* of the surge */
    size_t texts_n;
    const Str *others; /* texts of the weeks before: what is usual */
    size_t others_n;
    /* What a value is called; NULL: nothing is found of values. */
    Str (*value)(void *arg, AccountDim dim, uint32_t value);
    void *arg;
    /* between */
    Culprit culprits[CULPRITS_MAX];
    int culprits_n;
    AccountGroup groups[ACCOUNT_GROUPS];
    size_t groups_n;
    const AccountText *examples[ACCOUNT_EXAMPLES];
    size_t examples_n;
    /* out */
    Str subject, description, said;
    int64_t *incidents; /* those of the culprits; without any, all: SURGE_INCIDENTS_MAX at most */
    size_t incidents_n;
    int64_t group_id; /* where most of them are; 0: nowhere */
} Account;

/* Fills what is between: may take a second, and asks nobody for values. */
void account_look(Account *a, Arena *arena);
/* Then what is out. */
void account_write(Account *a, Arena *arena);
