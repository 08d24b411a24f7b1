"""What the router makes of the scheduler's signals: one row each, what the step asks, once; and nothing that its ledger does not
bear out. The signals are the test's own: no docket-sla runs here."""
import time
import uuid

import pytest

from harness.stack import until
from harness.promising import BREACHED, ESCALATED, MINUTE, WARNED, PromisingShop, unscheduled
from harness.submissions import Ids, Topics, promise, promise_cause, submission


@pytest.fixture(scope="module")
def stack():
    """Of its own: it has no scheduler, and a test here stops its Redis."""
    running = unscheduled("--router", 2)
    try:
        yield running
    finally:
        running.down()


@pytest.fixture(scope="module")
def topics(stack):
    return Topics(stack.environment["DOCKET_KAFKA"])


@pytest.fixture(scope="module")
def ids(stack):
    return Ids(stack)


@pytest.fixture
def shop(stack, topics, ids):
    return PromisingShop(stack, topics, ids)


# -- what is recorded -------------------------------------------------------------------------------------------------


def test_each_moment_is_one_row_that_says_what_was_promised(shop):
    ticket = shop.ticket()
    before = until(lambda: shop.row(ticket)["assignee_id"] and shop.row(ticket), what="somebody to have it")
    warned = shop.tell(WARNED, ticket, level="80%", elapsed_ms=12 * MINUTE, why="")
    breached = shop.tell(BREACHED, ticket, late=True)
    escalated = shop.escalate(ticket, "1", notify_lead=True)
    rows = shop.tenant.ledger(ticket)
    assert [row["kind"] for row in rows[-3:]] == [WARNED, BREACHED, ESCALATED]
    assert {row["actor"] for row in rows[-3:]} == {"router"} and {row["revision"] for row in rows[-3:]} == {shop.revision}
    assert warned["payload"]["promise"] | {"due_ms": 0, "at_ms": 0} == {
        "metric": "first_reply", "instance": 1, "level": "80%", "policy": "标准", "due_ms": 0, "at_ms": 0, "late": False,
        "target_ms": 15 * MINUTE, "elapsed_ms": 12 * MINUTE, "why": ""}
    assert breached["payload"]["promise"]["late"] is True and breached["payload"]["promise"]["why"] == "time"
    assert escalated["payload"]["promise"]["notify_lead"] is True
    assert [row["payload"]["reason"]["why"] for row in rows[-3:]] == ["warned", "breached", "escalated"]
    assert all(row["payload"]["set"] == {} for row in rows[-3:])
    after = shop.row(ticket)
    assert {name for name in before if before[name] != after[name]} == {"version", "updated_at"}
    shop.verified()


def test_the_event_of_each_row_is_told(shop):
    ticket = shop.ticket()
    row = shop.tell(BREACHED, ticket)
    events = until(lambda: shop.topics.read("docket.events", lambda m: m.key() == str(ticket).encode()
                                            and dict(m.headers())["ce_id"].decode() == f"{ticket}-{row['seq']}"), what="the event")
    headers = {name: value.decode() for name, value in events[0].headers()}
    assert headers["ce_type"] == "docket.promise_breached" and headers["ce_source"] == "docket/router"


def test_a_step_raises_the_priority_to_the_highest_and_no_further(shop):
    ticket = shop.ticket(priority="normal")
    seen = []
    for level in ("2", "2.1", "2.2"):
        row = shop.escalate(ticket, level, raise_priority=True)
        seen.append((shop.row(ticket)["priority"], row["payload"]["set"], row["payload"]["reason"].get("raise")))
    assert seen == [("high", {"priority": "high"}, None), ("urgent", {"priority": "urgent"}, None), ("urgent", {}, "highest")]
    shop.verified()


def test_a_raised_ticket_stands_further_ahead_in_its_queue(shop):
    shop.duty("an", False)
    first, second = shop.ticket(), shop.ticket()
    shop.escalate(second, "2", raise_priority=True)
    redis, prefix = shop.stack.redis(), f"d:{{{shop.number}}}:"
    until(lambda: redis.zrange(f"{prefix}q:{shop.names['售后']}:", 0, -1) == [str(second), str(first)], what="the new order")
    shop.verified()


