"""The radar on real servers: more arrives than the weeks before explain; it is found, becomes one problem with its incidents, and
the lead is told, whoever dies in between."""
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from harness.promises import TestClock, metrics_of
from harness.shop import Shop
from harness.stack import Stack, request, until

DOCUMENTS = """
settings: {default_group: 售后, default_kind: 咨询, default_category: 其他, time_zone: Asia/Shanghai}
kinds: [咨询, 售后, 问题]
groups: [{name: 售后}, {name: 物流}]
agents:
  - {name: lin, title: 林悦, groups: [售后, 物流], capacity: 500, duty: on}
  - {name: wu, title: 吴建国, groups: [物流], capacity: 500, duty: off}
rules:
  - {name: 破损, when: {any: [{text: {contains: [破损]}}]}, set: {group: 物流, category: 物流/破损}}
templates:
  - {name: 信, subject: "{{ticket.subject}}", text: "{{ticket.description}}"}
  - {name: 暴增信, subject: 暴增, text: 暴增}
notifications:
  - {name: 暴增, event: storm, to: lead, template: 暴增信}
  - {name: 问题单, event: note_added, when: {all: {kind: 问题}}, to: lead, template: 信, urgent: on}
"""
QUARTER, DAY = 15 * 60000, 86400000
USUAL = 6  # tickets of the category in a quarter of an hour, all the weeks before


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    clock = TestClock(tmp_path_factory.mktemp("clock"))
    if clock.now // DAY != (clock.now + 3 * 3600000) // DAY:  # the whole file on one day
        clock.set((clock.now // DAY + 1) * DAY + 600000)
    clock.set(clock.now - clock.now % QUARTER + 60000)
    return clock


@pytest.fixture(scope="module")
def stack(clock):
    running = Stack()
    running.environment.update(clock.environment)
    try:
        yield running.up("--router", 1, "--desk", 1, "--sla", 0, "--notifier", 1, "--analytics", 1, "--front", 0)
    finally:
        running.down()


@pytest.fixture(scope="module")
def shop(stack):
    shop = Shop(stack, DOCUMENTS)
    stack.docket("user", "create", "--tenant", shop.tenant.name, "--agents", "radar.example", "--no-password")
    stack.docket("user", "role", "--tenant", shop.tenant.name, shop.ids["wu"], "lead")
    return shop


def weeks_before(shop, clock):
    """What the radar remembers of seven weeks: nothing ever happened but the usual."""
    begin = clock.now - clock.now % QUARTER
    shop.stack.sql(
        "INSERT INTO analytics.windows (tenant_id, starts_at, category, arrived)"
        " SELECT %s, to_timestamp(%s / 1000.0) - n * interval '15 minutes', '物流/破损',"
        "  greatest(0, %s + (hashint4(n) %% 4)) FROM generate_series(1, 7 * 672) n",
        shop.tenant.number, begin, USUAL, admin=True)
    return begin


def arrive(shop, n, batch=None):
    """Of all products and regions; of one batch, or of all of them."""
    return [shop.tenant.create(subject=f"外包装破损 {i}", comment={"body": f"收到时箱子破损，商品碎了，第 {i} 件"},
                               product=f"杯{i % 3}", region=["华东", "华南"][i % 2], batch=batch or f"B{i % 4}")
            for i in range(n)]


def findings(shop):
    return [row[0] for row in shop.stack.sql("SELECT to_jsonb(f) FROM analytics.findings f WHERE tenant_id = %s ORDER BY finding_id",
                                             shop.tenant.number)]


def problems(shop):
    return [row[0] for row in shop.stack.sql("SELECT id FROM ticket.tickets WHERE tenant_id = %s AND kind = '问题' ORDER BY id",
                                             shop.tenant.number)]


def incidents(shop, problem):
    return {row[0] for row in shop.stack.sql("SELECT id FROM ticket.tickets WHERE tenant_id = %s AND problem_id = %s",
                                             shop.tenant.number, problem)}


def watched_upto(shop):
    rows = shop.stack.sql("SELECT (extract(epoch FROM min(upto)) * 1000)::bigint FROM analytics.surges WHERE tenant_id = %s",
                          shop.tenant.number)
    return rows[0][0] or 0


def quarter_is_watched(shop, clock):
    end = clock.now - clock.now % QUARTER + QUARTER
    clock.set(end + 150000)  # radar_wait is two minutes
    until(lambda: watched_upto(shop) >= end, 90, "the quarter of an hour to be watched")


def signals(stack):
    """The messages of docket.signals that are findings' (key and value)."""
    consumer = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": f"radar-{time.time()}",
                         "enable.auto.commit": False})
    found = []
    try:
        partitions = consumer.list_topics("docket.signals", timeout=20).topics["docket.signals"].partitions
        for partition in partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition("docket.signals", partition), timeout=20)
            consumer.assign([TopicPartition("docket.signals", partition, low)])
            while low < high:
                message = consumer.poll(20)
                assert message is not None and not message.error()
                low = message.offset() + 1
                if b"\x92\x03" in message.value()[-40000:] and "激增".encode() in message.value():  # field 50 of the envelope
                    found.append((message.key(), message.value()))
    finally:
        consumer.close()
    return found


