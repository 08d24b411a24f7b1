"""Robots, SMS gateways and topics are told as their makers' documents demand: signatures, clocks, sizes and codes are judged by
stand-ins that share no code with Docket."""
import contextlib
import json
import time

import jsonschema
import pytest

from harness.channels import Channels
from harness.openapi import Document
from harness.robots import Aliyun, DingTalk, Feishu, Tencent, WeCom
from harness.stack import REPOSITORY, until
from harness.topics import records as read_topic

DOCUMENT = Document(REPOSITORY / "deploy/api/notifications.asyncapi.yaml")
WORDS = "### 首次响应 · #100001\n> 收到时杯子已经碎了\n\n- 处理人：售后\n- 承诺 标准：4小时\n\n[查看](https://desk.example/100001)"
SMS = {"by": "sms", "address": "+8613800138000", "sms_code": "SMS_1001", "params": {"no": "100001", "name": "张\"三"}}


def delivered(end):
    assert (end.get("outcome"), end.get("reason")) == ("delivered", ""), end
    return end


@pytest.fixture(scope="module")
def robots():
    with contextlib.ExitStack() as all:
        yield {"dingtalk": all.enter_context(DingTalk()), "wecom": all.enter_context(WeCom()), "feishu": all.enter_context(Feishu())}


@pytest.fixture(scope="module")
def gateways():
    with contextlib.ExitStack() as all:
        yield {"aliyun": all.enter_context(Aliyun()), "tencent": all.enter_context(Tencent())}


@pytest.fixture(scope="module")
def channels(robots):
    secrets = {way: {"address": robot.address, "current": getattr(robot, "secret", "")} for way, robot in robots.items()}
    with Channels(secrets) as running:
        yield running


