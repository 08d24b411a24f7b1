"""Whatever is done to the notifiers between two stores: whoever is to be told is told once, and nobody else. What is expected is
worked out from the ledger a second time (harness/told.py)."""
import os
import signal

import pytest
import yaml

from harness.shop import Shop
from harness.stack import Stack, until
from harness.told import expected, written

DOCUMENTS = """
settings: {default_group: 售后, default_kind: 咨询, default_category: 其他}
groups: [{name: 售后}, {name: 物流}]
agents:
  - {name: lin, title: 林悦, groups: [售后, 物流], capacity: 1000, duty: on}
  - {name: zhou, title: 周文, groups: [售后, 物流], capacity: 1, duty: off}
rules: [{name: 物流, when: {any: [{text: {contains: [物流]}}]}, set: {group: 物流, category: 物流/丢件}}]
systems: [{name: erp, by: webhook, address: "https://erp.example/hooks"}]
templates:
  - {name: 信, subject: "{{ticket.id}}", text: "{{ticket.subject}}"}
  - {name: 暴增, subject: "{{storm.count}}", text: "{{storm.count}} {{storm.kind}}"}
notifications:
  - {name: 收到, event: ticket_created, to: requester, template: 信}
  - {name: 新单, event: ticket_created, to: [lead, erp], template: 信}
  - {name: 派单, event: ticket_assigned, to: [assignee, erp], template: 信}
"""
STORM = "  - {name: 暴增, event: storm, to: lead, template: 暴增, urgent: on}\n"
ALONE, WINDOW_MS = 5, 20000
NAMES = ("notifier-1", "notifier-2")


@pytest.fixture(scope="module")
def stack():
    running = Stack()
    running.environment.update(DOCKET_STORM_TICKETS=str(ALONE), DOCKET_STORM_WINDOW=f"{WINDOW_MS}ms")
    try:
        yield running.up("--router", 1, "--desk", 0, "--sla", 0, "--notifier", 1, "--front", 0)
    finally:
        running.down()


def people_of(shop):
    shop.stack.docket("user", "create", "--tenant", shop.tenant.name, "--agents", f"{shop.tenant.name}.example", "--no-password")
    shop.stack.docket("user", "role", "--tenant", shop.tenant.name, "zhou", "lead")
    return shop


@pytest.fixture(scope="module")
def shop(stack):
    return people_of(Shop(stack, DOCUMENTS))


def dead_or_frozen(stack, name):
    return stack.state(name) in (None, "Z", "T")


def started(stack, name, crash):
    """With events waiting it may be dead or frozen before it is ready."""
    stack.command("start", name, environment={"DOCKET_CRASH": crash}, check=False)


def alive_again(stack):
    for name in NAMES:
        if stack.state(name) == "T":
            os.kill(stack.pid(name), signal.SIGCONT)
    stack.up()


def come(shop, n, text="请问"):
    return [shop.tenant.create(subject=f"{text}{i}", comment={"body": text}, requester={"name": "安妮", "email": f"ann{i}@told.example"})
            for i in range(n)]


def told(shop, tickets, seconds=90):
    """Each of these is stored and assigned, and everybody is told of it who is to be, and nobody else."""
    until(lambda: all((shop.row(ticket) or {}).get("status") == "assigned" for ticket in tickets), 60, "the tickets to be assigned")
    wrong = []

    def right():
        want, have = expected(shop.stack, shop.tenant, yaml.safe_load(DOCUMENTS), shop.ids), written(shop.stack, shop.tenant)
        wrong[:] = [sorted(want - have)[:5], sorted(have - want)[:5]]
        return want == have
    try:
        until(right, seconds, "everybody to be told, and nobody else", every=0.2)
    except AssertionError:
        raise AssertionError(f"missing {wrong[0]}, too many {wrong[1]}\n{shop.stack.logs()}") from None
    count, = shop.stack.sql("SELECT count(*) FROM notify.deliveries WHERE tenant_id = %s", shop.tenant.number)[0]
    assert count == len(written(shop.stack, shop.tenant)) and count >= 4 * len(tickets)


