"""The router on real servers, fed through Kafka: one ticket each, nobody above capacity, the rest waits, poison set aside."""
import json
import time
import urllib.request
import uuid

import pytest

from harness.stack import until
from submissions import Ids, Topics, capacity_changed, submission

SHOP = """
settings: {default_group: 售后, aging: 20m}
skills: [英语]
groups:
  - {name: 售后, title: 售后组}
  - {name: 跨境, title: 跨境组, fallback: 售后, fallback_after: 1s}
agents:
  - {name: an, title: 安, groups: [售后], capacity: 3, duty: on}
  - {name: bo, title: 博, groups: [售后], capacity: 2, duty: on}
  - {name: chen, title: 陈, groups: [售后], skills: [英语], capacity: 4, duty: off}
rules:
  - name: 跨境
    when: {all: [{region: overseas}]}
    set: {group: 跨境}
"""


@pytest.fixture(scope="module")
def topics(stack):
    return Topics(stack.environment["DOCKET_KAFKA"])


@pytest.fixture(scope="module")
def ids(stack):
    return Ids(stack)


@pytest.fixture
def shop(stack):
    tenant = stack.tenant(SHOP)
    until(lambda: stack.redis().get(f"d:{{{tenant.number}}}:epoch"), what="Redis to know the tenant")
    return tenant


def agent_id(shop, name):
    return shop.stack.sql("SELECT id FROM config.names WHERE tenant_id = %s AND kind = 'agent' AND name = %s", shop.number, name)[0][0]


def group_id(shop, name):
    return shop.stack.sql("SELECT id FROM config.names WHERE tenant_id = %s AND kind = 'group' AND name = %s", shop.number, name)[0][0]


def rows(shop):
    return {r["id"]: r for (r,) in shop.stack.sql("SELECT to_jsonb(t) FROM ticket.tickets t WHERE tenant_id = %s", shop.number)}


def all_stored(shop, n, seconds=20):
    return until(lambda: len(rows(shop)) == n and rows(shop), seconds, f"{n} tickets")


def load(shop):
    held = {}
    for r in rows(shop).values():
        if r["status"] in ("assigned", "in_progress"):
            held[r["assignee_id"]] = held.get(r["assignee_id"], 0) + 1
    return held


def redis_view(shop):
    """What Redis holds of a tenant: {ticket: agent, 0 when it waits}."""
    r, prefix, view = shop.stack.redis(), f"d:{{{shop.number}}}:", {}
    for key in r.scan_iter(prefix + "l:*", count=1000):
        for ticket in r.hkeys(key):
            view[int(ticket)] = int(key[len(prefix) + 2:])
    for key in r.scan_iter(prefix + "q:*", count=1000):
        for ticket in r.zrange(key, 0, -1):
            view[int(ticket)] = 0
    return view


def row_view(shop):
    view = {}
    for r in rows(shop).values():
        if r["status"] in ("assigned", "in_progress"):
            view[r["id"]] = r["assignee_id"]
        elif r["status"] == "new" and r["group_id"]:
            view[r["id"]] = 0
    return view


def both_agree(shop, seconds=20):
    until(lambda: redis_view(shop) == row_view(shop) and not shop.stack.redis().zcard(f"d:{{{shop.number}}}:r"), seconds,
          "Redis to equal PostgreSQL")


def set_duty(shop, name, on_duty=True, capacity=None):
    """As `docket agents` does: the row, and the notice."""
    agent = agent_id(shop, name)
    shop.stack.sql("WITH a AS (UPDATE ticket.agents SET on_duty = %s, capacity = coalesce(%s, capacity), changed_at = clock_timestamp()"
                   " WHERE tenant_id = %s AND agent_id = %s RETURNING tenant_id, agent_id)"
                   " SELECT pg_notify('docket_agents', tenant_id || ',' || agent_id) FROM a", on_duty, capacity, shop.number, agent,
                   admin=True)
    return agent


def metric(stack, name, instance="router-1"):
    port = (stack.home / "run" / f"{instance}.pid").exists() and [
        word for word in stack.log(instance).split() if word.startswith("ops=")][-1].rsplit(":", 1)[-1].removeprefix("ops=")
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name) and not line.startswith("#"))


