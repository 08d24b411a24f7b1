"""docket-notifier on real servers: who is told of what, compared with the same worked out from the ledger a second time; each of
it once, whatever comes again."""
import json
import random
import time
import uuid

import pytest
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition

from harness.promises import metrics_of
from harness.shop import Shop
from harness.stack import until
from harness.submissions import data, number, varint
from harness.told import expected, written

DOCUMENTS = """
settings: {default_group: 售后, default_kind: 咨询, default_category: 其他}
kinds: [咨询, 投诉, 售后]
groups: [{name: 售后}, {name: 物流}]
agents:
  - {name: lin, title: 林悦, groups: [售后], capacity: 500, duty: on}
  - {name: zhou, title: 周文, groups: [售后, 物流], capacity: 500, duty: off}
  - {name: wu, title: 吴建国, groups: [物流], capacity: 500, duty: off}
systems:
  - {name: 客服群, by: dingtalk}
  - {name: erp, by: webhook, address: "https://erp.example/hooks"}
templates:
  - {name: 信, subject: "{{ticket.id}}", text: "{{ticket.subject}}", markdown: "{{ticket.subject}}",
     sms: {code: S1, params: {no: "{{ticket.id}}"}}}
notifications:
  - {name: 收到, event: [ticket_created, reply_received], to: requester, by: [mail, sms], template: 信}
  - {name: 投诉, event: ticket_created, when: {all: {kind: 投诉}}, to: [lead, 客服群], template: 信}
  - {name: 派单, event: ticket_assigned, to: assignee, template: 信}
  - {name: 排队, event: [ticket_queued, ticket_released], to: lead, template: 信}
  - {name: 回复, event: reply_sent, to: [requester, assignee], template: 信}
  - {name: 备注, event: note_added, to: [assignee, zhou], template: 信}
  - {name: 解决, event: [ticket_solved, ticket_reopened], to: [requester, assignee, manager], template: 信}
  - {name: 事件流, event: [ticket_created, ticket_assigned, ticket_solved, ticket_reopened, note_added], to: erp}
"""
MAIL = {"name": "安妮", "email": "ann@told.example"}
PHONE = {"name": "博文", "phone": "13812345678"}


@pytest.fixture(scope="module")
def shop(stack):
    shop = Shop(stack, DOCUMENTS)
    shop.stack.docket("user", "create", "--tenant", shop.tenant.name, "--agents", "told.example", "--no-password")
    shop.stack.docket("user", "role", "--tenant", shop.tenant.name, shop.ids["zhou"], "lead")
    shop.user("boss", "manager", email="boss@told.example")
    return shop


def settled(shop):
    """Everything told that is to be told: what is written is what is expected, and nothing else comes."""
    wrong = {}

    def same():
        want, have = expected(shop.stack, shop.tenant, yaml.safe_load(DOCUMENTS), shop.ids), written(shop.stack, shop.tenant)
        wrong.update(missing=sorted(want - have)[:5], too_many=sorted(have - want)[:5])
        return want == have
    try:
        until(same, 120, "everybody to be told, and nobody else", every=0.3)
    except AssertionError:
        raise AssertionError(f"{wrong}\n{shop.stack.log('notifier-1')[-3000:]}") from None


def test_everybody_is_told_who_is_named_and_nobody_else(shop):
    """A day in the shop, by chance: claims, transfers, replies, notes, solutions, reopenings."""
    dice = random.Random(6)
    tickets = [shop.ticket(f"第{n}单", kind=dice.choice(["咨询", "投诉"]), requester=who)
               for n, who in enumerate([MAIL, PHONE, MAIL, {"name": "某人", "phone": "13912345678"}])]
    for _ in range(24):
        ticket, by = dice.choice(tickets), dice.choice(["lin", "zhou"])
        deed = dice.choice([{"comment": {"body": "您好"}}, {"comment": {"body": "内部", "public": False}},
                            {"status": "solved", "comment": {"body": "好了"}}, {"status": "open"}, {"priority": "high"},
                            {"assignee_id": shop.ids[dice.choice(["lin", "zhou"])], "comment": {"body": "转", "public": False}},
                            {"group_id": shop.ids["物流"], "comment": {"body": "转物流", "public": False}}])
        shop.put(ticket, by, **deed)  # what is illegal is refused, and tells nobody
    settled(shop)
    assert len(written(shop.stack, shop.tenant)) > 40
    assert written(shop.stack, shop.tenant, "reason = 'no address'") >= {
        (f"{tickets[1]}.1", "收到", f"requester:{shop.row(tickets[1])['requester_id']}", "mail")}