def test_a_step_moves_the_ticket_to_another_group_where_somebody_gets_it(shop):
    ticket = shop.ticket()
    until(lambda: shop.row(ticket)["assignee_id"] == shop.names["an"], what="an to have it")
    row = shop.escalate(ticket, "3", group=shop.names["投诉"])
    assert row["payload"]["set"] == {"status": "new", "group_id": shop.names["投诉"], "assignee_id": None}
    assert row["payload"]["reason"] == {"why": "escalated", "from_group": shop.names["售后"], "from_assignee": shop.names["an"],
                                        "on_duty": 1, "able": 1}
    until(lambda: shop.row(ticket)["assignee_id"] == shop.names["chen"], what="chen to have it")
    assert shop.tenant.ledger(ticket)[-1]["kind"] == "ticket_assigned"
    again = shop.escalate(ticket, "3.1", group=shop.names["投诉"])
    assert again["payload"]["set"] == {} and again["payload"]["reason"]["move"] == "there_already"
    nowhere = shop.escalate(ticket, "3.2", group=999)
    assert nowhere["payload"]["set"] == {} and nowhere["payload"]["reason"]["move"] == "no_such_group"
    assert shop.row(ticket)["assignee_id"] == shop.names["chen"]
    shop.verified()


def test_a_moved_ticket_waits_where_nobody_is(shop):
    shop.duty("chen", False)
    ticket = shop.ticket()
    shop.escalate(ticket, "3", group=shop.names["投诉"])
    until(lambda: shop.stack.redis().zrange(f"d:{{{shop.number}}}:q:{shop.names['投诉']}:", 0, -1) == [str(ticket)], what="it to wait")
    shop.verified()
    shop.duty("chen", True)
    until(lambda: shop.row(ticket)["assignee_id"] == shop.names["chen"], what="chen to have it")


def test_a_step_gives_the_ticket_to_somebody_else_who_has_room(shop):
    an, bo = shop.names["an"], shop.names["bo"]
    ticket = shop.ticket()
    until(lambda: shop.row(ticket)["assignee_id"] == an, what="an to have it")
    alone = shop.escalate(ticket, "4", reassign=True)
    assert alone["payload"]["set"] == {} and alone["payload"]["reason"] == {"why": "escalated", "reassign": "nobody_has_room"}
    shop.duty("bo", True)
    until(lambda: shop.stack.redis().hget(f"d:{{{shop.number}}}:a:{bo}", "duty") == "1", what="Redis to know that bo is there")
    given = shop.escalate(ticket, "4.1", reassign=True)
    assert given["payload"]["set"] == {"assignee_id": bo}
    assert given["payload"]["reason"] == {"why": "escalated", "from_assignee": an, "load": 0, "capacity": 2}
    assert shop.load() == {bo: 1}
    shop.verified()


def test_whoever_works_on_it_hands_it_on_and_the_next_begins_anew(shop):
    an, bo = shop.names["an"], shop.names["bo"]
    ticket = shop.ticket()
    until(lambda: shop.row(ticket)["assignee_id"] == an, what="an to have it")
    assert shop.desk.put(f"/tickets/{ticket}", {"ticket": {"status": "open"}}).status == 200
    shop.duty("bo", True)
    until(lambda: shop.stack.redis().hget(f"d:{{{shop.number}}}:a:{bo}", "duty") == "1", what="Redis to know that bo is there")
    row = shop.escalate(ticket, "4", reassign=True)
    assert row["payload"]["set"] == {"assignee_id": bo, "status": "assigned"}
    pending = shop.desk.put(f"/tickets/{ticket}", {"ticket": {"status": "pending"}})
    assert pending.status == 200, pending.body
    row = shop.escalate(ticket, "4.1", reassign=True)
    assert row["payload"]["reason"]["reassign"] == "not_in_work" and shop.row(ticket)["status"] == "pending"
    shop.verified()


def test_nobody_is_given_more_than_she_has_room_for_however_much_is_reassigned_at_once(shop):
    an, bo = shop.names["an"], shop.names["bo"]
    tickets = [shop.ticket() for _ in range(3)]
    until(lambda: shop.load() == {an: 3}, what="an to be full")
    shop.duty("bo", True)
    until(lambda: shop.stack.redis().hget(f"d:{{{shop.number}}}:a:{bo}", "duty") == "1", what="Redis to know that bo is there")
    for ticket in tickets:
        shop.tell(BREACHED, ticket)
    for n, message in enumerate([shop.signal(ESCALATED, ticket, level="4", reassign=True) for ticket in tickets] * 2):
        shop.topics.send("docket.signals", message, key=str(n))
    until(lambda: all(len(shop.promises(ticket)) > 1 for ticket in tickets), what="every row")
    shop.verified()
    assert shop.load() == {an: 1, bo: 2}
    assert [len(shop.promises(ticket)) for ticket in tickets] == [2, 2, 2]


# -- once ------------------------------------------------------------------------------------------------------------