def as_described(schema, value):
    """What deploy/api/notifications.asyncapi.yaml says of it."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def account(gateway, **changed):
    return {"sms": {"current": json.dumps({**gateway.account, **changed}, ensure_ascii=False)}}


@pytest.mark.parametrize("way", ["dingtalk", "wecom", "feishu"])
def test_a_robot_takes_what_it_is_sent(channels, robots, way):
    delivered(channels.send(by=way, system=way, subject="#100001 首次响应：\"碎\"", markdown=WORDS, urgent=True))
    text = json.dumps(robots[way].taken[-1], ensure_ascii=False)
    assert "收到时杯子已经碎了" in text and "https://desk.example/100001" in text
    if way == "dingtalk":
        assert robots[way].taken[-1]["markdown"]["title"] == "#100001 首次响应：\"碎\""
    if way == "feishu":
        assert robots[way].taken[-1]["card"]["header"]["title"]["content"] == "#100001 首次响应：\"碎\""


@pytest.mark.parametrize("way", ["dingtalk", "wecom", "feishu"])
def test_what_is_far_too_long_is_cut_and_taken(channels, robots, way):
    delivered(channels.send(by=way, system=way, subject="长" * 500, markdown="工单\"\n" * 20000))
    assert "…" in json.dumps(robots[way].taken[-1], ensure_ascii=False)


@pytest.mark.parametrize("way, wrong, code", [("dingtalk", "SECanother", "310000"), ("feishu", "another", "19021")])
def test_a_wrong_signing_secret_waits_for_somebody_to_mend_it(robots, way, wrong, code):
    with Channels({"群": {"address": robots[way].address, "current": wrong}}) as channels:
        end = channels.send(by=way, system="群", markdown=WORDS)
        assert end["outcome"] == "later" and not end["dead"] and not end["doubtful"] and code in end["reason"], end
        channels.secrets(群={"address": robots[way].address, "current": robots[way].secret})
        delivered(channels.send(by=way, system="群", markdown=WORDS))


@pytest.mark.parametrize("way, code", [("dingtalk", "300001"), ("wecom", "93000"), ("feishu", "19001")])
def test_a_robot_that_is_gone_is_told_apart_from_one_that_is_busy(channels, robots, way, code):
    channels.secrets(**{way: {"address": robots[way].address + "x", "current": getattr(robots[way], "secret", "")}})
    end = channels.send(by=way, system=way, markdown=WORDS)
    assert end["outcome"] == "refused" and end["dead"] and code in end["reason"], end
    assert robots[way].host.split(":")[1] not in end["reason"]
    channels.secrets(**{name: {"address": robot.address, "current": getattr(robot, "secret", "")} for name, robot in robots.items()})
    robots[way].next({"errcode": -1, "errmsg": "system busy", "code": 11232})
    end = channels.send(by=way, system=way, markdown=WORDS)
    assert end["outcome"] == "later" and not end["dead"], end


def test_a_robot_that_gets_too_much_says_for_how_long_it_wants_none():
    with WeCom() as robot, Channels({"群": {"address": robot.address}}) as channels:
        ends = [channels.end(number) for number in [channels.begin(by="wecom", system="群", markdown=f"{i}") for i in range(4)]]
        more = [channels.send(by="wecom", system="群", markdown=f"{i}") for i in range(18)]
        assert len(robot.taken) == 20 and [end["outcome"] for end in ends + more].count("delivered") == 20
        assert more[-1]["outcome"] == "later" and more[-1]["retry_after_ms"] == 60000 and "45009" in more[-1]["reason"]


def test_a_robot_without_an_address_waits_for_one(channels):
    end = channels.send(by="wecom", system="new", markdown=WORDS)
    assert end["outcome"] == "later" and not end["fine"] and "docket notify secret set" in end["reason"]
    end = channels.send(by="wecom", system="unread", markdown=WORDS)
    assert end["outcome"] == "later" and end["fine"] and end["retry_after_ms"] == 2000
    assert channels.send(by="wecom", system="wecom", markdown=" ")["error"] == "EINVAL"


def test_a_robot_that_vanishes_after_the_message_is_a_doubt(channels, robots):
    robots["wecom"].next("vanish")
    before = len(robots["wecom"].taken)
    end = channels.send(by="wecom", system="wecom", markdown=WORDS)
    assert end["outcome"] == "later" and end["doubtful"] and len(robots["wecom"].taken) == before + 1, end


def test_an_address_of_a_private_network_is_refused_for_a_robot_too(robots):
    with Channels({"群": {"address": robots["wecom"].address}}, allow="") as channels:
        end = channels.send(by="wecom", system="群", markdown=WORDS)
        assert end.get("error") == "EINVAL" or end["outcome"] == "refused", end
        assert "may not be reached" in end["reason"], end


def test_aliyun_sends_an_sms_under_our_key(gateways):
    gateway = gateways["aliyun"]
    with Channels(account(gateway)) as channels:
        delivered(channels.send(**SMS))
        sms = gateway.taken[-1]
        assert sms["PhoneNumbers"] == "13800138000" and sms["OutId"] == "d_7_1" and sms["params"] == {"no": "100001", "name": "张\"三"}
        for words in ({"sms_code": "1001"}, {"address": "010-12380000"}):
            end = channels.send(**{**SMS, **words})
            assert end.get("outcome") == "refused" or end["error"] == "EINVAL", end
            assert "138" not in end["reason"]
        channels.secrets(**account(gateway, key_secret="another"))
        end = channels.send(**SMS)
        assert end["outcome"] == "later" and "SignatureDoesNotMatch" in end["reason"] and not end["doubtful"], end
        gateway.next({"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "m"})
        end = channels.send(**SMS)
        assert end["outcome"] == "later" and end["fine"] and end["retry_after_ms"] == 60000, end


def test_tencent_sends_an_sms_under_our_key(gateways):
    gateway = gateways["tencent"]
    with Channels(account(gateway)) as channels:
        delivered(channels.send(**SMS))
        sms = gateway.taken[-1]
        assert sms["PhoneNumberSet"] == ["+8613800138000"] and sms["SessionContext"] == "d_7_1"
        assert sms["TemplateParamSet"] == ["100001", "张\"三"] and sms["TemplateId"] == "SMS_1001"
        channels.secrets(**account(gateway, sign_name="another"))
        assert channels.send(**SMS)["outcome"] == "refused"
        channels.secrets(**account(gateway, key_secret="another"))
        end = channels.send(**SMS)
        assert end["outcome"] == "later" and "AuthFailure.SignatureFailure" in end["reason"], end


@pytest.mark.parametrize("name", ["aliyun", "tencent"])
def test_an_sms_of_which_nobody_knows_is_a_doubt(gateways, name):
    gateway = gateways[name]
    before = len(gateway.taken)
    with Channels(account(gateway)) as channels:
        gateway.next("vanish")
        end = channels.send(**SMS)
    assert end["outcome"] == "later" and end["doubtful"], end
    assert len(gateway.taken) == before + 1


def test_channels_that_are_taken_down_tell_nobody_any_more(robots):
    with Channels({"群": {"address": robots["wecom"].address}}) as channels:
        for _ in range(4):
            channels.begin(by="wecom", system="群", markdown=WORDS)
            channels.begin(by="wecom", system="unread", markdown=WORDS)
        channels.write(free=True)
        while (answer := channels.read()) != {"freed": True}:
            assert "outcome" in answer  # of one that had ended before


# ---- topics -------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def topic(stack):
    from confluent_kafka.admin import AdminClient, NewTopic
    name = f"shop.tickets.{time.time_ns()}"
    admin = AdminClient({"bootstrap.servers": stack.environment["DOCKET_KAFKA"]})
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(60)
    return name


EVENT = {"by": "kafka", "system": "数仓", "seq": 2,
         "json": json.dumps({"event": {"name": "ticket_created", "at_ms": 1}, "ticket": {"id": 100001, "subject": "退款", "status": "new"}})}


def test_a_topic_gets_cloud_events_keyed_by_the_ticket(stack, topic):
    brokers = stack.environment["DOCKET_KAFKA"]
    with Channels(kafka=brokers) as channels:
        delivered(channels.send(address=topic, **EVENT))
        delivered(channels.send(address=topic, **{**EVENT, "seq": 3}))
    with Channels(kafka=brokers, structured=True) as channels:
        delivered(channels.send(address=topic, **{**EVENT, "seq": 4}))
    records = until(lambda: (found := read_topic(stack, topic)) and len(found) == 3 and found, 30, "three records")
    first, second, third = sorted(records, key=lambda record: record.offset())
    assert {record.key() for record in records} == {b"100001"} and len({record.partition() for record in records}) == 1
    DOCUMENT.check()
    for record in (first, second):
        as_described("BinaryHeaders", {name: value.decode() for name, value in record.headers()})
        as_described("Event", json.loads(record.value()))
    as_described("StructuredHeaders", {name: value.decode() for name, value in third.headers()})
    as_described("CloudEvent", json.loads(third.value()))
    with pytest.raises(jsonschema.ValidationError):  # it would notice
        as_described("CloudEvent", {**json.loads(third.value()), "id": "1"})
    assert {name: value.decode() for name, value in first.headers()} == {
        "ce_specversion": "1.0", "ce_id": "d_7_1", "ce_source": "docket/notifier/7", "ce_type": "docket.ticket_created",
        "ce_time": "2023-11-14T22:13:20.123Z", "ce_subject": "tickets/100001", "ce_sequence": "0000000002",
        "content-type": "application/json"}
    assert json.loads(first.value())["ticket"]["subject"] == "退款"
    assert dict(second.headers())["ce_sequence"] == b"0000000003"
    whole = json.loads(third.value())
    assert dict(third.headers()) == {"content-type": b"application/cloudevents+json; charset=UTF-8"}
    assert whole["specversion"] == "1.0" and whole["type"] == "docket.ticket_created" and whole["data"]["ticket"]["id"] == 100001


def test_a_topic_that_is_none_and_a_broker_that_is_away_are_tried_again(stack):
    with Channels(kafka=stack.environment["DOCKET_KAFKA"]) as channels, Channels(kafka="127.0.0.1:9") as away:
        none, nobody = channels.begin(address="no.such.topic", **EVENT), away.begin(address="shop.tickets", **EVENT)
        end = channels.end(none)
        assert end["outcome"] == "later" and not end["dead"], end
        assert channels.send(address="x", **{**EVENT, "json": ""})["error"] == "EINVAL"
        end = away.end(nobody)
        assert end["outcome"] == "later", end


SHOP = """
settings: {default_group: 售后}
groups: [{name: 售后}]
systems: [{name: 数仓, by: kafka, address: "%s"}]
notifications: [{name: 事件流, event: [ticket_created, ticket_solved], to: 数仓}]
"""


def test_a_ticket_reaches_the_topic_of_its_shop_once(stack, topic):
    shop = stack.tenant(SHOP % topic)
    tickets = [shop.create(subject=f"退款{i}", comment={"body": "x"}, requester={"name": "李小满", "phone": "13800138000"}) for i in range(3)]

    def mine():
        source = f"docket/notifier/{shop.number}".encode()
        return [record for record in read_topic(stack, topic) if dict(record.headers()).get("ce_source") == source]
    found = until(lambda: len(now := mine()) >= 3 and now, 60, "three events", every=0.2)
    records = {record.key(): record for record in found}
    for ticket in tickets:
        record = records[str(ticket).encode()]
        headers = {name: value.decode() for name, value in record.headers()}
        as_described("BinaryHeaders", headers)
        data = json.loads(record.value())
        as_described("Event", data)
        assert data["ticket"]["id"] == ticket and "13800138000" not in record.value().decode() and "李小满" not in record.value().decode()
        row = until(lambda: [r for r in map(json.loads, stack.docket("notify", "list", "--ticket", ticket, "--json").stdout.splitlines())
                             if r["state"] == "delivered"], 60, "the row to say so")
        assert headers["ce_id"] == f"d_{shop.number}_{row[0]['delivery']}"
    assert len({dict(record.headers())["ce_id"] for record in mine()}) == 3  # a copy after a doubt would have the same id
