"""Whatever is done to the schedulers and whenever: every promise that falls due is told, has its effect once, and not before its
time. The clock stands still until a test moves it; what must follow is worked out here from when tickets came and were answered.

`tests/run faults --seeds N` gives N random lives, ten by default."""
import os
import random
import signal

import pytest

from harness.promises import MINUTE, Scheduler, clock, created, shop_with, stack  # noqa: F401 fixtures
from harness.shop import Shop
from harness.stack import until

SEEDS = max(10, int(os.environ.get("DOCKET_TEST_SEEDS", "1")))
NAMES = ("sla-1", "sla-2")
POINTS = ("before-signal", "after-signal", "after-report", "after-state", "after-follow")
WARN, BREACH = 12 * MINUTE, 15 * MINUTE
DOCUMENTS = shop_with("targets: {first_reply: 15m}\n    warn: [80]")


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack, DOCUMENTS)


def started(stack, name, crash=None):
    """As a static member of its group: whoever comes back at once has what was its own before."""
    environment = {"DOCKET_KAFKA_OPTIONS": f"group.instance.id={name}"}
    if crash:
        environment["DOCKET_CRASH"] = crash  # with work waiting it may die before it is ready
    stack.command("start", name, environment=environment, check=not crash)
    stack.read_environment()


@pytest.fixture
def schedulers(stack, clock):
    """Both are there and hold the partitions between them."""
    if any(dead_or_frozen(stack, name) for name in NAMES):
        stack.up("--sla", 2)
    both = Scheduler(stack, clock, NAMES)
    both.settle()
    return both


class Tickets:
    """What was promised to whom, and what must have been told by now."""

    def __init__(self, stack, shop, clock):
        self.stack, self.shop, self.clock = stack, shop, clock
        self.open, self.expected = {}, {}

    def come(self):
        ticket = self.shop.ticket()
        self.open[ticket] = created(self.stack, ticket)
        self.expected[ticket] = {}
        return ticket

    def answered(self, ticket):
        self.shop.done(ticket, by="lin", comment={"body": "您好", "public": True})
        del self.open[ticket]

    def pass_time(self, ms):
        """All that is due by then will have been told before it goes on: a warning that its breach has overtaken is not."""
        self.clock.forward(ms=ms)
        for ticket, came in self.open.items():
            if came + WARN <= self.clock.now < came + BREACH:
                self.expected[ticket].setdefault("promise_warned", came + WARN)
            if came + BREACH <= self.clock.now:
                self.expected[ticket]["promise_breached"] = came + BREACH

    def recorded(self):
        """What the router did: {ticket: {kind: at_ms}}; nothing twice and nothing before its time."""
        found = {ticket: {} for ticket in self.expected}
        for ticket, kind, at_ms, written in self.stack.sql(
                """SELECT ticket_id, kind, (payload -> 'promise' ->> 'at_ms')::bigint, (extract(epoch FROM at) * 1000)::bigint
                FROM ticket.ledger WHERE ticket_id = ANY (%s) AND kind LIKE 'promise%%'""", list(self.expected)):
            assert kind not in found[ticket], f"{kind} twice for ticket {ticket}"
            assert written >= at_ms, f"{kind} of ticket {ticket} is {at_ms - written} ms early"
            found[ticket][kind] = at_ms
        return found

    def prove(self, schedulers, heal=lambda: None, seconds=90):
        def told():
            heal()
            return self.recorded() == self.expected and schedulers.all_told()
        until(told, seconds, "everything due to be told and acted on", every=0.1)
        schedulers.settle(seconds)
        assert self.recorded() == self.expected


@pytest.fixture
def tickets(stack, shop, clock, schedulers):
    return Tickets(stack, shop, clock)


def dead_or_frozen(stack, name):
    return stack.state(name) in (None, "Z", "T")


def struck(stack, name, harm):
    """Unless the crash point of an earlier turn was faster."""
    if not dead_or_frozen(stack, name):
        try:
            os.kill(stack.pid(name), {"kill": signal.SIGKILL, "stop": signal.SIGTERM, "pause": signal.SIGSTOP}[harm])
        except ProcessLookupError:
            pass


def healed(stack, name):
    if stack.state(name) == "T":
        os.kill(stack.pid(name), signal.SIGCONT)
    elif dead_or_frozen(stack, name):
        started(stack, name)


