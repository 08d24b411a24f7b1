"""What people change reaches PostgreSQL, Kafka and, where it frees or takes room, the router: services/desk/tickets/changes
through its driver, on real servers with real routers."""
import itertools
import statistics
import uuid
from datetime import datetime

import pytest

from harness.changes import Changes, edit
from harness.stack import until
from submissions import Topics, capacity_changed, envelope, number

SHOP = """
settings: {default_group: 售后, aging: 20m}
groups:
  - {name: 售后, title: 售后组}
  - {name: 二线, title: 二线组}
agents:
  - {name: an, title: 安, groups: [售后], capacity: 1, duty: on}
  - {name: bo, title: 博, groups: [二线], capacity: 1, duty: on}
"""
AGENT, REQUESTER = 2, 4


@pytest.fixture(scope="module")
def desk(stack):
    driver = Changes(stack)
    yield driver
    driver.close()


@pytest.fixture
def shop(stack):
    tenant = stack.tenant(SHOP)
    until(lambda: stack.redis().get(f"d:{{{tenant.number}}}:epoch"), what="Redis to know the tenant")
    return tenant


@pytest.fixture
def people(shop):
    return dict(shop.stack.sql("SELECT name, id FROM config.names WHERE tenant_id = %s", shop.number))


def row(shop, id):
    return shop.row(id) or {}


def assigned(shop, id, seconds=20):
    return until(lambda: row(shop, id).get("status") == "assigned" and row(shop, id), seconds, f"{id} to be assigned")


def waits(shop, id):
    return until(lambda: row(shop, id).get("status") == "new" and row(shop, id)["version"] > 1 and row(shop, id), what=f"{id} to wait")


def by(who, id, version, shop, **more):
    return edit(id, version, tenant=shop.number, actor=f"agent:{who}", **more)


def milliseconds(later, earlier):
    return (datetime.fromisoformat(later["at"]) - datetime.fromisoformat(earlier["at"])).total_seconds() * 1000


def outbox_is_empty(stack):
    return until(lambda: stack.sql("SELECT count(*) FROM ticket.outbox") == [(0,)], what="an empty outbox")


# -- freed room ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("freed_by", ["solved", "pending", "transferred", "put back"])
def test_whatever_frees_room_gives_it_to_who_waits(shop, desk, people, freed_by):
    first = shop.create()
    assigned(shop, first)
    second = shop.create()
    waits(shop, second)
    more = {"transferred": dict(set={"status": "assigned", "assignee_id": people["bo"], "group_id": people["二线"]}, note="请二线看"),
            "put back": dict(set={"status": "new", "assignee_id": 0, "group_id": people["二线"]}, note="请二线看"),
            }.get(freed_by, dict(set={"status": freed_by}))
    [told] = desk.ask(by(people["an"], first, 2, shop, **more))
    assert told["fate"] == "done"
    assert assigned(shop, second)["assignee_id"] == people["an"]
    if freed_by == "put back":
        assert assigned(shop, first)["assignee_id"] == people["bo"]  # it had to reach a person too


def test_freed_room_is_taken_within_200_ms_of_the_commit(shop, desk, people):
    """From the row of the change to the row of the assignment, by PostgreSQL's clock."""
    taken = []
    holding = shop.create()
    assigned(shop, holding)
    for _ in range(9):
        next_one = shop.create()
        waits(shop, next_one)
        desk.ask(by(people["an"], holding, row(shop, holding)["version"], shop, set={"status": "solved"}))
        assigned(shop, next_one)
        taken.append(milliseconds(shop.ledger(next_one)[-1], shop.ledger(holding)[-1]))
        holding = next_one
    print("ms from the commit that freed room to the commit that took it:", sorted(round(t) for t in taken))
    assert statistics.median(taken) < 200, taken


def test_a_ticket_handed_to_a_queue_or_reopened_into_it_reaches_a_person(shop, desk, people):
    id = shop.create()
    assigned(shop, id)
    desk.ask(by(people["an"], id, 2, shop, set={"status": "new", "assignee_id": 0, "group_id": people["二线"]}, note="给二线"))
    assert assigned(shop, id)["assignee_id"] == people["bo"]
    version = row(shop, id)["version"]
    desk.ask(by(people["bo"], id, version, shop, set={"status": "solved"}))
    [told] = desk.ask(edit(id, version + 1, tenant=shop.number, actor="requester:9", actor_kind=REQUESTER,
                           set={"status": "new", "assignee_id": 0}, comment={"body": "还是不行", "public": 1, "author_id": 9}))
    assert told["fate"] == "done"
    assert assigned(shop, id)["assignee_id"] == people["bo"]


