"""Dying once and freezing once at every named moment between two stores (correctness.md 33), alone and beside another one.

Each test has a tenant of its own and leaves the stack as it may be: the next one says how many of whom it needs."""
import os
import signal

import pytest
from confluent_kafka.admin import AdminClient

from harness.stack import until
from harness.storm import Storm

ROUTER_POINTS = ["after-reservation", "before-store", "after-commit", "after-publish", "before-offset"]
CHANGE_POINTS = ["before-change", "after-outbox-publish"]
GATE_POINTS = ["after-claim", "after-produce"]
HOW = pytest.mark.parametrize("how", ["die", "freeze"])

QUEUE = """
settings: {default_group: g}
groups:
  - {name: g, title: g}
agents:
  - {name: one, title: one, groups: [g], capacity: 1, duty: on}
"""


def ended(stack, name, how):
    return stack.state(name) in ((None, "Z") if how == "die" else ("T",))


def reached(stack, shop, name, how):
    """However slow the machine: there is always one more ticket that takes it there."""
    def one_more():
        return ended(stack, name, how) or not shop.create(subject="one more", comment={"body": "b"})
    until(one_more, 60, f"{name} to {how} at its crash point", every=0.2)


def with_crash_point(stack, routers, crash):
    """So many routers, and router-1 with a crash point; it may reach it before it is ready."""
    stack.up("--router", routers)
    stack.stop("router-1")
    return stack.start_without_waiting("router-1", DOCKET_CRASH=crash)


def gone(starting):
    """Or it would forget the next one's number."""
    starting.kill()
    starting.wait()


def given_up(stack, members):
    """Its groups go on without it: others have its partitions, or nobody."""
    groups = AdminClient({"bootstrap.servers": stack.environment["DOCKET_KAFKA"]}).list_groups(timeout=10)
    ours = [group for group in groups if group.id.startswith("docket-router")]
    return ours and all(len(group.members) == members and (group.state == "Stable" or not members) for group in ours)


def back_again(stack, name, how, others):
    if how == "die":
        stack.start(name)
    else:
        until(lambda: given_up(stack, others), 30, "the groups to give it up")
        os.kill(stack.pid(name), signal.SIGCONT)


@pytest.mark.parametrize("routers", [1, 2])
@HOW
@pytest.mark.parametrize("point", ROUTER_POINTS)
def test_a_router_stopped_there_loses_and_doubles_nothing(stack, shop, point, how, routers):
    starting = with_crash_point(stack, routers, f"{point}:{how}:3")
    storm = Storm(stack, shop, rate=200, seconds=3)
    reached(stack, shop, "router-1", how)
    gone(starting)
    back_again(stack, "router-1", how, routers - 1)
    storm.prove()


def held(stack, shop):
    return stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND assignee_id IS NOT NULL", shop.number)[0][0]


@pytest.mark.parametrize("routers", [1, 2])
@HOW
@pytest.mark.parametrize("point", CHANGE_POINTS)
def test_a_router_stopped_there_while_it_empties_a_queue_loses_and_doubles_nothing(stack, point, how, routers):
    shop = stack.tenant(QUEUE)
    starting = with_crash_point(stack, routers, f"{point}:{how}")
    tickets = [shop.create(subject=f"{i}", comment={"body": "b"}) for i in range(40)]
    room = 1
    while not ended(stack, "router-1", how):  # whichever router hears of it first takes what waits
        room += 1
        assert room < len(tickets), f"router-1 does not {how} at its crash point"
        stack.docket("agents", "capacity", "one", room, "--tenant", shop.name)
        until(lambda: ended(stack, "router-1", how) or held(stack, shop) == room, 20, "the new room to be used")
    gone(starting)
    back_again(stack, "router-1", how, routers - 1)
    until(lambda: held(stack, shop) == room, 40, "the room to be used all the same")
    stack.verify(wait=60)


def back_again_at_the_gate(stack, how):
    if how == "die":
        stack.start("intake-1")
    else:
        os.kill(stack.pid("intake-1"), signal.SIGCONT)


@HOW
@pytest.mark.parametrize("point", GATE_POINTS)
def test_a_gate_stopped_there_loses_and_doubles_nothing(stack, shop, point, how):
    """Whoever got no answer asks again under the same key."""
    stack.up("--intake", 1, "--router", 2)
    stack.stop("intake-1")
    stack.start("intake-1", DOCKET_CRASH=f"{point}:{how}:100")
    storm = Storm(stack, shop, rate=150, seconds=4)
    until(lambda: ended(stack, "intake-1", how), 30, f"intake-1 to {how} at its crash point")
    back_again_at_the_gate(stack, how)
    storm.prove()


@HOW
@pytest.mark.parametrize("point", GATE_POINTS)
def test_what_one_of_two_gates_left_unanswered_there_is_the_same_ticket_at_the_other_one(stack, shop, point, how):
    stack.up("--intake", 2, "--router", 2)
    stack.stop("intake-1")
    stack.start("intake-1", DOCKET_CRASH=f"{point}:{how}")
    with pytest.raises(OSError):  # cut off, or no answer in time
        shop.post(key="left", gate=stack.gate_of("intake-1"), timeout=3)
    until(lambda: ended(stack, "intake-1", how), 30, f"intake-1 to {how} at its crash point")
    other = shop.post(key="left", gate=stack.gate_of("intake-2"))
    assert other.status == 201, other.body
    back_again_at_the_gate(stack, how)
    again = shop.post(key="left", gate=stack.gate_of("intake-1"))
    assert (again.status, again.json["ticket"]["id"]) == (201, other.json["ticket"]["id"])
    shop.stored(other.json["ticket"]["id"])
    stack.verify(wait=60)
    assert stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s", shop.number) == [(1,)]
