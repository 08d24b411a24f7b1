"""Who is on duty and who is there: people set it as far as they may, silence ends it, and Redis is not needed for work."""
import time

import pytest
from harness.desk import Desk
from harness.stack import until

DOCUMENTS = """
settings: {default_group: g1, presence_timeout: 5s}
groups:
  - {name: g1}
  - {name: g2}
agents:
  - {name: a.one, title: 甲, groups: [g1], capacity: 5, capacity_max: 8, duty: off}
  - {name: a.two, title: 乙, groups: [g1], capacity: 5, duty: off}
  - {name: b.one, title: 丙, groups: [g2], capacity: 5, duty: off}
"""


class Person:
    """One who signs in: an agent with a role and a token of her own."""

    def __init__(self, stack, tenant, desk, agent, role="agent"):
        email = f"{agent}@{tenant.name}.example"
        stack.docket("user", "create", "--tenant", tenant.name, "--email", email, "--agent", agent, "--role", role,
                     "--no-password")
        words = stack.docket("token", "create", "--tenant", tenant.name, "--user", agent)
        self.desk, self.token = desk, words.stdout.split()[-1]
        self.number = stack.sql("SELECT id FROM config.names WHERE tenant_id = %s AND kind = 'agent' AND name = %s",
                                tenant.number, agent)[0][0]

    def get(self, path):
        return self.desk.get(path, token=self.token)

    def put(self, path, body):
        return self.desk.put(path, body, token=self.token)

    def post(self, path, body):
        return self.desk.post(path, body, token=self.token)

    def duty(self, whom="me", **wish):
        answer = self.put(f"/users/{whom}/duty", wish) if wish else self.get(f"/users/{whom}/duty.json")
        return answer.json["duty"] if answer.status == 200 else answer


@pytest.fixture(scope="module")
def shop(stack):
    tenant = stack.tenant(DOCUMENTS)
    tenant.desk = Desk(stack, tenant)
    tenant.one = Person(stack, tenant, tenant.desk, "a.one")
    tenant.two = Person(stack, tenant, tenant.desk, "a.two")
    tenant.other = Person(stack, tenant, tenant.desk, "b.one")
    return tenant


@pytest.fixture()
def lead(stack, shop):
    if not hasattr(shop, "lead"):
        stack.docket("user", "role", shop.two.number, "lead", "--tenant", shop.name)
        shop.lead = shop.two
    return shop.lead


def row(stack, shop, person):
    return stack.sql("SELECT on_duty, capacity, duty_by FROM ticket.agents WHERE tenant_id = %s AND agent_id = %s",
                     shop.number, person.number)[0]


# -- duty ---------------------------------------------------------------------------------------------------------------


def test_people_set_their_own_duty_and_capacity_as_far_as_the_documents_allow(stack, shop):
    one = shop.one
    assert one.duty(capacity=8)["capacity"] == 8
    assert one.duty(on_duty=False)["on_duty"] is False
    refused = one.put("/users/me/duty", {"capacity": 9})
    assert refused.status == 422 and "8" in refused.json["details"]["capacity"][0]["description"]
    for wish in ({}, {"on_duty": "yes"}, {"capacity": -1}, {"capacity": 1.5}, {"capacity": "7"}):
        assert one.put("/users/me/duty", wish).status == 422
    assert one.duty()["capacity"] == 8 and one.duty()["capacity_max"] == 8
    assert row(stack, shop, one) == (False, 8, "desk")


def test_somebody_elses_duty_takes_the_right_and_the_group(shop, lead):
    assert shop.one.put(f"/users/{lead.number}/duty", {"on_duty": False}).status == 403
    assert lead.duty(shop.one.number, capacity=7)["capacity"] == 7
    assert lead.put(f"/users/{shop.other.number}/duty", {"on_duty": True}).status == 404  # another group
    assert lead.put("/users/999999999/duty", {"on_duty": True}).status == 404
    assert shop.desk.get("/users/me/duty").status == 404  # a program has none


def test_duty_is_on_record_and_the_router_hears_of_it_at_once(stack, shop):
    ticket = shop.create()
    shop.stored(ticket)
    assert shop.one.duty(on_duty=True)["on_duty"]
    until(lambda: shop.row(ticket)["assignee_id"] == shop.one.number, 5, "the waiting ticket is hers")
    record = stack.sql("SELECT actor, detail->>'why' FROM access.audit WHERE tenant_id = %s AND action = 'duty_changed'"
                       " AND target = %s ORDER BY audit_id DESC LIMIT 1", shop.number, f"user:{shop.one.number}")
    assert record == [(f"user:{shop.one.number}", "duty")]
    assert until(lambda: stack.sql("SELECT count(*) FROM ticket.outbox WHERE tenant_id = %s", shop.number) == [(0,)],
                 what="its signal has left the outbox")
    shop.one.duty(on_duty=False)
    stack.docket("agents", "release", "--tenant", shop.name, ticket, environment=stack.environment)


# -- silence ------------------------------------------------------------------------------------------------------------


