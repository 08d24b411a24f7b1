/* The desk's whole surface: one line a family; its routes stand at the end of the file named. */
#include "desk/api/surface.h"

/* clang-format off */
extern const RouteTable ticket_reading_routes; /* tickets/read.c */
extern const RouteTable ticket_work_routes;    /* tickets/update.c */
extern const RouteTable ticket_comment_routes; /* tickets/comments.c */
extern const RouteTable ticket_audit_routes;   /* tickets/audits.c */
extern const RouteTable ticket_tag_routes;     /* tickets/tags.c */
extern const RouteTable session_routes;        /* access/sessions.c */
extern const RouteTable password_routes;       /* access/passwords.c */
extern const RouteTable token_routes;          /* access/tokens.c */
extern const RouteTable audit_routes;          /* access/audit.c */
extern const RouteTable view_routes;           /* views/views.c */
extern const RouteTable count_routes;          /* views/counts.c */
extern const RouteTable list_routes;           /* views/lists.c */
extern const RouteTable export_routes;         /* views/exports.c */
extern const RouteTable upload_routes;         /* files/uploads.c */
extern const RouteTable duty_routes;           /* people/duty.c */
extern const RouteTable looking_routes;        /* people/looking.c */
extern const RouteTable attachment_routes;     /* files/attachments.c */
extern const RouteTable job_routes;            /* tickets/jobs.c */
extern const RouteTable user_routes;           /* people/users.c */
extern const RouteTable user_change_routes;    /* people/user_changes.c */
extern const RouteTable personal_routes;       /* people/personal.c */
extern const RouteTable group_routes;          /* people/groups.c */
extern const RouteTable organization_routes;   /* people/organizations.c */
extern const RouteTable organization_membership_routes; /* people/organization_memberships.c */
extern const RouteTable live_routes;           /* live/live.c */
extern const RouteTable link_routes;           /* links/links.c */
extern const RouteTable notification_routes;   /* tickets/notifications.c */
extern const RouteTable ticket_incident_routes; /* tickets/incidents.c */
extern const RouteTable request_routes;        /* customers/requests.c */

/* One a line, so that two new ones do not collide. */
const RouteTable *const surface[] = {
    &ticket_reading_routes,
    &ticket_work_routes,
    &ticket_comment_routes,
    &ticket_audit_routes,
    &ticket_tag_routes,
    &session_routes,
    &password_routes,
    &token_routes,
    &audit_routes,
    &view_routes,
    &count_routes,
    &list_routes,
    &export_routes,
    &upload_routes,
    &attachment_routes,
    &job_routes,
    &user_routes,
    &user_change_routes,
    &personal_routes,
    &group_routes,
    &organization_routes,
    &organization_membership_routes,
    &request_routes,
    &duty_routes,
    &looking_routes,
    &live_routes,
    &link_routes,
    &notification_routes,
    &ticket_incident_routes,
    NULL,
};
/* clang-format on */
