/* Roles -- a tenant's own ones, from the section `roles` (rights/rights.h shows one). Pure.
 *
 *   roles:
 *     - name: 售后专员
 *       title: 售后专员
 *       based_on: agent                 # customer agent lead manager administrator auditor
 *       grant: [tickets.merge]          # rights by name
 *       withdraw: [tickets.transfer]
 *       reach: {groups: [own, 售后], kinds: [售后], categories: [退款], regions: [cn]}
 *
 * A list of the reach that is left out is as the built-in role has it. */
#pragma once

#include "documents/catalog.h"
#include "rights/rights.h"

typedef struct Role {
    Str name, title;
    int64_t id; /* config.names; of a built-in one 0 */
    BuiltinRole like;
    RightSet rights;
    bool own_groups; /* the person's own are reached besides those of `reach` */
    Reach reach;     /* groups without the person's own */
} Role;

size_t catalog_roles(const Catalog *c, const Role **ret); /* the tenant's own */
/* By name, built-in ones too. False: there is no such role. `c` may be NULL. */
bool catalog_role(const Catalog *c, Str name, Role *ret);
/* What somebody of this role reaches who is a member of these groups (ascending): lists are the
 * catalog's or in the arena. */
Reach role_reach(const Role *r, const int64_t *own_groups, size_t n, Arena *arena);