def test_who_falls_silent_is_off_duty_and_what_she_had_not_begun_waits_again(stack, shop):
    one = shop.one
    stack.docket("agents", "on", "b.one", "--tenant", shop.name)  # who may never have used the desk
    one.duty(on_duty=True)
    begun, lying = shop.create(), shop.create()
    for ticket in (begun, lying):
        until(lambda: (shop.row(ticket) or {}).get("assignee_id") == one.number, what="hers")
    assert one.put(f"/tickets/{begun}.json", {"ticket": {"status": "open"}}).status == 200
    heard = time.monotonic()
    while time.monotonic() - heard < 6:  # as long as she is heard of she stays, well beyond the time
        assert one.put("/users/me/presence", None).json["presence"]["available"] is True
        assert row(stack, shop, one)[0] is True
        time.sleep(0.3)
    until(lambda: row(stack, shop, one)[::2] == (False, "silence"), 20, "she is off duty")
    until(lambda: shop.row(lying)["assignee_id"] is None and shop.row(lying)["status"] == "new", 10, "it waits again")
    assert shop.row(begun)["assignee_id"] == one.number and shop.row(begun)["status"] == "in_progress"
    assert shop.ledger(lying)[-1]["payload"]["reason"]["why"] == "silence"
    assert one.duty()["by"] == "silence" and one.duty()["on_duty"] is False
    assert stack.sql("SELECT detail->>'why', actor FROM access.audit WHERE tenant_id = %s AND target = %s"
                     " ORDER BY audit_id DESC LIMIT 1", shop.number, f"user:{one.number}") == [("silence", "system")]
    assert row(stack, shop, shop.other) == (True, 5, "operator")
    stack.docket("agents", "off", "b.one", "--tenant", shop.name)


def test_another_redis_gives_everybody_the_whole_time_again(stack, shop):
    """What an older process knew of signs of life says nothing about now."""
    one, redis = shop.one, stack.redis()
    one.duty(on_duty=True)
    listening, seen = f"desk:{{{shop.number}}}:listening", f"desk:{{{shop.number}}}:seen"
    until(lambda: redis.hget(listening, "run"), what="a sweep")
    redis.hset(listening, mapping={"run": "an older life", "since": 0})
    redis.zadd(seen, {str(one.number): 1})
    until(lambda: redis.hget(listening, "run") != "an older life", what="the next sweep")
    assert row(stack, shop, one)[0] is True
    assert int(redis.hget(listening, "since")) > 0
    one.duty(on_duty=False)


# -- who looks at a ticket ----------------------------------------------------------------------------------------------


def test_two_people_on_one_ticket_see_each_other(stack, shop, lead):
    ticket = shop.create()
    shop.stored(ticket)
    path = f"/tickets/{ticket}/presence"
    assert shop.one.post(path, {"doing": "viewing"}).json["presence"] == {"available": True, "people": []}
    seen = lead.post(path, {"doing": "writing"}).json["presence"]["people"]
    assert [(p["user_id"], p["name"], p["doing"]) for p in seen] == [(shop.one.number, "甲", "viewing")]
    assert [(p["name"], p["doing"]) for p in shop.one.get(path).json["presence"]["people"]] == [("乙", "writing")]
    assert 0 < stack.redis().pttl(f"desk:{{{shop.number}}}:looking:{ticket}") <= 20000
    assert lead.desk.delete(path, token=lead.token).status == 200
    assert shop.one.get(path).json["presence"]["people"] == []
    assert shop.one.post(path, {"doing": "sleeping"}).status == 422
    assert shop.desk.post(path, {"doing": "viewing"}).status == 403  # a program is nobody
    assert shop.other.post(path, {"doing": "viewing"}).status == 404  # another group's ticket
    assert shop.other.get(path).body == shop.other.get("/tickets/9007199254740991/presence").body


def test_who_was_not_heard_of_for_20_s_is_forgotten(stack, shop):
    ticket = shop.create()
    shop.stored(ticket)
    stack.redis().hset(f"desk:{{{shop.number}}}:looking:{ticket}", str(shop.two.number),
                       f"viewing|{int(time.time() * 1000) - 20001}")
    assert shop.one.get(f"/tickets/{ticket}/presence").json["presence"]["people"] == []


def test_without_redis_nobody_is_seen_and_work_goes_on(stack, shop):
    ticket = shop.create()
    shop.stored(ticket)
    shop.one.duty(on_duty=True)
    stack.pause("redis")
    try:
        answer = shop.one.post(f"/tickets/{ticket}/presence", {"doing": "viewing"})
        assert answer.status == 200 and answer.json["presence"] == {"available": False, "people": []}
        assert shop.one.put(f"/tickets/{ticket}.json", {"ticket": {"comment": {"body": "好的", "public": True}}}).status == 200
        time.sleep(6)  # longer than the time of silence: nobody is taken off by a desk that cannot hear
        assert row(stack, shop, shop.one)[0] is True
    finally:
        stack.resume("redis")
    until(lambda: shop.one.get(f"/tickets/{ticket}/presence").json["presence"]["available"], what="Redis is back")
    shop.one.duty(on_duty=False)
