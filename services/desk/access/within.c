/* Compared by rights/rights.h. */
#include "desk/access/within.h"

#include "access/credential.h"
#include "desk/desk.h"

bool within_subject(Request *r, int64_t user_id, Str role, Subject *ret) {
    Credential who = {
        .tenant_id = r->subject.tenant_id, .user_id = user_id, .role = role, .scopes = RIGHTS_ALL};
    Str name;
    return credential_subject(&who, r->catalog, r->arena, ret, &name);
}

bool within_reach(Request *r, int64_t user_id, Str role) {
    Subject target;
    if (user_id && user_id == r->subject.user_id) return true;
    if (!within_subject(r, user_id, role, &target)) return rights_reach_all(&r->subject.reach);
    return rights_may_give(&r->subject, target.rights, &target.reach);
}
