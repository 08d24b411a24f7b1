"""What the demo shop promises a VIP, on a clock that the test moves: warned, broken, told to the lead, then to the manager, raised,
handed to the complaints people; or left alone once somebody says that she is on it. Told in the end by the ledger, in words."""
import json

import pytest

from harness.desk import Desk
from harness.promises import Scheduler, TestClock
from harness.stack import REPOSITORY, Stack, until


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
def shop(stack):
    return stack.tenant((REPOSITORY / "deploy/demo/shop.yaml").read_text())


def told(shop, ticket):
    return [(row["kind"].removeprefix("promise_"), row["payload"]["promise"]["metric"], row["payload"]["promise"]["level"])
            for row in shop.ledger(ticket) if row["kind"].startswith("promise_")]


def test_a_promise_to_a_vip_is_kept_track_of_to_the_end(stack, clock, shop):
    scheduler, desk = Scheduler(stack, clock), Desk(stack, shop)
    names = dict(stack.sql("SELECT name, id FROM config.names WHERE tenant_id = %s", shop.number))
    su = stack.docket("token", "create", "--tenant", shop.name, "--user", "su.wanqing").stdout.split()[-1]

    def vip(words):
        ticket = shop.create(subject=words, comment={"body": words}, tier="vip", requester={"email": "vip@example.com"})
        until(lambda: (shop.row(ticket) or {}).get("assignee_id"), 60, "somebody to have it")
        return ticket

    answered, acknowledged, forgotten = (vip(words) for words in ("会员积分没到账", "会员专线打不通", "会员礼包少了一件"))
    assert {shop.row(ticket)["priority"] for ticket in (answered, acknowledged, forgotten)} == {"high"}
    assert {shop.row(ticket)["group_id"] for ticket in (answered, acknowledged, forgotten)} == {names["VIP"]}

    def at(minutes, *expected, of=(acknowledged, forgotten)):
        """So long after they came the records of these say this, and nothing beyond it."""
        clock.set(began + int(minutes * 60000))
        scheduler.settle()
        for ticket in of:
            until(lambda: told(shop, ticket)[-len(expected):] == list(expected), 60, f"ticket {ticket} at {minutes} min: {expected}")

    began = int(max(stack.sql("SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM ticket.tickets WHERE tenant_id = %s"
                              " ORDER BY 1 DESC LIMIT 1", shop.number)[0]))
    half, most, nearly = (("warned", "first_reply", f"{share}%") for share in (50, 80, 95))
    broken, lead, manager, complaints = ("breached", "first_reply", ""), *(("escalated", "first_reply", f"{n}") for n in (1, 2, 3))
    at(8, half, of=(answered, acknowledged, forgotten))
    reply = desk.put(f"/tickets/{answered}", {"ticket": {"comment": {"body": "您好，积分已为您补发", "public": True}}}, token=su)
    assert reply.status == 200, reply.body
    at(12.1, half, most)
    at(14.5, half, most, nearly)
    at(15.1, half, most, nearly, broken, lead)
    assert {shop.row(ticket)["priority"] for ticket in (acknowledged, forgotten)} == {"high"}
    at(30.2, half, most, nearly, broken, lead, manager)
    assert {shop.row(ticket)["priority"] for ticket in (acknowledged, forgotten)} == {"urgent"}

    # Somebody is on it: no further. Nobody is: the complaints people get it.
    assert desk.post(f"/tickets/{acknowledged}/acknowledge", token=su).status == 200
    at(95, half, most, nearly, broken, lead, manager, complaints, of=(forgotten,))
    at(240, half, most, nearly, broken, lead, manager, complaints, of=(forgotten,))
    assert told(shop, acknowledged) == [half, most, nearly, broken, lead, manager]
    assert told(shop, answered) == [half]
    until(lambda: shop.row(forgotten)["assignee_id"] and shop.row(forgotten)["group_id"] == names["投诉"], 60, "the complaints people to have it")
    assert shop.row(acknowledged)["group_id"] == names["VIP"]

    # On record, in words.
    ledger, explained = (stack.docket(command, forgotten, "--tenant", shop.name).stdout for command in ("ledger", "explain"))
    for words in ("承诺将到期", "承诺超时", "升级", "首次回复", "15m", "50%", "VIP", "通知组长", "通知主管", "priority=urgent", "投诉"):
        assert words in ledger, (words, ledger)
    for words in ("承诺「首次回复」15m（策略「VIP」）已用去 50%", "没有守住", "升级到第 2 级", "优先级 high → urgent", "转到组「投诉」排队"):
        assert words in explained, (words, explained)
    assert "已接手" in stack.docket("ledger", acknowledged, "--tenant", shop.name).stdout
    audits = desk.get(f"/tickets/{forgotten}/audits").json["audits"]
    raised, = [audit for audit in audits if audit["metadata"]["custom"]["kind"] == "promise_escalated"
               and any(event.get("field_name") == "priority" for event in audit["events"])]
    change, = raised["events"]
    assert raised["metadata"]["custom"]["promise"]["level"] == "2"
    assert (change["previous_value"], change["value"], raised["author_id"]) == ("high", "urgent", -1)
    assert json.dumps(audits, ensure_ascii=False).count("promise_warned") == 3
    desk.until(f"/tickets/{forgotten}", lambda answer: answer.json["ticket"]["priority"] == "urgent")
    stack.verify(wait=60)
