/* Rights -- may this person do that to this ticket? Yes, or the reason why not. Pure: no clock, no
 * I/O. Every refusal of the desk comes from here, and every list is narrowed by what is here; row
 * level security fences tenants once more below it.
 *
 * A role is a set of named rights and a scope: which tickets it reaches at all. Six roles are built
 * in (rights_builtin()); a tenant's documents add own ones (documents/roles.h).
 *
 * A category reaches what lies below it ("退款" reaches "退款/进度"). Each list that is given
 * narrows; the word `own` among groups means the groups the person is a member of, `all` every
 * group. What is assigned to a person, she reaches whatever the lists say. A customer reaches what
 * she requested and nothing else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ticket/ticket.h"

/* In documents and tokens by name: "tickets.read" ... (rights_name()). */
typedef enum Right {
    RIGHT_TICKETS_READ,
    RIGHT_TICKETS_CREATE,
    RIGHT_TICKETS_REPLY,    /* public comments */
    RIGHT_TICKETS_NOTE,     /* write internal notes */
    RIGHT_NOTES_READ,       /* see internal notes, and whatever else customers do not see */
    RIGHT_TICKETS_EDIT,     /* fields, tags, priority, kind, category, subject, states but solved */
    RIGHT_TICKETS_CLAIM,    /* take one from the pool */
    RIGHT_TICKETS_TRANSFER, /* to a group or person */
    RIGHT_TICKETS_SOLVE,    /* of a customer: to say that hers is settled */
    RIGHT_TICKETS_MERGE,
    RIGHT_TICKETS_DELETE,
    RIGHT_TICKETS_EXPORT, /* incremental exports */
    RIGHT_PERSONAL_SHOW,  /* personal data in clear; leaves an audit row */
    RIGHT_LEDGER_READ,    /* audits of tickets */
    RIGHT_AUDIT_READ,     /* who signed in, who showed what, who changed rights */
    RIGHT_USERS_READ,     /* staff and requesters */
    RIGHT_USERS_MANAGE,   /* create, change, suspend, passwords */
    RIGHT_TOKENS_MANAGE,  /* of others; one's own need no right */
    RIGHT_DUTY_OWN,       /* on and off duty, capacity within the documents' bound */
    RIGHT_DUTY_OTHERS,    /* of members of the groups reached */
    RIGHT_CONFIG_READ,    /* groups, views, forms, fields, roles */
    RIGHT_CONFIG_MANAGE,
    RIGHT_REPORTS_READ, /* counts beyond what one reaches oneself */
    RIGHTS
} Right;

typedef uint64_t RightSet; /* bit 1 << Right */

const char *rights_name(Right r);       /* "tickets.read" */
int rights_parse(Str name, Right *ret); /* -EINVAL */
/* What one scope of a token allows; 0: no such scope. "write": everything; "read": whatever changes
 * nothing and shows no personal data; a family, "tickets", or what of it changes something,
 * "tickets:write"; or one right by its name, with either mark: "tickets.solve", "tickets:read". */
RightSet rights_of_scope(Str scope);
#define RIGHTS_ALL ((RightSet)((UINT64_C(1) << RIGHTS) - 1))
static inline RightSet right_bit(Right r) {
    return UINT64_C(1) << r;
}

/* NULL in a list of texts means everything, n 0 with a list means nothing. All zero reaches nothing
 * but what is assigned to the person herself. */
typedef struct Reach {
    bool requested_only; /* customers: what they requested, nothing else */
    bool all_groups;
    const int64_t *groups; /* ids, ascending; the person's own are already among them */
    size_t groups_n;
    const Str *kinds, *categories, *regions;
    size_t kinds_n, categories_n, regions_n;
} Reach;

typedef enum BuiltinRole {
    ROLE_CUSTOMER,
    ROLE_AGENT,         /* own groups */
    ROLE_LEAD,          /* own groups; duty of others, deletes nothing */
    ROLE_MANAGER,       /* every group */
    ROLE_ADMINISTRATOR, /* everything */
    ROLE_AUDITOR,       /* reads everything, personal data masked, changes nothing */
    BUILTIN_ROLES
} BuiltinRole;

const char *rights_role_name(BuiltinRole r);
int rights_role_parse(Str name, BuiltinRole *ret); /* -EINVAL */
RightSet rights_builtin(BuiltinRole r);
/* Reach of a built-in role for a member of these groups (ascending; kept by reference). */
Reach rights_builtin_reach(BuiltinRole r, const int64_t *own_groups, size_t n);

/* Who asks. */
typedef struct Subject {
    int64_t tenant_id;
    int64_t user_id;  /* of an agent: her agent id; of a customer: her requester id; 0: a program */
    BuiltinRole like; /* what her role is based on: which API shapes she sees */
    RightSet rights;  /* of the role, already cut by the token's scopes */
    Reach reach;
} Subject;

/* What of a ticket matters here. */
typedef struct TicketScope {
    int64_t tenant_id, group_id, assignee_id, requester_id; /* 0: none */
    Str kind, category, region;
} TicketScope;

typedef enum RightsVerdict {
    RIGHTS_YES,
    RIGHTS_HIDDEN, /* not reached: answer exactly as if the ticket did not exist (404) */
    RIGHTS_NO      /* reached, but not this: 403 with the reason */
} RightsVerdict;

/* `ticket` NULL: an action on no ticket. *ret_reason (may be NULL) is a static sentence for people,
 * set unless YES. Who may not read tickets at all does not learn which exist either: HIDDEN. */
RightsVerdict rights_decide(const Subject *who, Right what, const TicketScope *ticket,
                            const char **ret_reason);
bool rights_reach(const Subject *who, const TicketScope *ticket);
static inline bool rights_has(const Subject *who, Right what) {
    return who->rights & right_bit(what);
}
/* No list narrows: every ticket of the tenant. */
bool rights_reach_all(const Reach *r);
/* Nobody gives what she does not have: may `who` make somebody of these rights and this reach? */
bool rights_may_give(const Subject *who, RightSet rights, const Reach *reach);

/* The same as rights_reach(), as SQL in parentheses over columns tenant_id, group_id, assignee_id,
 * requester_id, kind, category, region of `alias` ("t"): appended to *sql, with every value in
 * *values (in order $first, $first+1 ...), each of which is either int64s or texts, always an array
 * (params_array()); they point into *who. Two people of one shape get one text of SQL. Compared
 * with rights_reach() by brute force in tests/service/test_rights.py. */
typedef struct ReachValue {
    const int64_t *numbers; /* or */
    const Str *texts;
    size_t n;
} ReachValue;
enum { REACH_VALUES_MAX = 6 };
size_t rights_reach_sql(const Subject *who, const char *alias, int first, Buf *sql,
                        ReachValue values[REACH_VALUES_MAX]);