def test_what_a_person_takes_is_not_given_to_another(shop, desk, people):
    """Claimed from the pool above her capacity: load counts it, the queue does not, and she gets nothing more."""
    first = shop.create()
    assigned(shop, first)
    second, third = shop.create(), shop.create()
    waits(shop, second), waits(shop, third)
    [told] = desk.ask(by(people["an"], second, row(shop, second)["version"], shop,
                         set={"status": "in_progress", "assignee_id": people["an"]}, reason='{"why":"claimed","above_capacity":true}'))
    assert told["fate"] == "done"
    redis, prefix = shop.stack.redis(), f"d:{{{shop.number}}}:"
    until(lambda: redis.hlen(f"{prefix}l:{people['an']}") == 2, what="Redis to count both")
    desk.ask(by(people["an"], first, 2, shop, set={"status": "solved"}))
    until(lambda: redis.hlen(f"{prefix}l:{people['an']}") == 1, what="Redis to count one")
    assert row(shop, third)["status"] == "new"  # she is at her capacity now, not below it
    desk.ask(by(people["an"], second, row(shop, second)["version"], shop, set={"status": "solved"}))
    assert assigned(shop, third)["assignee_id"] == people["an"]


def test_a_waiting_ticket_taken_away_leaves_its_queue(shop, desk, people):
    first = shop.create()
    assigned(shop, first)
    second = shop.create()
    waits(shop, second)
    redis, prefix = shop.stack.redis(), f"d:{{{shop.number}}}:"
    queued = lambda: {t for key in redis.scan_iter(prefix + "q:*") for t in redis.zrange(key, 0, -1)}  # noqa: E731
    until(lambda: str(second) in queued(), what="it to be queued")
    desk.ask(by(people["an"], second, row(shop, second)["version"], shop, set={"status": "on_hold", "assignee_id": people["bo"]}))
    until(lambda: str(second) not in queued(), what="it to leave the queue")
    assert redis.hlen(f"{prefix}l:{people['bo']}") == 0


def test_signals_twice_late_and_out_of_order_do_no_harm(shop, desk, people):
    first = shop.create()
    assigned(shop, first)
    second = shop.create()
    waits(shop, second)
    desk.ask(by(people["an"], first, 2, shop, set={"status": "solved"}))
    assigned(shop, second)
    topics = Topics(shop.stack.environment["DOCKET_KAFKA"])
    stale = [envelope(shop.number, 0, uuid.uuid4().bytes, 1, 41, number(1, id) + number(2, version))
             for id, version in itertools.product((first, second, 999_999_999), (1, 2, 3, 99))]
    stale += [envelope(shop.number, 0, uuid.uuid4().bytes, 1, 40, number(1, people["an"]) + number(3, first) + number(4, 2)),
              capacity_changed(shop.number, people["an"])]
    before = {id: shop.ledger(id) for id in (first, second)}
    topics.send("docket.signals", *(stale * 2), key=b"x")
    third = shop.create()
    waits(shop, third)
    desk.ask(by(people["an"], second, row(shop, second)["version"], shop, set={"status": "pending"}))
    assigned(shop, third)
    assert shop.ledger(first) == before[first] and len(shop.ledger(second)) == len(before[second]) + 1


# -- gathering and publishing ------------------------------------------------------------------------------------------------


def test_what_is_asked_at_once_is_committed_together_and_each_gets_its_own_answer(shop, desk, people):
    ids = [shop.create() for _ in range(12)]
    for id in ids:
        shop.stored(id)
    versions = {id: row(shop, id)["version"] for id in ids}
    asked = [by(people["an"], id, versions[id] + (i % 3 == 1), shop, set={"subject": f"第{i}个"}) for i, id in enumerate(ids)]
    asked[2]["set"] = {"status": "closed"}
    told = desk.ask(*asked)
    assert [t["fate"] for t in told] == [{1: "overtaken"}.get(i % 3, "illegal" if i == 2 else "done") for i in range(12)]
    assert [t["place"]["id"] for t in told] == ids
    assert len({t["at_ms"] for t in told if t["fate"] == "done"}) == 1  # one transaction, one now()
    assert desk.idle()
    outbox_is_empty(shop.stack)


def test_one_that_postgresql_cannot_hold_does_not_take_the_others_along(shop, desk, people):
    ids = [shop.create() for _ in range(4)]
    for id in ids:
        shop.stored(id)
    asked = [by(people["an"], id, row(shop, id)["version"], shop, set={"custom_fields": '{"a": 1e999999}' if i == 1 else "{}"})
             for i, id in enumerate(ids)]
    answers = desk.answers(*asked)
    assert [a["outcome"] for a in answers] == ["stored", "refused", "stored", "stored"]
    assert [a["edit"]["fate"] for a in answers if a["edit"]] == ["done"] * 3


def test_an_event_is_in_kafka_with_its_headers(shop, desk, people):
    id = shop.create()
    shop.stored(id)
    version = row(shop, id)["version"]
    desk.ask(by(people["an"], id, version, shop, set={"subject": "改"}, comment={"body": "您好", "public": 1}))
    [message] = Topics(shop.stack.environment["DOCKET_KAFKA"]).read(
        "docket.events", lambda m: m.key() == str(id).encode() and dict(m.headers()).get("ce_type") == b"docket.ticket_updated")
    headers = {k: v.decode() for k, v in message.headers()}
    assert headers["ce_id"] == f"{id}-{version + 1}" and headers["ce_source"] == "docket/desk"
    assert "您好".encode() in message.value()