def test_an_outbreak_becomes_one_problem_although_who_found_it_dies(shop, clock):
    stack = shop.stack
    before = weeks_before(shop, clock)
    for n in range(4):  # an hour as every hour; its tickets are what culprits are measured against
        arrive(shop, USUAL)
        until(lambda: stack.sql("SELECT coalesce(sum(arrived), 0) FROM analytics.windows WHERE tenant_id = %s AND starts_at >="
                                " to_timestamp(%s / 1000.0)", shop.tenant.number, before)[0][0] >= USUAL * (n + 1),
              60, "the tickets to be counted")
        quarter_is_watched(shop, clock)
        clock.set(clock.now - clock.now % QUARTER + 200000)
    assert findings(shop) == [] and problems(shop) == []

    stack.stop("analytics-1")
    began = clock.now - clock.now % QUARTER
    bad = arrive(shop, 45, batch="B77")
    usual = arrive(shop, USUAL)
    stack.start("analytics-1", DOCKET_CRASH="radar-found:die")
    until(lambda: stack.sql("SELECT count(*) FROM analytics.tickets WHERE tenant_id = %s", shop.tenant.number)[0][0]
          >= 51 + 4 * USUAL, 60, "the figures of all tickets")
    clock.set(began + QUARTER + 150000)
    until(lambda: stack.state("analytics-1") is None, 90, "the crash after the finding")

    [finding] = findings(shop)  # committed; its signal is not sent by anybody who saw it
    assert finding["category"] == "物流/破损" and finding["observed"] >= 51 and finding["expected"] < 20
    problem = finding["problem_id"]
    until(lambda: problems(shop) == [problem], 60, "the problem's ticket")
    row = shop.row(problem)
    assert (row["category"], row["priority"], row["channel"], row["tags"]) == ("物流/破损", "high", "radar", ["surge"])
    assert row["group_id"] == shop.ids["物流"]
    assert "物流/破损 激增 surge" in row["subject"]
    assert "B77" in row["description"] and "破损" in row["description"], row["description"]
    assert {culprit["of"].get("batch") for culprit in finding["said"]["culprits"]} == {"B77"}
    assert len(finding["said"]["examples"]) == 10 and set(finding["said"]["examples"]) <= set(bad)
    until(lambda: incidents(shop, problem) == set(bad), 60, "the incidents")
    assert shop.row(usual[0])["problem_id"] is None

    # The desk shows them as Zendesk does.
    told = shop.ask("GET", f"/tickets/{problem}.json").json["ticket"]
    assert (told["type"], told["has_incidents"], told["problem_id"]) == ("problem", True, None)
    told = shop.ask("GET", f"/tickets/{bad[0]}.json").json["ticket"]
    assert (told["type"], told["has_incidents"], told["problem_id"]) == ("incident", False, problem)
    page = shop.ask("GET", f"/tickets/{problem}/incidents.json?page[size]=40").json
    rest = shop.ask("GET", f"/tickets/{problem}/incidents.json?page[size]=40&page[after]={page['meta']['after_cursor']}").json
    assert [t["id"] for t in page["tickets"] + rest["tickets"]] == sorted(bad)
    assert page["meta"]["has_more"] and not rest["meta"]["has_more"]
    assert shop.ask("GET", f"/tickets/{bad[0]}/incidents.json").json["tickets"] == []
    assert shop.ask("GET", "/tickets/9007199254740000/incidents.json").status == 404

    # Its lead is told, once, by the documents alone.
    lead = f"agent:{shop.ids['wu']}"
    until(lambda: [r for r in stack.sql("SELECT recipient FROM notify.deliveries WHERE tenant_id = %s AND ticket_id = %s AND"
                                        " notification = '问题单'", shop.tenant.number, problem)] == [(lead,)],
          60, "the lead to be told")

    # Told again, byte for byte: nothing more comes of it.
    [(key, message)] = signals(stack)
    rows = {ticket: len(shop.tenant.ledger(ticket)) for ticket in [problem, *bad]}
    producer = Producer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"]})
    producer.produce("docket.signals", key=key, value=message)
    assert producer.flush(30) == 0
    until(lambda: metrics_of(stack, "router-1").get("docket_router_problems_replayed_total", 0) >= 1, 60, "the second telling")
    until(lambda: stack.sql("SELECT count(*) FROM ticket.outbox") == [(0,)], 60, "an empty outbox")
    assert problems(shop) == [problem]
    assert {ticket: len(shop.tenant.ledger(ticket)) for ticket in rows} == rows

    # Whoever goes on finds the same, which is written down already; and sees its end.
    stack.start("analytics-1")
    for _ in range(4):
        quarter_is_watched(shop, clock)
    assert [f["finding_id"] for f in findings(shop)] == [finding["finding_id"]] and problems(shop) == [problem]
    assert stack.sql("SELECT count(*) FROM notify.deliveries WHERE tenant_id = %s AND notification = '问题单'",
                     shop.tenant.number) == [(1,)]

    told = request("GET", stack.environment["DOCKET_ANALYTICS_URL"] + "/api/v1/findings?limit=5", None,
                   {"Authorization": f"Bearer {shop.user('boss', 'manager')}"})
    assert told.status == 200 and told.json["before"] is None
    assert [(f["id"], f["problem_id"], f["said"]["incidents"]) for f in told.json["findings"]] == [(finding["finding_id"], problem, 45)]

    stack.sql("DELETE FROM analytics.windows WHERE tenant_id = %s AND starts_at < to_timestamp(%s / 1000.0)", shop.tenant.number,
              before, admin=True)
    stack.verify("--tenant", shop.tenant.name)