def test_a_signal_that_comes_again_is_told_again_and_done_once(shop):
    ticket = shop.ticket(priority="normal")
    shop.tell(BREACHED, ticket)
    message = shop.tell(ESCALATED, ticket, wait=False, level="2", raise_priority=True)
    until(lambda: len(shop.promises(ticket)) == 2, what="its row")
    replayed = shop.metric("docket_router_promises_replayed_total")
    shop.topics.send("docket.signals", message, message, key=str(ticket))
    shop.topics.send("docket.signals", message, key="elsewhere")  # perhaps the other router's
    until(lambda: shop.metric("docket_router_promises_replayed_total") == replayed + 3, what="the replays")
    assert len(shop.promises(ticket)) == 2 and shop.row(ticket)["priority"] == "high"
    told = f"{ticket}-{shop.promises(ticket)[-1]['seq']}"
    events = shop.topics.read("docket.events", lambda m: dict(m.headers())["ce_id"].decode() == told)
    assert len(events) == 4 and len({event.value() for event in events}) == 1
    shop.verified()


def test_two_routers_that_hear_the_same_do_it_once(shop):
    shop.duty("an", False)
    tickets = shop.ids.take(30)
    accepted = int(time.time() * 1000) - 20 * MINUTE
    shop.topics.send("docket.submissions", *[submission(shop.number, t, accepted_ms=accepted, priority="normal") for t in tickets])
    until(lambda: all(shop.row(t) for t in tickets), what="the tickets")
    due = accepted + 15 * MINUTE
    shop.topics.send("docket.signals", *[promise(BREACHED, shop.number, t, due_ms=due, at_ms=due, revision=shop.revision) for t in tickets],
                     key="breaches")
    until(lambda: all(shop.promises(t) for t in tickets), what="every breach")
    messages = [(t, promise(ESCALATED, shop.number, t, due_ms=due, at_ms=due + MINUTE, level="2",
                            raise_priority=True, revision=shop.revision)) for t in tickets]
    for copy in range(3):
        for n, (_, message) in enumerate(messages):
            shop.topics.send("docket.signals", message, key=f"{copy}/{n}")
    until(lambda: all(len(shop.promises(t)) > 1 for t in tickets), what="every row")
    shop.verified()
    for ticket in tickets:
        assert len(shop.promises(ticket)) == 2 and shop.row(ticket)["priority"] == "high", ticket


# -- refused ---------------------------------------------------------------------------------------------------------


def reply(shop, ticket, **more):
    answer = shop.desk.put(f"/tickets/{ticket}", {"ticket": {"comment": {"body": "您好", "public": True}, **more}}, token=shop.token("an"))
    assert answer.status == 200, answer.body


def refused(shop, reason):
    return shop.metric(f'docket_router_promises_refused_total{{reason="{reason}"}}')


def test_a_breach_is_refused_when_it_was_answered_in_time(shop):
    ticket = shop.ticket(minutes_ago=10)
    until(lambda: shop.row(ticket)["assignee_id"], what="somebody to have it")
    stale = shop.row(ticket)["version"]
    reply(shop, ticket)
    rows, before = len(shop.tenant.ledger(ticket)), refused(shop, "untrue")
    due = int(time.time() * 1000) + 5 * MINUTE
    shop.tell(BREACHED, ticket, wait=False, due_ms=due, at_ms=due, told_ms=due + MINUTE, judged_seq=stale)
    until(lambda: refused(shop, "untrue") == before + 1, what="the refusal")
    assert len(shop.tenant.ledger(ticket)) == rows
    shop.verified()


def test_a_breach_stands_though_it_was_answered_afterwards(shop):
    ticket = shop.ticket(minutes_ago=20)
    until(lambda: shop.row(ticket)["assignee_id"], what="somebody to have it")
    stale = shop.row(ticket)["version"]
    reply(shop, ticket)
    row = shop.tell(BREACHED, ticket, judged_seq=stale, late=True)
    assert row["payload"]["promise"]["why"] == "time"
    shop.verified()


def test_a_moment_that_never_was_is_refused(shop):
    ticket = shop.ticket(minutes_ago=20)
    before = refused(shop, "untrue")
    for act, more in [(BREACHED, {"metric": "resolution"}), (BREACHED, {"instance": 2}), (WARNED, {"level": "95%"}),
                      (ESCALATED, {"level": "9"}), (BREACHED, {"metric": "nonsense"})]:
        shop.tell(act, ticket, wait=False, judged_seq=1, **more)
    until(lambda: refused(shop, "untrue") == before + 5, what="the refusals")
    assert shop.promises(ticket) == []


def test_what_was_judged_by_other_documents_is_judged_again(shop):
    ticket = shop.ticket(minutes_ago=20)
    before = refused(shop, "untrue")
    shop.tell(BREACHED, ticket, wait=False, metric="resolution", revision=shop.revision + 1)
    until(lambda: refused(shop, "untrue") == before + 1, what="the refusal")
    assert shop.promises(ticket) == []


