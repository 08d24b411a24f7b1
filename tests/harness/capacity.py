"""Who held how much and when, told by the ledger alone."""


def held_over_time(stack, tenant):
    """(when, agent, how many she holds from then on), in order of time; and how many she holds in the end."""
    holder, load, told = {}, {}, []
    for at, ticket, payload in stack.sql(
            "SELECT at, ticket_id, payload FROM ticket.ledger WHERE tenant_id = %s ORDER BY at, ticket_id, seq", tenant.number):
        change = payload.get("set", {})
        if "status" not in change:
            continue
        before = holder.pop(ticket, None)
        after = change.get("assignee_id") if change["status"] in ("assigned", "in_progress") else None
        if before:
            load[before] -= 1
        if after:
            holder[ticket] = after
            load[after] = load.get(after, 0) + 1
            if before != after:
                told.append((at, after, load[after]))
    return told, load


def nobody_was_ever_above_capacity(stack, tenant):
    """Where people moved nothing and capacities stayed: what the machine assigned, at every moment."""
    capacity = dict(stack.sql("SELECT agent_id, capacity FROM ticket.agents WHERE tenant_id = %s", tenant.number))
    told, load = held_over_time(stack, tenant)
    above = [(str(at), agent, held, capacity[agent]) for at, agent, held in told if held > capacity[agent]]
    assert not above, f"above capacity (when, agent, held, capacity): {above}"
    return load