def test_too_much_at_once_is_refused_rather_than_kept(desk):
    desk.send("full")
    assert desk.read()["taken"] == 4096


def test_with_kafka_away_work_goes_on_and_the_events_follow(shop, people):
    """The rows stay in the outbox of a desk that reaches no broker; whoever reaches one sweeps them."""
    id = shop.create()
    assigned(shop, id)
    cut_off = Changes(shop.stack, brokers="127.0.0.1:9")
    [told] = cut_off.ask(by(people["an"], id, 2, shop, set={"status": "solved"}))
    assert told["fate"] == "done" and cut_off.idle()
    cut_off.close()
    outbox_is_empty(shop.stack)
    assert len(Topics(shop.stack.environment["DOCKET_KAFKA"]).read(
        "docket.events", lambda m: m.key() == str(id).encode() and b"ticket_updated" in dict(m.headers()).get("ce_type", b""))) == 1
    shop.stack.verify("--tenant", shop.name)


# -- closing by itself -----------------------------------------------------------------------------------------------------------


def test_a_solved_ticket_left_alone_closes_once_whoever_looks(stack):
    """Two desks look at the same time (a second one is started); the ledger has one row of it."""
    shop = stack.tenant(SHOP.replace("aging: 20m", "aging: 20m, close_after: 3s"))
    people = dict(stack.sql("SELECT name, id FROM config.names WHERE tenant_id = %s", shop.number))
    desk = Changes(stack)
    ids = [shop.create(subject=f"s{i}") for i in range(3)]
    for id in ids:
        shop.stored(id)
        # an may hold more than her capacity when a person says so
        desk.ask(by(people["an"], id, row(shop, id)["version"], shop, set={"status": "solved", "assignee_id": people["an"]}, note="n"))
    desk.close()
    stack.start("desk-2")
    try:
        until(lambda: all(row(shop, id)["status"] == "closed" for id in ids), 40, "all to be closed")
        until(lambda: stack.sql("SELECT count(*) FROM ticket.outbox") == [(0,)], what="an empty outbox")
    finally:
        stack.stop("desk-2")
    for id in ids:
        closing = [r for r in shop.ledger(id) if r["payload"]["set"].get("status") == "closed"]
        assert len(closing) == 1 and closing[0]["actor"] == "system"
        assert closing[0]["payload"]["reason"] == {"why": "auto_closed", "after_ms": 3000}
    told = stack.docket("explain", ids[0], "--tenant", shop.name).stdout
    assert "系统在约定的天数内无人异议后结案" in told and "The system closed it" in told
    assert "到期自动结案" in stack.docket("ledger", ids[0], "--tenant", shop.name).stdout
    stack.verify("--tenant", shop.name)


def test_the_ledger_tells_a_life_in_words(shop, desk, people):
    id = shop.create()
    assigned(shop, id)
    desk.ask(by(people["an"], id, 2, shop, set={"status": "pending"}, comment={"public": 1, "body": "请发截图", "author_id": people["an"]}))
    desk.ask(by(people["an"], id, 3, shop, set={"status": "assigned", "assignee_id": people["bo"], "group_id": people["二线"]},
                note="等截图，请继续", reason='{"why":"transferred"}'))
    desk.ask(by(people["bo"], id, 4, shop, comment={"public": 0, "body": "已看"}))
    told = shop.stack.docket("explain", id, "--tenant", shop.name).stdout
    for words in ("座席 an更新了它；状态：待客户回复；公开回复了客户", "Agent an transferred it; now assigned; group 二线; assignee bo",
                  "备注：等截图，请继续", "写了内部备注"):
        assert words in told, (words, told)
    told = shop.stack.docket("ledger", id, "--tenant", shop.name).stdout
    assert "公开回复 public reply: 请发截图" in told and "转交 transferred" in told and "等截图，请继续" in told


def test_verify_finds_work_handed_on_without_a_word(shop, desk, people):
    id = shop.create()
    assigned(shop, id)
    desk.ask(by(people["an"], id, 2, shop, set={"status": "assigned", "assignee_id": people["bo"]}, note="请接"))
    change = "UPDATE ticket.ledger SET payload = payload %s WHERE tenant_id = %s AND ticket_id = %s AND seq = 3"
    shop.stack.sql(change % ("- 'note'", shop.number, id), admin=True)
    try:
        run = shop.stack.docket("verify", "--wait", "20", check=False)
        assert run.returncode == 1 and "without a note" in run.stdout, run.stdout + run.stderr
    finally:
        shop.stack.sql(change % ("|| '{\"note\":\"请接\"}'", shop.number, id), admin=True)
    shop.stack.verify("--tenant", shop.name)