@pytest.mark.parametrize("how", ["die", "freeze"])
@pytest.mark.parametrize("point", ["after-deliveries-commit", "deliveries-before-offset"])
def test_a_notifier_alone_stops_at(stack, shop, point, how):
    stack.up("--notifier", 1)
    stack.kill("notifier-1")
    tickets = come(shop, 3)
    started(stack, "notifier-1", f"{point}:{how}")
    until(lambda: dead_or_frozen(stack, "notifier-1"), 60, f"it to {how} {point}")
    tickets += come(shop, 2)
    alive_again(stack)
    told(shop, tickets)


def test_one_that_froze_after_its_commit_wakes_when_another_has_taken_over(stack, shop):
    stack.up("--notifier", 1)
    stack.kill("notifier-1")
    tickets = come(shop, 3)
    started(stack, "notifier-1", "after-deliveries-commit:freeze")
    until(lambda: stack.state("notifier-1") == "T", 90, "it to freeze")
    stack.start("notifier-2")
    tickets += come(shop, 3)
    told(shop, tickets)  # by the other one, once the group has given up the first
    os.kill(stack.pid("notifier-1"), signal.SIGCONT)
    tickets += come(shop, 3)
    told(shop, tickets)
    stack.up("--notifier", 1)


def test_a_storm_is_told_as_one_by_two_of_whom_one_dies(stack):
    """The first few of a window are told alone; the others together, when it is over; each requester for himself."""
    shop = people_of(Shop(stack, DOCUMENTS + STORM))
    stack.up("--notifier", 1)
    stack.kill("notifier-1")
    started(stack, "notifier-1", "after-deliveries-commit:die:2")
    stack.start("notifier-2")
    tickets = come(shop, 24, "物流丢件")
    until(lambda: all(shop.row(ticket) for ticket in tickets), 60, "the tickets to be stored")
    stack.up("--notifier", 2)
    lead = f"agent:{shop.ids['zhou']}"

    def counted():
        return shop.stack.sql("SELECT starts_at, tickets, alone, told FROM notify.storms WHERE tenant_id = %s AND category = '物流'"
                              " ORDER BY 1", shop.tenant.number)
    until(lambda: sum(row[1] for row in counted()) == 24, 60, "all to be counted")
    alone = sum(min(row[1], row[2]) for row in counted())
    assert 0 < alone < 24
    until(lambda: all(row[3] >= row[1] or row[1] <= row[2] for row in counted()), 120, "the storm to be told", every=0.2)
    one_by_one = written(shop.stack, shop.tenant, "notification = '新单' AND way = 'mail'")
    assert len(one_by_one) == alone and {recipient for _, _, recipient, _ in one_by_one} == {lead}
    storms = shop.stack.sql("SELECT recipient, said->'storm', jsonb_array_length(said->'tickets') FROM notify.deliveries"
                            " WHERE tenant_id = %s AND notification = '暴增' ORDER BY delivery_id", shop.tenant.number)
    stormy = [row[1] for row in counted() if row[1] > row[2]]
    assert {row[0] for row in storms} == {lead} and {row[1]["count"] for row in storms} >= set(stormy)
    assert all(row[1]["kind"] == "物流" and row[1]["group"] == "物流" and row[2] == min(20, row[1]["count"]) for row in storms)
    until(lambda: {(f"{ticket}.1", "收到") for ticket in tickets} == {(cause, name) for cause, name, *_ in written(
        shop.stack, shop.tenant, "notification = '收到'")}, 30, "each requester to be told")
    assert len(written(shop.stack, shop.tenant, "notification = '新单' AND way = 'webhook'")) == 24  # programs want every one


def test_nothing_is_left_to_be_said(stack):
    stack.up("--notifier", 1)
    stack.verify("--grace", "1", wait=60)
