"""A router dies or freezes at each moment of acting on a promise: every moment is on record once, every step was taken once, every
row was told, and nobody holds more than she has room for."""
import pytest

from harness.promising import BREACHED, ESCALATED, MINUTE, PromisingShop, unscheduled
from harness.stack import until
from harness.submissions import Ids, Topics
from test_crash_points import back_again, ended, given_up, gone, with_crash_point

POINTS = ["promise-after-reservation", "promise-before-store", "promise-after-commit", "promise-after-publish", "promise-before-offset"]
TICKETS = 10
SHOP = """
settings: {default_group: 售后}
groups: [{name: 售后, title: 售后组}]
agents:
  - {name: an, title: 安, groups: [售后], capacity: %d, duty: on}
  - {name: bo, title: 博, groups: [售后], capacity: 4, duty: off}
policies:
  - name: 标准
    targets: {first_reply: 15m}
    escalate:
      - {after: 1m, priority: raise}
      - {after: 1m, reassign: on}
""" % (4 * TICKETS)


@pytest.fixture(scope="module")
def stack():
    running = unscheduled("--router", 2)
    try:
        yield running
    finally:
        running.down()


def told(shop, tickets):
    """(ticket, seq) of every event that docket.events has of these."""
    keys = {str(ticket).encode() for ticket in tickets}
    return {dict(m.headers())["ce_id"].decode() for m in shop.topics.read("docket.events", lambda m: m.key() in keys)}


def steps(shop, ticket):
    """Broken, raised a minute later, given to somebody else a minute later."""
    due = shop.due(ticket)
    return [(ticket, shop.signal(BREACHED, ticket)),
            (ticket, shop.signal(ESCALATED, ticket, level="1", at_ms=due + MINUTE, raise_priority=True)),
            (ticket, shop.signal(ESCALATED, ticket, level="2", at_ms=due + 2 * MINUTE, reassign=True))]


@pytest.mark.parametrize("point, how, routers", [(point, "die", 1) for point in POINTS] + [
    ("promise-after-reservation", "freeze", 2), ("promise-after-commit", "freeze", 2)])
def test_a_router_stopped_there_takes_every_step_once(stack, point, how, routers):
    stack.up("--router", 2)
    shop = PromisingShop(stack, Topics(stack.environment["DOCKET_KAFKA"]), Ids(stack), SHOP)
    an, bo = shop.names["an"], shop.names["bo"]
    tickets = [shop.ticket(priority="normal") for _ in range(TICKETS)]
    until(lambda: shop.load() == {an: TICKETS}, what="an to have them all")
    shop.duty("bo", True)
    until(lambda: shop.stack.redis().hget(f"d:{{{shop.number}}}:a:{bo}", "duty") == "1", what="Redis to know that bo is there")
    messages = [message for ticket in tickets for message in steps(shop, ticket)]

    starting = with_crash_point(stack, routers, f"{point}:{how}")
    until(lambda: given_up(stack, routers), 90, "router-1 to have its partitions")
    for ticket, message in messages:
        shop.topics.send("docket.signals", message, key=str(ticket))

    def one_more():
        """Whosever the partitions of the first ones were."""
        if ended(stack, "router-1", how):
            return True
        if how == "freeze" and len(tickets) < 3 * TICKETS and all(len(shop.promises(ticket)) == 3 for ticket in tickets):
            tickets.append(shop.ticket(priority="normal"))
            until(lambda: shop.row(tickets[-1])["assignee_id"], what="somebody to have it")
            for ticket, message in steps(shop, tickets[-1]):
                shop.topics.send("docket.signals", message, key=str(ticket))

    until(one_more, 90, f"router-1 to {how} at {point}")
    gone(starting)
    back_again(stack, "router-1", how, routers - 1)

    until(lambda: all(len(shop.promises(ticket)) == 3 for ticket in tickets), 60, "every row")
    stack.verify("--tenant", shop.tenant.name, wait=60)
    for ticket in tickets:
        rows = shop.promises(ticket)
        assert [row["kind"] for row in rows] == [BREACHED, ESCALATED, ESCALATED], ticket
        assert [row["payload"]["set"].get("priority") for row in rows] == [None, "high", None], ticket
        assert shop.row(ticket)["priority"] == "high", ticket
    load = shop.load()
    assert sum(load.values()) == len(tickets) and load[bo] == 4, load
    every = {f"{ticket}-{row['seq']}" for ticket in tickets for row in shop.tenant.ledger(ticket)}
    until(lambda: told(shop, tickets) >= every, 30, "every row to be told")
