"""docket-sla on real servers, on a clock that stands still until a test moves it: what falls due is told to the router once,
in order, and never before."""
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from harness.promises import Scheduler, Signals, TestClock, fields
from harness.shop import Shop
from harness.stack import Stack, until

MINUTE = 60000
DOCUMENTS = """
settings: {default_group: g}
groups:
  - {name: g, title: g}
agents:
  - {name: lin, title: 林悦, groups: [g], capacity: 500, duty: on}
policies:
  - name: 标准
    targets: {first_reply: 15m, resolution: 24h}
    warn: [80]
"""


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return TestClock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def stack(clock):
    running = Stack()
    running.environment.update(clock.environment)
    try:
        yield running.up("--router", 1, "--desk", 1, "--sla", 1, "--front", 0)
    finally:
        running.down()


@pytest.fixture(scope="module")
def scheduler(stack, clock):
    return Scheduler(stack, clock)


@pytest.fixture
def signals(stack):
    if stack.state("sla-1") in (None, "Z"):
        stack.up()  # whatever a test before has left dead
    reading = Signals(stack)
    yield reading
    reading.close()


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack, DOCUMENTS)


def created(stack, ticket):
    return stack.sql("SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM ticket.tickets WHERE id = %s", ticket)[0][0]


def said(signals, *tickets):
    """Of these tickets: kind, metric, level."""
    return [(told.kind, told.metric, told.level) for told in signals.of(*tickets)]


WARNED, BREACHED = ("warned", "first_reply", "80%"), ("breached", "first_reply", "")