def test_a_ticket_that_is_over_has_no_promises_any_more(shop):
    ticket = shop.ticket(minutes_ago=20)
    until(lambda: shop.row(ticket)["assignee_id"], what="somebody to have it")
    stale = shop.row(ticket)["version"]
    reply(shop, ticket, status="solved")
    assert shop.desk.put(f"/tickets/{ticket}", {"ticket": {"status": "closed"}}).status == 200
    before = refused(shop, "over")
    shop.tell(BREACHED, ticket, wait=False, judged_seq=stale)
    until(lambda: refused(shop, "over") == before + 1, what="the refusal")
    assert shop.promises(ticket) == []


def test_an_acknowledged_ticket_is_left_to_whoever_is_on_it(shop):
    """What became true before is on record; nothing is done about it any more."""
    ticket = shop.ticket(minutes_ago=20, priority="normal")
    until(lambda: shop.row(ticket)["assignee_id"], what="somebody to have it")
    assert shop.desk.post(f"/tickets/{ticket}/acknowledge").status == 200
    row = shop.escalate(ticket, "2", raise_priority=True, group=shop.names["投诉"])
    assert row["payload"]["set"] == {} and row["payload"]["reason"] == {"why": "escalated", "withheld": "acknowledged"}
    assert shop.row(ticket)["priority"] == "normal" and shop.row(ticket)["group_id"] == shop.names["售后"]
    again = shop.desk.post(f"/tickets/{ticket}/acknowledge")  # an escalation since: heard anew
    assert again.status == 200 and shop.tenant.ledger(ticket)[-1]["payload"]["reason"]["why"] == "acknowledged"
    assert shop.tenant.ledger(ticket)[-1]["seq"] == row["seq"] + 1
    shop.verified()


# -- bad input -------------------------------------------------------------------------------------------------------


def test_what_can_never_be_processed_is_set_aside_and_the_rest_goes_on(shop):
    ticket, unknown = shop.ticket(), shop.ids.take()[0]
    mark = uuid.uuid4().hex
    bad = {
        "no such ticket": promise(BREACHED, shop.number, unknown, policy=mark, due_ms=1),
        "no such tenant": promise(BREACHED, 10**9, unknown, policy=mark, due_ms=1),
        "cause": promise(BREACHED, shop.number, ticket, policy=mark, due_ms=1, cause=uuid.uuid4().bytes),
        "metric": promise(BREACHED, shop.number, ticket, metric="", policy=mark, due_ms=1),
        "ticket": promise(BREACHED, shop.number, 0, policy=mark, due_ms=1),
        "bytes": promise(BREACHED, shop.number, ticket, policy=mark, due_ms=1)[:-3] + b"\xff",
    }
    good = shop.signal(BREACHED, ticket)
    shop.topics.send("docket.signals", *bad.values(), good, key=str(ticket))
    until(lambda: shop.promises(ticket), what="the good one's row")
    dead = until(lambda: (found := shop.topics.read("docket.dead", lambda m: m.value() in bad.values())) and len(found) >= len(bad) and found,
                 what="the dead letters")
    assert sorted(m.value() for m in dead) == sorted(bad.values())
    reasons = {m.value(): dict(m.headers())["docket_reason"].decode() for m in dead}
    assert "cause" in reasons[bad["cause"]] and "no such ticket" in reasons[bad["no such ticket"]]
    assert len(shop.promises(ticket)) == 1


def test_the_cause_is_what_everybody_computes():
    """Written down once, so that it stays what it was."""
    assert promise_cause(1, 100001, BREACHED, "first_reply", 1, "").hex() == "a0ba0738a8555a4d869191d10479d435"


# -- without Redis ---------------------------------------------------------------------------------------------------


def test_without_redis_rows_are_written_and_moves_wait(shop):
    an, chen = shop.names["an"], shop.names["chen"]
    moved, kept = shop.ticket(), shop.ticket(priority="normal")
    until(lambda: shop.load() == {an: 2}, what="an to have both")
    shop.stack.stop("redis")
    try:
        shop.escalate(moved, "3", group=shop.names["投诉"])
        row = shop.escalate(kept, "4", reassign=True, raise_priority=True)
        assert row["payload"]["reason"]["reassign"] == "paused" and row["payload"]["set"] == {"priority": "high"}
        assert shop.row(moved)["status"] == "new" and shop.row(kept)["assignee_id"] == an
    finally:
        shop.stack.start("redis")
    until(lambda: shop.row(moved)["assignee_id"] == chen, 60, "chen to have it")
    shop.verified(wait=60)