def again(stack, ticket):
    """Every event of that ticket once more, under other offsets, as after a rebuilt topic; they have been followed when it returns."""
    brokers = stack.environment["DOCKET_KAFKA"]
    reader = Consumer({"bootstrap.servers": brokers, "group.id": "told-again", "enable.auto.commit": False})
    producer = Producer({"bootstrap.servers": brokers, "acks": "all"})
    partitions = [TopicPartition("docket.events", number, 0) for number in range(12)]
    reader.assign(partitions)
    ends = {p.partition: reader.get_watermark_offsets(p, timeout=10)[1] for p in partitions}
    sent, seen = 0, {}
    while any(seen.get(number, 0) < end for number, end in ends.items()):
        message = reader.poll(20)
        assert message is not None and not message.error(), (message, seen, ends)
        seen[message.partition()] = message.offset() + 1
        if message.key() == str(ticket).encode():
            producer.produce("docket.events", message.value(), key=message.key(), partition=message.partition(),
                             headers=message.headers())
            sent += 1
    assert producer.flush(20) == 0
    reader.close()
    until(lambda: lag(stack, "docket-notifier") == 0, 90, "every partition to be followed")
    return sent


def rows_of(shop, ticket):
    return shop.stack.sql("SELECT delivery_id, cause, notification FROM notify.deliveries WHERE tenant_id = %s AND ticket_id = %s"
                          " ORDER BY 1", shop.tenant.number, ticket)


def test_what_comes_again_is_not_told_again(shop):
    ticket = shop.ticket("再来一次", requester=MAIL)
    shop.done(ticket, "lin", comment={"body": "您好"}, status="solved")
    settled(shop)
    rows = rows_of(shop, ticket)
    assert again(shop.stack, ticket) >= 3 and len(rows) > 5
    assert rows_of(shop, ticket) == rows
    settled(shop)


def test_what_was_told_under_other_documents_is_not_told_again_under_new_ones(stack):
    shop = Shop(stack, DOCUMENTS)
    ticket = shop.ticket("改文档之前", requester=MAIL)
    until(lambda: (f"{ticket}.1", "收到") in {(cause, name) for _, cause, name in rows_of(shop, ticket)}, 90, "the ticket to be told")
    until(lambda: lag(stack, "docket-notifier") == 0, 90, "every partition to be followed")
    rows, file = rows_of(shop, ticket), stack.home / "told-anew.yaml"
    file.write_text(DOCUMENTS.replace("{name: 收到, ", "{name: 收妥, "))
    stack.docket("apply", "--tenant", shop.tenant.name, file)

    def told_anew():
        new = shop.ticket("改文档之后", requester=MAIL)
        return until(lambda: [name for _, cause, name in rows_of(shop, new) if cause == f"{new}.1"], 90, "it to be told")
    until(lambda: "收妥" in told_anew(), 90, "the new documents to be in force", every=0.5)
    assert again(stack, ticket) >= 2
    assert rows_of(shop, ticket) == rows


def lag(stack, group):
    """Events beyond the group's committed offsets."""
    reader = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": group})
    try:
        found = reader.committed([TopicPartition("docket.events", number) for number in range(12)], timeout=10)
        return sum(max(0, reader.get_watermark_offsets(p, timeout=10)[1] - max(0, p.offset)) for p in found)
    finally:
        reader.close()


def said(shop, ticket, seq, recipient):
    return shop.stack.sql("SELECT said, due <= now(), urgent, destination FROM notify.deliveries WHERE tenant_id = %s AND cause = %s"
                          " AND recipient = %s", shop.tenant.number, f"{ticket}.{seq}", recipient)[0]


def test_what_is_said_is_as_it_was_and_nothing_in_clear(shop):
    ticket = shop.ticket("请打 13812345678", subject="杯子碎了", requester=MAIL)
    shop.done(ticket, "lin", comment={"body": "已寄出"})
    shop.done(ticket, "lin", comment={"body": "客户难缠", "public": False}, status="solved")
    settled(shop)
    requester = f"requester:{shop.row(ticket)['requester_id']}"
    last = shop.row(ticket)["version"]
    first, _, urgent, destination = said(shop, ticket, 1, requester)
    assert first["ticket"]["status"] == "new" and first["ticket"]["subject"] == "杯子碎了" and destination == "mail" and not urgent
    assert "assignee" not in first["ticket"] and first["ticket"]["requester"].startswith("安*")
    reply, *_ = said(shop, ticket, last - 1, requester)
    assert reply["comment"] == {"author": "林悦", "text": "已寄出", "at_ms": reply["event"]["at_ms"]}
    solved, *_ = said(shop, ticket, last, requester)
    assert solved["ticket"]["status"] == "solved" and solved["ticket"]["assignee"] == "林悦"
    everything = json.dumps([row[0] for row in shop.stack.sql(
        "SELECT said FROM notify.deliveries WHERE tenant_id = %s", shop.tenant.number)], ensure_ascii=False)
    assert "13812345678" not in everything and "安妮" not in everything and "ann@told.example" not in everything
    to_her = json.dumps([row[0] for row in shop.stack.sql(
        "SELECT said FROM notify.deliveries WHERE tenant_id = %s AND recipient LIKE 'requester:%%'", shop.tenant.number)],
        ensure_ascii=False)
    assert "难缠" not in to_her and "内部" not in to_her


