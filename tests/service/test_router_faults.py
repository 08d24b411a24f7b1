"""The router dying, frozen, and without its Redis: nothing lost, nothing doubled, nobody above capacity."""
import os
import signal
import time

import pytest

from harness.stack import until
from submissions import Ids, Topics, submission
from test_router import all_stored, both_agree, load, rows

SHOP = """
settings: {default_group: g}
groups:
  - {name: g, title: g}
agents:
""" + "\n".join(f"  - {{name: a{i}, title: a{i}, groups: [g], capacity: {i % 3 + 1}, duty: on}}" for i in range(20)) + "\n"
SHOPS = []  # tenants of this file
CAPACITY = sum(i % 3 + 1 for i in range(20))


@pytest.fixture(scope="module")
def topics(stack):
    return Topics(stack.environment["DOCKET_KAFKA"])


@pytest.fixture(scope="module")
def ids(stack):
    return Ids(stack)


@pytest.fixture
def shop(stack):
    tenant = stack.tenant(SHOP)
    SHOPS.append(tenant.name)
    until(lambda: stack.redis().get(f"d:{{{tenant.number}}}:epoch"), what="Redis to know the tenant")
    return tenant


def whole(shop, tickets, seconds=60):
    """Every ticket once, its ledger gap-free, Redis equal to the rows, hands as full as they may be."""
    assert sorted(all_stored(shop, len(tickets), seconds)) == sorted(tickets)
    both_agree(shop, seconds)
    until(lambda: sum(load(shop).values()) == min(CAPACITY, len(tickets)), seconds, "hands to be full")
    capacities = dict(shop.stack.sql("SELECT agent_id, capacity FROM ticket.agents WHERE tenant_id = %s", shop.number))
    assert all(n <= capacities[a] for a, n in load(shop).items())
    doubled = shop.stack.sql("SELECT ticket_id FROM ticket.ledger WHERE tenant_id = %s GROUP BY 1 HAVING count(*) <> max(seq) OR"
                             " count(*) FILTER (WHERE kind = 'ticket_created') <> 1", shop.number)
    assert not doubled


def alone(stack, name):
    """Only the router under test is there, so that the batch is its."""
    for other in ("router-1", "router-2", "router-3"):
        if other != name and stack.state(other):
            stack.stop(other)


@pytest.mark.parametrize("point", ["after-reservation", "after-commit", "after-publish", "before-offset"])
@pytest.mark.parametrize("how", ["die", "freeze"])
def test_a_router_stopped_at_any_point_loses_and_doubles_nothing(stack, shop, topics, ids, point, how):
    tickets = ids.take(60)
    alone(stack, "router-2")
    stack.stop("router-2")
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[:40]])
    starting = stack.start_without_waiting("router-1", DOCKET_CRASH=f"{point}:{how}")
    if how == "die":
        until(lambda: stack.pid("router-1") and stack.state("router-1") in (None, "Z"), 30, "its death")
    else:
        until(lambda: stack.state("router-1") == "T", 30, "its freezing")
    starting.kill()
    starting.wait()
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[40:]])
    stack.start("router-2")
    try:
        all_stored(shop, 60, 60)
        if how == "freeze":
            stack.signal("router-1", signal.SIGCONT)
        whole(shop, tickets)
    finally:
        if stack.state("router-1"):
            stack.signal("router-1", signal.SIGKILL)
        stack.up("--router", 2)


def test_redis_killed_mid_way_and_started_again(stack, shop, topics, ids):
    tickets = ids.take(300)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[:100]])
    stack.kill("redis")
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[100:200]])
    all_stored(shop, 200)  # storing does not wait for Redis
    stack.start("redis")
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[200:]])
    whole(shop, tickets)


def test_a_redis_that_was_frozen_is_told_what_it_missed(stack, shop, topics, ids):
    """The same process wakes up: warm by its run_id, but it has missed rows."""
    tickets = ids.take(200)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[:50]])
    all_stored(shop, 50)
    both_agree(shop)
    stack.pause("redis")
    try:
        topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[50:]])
        all_stored(shop, 200, 60)
    finally:
        stack.resume("redis")
    whole(shop, tickets)


def test_postgres_away_is_waited_for_and_nothing_is_poison(stack, shop, topics, ids):
    tickets = ids.take(120)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[:60]])
    stack.kill("postgres")
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[60:]])
    stack.start("postgres")
    whole(shop, tickets)
    assert not topics.read("docket.dead", lambda m: dict(m.headers() or []).get("docket_tenant") == str(shop.number).encode(), 2)


def test_a_postgres_too_slow_for_reservations_stores_the_ticket_as_waiting(stack, shop, topics, ids):
    """It is not tried for ever: after a few times nobody gets it, then the queue gives it to somebody."""
    stack.sql("""CREATE OR REPLACE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(2.7); RETURN NEW; END $$;
        CREATE OR REPLACE TRIGGER dawdle BEFORE INSERT ON ticket.tickets FOR EACH ROW
        WHEN (NEW.subject = 'slow' AND NEW.assignee_id IS NOT NULL) EXECUTE FUNCTION public.dawdle()""", admin=True)
    try:
        [ticket] = ids.take()
        topics.send("docket.submissions", submission(shop.number, ticket, subject="slow"))
        until(lambda: rows(shop).get(ticket, {}).get("status") == "assigned", 40, "the ticket to be stored, and then assigned")
    finally:
        stack.sql("DROP TRIGGER dawdle ON ticket.tickets", admin=True)
    steps = [(row["kind"], row["payload"].get("reason", {}).get("why")) for row in shop.ledger(ticket)]
    assert steps[1:] == [("ticket_queued", "ran_out"), ("ticket_assigned", "taken_from_queue")]


def test_routers_killed_at_random_under_load(stack, shop, topics, ids):
    tickets = ids.take(3000)
    seed = int(os.environ.get("DOCKET_SEED", "7"))
    end = time.monotonic() + 30
    for n in range(6):
        topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets[n * 500:(n + 1) * 500]])
        until(lambda: len(rows(shop)) > (seed * 37 + n * 100) % 500 + n * 400 or time.monotonic() > end, 40, "some of them")
        stack.kill(f"router-{n % 2 + 1}")
        stack.start(f"router-{n % 2 + 1}")
    whole(shop, tickets, 90)
    until(lambda: not stack.sql("SELECT 1 FROM ticket.outbox"), what="an empty outbox")


def test_everything_is_proven_by_verify(stack):
    """After all of the above, for the tenants of the above."""
    stack.up("--router", 2)
    assert len(SHOPS) > 5
    for name in SHOPS:
        stack.verify("--tenant", name, wait=60)