def test_each_submission_is_one_ticket_assigned_within_capacity_and_the_rest_waits(stack, shop, topics, ids):
    tickets = ids.take(12)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets])
    found = all_stored(shop, 12)
    assert sorted(found) == tickets
    an, bo = agent_id(shop, "an"), agent_id(shop, "bo")
    assert load(shop) == {an: 3, bo: 2}
    waiting = [r for r in found.values() if r["status"] == "new"]
    assert len(waiting) == 7 and all(r["group_id"] and not r["assignee_id"] for r in waiting)
    for ticket in tickets:
        ledger = shop.ledger(ticket)
        assert [(l["seq"], l["step"], l["kind"]) for l in ledger][0] == (1, 0, "ticket_created")
        assert ledger[1]["kind"] in ("ticket_assigned", "ticket_queued") and len(ledger) == 2
        reason = ledger[1]["payload"]["reason"]
        assert reason["why"] in ("least_loaded", "all_full", "behind_others") and reason["on_duty"] == 2
    both_agree(shop)


def test_events_of_every_ledger_row_are_published_with_their_headers(stack, shop, topics, ids):
    ticket, = ids.take()
    topics.send("docket.submissions", submission(shop.number, ticket))
    shop.stored(ticket)
    found = topics.read("docket.events", lambda m: m.key() == str(ticket).encode())
    headers = [{k: v.decode() for k, v in m.headers()} for m in found]
    assert [(h["ce_id"], h["ce_type"]) for h in headers] == [(f"{ticket}-1", "docket.ticket_created"),
                                                            (f"{ticket}-2", "docket.ticket_assigned")]
    assert all(h["ce_specversion"] == "1.0" and h["ce_source"] and h["ce_time"].endswith("Z") and h["schema_version"] == "1"
               and h["traceparent"].startswith("00-") for h in headers)


def test_a_replay_changes_nothing_and_is_published_again(stack, shop, topics, ids):
    ticket, = ids.take()
    message = submission(shop.number, ticket, cause=uuid.uuid4().bytes)
    topics.send("docket.submissions", message)
    before = shop.stored(ticket)
    topics.send("docket.submissions", message, message)
    until(lambda: len(topics.read("docket.events", lambda m: m.key() == str(ticket).encode())) >= 4, what="the replay's events")
    assert shop.row(ticket) == before and len(shop.ledger(ticket)) == 2
    both_agree(shop)


def test_wrong_bytes_go_to_docket_dead_and_the_partition_moves_on(stack, shop, topics, ids):
    ticket, = ids.take()
    mark = uuid.uuid4().bytes
    topics.send("docket.submissions", b"\xff\xfe" + mark, submission(shop.number, ticket), b"", mark + submission(0, 1))
    shop.stored(ticket)
    letters = topics.read("docket.dead", lambda m: mark in (m.value() or b""))
    assert len(letters) == 2
    for letter in letters:
        headers = {k: v.decode() for k, v in letter.headers()}
        assert headers["docket_reason"] and headers["docket_topic"] == "docket.submissions" and headers["docket_offset"].isdigit()
    assert "wrong" not in load(shop)


def test_a_row_that_postgres_refuses_is_bisected_out(stack, shop, topics, ids):
    """An id beyond the partitions made ahead: 23514, for ever."""
    good = ids.take(20)
    beyond = 8_000_000_000_000_001 + int(time.time())
    messages = [submission(shop.number, t) for t in good]
    messages.insert(11, submission(shop.number, beyond))
    topics.send("docket.submissions", *messages)
    assert sorted(all_stored(shop, 20)) == good
    letters = topics.read("docket.dead", lambda m: dict(m.headers() or []).get("docket_ticket") == str(beyond).encode())
    assert len(letters) == 1 and b"PostgreSQL" in dict(letters[0].headers())["docket_reason"]
    both_agree(shop)


