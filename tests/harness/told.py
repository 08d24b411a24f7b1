"""Who must have been told of what: the documents' notifications worked out from a tenant's ledger, by rules written down a second
time. Nothing of docket-notifier is used.

    expected(stack, tenant, documents, staff)   # {(cause, notification, recipient, way), ...}
    written(stack, tenant)                      # the same of notify.deliveries
"""
PEOPLE = ("requester", "assignee", "lead", "manager")


def staff_of(stack, tenant):
    """{user id: (role, has an e-mail address)}"""
    return {user: (role, mail) for user, role, mail in stack.sql(
        "SELECT user_id, role, email_masked <> '' FROM access.users WHERE tenant_id = %s AND NOT suspended AND deleted_at IS NULL",
        tenant.number)}


def requesters_of(stack, tenant):
    """{requester id: the personal fields he has}"""
    return {number: {field["field"] for field in personal} for number, personal in stack.sql(
        "SELECT id, personal FROM ticket.requesters WHERE tenant_id = %s", tenant.number)}


def occasions(before, row):
    """What a row is, from the ticket ahead of it and after it."""
    kind, after = row["kind"], {**before, **row["payload"].get("set", {})}
    open_states = ("new", "assigned", "in_progress", "pending", "on_hold")
    if kind in ("ticket_created", "ticket_assigned", "ticket_queued", "ticket_released"):
        return [kind], after
    events, comment = [], row["payload"].get("comment")
    if kind not in ("ticket_updated",) and not kind.startswith("promise_"):
        return [], after
    if after["status"] in open_states:
        had, has = before.get("assignee_id"), after.get("assignee_id")
        if has and has != had:
            events.append("ticket_assigned")
        elif had and not has:
            events.append("ticket_released")
        elif not has and after.get("group_id") and after.get("group_id") != before.get("group_id"):
            events.append("ticket_queued")
    if kind.startswith("promise_"):
        return events + [kind], after
    if comment:
        from_outside = row["actor"].startswith("requester:")
        events.append("note_added" if not comment["public"] else "reply_received" if from_outside else "reply_sent")
    if after["status"] != before["status"]:
        if after["status"] in ("solved", "closed"):
            events.append("ticket_" + after["status"])
        elif before["status"] in ("solved", "closed") and after["status"] in open_states:
            events.append("ticket_reopened")
    return events, after


def as_list(value):
    return value if isinstance(value, list) else [value]


class Oracle:
    """`agents`: {name: (id, names of groups)} of the documents; `groups`: {name: id}."""

    def __init__(self, stack, tenant, documents, ids):
        self.notifications = documents["notifications"]
        self.systems = {system["name"]: system["by"] for system in documents.get("systems", [])}
        self.agents = {agent["name"]: (ids[agent["name"]], {ids[group] for group in agent["groups"]})
                       for agent in documents["agents"]}
        self.staff, self.requesters = staff_of(stack, tenant), requesters_of(stack, tenant)
        self.of_documents = {number for number, _ in self.agents.values()}

    def people(self, audience, ticket):
        """Numbers of the people of an audience."""
        def with_role(role, group=None):
            return [user for user, (is_role, _) in sorted(self.staff.items()) if is_role == role and (
                group is None or any(user == number and group in groups for number, groups in self.agents.values()))]
        if audience == "requester":
            return [ticket["requester_id"]]
        if audience == "assignee":
            return [ticket["assignee_id"]] if ticket.get("assignee_id") else []
        if audience == "lead":
            leads = with_role("lead", ticket["group_id"]) if ticket.get("group_id") else []
            return leads or self.people("manager", ticket)
        if audience == "manager":
            return with_role("manager") or with_role("administrator")
        return [self.agents[audience][0]]

    def reached(self, person, way):
        if person in self.requesters:
            return way == "mail" and "email" in self.requesters[person]  # the stack has no SMS gateway
        return way == "mail" and self.staff.get(person, ("", False))[1]

    def name(self, person):
        if person >= 10**12:
            return f"requester:{person}"
        return f"{'agent' if person in self.of_documents else 'user'}:{person}"

    def of_row(self, ticket, before, row):
        """The deliveries that a row asks for."""
        told = set()
        events, after = occasions(before, row)
        cause, (kind, _, number) = f"{ticket}.{row['seq']}", row["actor"].partition(":")
        actor = int(number) if kind in ("agent", "user", "requester") else 0
        for event in events:
            heard = set()
            for notification in self.notifications:
                if event not in as_list(notification["event"]):
                    continue
                if not all(after.get(field) in as_list(values)
                           for field, values in notification.get("when", {}).get("all", {}).items()):
                    continue
                for audience in as_list(notification["to"]):
                    if audience in self.systems:
                        found = {(f"system:{audience}", self.systems[audience])}
                    else:
                        found = self.to_people(notification, audience, event, after, actor)
                    for recipient, way in found:
                        if (recipient, way) not in heard and (cause, notification["name"], recipient, way) not in told:
                            told.add((cause, notification["name"], recipient, way))
                        heard.add((recipient, way))
        return told, after

    def to_people(self, notification, audience, event, after, actor):
        people, ways = self.people(audience, after), as_list(notification.get("by", "mail"))
        if not people and audience in ("lead", "manager"):
            return {(audience, ways[0])}
        found = set()
        for person in people:
            confirms = audience == "requester" and event in ("ticket_created", "reply_received", "ticket_reopened")
            if person == actor and not confirms:
                continue
            good = [way for way in ways if self.reached(person, way)]
            found |= {(self.name(person), way) for way in good or ways[:1]}
        return found


def expected(stack, tenant, documents, ids):
    oracle, told = Oracle(stack, tenant, documents, ids), set()
    for (ticket,) in stack.sql("SELECT id FROM ticket.tickets WHERE tenant_id = %s ORDER BY id", tenant.number):
        state = {}
        for row in tenant.ledger(ticket):
            if row["seq"] == 1:
                state = {"requester_id": int(row["actor"].partition(":")[2])}
            more, state = oracle.of_row(ticket, state, row)
            told |= more
    return told


def written(stack, tenant, where="true"):
    return set(stack.sql(f"SELECT cause, notification, recipient, way FROM notify.deliveries WHERE tenant_id = %s AND {where}",
                         tenant.number))
