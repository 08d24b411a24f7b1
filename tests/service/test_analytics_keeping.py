"""docket-analytics keeps the figures of every ticket: whatever comes doubled, late, unreadable or under other documents, they are
those of the ledger, which `docket verify` tells anew each time."""
import json
import threading

import pytest

from harness.figures import Figures, events_of, metrics, produce
from harness.shop import Shop
from harness.stack import until

DOCUMENTS = """
settings: {{default_group: 售后, default_category: 其他}}
groups:
  - {{name: 售后, title: 售后}}
  - {{name: 物流, title: 物流}}
agents:
  - {{name: lin, title: 林悦, groups: [售后], capacity: 1000, duty: on}}
  - {{name: wu, title: 吴建国, groups: [物流], capacity: 1000, duty: off}}
rules:
  - {{name: 退款, when: {{any: [{{text: {{contains: [退款]}}}}]}}, set: {{category: 退款/进度}}}}
calendars:
  - {{name: 班, zone: Asia/Shanghai, week: {{mon-sun: "{hours}"}}}}
policies:
  - name: 标准
    targets: {{first_reply: {within}, resolution: {{within: 24h, hours: 班}}}}
"""


def documents(within="15m", hours="09:00-12:00"):
    return DOCUMENTS.format(within=within, hours=hours)


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack, documents())


@pytest.fixture
def figures(stack, shop):
    return Figures(stack, shop.tenant)


def changed(before, after):
    """What was added to the windows."""
    return {category: more for category, counts in after.items()
            if (more := {name: n - before.get(category, {}).get(name, 0) for name, n in counts.items()
                         if n != before.get(category, {}).get(name, 0)})}


def test_what_happens_to_a_ticket_is_counted_once_and_by_its_category_then(stack, shop, figures):
    before = figures.windows()
    ticket = shop.placed(text="退款怎么还没到")
    shop.done(ticket, by="lin", comment={"body": "您好", "public": True})
    shop.done(ticket, by="lin", comment={"body": "内部", "public": False})
    shop.done(ticket, by="lin", comment={"body": "在查", "public": True}, group_id=shop.ids["物流"], assignee_id=shop.ids["wu"],
              handover_note="包裹破损")
    shop.done(ticket, by="wu", category="物流/破损")
    shop.done(ticket, by="wu", status="solved")
    shop.done(ticket, by="wu", status="open")
    shop.done(ticket, by="wu", status="solved")
    figures.followed()
    assert changed(before, figures.windows()) == {
        "退款/进度": {"arrived": 1, "assigned": 2, "first_replied": 1, "replied": 2, "transferred": 1},
        "物流/破损": {"solved": 2, "reopened": 1}}
    figures.proven()


def test_events_doubled_and_out_of_order_change_nothing(stack, shop, figures):
    ticket = shop.placed()
    shop.done(ticket, by="lin", comment={"body": "您好", "public": True})
    rows, windows = figures.followed().rows(), figures.windows()
    events = events_of(stack, ticket)
    assert len(events) == 3
    before = metrics(stack, "analytics-1")["docket_analytics_events_total"]
    produce(stack, events[::-1] + events + [events[1]])
    until(lambda: metrics(stack, "analytics-1")["docket_analytics_events_total"] >= before + 7, 20, "the events to be taken again")
    shop.done(ticket, by="lin", status="solved")  # behind them
    figures.followed()
    rows[ticket] = figures.rows()[ticket]
    windows["其他"]["solved"] = windows["其他"].get("solved", 0) + 1
    assert figures.rows() == rows and figures.windows() == windows
    figures.proven()


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def test_what_cannot_be_read_is_told_from_the_ledger(stack, figures):
    """A message of a version not yet known says of which ledger row it is, and no more."""
    shop = Shop(stack, documents())
    figures = Figures(stack, shop.tenant)
    ticket = shop.placed()
    rows, windows = figures.followed().rows(), figures.windows()
    for table in ("tickets", "windows"):
        stack.sql(f"DELETE FROM analytics.{table} WHERE tenant_id = %s", shop.tenant.number, admin=True)
    key, value, partition = events_of(stack, ticket)[-1]
    assert value.startswith(b"\x08\x01")
    before = metrics(stack, "analytics-1")["docket_analytics_poison_total"]
    stranger = (b"\x08\x02" + value[2:]).replace(b"\x18" + varint(ticket), b"\x18" + varint(ticket + 50000), 1)
    produce(stack, [(key, b"\xff\x00nonsense", partition), (key, stranger, partition), (key, b"\x08\x02" + value[2:], partition)])
    until(lambda: metrics(stack, "analytics-1")["docket_analytics_poison_total"] == before + 3, 20, "the poison to be counted")
    assert figures.followed().rows() == rows and figures.windows() == windows
    figures.proven()


def test_figures_are_told_by_the_documents_in_force_whenever_these_come(stack):
    shop = Shop(stack, documents())
    figures = Figures(stack, shop.tenant)
    tickets = [shop.placed() for _ in range(3)]
    for round_, ticket in enumerate(tickets):
        file = stack.home / f"{shop.tenant.name}.yaml"
        file.write_text(documents(within=f"{round_ + 5}m", hours=f"{round_ + 7:02}:00-2{round_}:00"))
        stack.docket("apply", "--tenant", shop.tenant.name, file)
        for other in tickets:  # at once: they may be told before the documents have been heard of
            shop.done(other, by="lin", comment={"body": f"第 {round_} 次", "public": other == ticket})
    figures.followed().proven()


def test_figures_are_told_anew_while_events_go_on(stack, shop, figures):
    for _ in range(5):
        shop.ticket()
    stop, made = threading.Event(), []

    def come():
        while not stop.is_set():
            made.append(shop.tenant.create(subject="s", comment={"body": "b"}))
    coming = threading.Thread(target=come)
    coming.start()
    try:
        done = stack.docket("analytics", "rebuild", "--tenant", shop.tenant.name, "--json")
    finally:
        stop.set()
        coming.join()
    told = json.loads(done.stdout)
    assert told["complete"] and told["emptied"] >= 5 and told["tickets"] >= told["emptied"] - len(made)
    figures.followed()
    assert len(figures.rows()) == stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s", shop.tenant.number)[0][0]
    figures.proven()


def test_a_figure_that_is_not_of_the_ledger_is_found(stack, shop, figures):
    ticket = shop.placed()
    rows, windows = figures.followed().rows(), figures.windows()
    sheet = rows[ticket][1]
    stack.sql("UPDATE analytics.tickets SET sheet = %s WHERE ticket_id = %s", sheet[:-1] + bytes([sheet[-1] ^ 1]), ticket, admin=True)
    stack.sql("UPDATE analytics.windows SET arrived = arrived + 1 WHERE tenant_id = %s", shop.tenant.number, admin=True)
    found = stack.docket("verify", "--tenant", shop.tenant.name, "--rows-only", check=False)
    assert found.returncode == 1
    assert f"ticket {ticket}: figures of seq 2 are not those" in found.stdout and "should be (" in found.stdout
    stack.sql("UPDATE analytics.tickets SET sheet = %s WHERE ticket_id = %s", sheet, ticket, admin=True)
    stack.sql("UPDATE analytics.windows SET arrived = arrived - 1 WHERE tenant_id = %s", shop.tenant.number, admin=True)
    assert figures.windows() == windows
    figures.proven()