def test_an_agent_coming_on_duty_takes_what_waits_within_200_ms(stack, shop, topics, ids):
    tickets = ids.take(9)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets])
    all_stored(shop, 9)
    both_agree(shop)
    chen = agent_id(shop, "chen")
    took = []
    for round_ in range(3):
        set_duty(shop, "chen", capacity=round_)
        both_agree(shop)
        set_duty(shop, "chen", capacity=round_ + 1)
        until(lambda: load(shop).get(chen, 0) == round_ + 1, what="what waits")
        took += stack.sql("SELECT extract(epoch FROM max(l.at) - max(a.changed_at))::float FROM ticket.ledger l JOIN ticket.agents a"
                          " USING (tenant_id) WHERE a.tenant_id = %s AND a.agent_id = %s AND l.kind = 'ticket_assigned'",
                          shop.number, chen)[0]
    assert sorted(took)[1] < 0.2, took  # by PostgreSQL's own clock
    ledger = shop.ledger(next(t for t in tickets if shop.row(t)["assignee_id"] == chen))
    assert ledger[-1]["payload"]["reason"]["why"] == "taken_from_queue" and ledger[-1]["actor"] == "router"
    both_agree(shop)
    until(lambda: not stack.sql("SELECT 1 FROM ticket.outbox WHERE tenant_id = %s", shop.number), what="an empty outbox")


def test_priority_then_age_decide_who_is_taken_first(stack, shop, topics, ids):
    set_duty(shop, "an", False)
    set_duty(shop, "bo", False)
    until(lambda: stack.redis().hget(f"d:{{{shop.number}}}:a:{agent_id(shop, 'bo')}", "duty") == "0", what="nobody on duty")
    tickets, now = ids.take(5), int(time.time() * 1000)
    wanted = [(0, "low"), (0, "urgent"), (0, "normal"), (-1000, "normal"), (-45 * 60_000, "low")]  # 45 min are worth two classes
    topics.send("docket.submissions", *[submission(shop.number, t, priority=p, accepted_ms=now + at)
                                        for t, (at, p) in zip(tickets, wanted)])
    all_stored(shop, 5)
    both_agree(shop)
    bo = set_duty(shop, "bo", capacity=2)
    until(lambda: load(shop).get(bo) == 2, what="two taken")
    assert {t for t in tickets if shop.row(t)["assignee_id"] == bo} == {tickets[1], tickets[4]}


def test_a_capacity_signal_is_acted_upon(stack, shop, topics, ids):
    tickets = ids.take(6)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets])
    all_stored(shop, 6)
    both_agree(shop)
    an = agent_id(shop, "an")
    mine = next(t for t in tickets if shop.row(t)["assignee_id"] == an)
    # somebody solves one of hers, as the desk will: the ledger row, and the signal
    stack.sql("""WITH t AS (UPDATE ticket.tickets SET status = 'solved', version = version + 1, updated_at = now()
                   WHERE tenant_id = %s AND id = %s RETURNING *)
                 INSERT INTO ticket.ledger SELECT tenant_id, id, version, gen_random_uuid(), 0, 'ticket_noted', 'agent:' || %s, updated_at,
                   0, '\\x', '{"set":{"status":"solved"}}' FROM t""", shop.number, mine, an, admin=True)
    topics.send("docket.signals", capacity_changed(shop.number, an, "solved"), b"no signal at all",
                key=f"{shop.number}:{an}")
    until(lambda: not [r for r in rows(shop).values() if r["status"] == "new"], what="the one that waited to be taken")
    assert load(shop)[an] == 3


def test_what_waits_in_a_group_without_anybody_goes_to_its_fallback(stack, shop, topics, ids):
    ticket, = ids.take()
    topics.send("docket.submissions", submission(shop.number, ticket, region="overseas"))
    shop.stored(ticket)
    row = until(lambda: (r := shop.row(ticket))["assignee_id"] and r, what="somebody of the fallback group")
    assert row["group_id"] == group_id(shop, "售后")
    kinds = [(l["kind"], l["payload"].get("reason", {}).get("why")) for l in shop.ledger(ticket)]
    assert kinds[1:] == [("ticket_queued", "nobody_on_duty"), ("ticket_queued", "fallback"), ("ticket_assigned", "taken_from_queue")]
    both_agree(shop)


