"""docket-sla on real servers, on a clock that stands still until a test moves it: what falls due is told to the router once,
in order, and never before."""
import os
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from harness.promises import (MINUTE, Scheduler, Signals, clock, created, fields, lacks, shop_with,  # noqa: F401 fixtures
                              stack)
from harness.shop import Shop
from harness.stack import until
from harness.submissions import Ids, Topics, submission
from oracle import promises

CROWD = int(os.environ.get("DOCKET_TEST_CROWD", "1000"))  # due in one second; by hand 100000
DOCUMENTS = shop_with("""targets: {first_reply: 15m, resolution: 24h}
    warn: [80]""")


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


def test_what_was_kept_a_moment_ago_is_not_asked_for_again(stack, clock, scheduler, signals, shop):
    ticket = shop.ticket()
    scheduler.settle()
    before = scheduler.metrics("sla-1")["docket_sla_states_remembered_total"]
    shop.done(ticket, by="lin", comment={"body": "您好", "public": True})
    scheduler.settle()
    assert scheduler.metrics("sla-1")["docket_sla_states_remembered_total"] > before
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


def whole_minute(clock):
    clock.set(-(-clock.now // MINUTE) * MINUTE)


PROMISED = {"A": 15, "B": 5, "C": 40}  # minutes to the first reply


def applied(stack, shop, which):
    file = stack.home / "promised.yaml"
    file.write_text(DOCUMENTS.replace("first_reply: 15m", f"first_reply: {PROMISED[which]}m"))
    stack.docket("apply", "--tenant", shop.tenant.name, file)


def by_oracle(came, now, revisions):
    """What the first reply of a ticket that nobody answers has come to: {(act, level): at}."""
    policies = [{"targets": {"first_reply": {p: {"minutes": PROMISED[which], "hours": "c1"} for p in ("low", "normal", "high", "urgent")}}}
                for which in PROMISED]
    rank = {which: n + 1 for n, which in enumerate(PROMISED)}
    before = [which for at, which in revisions if at <= came]
    events = [{"at": came, "type": "create", "by": "end_user", "public": True, "priority": "normal", "policy": rank[before[-1]]}]
    events += [{"at": at, "type": "policy", "rev": rank[which]} for at, which in revisions if at > came]
    clock, = [c for c in promises.judge({"id": "x", "step_ms": MINUTE, "now": now, "shares": [80], "calendars": {"c1": [{"always": True}]},
                                         "policies": policies, "events": events})["clocks"] if c["metric"] == "first_reply"]
    found = {("breached", ""): clock["breached_at"], ("warned", "80%"): clock["warned_at"]["80"]}
    return {key: at for key, at in found.items() if at is not None and (key[0] == "breached" or clock["breached_at"] is None)}


@pytest.mark.parametrize("away", ["stop", "pause"])
@pytest.mark.parametrize("words", ["ABA", "ACA", "ABCBA", "ABC"])
def test_documents_that_came_and_went_while_no_scheduler_looked_were_in_force_all_the_same(
        stack, clock, scheduler, signals, away, words):
    """Stopped, it finds the last revision when it is back; paused, it hears of the last one only. What held in between is
    judged by the oracle."""
    whole_minute(clock)
    shop = Shop(stack, DOCUMENTS)
    revisions, tickets = [(clock.now, "A")], []
    for _ in range(4):
        tickets.append(shop.ticket())
        clock.forward(minutes=2)
    scheduler.settle()
    getattr(stack, away)("sla-1")
    for which in words[1:]:
        applied(stack, shop, which)
        revisions.append((clock.now, which))
        clock.forward(minutes=3)
    (stack.start if away == "stop" else stack.resume)("sla-1")
    until(lambda: scheduler.metrics("sla-1")["docket_sla_partitions"] > 0, 60, "it to be back")
    last = max(n for n, in stack.sql("SELECT revision FROM config.revisions WHERE tenant_id = %s", shop.tenant.number))
    until(lambda: {r for r, in stack.sql("SELECT revision FROM sla.lives WHERE tenant_id = %s", shop.tenant.number)} == {last}, 60,
          "its lives to follow")
    scheduler.settle()
    expected = {ticket: by_oracle(created(stack, ticket), clock.now, revisions) for ticket in tickets}
    clock.forward(minutes=1)
    scheduler.settle()
    for ticket in tickets:
        told = [((t.kind, t.level), t.at_ms) for t in signals.of(ticket)]
        expected[ticket].update(by_oracle(created(stack, ticket), clock.now, revisions))
        assert sorted(told) == sorted(expected[ticket].items()), (ticket, revisions)
    for ticket in tickets:
        shop.ask("DELETE", f"/tickets/{ticket}")


@pytest.mark.parametrize("victim", ["postgres", "kafka"])
def test_a_server_that_goes_away_costs_time_and_nothing_else(stack, clock, scheduler, signals, shop, victim):
    ticket = shop.ticket()
    scheduler.settle()
    stack.kill(victim)
    if victim == "postgres":  # what falls due before it has noticed waits for an answer, not for PostgreSQL
        until(lambda: lacks(stack, "sla-1", "postgres"), 60, "it to notice")
    clock.forward(minutes=15)
    began, before = time.monotonic(), wakes(scheduler)
    time.sleep(1.5)
    assert wakes(scheduler) - before < 100 * (time.monotonic() - began) + 50, "it must not spin"  # it looks every 15 ms
    stack.start(victim)
    scheduler.settle(90)
    assert set(said(signals, ticket)) == {BREACHED} and len({told.cause for told in signals.of(ticket)}) == 1
    until(lambda: any(row["kind"].startswith("promise") for row in shop.tenant.ledger(ticket)), 60, "a router to act on it")
    assert [row["kind"] for row in shop.tenant.ledger(ticket) if row["kind"].startswith("promise")] == ["promise_breached"]


def wakes(scheduler):
    return scheduler.metrics("sla-1")["docket_sla_wakes_total"]


def test_a_crowd_due_in_one_second_is_told_by_importance_while_events_are_followed(stack, clock, scheduler, signals, shop):
    """It is back when all of it is due and new events wait. The rows that PostgreSQL keeps say in which order it worked."""
    topics, ids, lanes = Topics(stack.environment["DOCKET_KAFKA"]), Ids(stack), ("urgent", "high", "normal", "low")
    crowd = {lane: [] for lane in lanes}
    for n in range(CROWD):
        crowd[lanes[n * 7 % 4]] += ids.take()
    everybody = [ticket for lane in lanes for ticket in crowd[lane]]
    for lane in reversed(lanes):
        topics.send("docket.submissions", *[submission(shop.tenant.number, ticket, accepted_ms=clock.now + n % 1000, priority=lane)
                                            for n, ticket in enumerate(crowd[lane])])
    until(lambda: stack.sql("SELECT count(*) FROM ticket.tickets WHERE id = ANY (%s)", everybody) == [(CROWD,)], 600,
          "the crowd to be stored", every=0.3)
    scheduler.settle(600)
    stack.stop("sla-1")
    clock.forward(minutes=15, seconds=1)
    late = [shop.ticket(assigned=False) for _ in range(3)]
    until(lambda: all(events_of(stack, ticket) for ticket in late), 120, "their events to be in Kafka")
    stack.stop("router-1")  # what it writes would be followed too
    stack.start("sla-1", DOCKET_DUE_MAX=str(max(4, CROWD // 250)))
    scheduler.settle(600)
    written = dict(stack.sql("SELECT ticket_id, xmin::text::bigint FROM sla.lives WHERE ticket_id = ANY (%s)", late + everybody))
    stack.start("router-1")
    stack.stop("sla-1")
    stack.start("sla-1")

    rank = {ticket: n for n, lane in enumerate(lanes) for ticket in crowd[lane]}
    turns = sorted((written[ticket], rank[ticket]) for ticket in everybody)
    assert [lane for _, lane in turns] == sorted(lane for _, lane in turns) and len({at for at, _ in turns}) >= 50
    assert max(written[ticket] for ticket in late) < turns[-CROWD // 10][0], "events wait for the crowd"
    found = signals.of(*rank)
    assert {(t.kind, t.metric) for t in found} == {("breached", "first_reply")} and len({t.ticket for t in found}) == len(found) == CROWD
    scheduler.settle(600)
