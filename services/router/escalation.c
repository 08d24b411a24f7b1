/* Moments become changes. */
#include "router/escalation.h"

/* ---- What is to be done ---- */

int64_t escalation_group(const Signal *s, const EscalationFacts *f) {
    int64_t to = s->promise.move_to_group;
    if (!to || f->withheld || to == f->place->group_id) return 0;
    return f->catalog && catalog_group(f->catalog, to) ? to : 0;
}

bool escalation_wants_another(const Signal *s, const EscalationFacts *f) {
    return s->promise.reassign && !f->withheld && !escalation_group(s, f) &&
           f->place->assignee_id && f->place->group_id && ticket_status_is_load(f->place->status);
}

/* ---- The words ---- */

static void say(Buf *b, const char *name, const char *value) {
    buf_printf(b, ",\"%s\":\"%s\"", name, value);
}

static void say_number(Buf *b, const char *name, int64_t value) {
    buf_printf(b, ",\"%s\":%lld", name, (long long)value);
}

static void raised(const Signal *s, const EscalationFacts *f, PromiseChange *c, Buf *reason) {
    if (!s->promise.raise_priority) return;
    if (f->place->priority == PRIORITIES - 1) {
        say(reason, "raise", "highest");
        return;
    }
    c->to_priority = (TicketPriority)(f->place->priority + 1);
    say(reason, "from_priority", ticket_priority_name(f->place->priority));
}

static void moved(const Signal *s, const EscalationFacts *f, PromiseChange *c, Buf *reason) {
    if (!s->promise.move_to_group) return;
    int64_t to = escalation_group(s, f);
    if (!to) {
        bool there = s->promise.move_to_group == f->place->group_id;
        say(reason, "move", there ? "there_already" : "no_such_group");
        return;
    }
    c->to_group_id = to;
    c->to_assignee_id = 0;
    c->to_status = TICKET_NEW;
    if (f->place->group_id) say_number(reason, "from_group", f->place->group_id);
    if (f->place->assignee_id) say_number(reason, "from_assignee", f->place->assignee_id);
    say_number(reason, "on_duty", f->staffing.on_duty);
    say_number(reason, "able", f->staffing.able);
}

static const char *why_not_another(const EscalationFacts *f) {
    if (!f->place->assignee_id) return "nobody_has_it";
    if (!f->place->group_id || !ticket_status_is_load(f->place->status)) return "not_in_work";
    if (!f->another) return "ran_out";
    return f->another->asked ? "nobody_has_room" : "paused";
}

static void reassigned(const Signal *s, const EscalationFacts *f, PromiseChange *c, Buf *reason) {
    if (!s->promise.reassign || escalation_group(s, f)) return;
    if (!escalation_wants_another(s, f) || !f->another || !f->another->agent_id) {
        say(reason, "reassign", why_not_another(f));
        return;
    }
    c->to_assignee_id = f->another->agent_id;
    c->to_status = TICKET_ASSIGNED; /* she begins anew */
    say_number(reason, "from_assignee", f->place->assignee_id);
    say_number(reason, "load", f->another->load);
    say_number(reason, "capacity", f->another->capacity);
}

static bool asks(const Promise *p) {
    return p->raise_priority || p->move_to_group || p->reassign;
}

void escalation_decide(const Signal *s, const EscalationFacts *f, Arena *arena,
                       PromiseChange *ret) {
    static const char *const whys[PROMISE_ACTS] = {"warned", "breached", "escalated"};
    CLEANUP(buf_done) Buf reason = {0};
    *ret = (PromiseChange){.tenant_id = s->tenant_id,
                           .ticket_id = s->ticket_id,
                           .expected_version = f->place->version,
                           .cause = s->cause,
                           .act = signal_act(s),
                           .promise = &s->promise,
                           .to_status = f->place->status,
                           .to_priority = f->place->priority,
                           .to_group_id = f->place->group_id,
                           .to_assignee_id = f->place->assignee_id,
                           .revision = s->revision,
                           .trace = trace_new()};
    buf_printf(&reason, "{\"why\":\"%s\"", whys[ret->act]);
    if (f->withheld && asks(&s->promise)) {
        say(&reason, "withheld", f->withheld == WITHHELD_ACKNOWLEDGED ? "acknowledged" : "over");
    } else if (!f->withheld) {
        raised(s, f, ret, &reason);
        moved(s, f, ret, &reason);
        reassigned(s, f, ret, &reason);
    }
    buf_addc(&reason, '}');
    ret->reason = arena_str(arena, buf_str(&reason));
}