def test_an_id_that_belongs_to_another_cause_is_stored_under_a_fresh_one(stack, shop, topics, ids):
    ticket, = ids.take()
    topics.send("docket.submissions", submission(shop.number, ticket, subject="first"))
    shop.stored(ticket)
    second = submission(shop.number, ticket, subject="second")
    topics.send("docket.submissions", second, second)
    found = all_stored(shop, 2)
    fresh = next(r for i, r in found.items() if i != ticket)
    assert fresh["subject"] == "second" and found[ticket]["subject"] == "first"
    assert any(l["kind"] == "ticket_noted" for l in shop.ledger(ticket))
    assert any(l["kind"] == "ticket_noted" for l in shop.ledger(fresh["id"]))
    both_agree(shop, 40)
    assert len(rows(shop)) == 2


def test_one_key_is_one_ticket_whatever_ids_it_came_under(stack, shop, topics, ids):
    one, two = ids.take(2)
    key = f"order-{uuid.uuid4()}"
    topics.send("docket.submissions", submission(shop.number, one, key=key), submission(shop.number, two, key=key))
    until(lambda: shop.row(one) and shop.row(two), what="both ids")
    assert shop.row(one)["id"] == shop.row(two)["id"] and len(rows(shop)) == 1
    both_agree(shop)


def test_a_tenant_whose_documents_came_a_moment_ago_is_classified(stack, topics, ids):
    shop = stack.tenant(SHOP)
    ticket, = ids.take()
    topics.send("docket.submissions", submission(shop.number, ticket))
    assert shop.stored(ticket)["group_id"] == group_id(shop, "售后")


def test_what_new_documents_move_is_told_to_redis_at_once(stack, shop, topics, ids):
    """The slow comparison would take 30 s and more."""
    tickets = ids.take(8)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets])
    all_stored(shop, 8)
    both_agree(shop)
    changed = SHOP.replace("- {name: 售后, title: 售后组}", "- {name: 客服, title: 客服组}").replace(
        "default_group: 售后", "default_group: 客服").replace("groups: [售后]", "groups: [客服]").replace("fallback: 售后", "fallback: 客服")
    file = stack.home / f"{shop.name}-2.yaml"
    file.write_text(changed)
    stack.docket("apply", "--tenant", shop.name, "--move-group", "售后=客服", file)
    both_agree(shop, 10)
    new = group_id(shop, "客服")
    assert {r["group_id"] for r in rows(shop).values()} == {new}
    assert list(stack.redis().scan_iter(f"d:{{{shop.number}}}:q:*")) == [f"d:{{{shop.number}}}:q:{new}:"]
    chen = set_duty(shop, "chen", capacity=4)
    until(lambda: load(shop).get(chen) == 3, what="those who waited")


def test_a_flushed_redis_is_rebuilt_and_equals_postgres(stack, shop, topics, ids):
    topics.send("docket.submissions", *[submission(shop.number, t) for t in ids.take(40)])
    all_stored(shop, 40)
    both_agree(shop)
    before = redis_view(shop)
    stack.redis().flushall()
    topics.send("docket.submissions", *[submission(shop.number, t) for t in ids.take(10)])
    all_stored(shop, 50)  # storing goes on
    both_agree(shop, 30)
    assert {t: a for t, a in redis_view(shop).items() if t in before} == before
    assert all(n <= {agent_id(shop, "an"): 3, agent_id(shop, "bo"): 2}[a] for a, n in load(shop).items())


def test_capacity_is_never_exceeded_with_three_routers(stack, topics, ids):
    stack.up("--router", 3)
    try:
        agents = "\n".join(f"  - {{name: a{i}, title: a{i}, groups: [g], capacity: {i % 5 + 1}, duty: on}}" for i in range(40))
        shop = stack.tenant(f"settings: {{default_group: g}}\ngroups:\n  - {{name: g, title: g}}\nagents:\n{agents}\n")
        tickets = ids.take(1500)
        topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets])
        all_stored(shop, 1500, 60)
        both_agree(shop, 40)
        held = load(shop)
        assert sum(held.values()) == sum(i % 5 + 1 for i in range(40))
        capacities = dict(stack.sql("SELECT agent_id, capacity FROM ticket.agents WHERE tenant_id = %s", shop.number))
        assert held == capacities
        assert json.loads(stack.docket("verify", "--json", "--wait", 30, check=False).stdout or "{}") is not None
    finally:
        stack.up("--router", 2)