def test_what_is_no_event_or_happened_long_ago_tells_nobody(shop):
    """Both are counted, and what comes behind them is told."""
    ticket = shop.ticket("很久以前", requester=MAIL)
    settled(shop)
    row = shop.tenant.ledger(ticket)[0]
    two_days_ago = int(time.time() * 1000) - 2 * 86400_000
    noted = data(1, "x")
    old = b"".join([number(1, 1), number(2, shop.tenant.number), number(3, ticket), data(4, uuid.UUID(row["cause_id"]).bytes),
                    number(5, two_days_ago), number(7, 1), data(10, row["actor"]), varint(22 << 3 | 2) + varint(len(noted)) + noted])
    before = metrics_of(shop.stack, "notifier-1")
    producer = Producer({"bootstrap.servers": shop.stack.environment["DOCKET_KAFKA"]})
    for message in (b"no protobuf at all", old):
        producer.produce("docket.events", message, key=str(ticket).encode(), headers={"ce_id": b"none"})
    assert producer.flush(20) == 0

    def counted(name):
        return metrics_of(shop.stack, "notifier-1")[f"docket_notifier_{name}_total"] - before[f"docket_notifier_{name}_total"]
    until(lambda: counted("poison") >= 1 and counted("events_old") >= 1, 90, "both to be counted")
    shop.done(ticket, "lin", comment={"body": "您好"})
    settled(shop)


def findings(shop):
    run = shop.stack.docket("verify", "--rows-only", "--json", "--tenant", shop.tenant.name, check=False)
    assert run.returncode in (0, 1), run.stderr
    return {finding["promise"]: str(finding["offenders"]) for finding in json.loads(run.stdout)["findings"] if finding["broken"]}


@pytest.mark.parametrize("promise, wrong", [
    ("every delivery is of something that happened", "cause = '{ticket}.99', seq = 99"),
    ("every delivery is of something that happened", "cause = 'storm.物流.0.1', ticket_id = NULL, seq = NULL"),
    ("nobody is told of what he did himself", "recipient = 'agent:{lin}'"),
    ("no private note reaches who writes from outside", "recipient = 'requester:{requester}'"),
])
def test_verify_finds_what_nobody_should_have_been_told(shop, promise, wrong):
    ticket = shop.ticket("核对", requester=MAIL)
    shop.done(ticket, "lin", comment={"body": "内部", "public": False}, assignee_id=shop.ids["zhou"])
    settled(shop)
    names = {"ticket": ticket, "lin": shop.ids["lin"], "requester": shop.row(ticket)["requester_id"]}
    assert findings(shop) == {}
    (row,), = shop.stack.sql("SELECT to_jsonb(d) FROM notify.deliveries d WHERE tenant_id = %s AND cause = %s AND notification = '备注'"
                             " LIMIT 1", shop.tenant.number, f"{ticket}.{shop.row(ticket)['version']}")
    where = f"tenant_id = {shop.tenant.number} AND delivery_id = {row['delivery_id']}"
    shop.stack.sql(f"UPDATE notify.deliveries SET {wrong.format(**names)} WHERE {where}", admin=True)
    try:
        found = findings(shop)
    finally:
        shop.stack.sql("UPDATE notify.deliveries SET cause = %s, recipient = %s, ticket_id = %s, seq = %s"
                       f" WHERE {where}", row["cause"], row["recipient"], row["ticket_id"], row["seq"], admin=True)
    assert list(found) == [promise] and str(row["delivery_id"]) in found[promise], found
    assert findings(shop) == {}


def test_who_asked_not_to_be_told_is_not(shop):
    ticket = shop.ticket("一", requester={"name": "退订", "email": "out@told.example"})
    settled(shop)
    who = f"requester:{shop.row(ticket)['requester_id']}"
    shop.stack.sql("INSERT INTO notify.unsubscribed (tenant_id, recipient, way, notification) VALUES (%s, %s, 'mail', '收到')",
                   shop.tenant.number, who, admin=True)
    second = shop.ticket("二", requester={"name": "退订", "email": "out@told.example"})
    shop.done(second, "zhou", comment={"body": "您好"})
    until(lambda: any(cause.startswith(f"{second}.") and name == "回复" for cause, name, *_ in written(shop.stack, shop.tenant)),
          30, "the reply to be told")
    causes = {(cause, name) for cause, name, recipient, _ in written(shop.stack, shop.tenant) if recipient == who}
    assert (f"{ticket}.1", "收到") in causes and (f"{second}.1", "收到") not in causes
    assert any(cause.startswith(f"{second}.") and name == "回复" for cause, name in causes)


def test_verify_agrees(shop):
    shop.stack.verify("--tenant", shop.tenant.name)
    assert metrics_of(shop.stack, "notifier-1")["docket_notifier_deliveries_written_total"] > 0