def test_a_warning_and_a_breach_come_once_each_and_not_before_they_are_due(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    for at, expected in ((12 * MINUTE - 1, []), (12 * MINUTE, [WARNED]), (15 * MINUTE - 1, [WARNED]),
                         (15 * MINUTE, [WARNED, BREACHED]), (17 * MINUTE, [WARNED, BREACHED])):
        clock.set(created(stack, ticket) + at)
        scheduler.settle()
        assert said(signals, ticket) == expected, at
    warning, breach = signals.of(ticket)
    assert (warning.at_ms, breach.at_ms) == (created(stack, ticket) + 12 * MINUTE, created(stack, ticket) + 15 * MINUTE)
    assert breach.due_ms == breach.at_ms and breach.target_ms == 15 * MINUTE and breach.cause != warning.cause
    assert not warning.late and not breach.late


def test_a_reply_in_time_ends_it(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    clock.forward(minutes=10)
    shop.done(ticket, by="lin", comment={"body": "您好", "public": True})
    scheduler.settle()
    clock.forward(minutes=30)
    scheduler.settle()
    assert said(signals, ticket) == []


def test_what_is_due_is_checked_against_the_ledger_before_it_is_told(stack, clock, scheduler, signals, shop):
    """The scheduler is behind: the reply is in the ledger, its event not yet read."""
    ticket = shop.ticket()
    scheduler.settle()
    stack.pause("sla-1")
    clock.forward(minutes=10)
    shop.done(ticket, by="lin", comment={"body": "您好", "public": True})
    clock.forward(minutes=30)
    stack.resume("sla-1")
    scheduler.settle()
    assert said(signals, ticket) == []


def test_what_was_told_is_not_told_again_while_no_router_has_acted_on_it(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    stack.stop("router-1")
    clock.forward(minutes=15)
    scheduler.settle()
    clock.forward(minutes=1)
    scheduler.settle()
    stack.stop("sla-1")
    stack.start("sla-1")
    scheduler.settle()
    assert said(signals, ticket) == [BREACHED]
    stack.start("router-1")
    until(lambda: [row["kind"] for row in shop.tenant.ledger(ticket)].count("promise_breached") == 1, 60, "a router to act on it")


def test_warnings_overtaken_by_their_breach_are_not_sent(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    clock.forward(minutes=15, seconds=3)
    scheduler.settle()
    assert said(signals, ticket) == [BREACHED]


def test_what_fell_due_while_nobody_looked_comes_late_marked_so_and_in_order(stack, clock, scheduler, signals, shop):
    tickets = []
    for _ in range(5):
        tickets.append(shop.ticket())
        clock.forward(minutes=1)
    scheduler.settle()
    stack.stop("sla-1")
    clock.forward(hours=25)
    stack.start("sla-1")
    scheduler.settle()
    for ticket in tickets:
        told = signals.of(ticket)
        assert [(t.kind, t.metric) for t in told] == [("breached", "first_reply"), ("breached", "resolution")]
        assert all(t.late for t in told) and told[0].at_ms < told[1].at_ms
    assert len({told.cause for told in signals.of(*tickets)}) == 10


def test_more_important_tickets_are_served_first(stack, clock, scheduler, signals, shop):
    """A crowd in one instant: with one ticket a turn, in the order in which they were told."""
    stack.stop("sla-1")
    stack.start("sla-1", DOCKET_DUE_MAX="1", DOCKET_LOG_LEVEL="debug")
    tickets = {priority: [shop.ticket(priority=priority) for _ in range(3)] for priority in ("low", "urgent", "normal", "high")}
    scheduler.settle()
    clock.forward(minutes=15, seconds=1)
    scheduler.settle()
    told = [t for priority in tickets for t in signals.of(*tickets[priority])]
    assert len(told) == 12
    order = stack.log("sla-1")  # the partitions of the topic have no common order; the scheduler's own log has
    stack.stop("sla-1")
    stack.start("sla-1")
    ranks = {ticket: rank for rank, priority in enumerate(("urgent", "high", "normal", "low")) for ticket in tickets[priority]}
    seen = [ranks[int(line.split("ticket=")[1].split()[0])] for line in order.splitlines()
            if "promise_breached first_reply" in line and int(line.split("ticket=")[1].split()[0]) in ranks]
    assert seen == sorted(seen) and len(seen) == 12


def test_events_read_again_from_the_beginning_tell_nothing_again(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    clock.forward(minutes=13)
    scheduler.settle()
    assert said(signals, ticket) == [WARNED]
    before = len(signals.read())
    stack.stop("sla-1")
    move_offsets(stack, 0)
    stack.start("sla-1")
    scheduler.settle()
    assert scheduler.metrics("sla-1")["docket_sla_events_old_total"] > 0
    assert len(signals.read()) == before
    clock.forward(minutes=3)
    scheduler.settle()
    assert said(signals, ticket) == [WARNED, BREACHED]


def test_lives_that_are_lost_are_told_from_the_ledger(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    stack.stop("sla-1")
    stack.sql("DELETE FROM sla.lives WHERE ticket_id = %s", ticket, admin=True)
    stack.sql("UPDATE sla.partitions SET epoch = epoch + 1", admin=True)
    stack.start("sla-1")
    scheduler.settle()
    clock.forward(minutes=15)
    scheduler.settle()
    assert said(signals, ticket) == [BREACHED]


def about(message, ticket):
    try:
        return fields(message).get(3) == [ticket]
    except (AssertionError, IndexError):  # some test's poison
        return False


def events_of(stack, ticket):
    """The messages of docket.events about this ticket: key, value, partition."""
    reader = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": "nobody", "enable.auto.commit": False})
    topic = reader.list_topics("docket.events", timeout=10).topics["docket.events"]
    found = []
    for partition in topic.partitions:
        low, high = reader.get_watermark_offsets(TopicPartition("docket.events", partition), timeout=10)
        reader.assign([TopicPartition("docket.events", partition, low)])
        while low < high:
            message = reader.poll(5)
            assert message is not None and not message.error()
            low = message.offset() + 1
            if about(message.value(), ticket):
                found.append((message.key(), message.value(), partition))
    reader.close()
    return found


def produce(stack, messages):
    producer = Producer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "acks": "all"})
    for key, value, partition in messages:
        producer.produce("docket.events", key=key, value=value, partition=partition)
    assert producer.flush(20) == 0


def test_events_doubled_and_out_of_order_change_nothing(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    shop.done(ticket, by="lin", status="pending", comment={"body": "请问单号", "public": False})
    scheduler.settle()
    before = scheduler.life(ticket)
    events = events_of(stack, ticket)
    assert len(events) == 3
    produce(stack, events[::-1] + events + [events[1]])
    scheduler.settle()
    assert scheduler.life(ticket) == before
    clock.forward(minutes=12)
    scheduler.settle()
    assert said(signals, ticket) == [WARNED]


def test_a_gap_is_filled_from_the_ledger(stack, clock, scheduler, signals, shop):
    """Events that never came: the offsets stand behind them."""
    scheduler.settle()
    stack.stop("sla-1")
    replied, silent = shop.ticket(), shop.ticket()
    shop.done(replied, by="lin", comment={"body": "您好", "public": True})
    move_offsets(stack, 1)
    stack.start("sla-1")
    for ticket in (replied, silent):
        shop.done(ticket, by="lin", tags=["x"])
    scheduler.settle()
    clock.forward(minutes=20)
    scheduler.settle()
    assert said(signals, replied) == [] and said(signals, silent) == [BREACHED]


def move_offsets(stack, end):
    """The group begins at the beginning (0) or at the end (1) of what is there; not while a member is still said to be there."""
    group = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": "docket-sla", "enable.auto.commit": False})
    offsets = [TopicPartition("docket.events", p, group.get_watermark_offsets(TopicPartition("docket.events", p), timeout=10)[end])
               for p in group.list_topics("docket.events", timeout=10).topics["docket.events"].partitions]

    def moved():
        try:
            return all(not p.error for p in group.commit(offsets=offsets, asynchronous=False))
        except KafkaException:
            return False
    until(moved, 30, "the offsets to be moved", every=0.3)
    group.close()


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def test_events_of_nobody_and_messages_that_are_no_events_are_passed_over(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    key, value, partition = events_of(stack, ticket)[-1]
    assert fields(value)[3] == [ticket]
    stranger = value.replace(b"\x18" + varint(ticket), b"\x18" + varint(ticket + 50000), 1)
    assert fields(stranger)[3] == [ticket + 50000]
    before = scheduler.metrics("sla-1")["docket_sla_poison_total"]
    produce(stack, [(key, stranger, partition), (key, b"\xff\x00nonsense", partition), (key, b"", partition)])
    until(lambda: scheduler.metrics("sla-1")["docket_sla_poison_total"] == before + 2, 20, "the poison to be counted")
    scheduler.settle()
    assert scheduler.life(ticket + 50000) is None
    clock.forward(minutes=15)
    scheduler.settle()
    assert said(signals, ticket) == [BREACHED]


def test_a_clock_put_forward_and_back_by_an_hour_is_noticed_and_breaks_no_promise(stack, clock, scheduler, signals, shop):
    early, ticket = shop.ticket(), None
    scheduler.settle()
    steps = scheduler.metrics("sla-1")["docket_sla_clock_steps_total"]
    clock.forward(hours=1)
    scheduler.settle()
    assert said(signals, early) == [BREACHED]
    ticket = shop.ticket()
    scheduler.settle()
    clock.forward(hours=-1)
    until(lambda: scheduler.metrics("sla-1")["docket_sla_clock_steps_total"] >= steps + 2, 20, "the steps to be noticed")
    assert scheduler.metrics("sla-1")["docket_sla_clock_step_seconds"] < -3000
    scheduler.settle()
    assert "was put back by" in stack.log("sla-1") and "was put forward by" in stack.log("sla-1")
    clock.forward(hours=1, minutes=12, ms=-1)
    scheduler.settle()
    assert said(signals, ticket) == [] and said(signals, early) == [BREACHED]
    clock.forward(ms=1)
    scheduler.settle()
    assert said(signals, ticket) == [WARNED]
    clock.forward(minutes=60)
    scheduler.settle()


def test_open_promises_follow_new_documents(stack, clock, scheduler, signals):
    shop = Shop(stack, DOCUMENTS)
    tickets = [shop.ticket() for _ in range(3)]
    scheduler.settle()
    due = [scheduler.life(ticket)[1] for ticket in tickets]
    file = stack.home / "sooner.yaml"
    file.write_text(DOCUMENTS.replace("first_reply: 15m", "first_reply: 5m"))
    stack.docket("apply", "--tenant", shop.tenant.name, file)
    until(lambda: all(scheduler.life(t)[1] == before - 8 * MINUTE for t, before in zip(tickets, due)), 30, "the clocks to move")
    clock.forward(minutes=5)
    scheduler.settle()
    assert said(signals, tickets[0]) == [BREACHED]


def test_a_ticket_that_is_over_leaves_its_number_and_nothing_else(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    clocks = scheduler.metrics("sla-1")["docket_sla_tickets"]
    shop.ask("DELETE", f"/tickets/{ticket}")
    scheduler.settle()
    seq, _, over, _ = scheduler.life(ticket)
    assert over and seq > 2 and scheduler.metrics("sla-1")["docket_sla_tickets"] == clocks - 1
    produce(stack, events_of(stack, ticket)[:1])
    scheduler.settle()
    assert scheduler.life(ticket)[:3] == (seq, None, True) and scheduler.metrics("sla-1")["docket_sla_tickets"] == clocks - 1
    clock.forward(minutes=20)
    scheduler.settle()
    assert said(signals, ticket) == []


@pytest.mark.parametrize("victim", ["postgres", "kafka"])
def test_a_server_that_goes_away_costs_time_and_nothing_else(stack, clock, scheduler, signals, shop, victim):
    ticket = shop.ticket()
    scheduler.settle()
    stack.kill(victim)
    clock.forward(minutes=15)
    busy = cpu(stack)
    time.sleep(1.5)
    assert cpu(stack) - busy < 1.0, "it must not spin"
    stack.start(victim)
    scheduler.settle(90)
    assert set(said(signals, ticket)) == {BREACHED} and len({told.cause for told in signals.of(ticket)}) == 1
    until(lambda: any(row["kind"].startswith("promise") for row in shop.tenant.ledger(ticket)), 60, "a router to act on it")
    assert [row["kind"] for row in shop.tenant.ledger(ticket) if row["kind"].startswith("promise")] == ["promise_breached"]


def cpu(stack):
    """Seconds of CPU that the scheduler has used."""
    with open(f"/proc/{stack.pid('sla-1')}/stat") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / 100
