#include "notifier/telling/occasions.h"

DeedOf deed_of(Str actor, int64_t *ret_id) {
    Str number, kind = str_cut(actor, ':', &number);
    *ret_id = 0;
    bool staff = str_is(kind, "agent") || str_is(kind, "user");
    if ((!staff && !str_is(kind, "requester")) || str_to_i64(number, ret_id) < 0 || *ret_id <= 0) {
        *ret_id = 0;
        return DEED_OF_MACHINE;
    }
    return staff ? DEED_OF_STAFF : DEED_OF_REQUESTER;
}

/* Whose is it now, or who waits for it? People and promises move tickets in rows of other kinds
 * than the router's. */
static size_t place(const TicketView *before, const TicketView *after, NotifyEvent *ret) {
    if (!ticket_status_is_open(after->status)) return 0;
    if (after->assignee_id && after->assignee_id != before->assignee_id)
        *ret = NOTIFY_TICKET_ASSIGNED;
    else if (!after->assignee_id && before->assignee_id)
        *ret = NOTIFY_TICKET_RELEASED;
    else if (!after->assignee_id && after->group_id && after->group_id != before->group_id)
        *ret = NOTIFY_TICKET_QUEUED;
    else
        return 0;
    return 1;
}

static size_t comment(const Event *row, NotifyEvent *ret) {
    int64_t id;
    if (!row->set.comment.present) return 0;
    *ret = !row->set.comment.is_public                     ? NOTIFY_NOTE_ADDED
           : deed_of(row->actor, &id) == DEED_OF_REQUESTER ? NOTIFY_REPLY_RECEIVED
                                                           : NOTIFY_REPLY_SENT;
    return 1;
}

static size_t state(const TicketView *before, const TicketView *after, NotifyEvent *ret) {
    if (after->status == before->status) return 0;
    if (after->status == TICKET_SOLVED)
        *ret = NOTIFY_TICKET_SOLVED;
    else if (after->status == TICKET_CLOSED)
        *ret = NOTIFY_TICKET_CLOSED;
    else if ((before->status == TICKET_SOLVED || before->status == TICKET_CLOSED) &&
             ticket_status_is_open(after->status))
        *ret = NOTIFY_TICKET_REOPENED;
    else
        return 0;
    return 1;
}

size_t occasions_of(const TicketView *before, const Event *row, NotifyEvent ret[OCCASIONS_MAX]) {
    TicketView after = *before;
    size_t n = 0;
    if (!ticket_view_tell(&after, row)) return 0;
    switch (row->kind) {
    case LEDGER_TICKET_CREATED:
        ret[n++] = NOTIFY_TICKET_CREATED;
        break;
    case LEDGER_TICKET_ASSIGNED:
        ret[n++] = NOTIFY_TICKET_ASSIGNED;
        break;
    case LEDGER_TICKET_QUEUED:
        ret[n++] = NOTIFY_TICKET_QUEUED;
        break;
    case LEDGER_TICKET_RELEASED:
        ret[n++] = NOTIFY_TICKET_RELEASED;
        break;
    case LEDGER_PROMISE_WARNED:
    case LEDGER_PROMISE_BREACHED:
    case LEDGER_PROMISE_ESCALATED:
        n += place(before, &after, ret + n);
        ret[n++] = (NotifyEvent)(NOTIFY_PROMISE_WARNED + (int)(row->kind - LEDGER_PROMISE_WARNED));
        break;
    case LEDGER_TICKET_UPDATED:
        n += place(before, &after, ret + n);
        n += comment(row, ret + n);
        n += state(before, &after, ret + n);
        break;
    case LEDGER_TICKET_NOTED: /* the system's remarks are for the record */
    case LEDGER_KINDS:
        break;
    }
    return n;
}

#define BIT(event) (UINT32_C(1) << (event))

uint32_t occasions_possible(const Event *row) {
    NotifyEvent spoken;
    uint32_t moved = 0;
    if (row->set.sets & (EDIT_GROUP | EDIT_ASSIGNEE))
        moved =
            BIT(NOTIFY_TICKET_ASSIGNED) | BIT(NOTIFY_TICKET_RELEASED) | BIT(NOTIFY_TICKET_QUEUED);
    switch (row->kind) {
    case LEDGER_TICKET_CREATED:
        return BIT(NOTIFY_TICKET_CREATED);
    case LEDGER_TICKET_ASSIGNED:
        return BIT(NOTIFY_TICKET_ASSIGNED);
    case LEDGER_TICKET_QUEUED:
        return BIT(NOTIFY_TICKET_QUEUED);
    case LEDGER_TICKET_RELEASED:
        return BIT(NOTIFY_TICKET_RELEASED);
    case LEDGER_PROMISE_WARNED:
    case LEDGER_PROMISE_BREACHED:
    case LEDGER_PROMISE_ESCALATED:
        return moved | BIT(NOTIFY_PROMISE_WARNED + (int)(row->kind - LEDGER_PROMISE_WARNED));
    case LEDGER_TICKET_UPDATED:
        if (comment(row, &spoken)) moved |= BIT(spoken);
        if (row->set.sets & EDIT_STATUS)
            moved |=
                BIT(NOTIFY_TICKET_SOLVED) | BIT(NOTIFY_TICKET_CLOSED) | BIT(NOTIFY_TICKET_REOPENED);
        return moved;
    case LEDGER_TICKET_NOTED:
    case LEDGER_KINDS:
        break;
    }
    return 0;
}