def owner(stack, ticket):
    return stack.sql("SELECT p.owner FROM sla.lives l JOIN sla.partitions p USING (partition) WHERE ticket_id = %s", ticket)[0][0]


@pytest.mark.parametrize("how", ["die", "freeze"])
def test_a_scheduler_stopped_between_any_two_steps_tells_all_the_same_and_once(stack, shop, clock, how):
    stack.up("--sla", 1)
    alone = Scheduler(stack, clock, NAMES[:1])
    tickets = Tickets(stack, shop, clock)
    for point in ("before-signal", "after-signal", "after-report", "after-state"):
        stack.kill("sla-1")
        started(stack, "sla-1", f"{point}:{how}")
        for _ in range(3):
            tickets.come()
        alone.settle()
        tickets.pass_time(BREACH)
        until(lambda: dead_or_frozen(stack, "sla-1"), 60, f"it to {how} {point}")
        tickets.prove(alone, lambda: dead_or_frozen(stack, "sla-1") and healed(stack, "sla-1"))


@pytest.mark.parametrize("point", ["before-signal", "after-report"])
def test_who_slept_through_a_rebalance_changes_nothing_of_what_another_has_by_now(stack, shop, clock, point):
    """It wakes with what it was about to send, or to write."""
    tickets = Tickets(stack, shop, clock)
    stack.up("--sla", 1)
    stack.kill("sla-1")
    stack.start("sla-1", DOCKET_CRASH=f"{point}:freeze")
    alone = Scheduler(stack, clock, ("sla-1",))
    alone.settle()
    ticket = tickets.come()
    alone.settle()
    tickets.pass_time(BREACH)
    until(lambda: stack.state("sla-1") == "T", 30, "it to freeze")
    stack.start("sla-2")
    other = Scheduler(stack, clock, ("sla-2",))
    tickets.prove(other)
    epochs = stack.sql("SELECT partition, epoch, owner FROM sla.partitions ORDER BY 1")
    assert {who for _, _, who in epochs} == {"sla-2"}
    before = other.life(ticket)
    read = len(stack.log("sla-1"))
    os.kill(stack.pid("sla-1"), signal.SIGCONT)
    until(lambda: "is somebody else's by now" in stack.log("sla-1")[read:], 30, "it to be fenced")
    assert other.life(ticket) == before
    both = Scheduler(stack, clock, NAMES)
    tickets.prove(both)
    tickets.pass_time(MINUTE)
    tickets.come()
    tickets.pass_time(BREACH)
    tickets.prove(both)


@pytest.mark.parametrize("seed", range(20261122, 20261122 + SEEDS))
def test_no_life_of_the_schedulers_loses_or_doubles_a_promise(stack, clock, schedulers, tickets, seed):
    dice = random.Random(seed)
    for _ in range(2):
        for _ in range(dice.randrange(1, 4)):
            tickets.come()
        for ticket in [t for t in tickets.open if dice.random() < 0.2]:
            tickets.answered(ticket)
        name = dice.choice(NAMES)
        harm = dice.choice(["kill", "stop", "pause", "crash"])
        if harm == "crash":
            stack.command("kill", name, check=False)
            started(stack, name, f"{dice.choice(POINTS)}:{dice.choice(['die', 'freeze'])}:{dice.randrange(1, 4)}")
        elif dice.random() < 0.5:
            tickets.pass_time(dice.randrange(3, 9) * MINUTE)
            struck(stack, name, harm)
        else:
            struck(stack, name, harm)
            tickets.pass_time(dice.randrange(3, 9) * MINUTE)
        tickets.prove(schedulers, lambda: [healed(stack, name) for name in NAMES if dead_or_frozen(stack, name)])
    tickets.pass_time(BREACH)
    tickets.prove(schedulers, lambda: [healed(stack, name) for name in NAMES if dead_or_frozen(stack, name)])


def test_two_share_the_partitions_and_one_takes_over_what_the_other_leaves(stack, clock, schedulers, tickets):
    seen = [tickets.come() for _ in range(8)]
    schedulers.settle()
    assert {owner(stack, ticket) for ticket in seen} == set(NAMES)
    stack.stop("sla-1")
    tickets.pass_time(BREACH)
    tickets.prove(Scheduler(stack, clock, ("sla-2",)))
    assert {owner(stack, ticket) for ticket in seen} == {"sla-2"}
