"""A router frozen for a minute in the middle of a batch wakes up into a world that went on without it."""
import os
import signal
import time

from confluent_kafka.admin import AdminClient

from harness.capacity import nobody_was_ever_above_capacity
from harness.stack import until
from harness.storm import Storm

from test_crash_points import gone

FEW = """
settings: {default_group: g}
groups:
  - {name: g, title: g}
agents:
  - {name: one, title: one, groups: [g], capacity: 4, duty: off}
"""
CAPACITY = 4
RAN_OUT = "reservations ran out before PostgreSQL had", "their reservations expire"  # the latter after 15 s without an answer


def test_frozen_for_sixty_seconds_in_a_batch_and_woken(stack, shop):
    stack.up("--router", 2)
    stack.stop("router-1")
    starting = stack.start_without_waiting("router-1", DOCKET_CRASH="after-reservation:freeze:5")
    storm = Storm(stack, shop, rate=60, seconds=30)
    until(lambda: stack.state("router-1") == "T", 30, "the router to freeze")
    frozen = time.monotonic()
    gone(starting)
    storm.finish()
    # nobody waits for the sleeper: everything is stored and assigned by the other one
    stack.verify("--accepted", storm.accepted, wait=60)
    until(lambda: time.monotonic() - frozen > 60, 65, "a minute to pass")
    os.kill(stack.pid("router-1"), signal.SIGCONT)
    until(lambda: stack.state("router-1") == "S", 10, "the router to wake")
    again = Storm(stack, shop, rate=60, seconds=5, seed=2)
    again.prove()
    stack.verify("--accepted", storm.accepted, wait=60)


def fill(shop, n, **fields):
    return [shop.create(subject=f"{fields.get('priority', 'normal')} {i}", comment={"body": "b"}, **fields) for i in range(n)]


def assigned(stack, shop):
    return {t for (t,) in stack.sql("SELECT id FROM ticket.tickets WHERE tenant_id = %s AND status = 'assigned'", shop.number)}


def wake_and_prove(stack, shop, tickets, reserved):
    """It finds its time over, or its tickets with somebody else; she is full, and no more than that."""
    read = len(stack.log("router-1"))
    os.kill(stack.pid("router-1"), signal.SIGCONT)
    until(lambda: any(words in stack.log("router-1")[read:] for words in RAN_OUT) or reserved & assigned(stack, shop), 20,
          "the router to come to its senses")
    stack.up("--router", 2)
    stack.verify(wait=60)
    assert {t for (t,) in stack.sql("SELECT id FROM ticket.tickets WHERE tenant_id = %s", shop.number)} == set(tickets)
    assert sum(nobody_was_ever_above_capacity(stack, shop).values()) == CAPACITY


def test_what_it_took_for_somebody_is_void_when_it_wakes_after_the_reservation(stack):
    """Between its look at the reservations' age and its send; meanwhile the other one gives the room to what is more urgent."""
    shop = stack.tenant(FEW)
    stack.up("--router", 1)
    stack.stop("router-1")
    starting = stack.start_without_waiting("router-1", DOCKET_CRASH="before-change:freeze")
    tickets = fill(shop, 9)
    stack.verify(wait=30)  # no offset of theirs is open, so that nobody else asks Redis about them again
    stack.docket("agents", "on", "one", "--tenant", shop.name)
    until(lambda: stack.state("router-1") == "T", 30, "the router to freeze with what it took")
    gone(starting)
    reserved = set(tickets)
    stack.start("router-2")
    urgent = fill(shop, CAPACITY, priority="urgent")
    until(lambda: assigned(stack, shop) == set(urgent), 40, "the other router to give the room away")
    wake_and_prove(stack, shop, tickets + urgent, reserved)


def both_have_partitions(stack):
    kafka = AdminClient({"bootstrap.servers": stack.environment["DOCKET_KAFKA"]})
    groups = [group for group in kafka.list_groups(timeout=10) if group.id.startswith("docket-router")]
    return groups and all(group.state == "Stable" and len(group.members) == 2 for group in groups)


def test_what_it_reserved_in_an_earlier_life_of_redis_is_void_when_it_wakes(stack):
    """Redis forgets its reservation and is rebuilt from rows; the other router fills her before it wakes."""
    shop = stack.tenant(FEW)
    stack.docket("agents", "on", "one", "--tenant", shop.name)
    stack.up("--router", 2)
    stack.stop("router-1")
    starting = stack.start_without_waiting("router-1", DOCKET_CRASH="before-store:freeze")
    until(lambda: both_have_partitions(stack), 30, "both routers to have their partitions")
    tickets = []
    while stack.state("router-1") != "T":  # each goes to either of them
        tickets += fill(shop, 1)
        until(lambda: stack.state("router-1") == "T" or shop.row(tickets[-1]), 30, "one of them to have it")
        assert len(tickets) <= CAPACITY, "the other one got all of them"
    gone(starting)
    reserved = {tickets[-1]}
    stack.redis().flushall()
    tickets += fill(shop, 40)
    until(lambda: len(assigned(stack, shop)) == CAPACITY, 40, "the other router to fill her")
    wake_and_prove(stack, shop, tickets, reserved)
