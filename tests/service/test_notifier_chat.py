"""docket-notifier tells robots and phones: secrets as the operator set them, each message once, no faster than its maker allows, and
what that maker says is acted on. The other sides are stand-ins that share no code with Docket."""
import json
import re
import subprocess

import jsonschema
import pytest

from harness.channels import DRIVER
from harness.notifier import NotifierDesk
from harness.openapi import Document
from harness.outgoing import Receiver
from harness.robots import Aliyun, DingTalk, Feishu, WeCom
from harness.stack import REPOSITORY, until

DOCUMENTS = """
groups: [{name: g, title: 售后}]
settings: {default_group: g}
systems:
  - {name: 主管群, by: dingtalk}
  - {name: 客服群, by: wecom}
  - {name: 研发群, by: feishu}
  - {name: erp, by: webhook, address: "%s/hooks", private: on}
templates:
  - name: 新工单
    subject: "#{{ticket.id}} {{ticket.subject}}"
    text: "{{ticket.subject}}"
    markdown: |
      ### 新工单 #{{ticket.id}}
      > {{ticket.subject}}
    sms: {code: SMS_1001, params: {no: "{{ticket.id}}", what: "{{ticket.subject}}"}}
notifications:
  - {name: 群, event: ticket_created, to: [主管群, 客服群, 研发群], template: 新工单}
  - {name: 程序, event: ticket_created, to: erp}
  - {name: 短信, event: ticket_assigned, to: requester, by: sms, template: 新工单}
"""
WAYS = {"主管群": "dingtalk", "客服群": "wecom", "研发群": "feishu"}


@pytest.fixture(scope="module")
def desk():
    with NotifierDesk() as running:
        running.start("notifier-1")
        running.start("notifier-2")
        yield running


@pytest.fixture(scope="module")
def hook():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def shop(desk, hook):
    tenant = desk.tenant(DOCUMENTS % hook.url)

    def in_force():
        """Every notifier has read the secrets as they are now."""
        version = desk.sql("SELECT version FROM notify.secrets_version")[0][0]

        def read():
            return all(max(map(int, re.findall(r"as of change (\d+)", process.text())), default=-1) >= version for process in desk.running)
        until(read, 60, "the secrets to be read again")

    def secret(system, text, *words):
        desk.docket("notify", "secret", "set", system, "--tenant", tenant.name, *words, stdin=text + "\n")
        in_force()

    def robot(system, stand_in, address="", sign=""):
        if getattr(stand_in, "secret", ""):
            secret(system, sign or stand_in.secret, "--kind", "sign")
        secret(system, address or stand_in.address, "--kind", "address", "--plain")

    def tell(system, **more):
        return tenant.tell(f"system:{system}", WAYS[system], f"robot:{system}", "群", **more)

    def requester(number, phone):
        sealed = subprocess.run([DRIVER, "seal", desk.ring, str(tenant.number), "phone", phone], capture_output=True, text=True, check=True)
        desk.sql("INSERT INTO ticket.requesters (tenant_id, contact_hash, id, personal) VALUES (%s, %s, %s, %s::jsonb)", tenant.number,
                 phone.encode(), number, f"[{sealed.stdout}]")
        return f"requester:{number}"
    tenant.secret, tenant.robot, tenant.say, tenant.requester = secret, robot, tell, requester
    return tenant


def test_every_robot_gets_its_message_once_however_many_notifiers_run(shop):
    with DingTalk() as dingtalk, WeCom() as wecom, Feishu() as feishu:
        for system, stand_in in (("主管群", dingtalk), ("客服群", wecom), ("研发群", feishu)):
            shop.robot(system, stand_in)
        for system in WAYS:
            shop.say(system, ticket=100)
        assert shop.settled() == {"delivered": 3}
        for stand_in in (dingtalk, wecom, feishu):
            assert len(stand_in.taken) == 1 and "杯子碎了" in json.dumps(stand_in.taken, ensure_ascii=False)
        assert dingtalk.taken[0]["markdown"]["title"] == "#100 杯子碎了" and shop.doubts() == 0


def test_a_robot_is_never_told_faster_than_its_maker_allows(shop):
    """Two notifiers, one robot: 20 a minute is one in three seconds, also just after it was in trouble."""
    with WeCom() as wecom:
        wecom.next({"errcode": -1, "errmsg": "system busy"})
        shop.robot("客服群", wecom)
        shop.say("客服群", count=4)
        assert shop.settled() == {"delivered": 4}
        # claims are 3.2 s apart; how long each then takes to arrive is the machine's
        assert len(wecom.taken) == 4 and wecom.times[-1] - wecom.times[0] > 3 * 3.2 - 2, wecom.times


def test_a_secret_that_comes_late_or_changes_is_in_force_at_once(shop):
    with DingTalk() as dingtalk:
        delivery, = shop.say("主管群")
        until(lambda: "docket notify secret set" in (shop.row(delivery)["reason"] or ""), 30, "the missing address to be noticed")
        shop.robot("主管群", dingtalk, sign="SECwrong")
        until(lambda: "310000" in (shop.row(delivery)["reason"] or ""), 60, "the wrong secret to be noticed")
        assert dingtalk.taken == []
        shop.secret("主管群", dingtalk.secret, "--kind", "sign")
        assert shop.ended(delivery)["state"] == "delivered" and len(dingtalk.taken) == 1


def test_a_robot_that_is_gone_is_paused_and_goes_on_when_it_is_back(desk, shop):
    with Feishu() as feishu:
        shop.robot("研发群", feishu, address=feishu.address + "-gone")
        first, = shop.say("研发群")
        row = shop.ended(first)
        assert row["state"] == "refused" and "19001" in row["reason"]

        def place():
            listed = desk.docket("notify", "destinations", "--tenant", shop.name, "--json").splitlines()
            return {row["destination"]: row for row in map(json.loads, listed)}.get("robot:研发群", {})
        until(lambda: place().get("paused_at"), 30, "the robot to be paused")
        second, = shop.say("研发群", ticket=8)
        shop.robot("研发群", feishu)
        assert shop.row(second)["attempts"] == 0 and feishu.taken == []
        desk.docket("notify", "resume", "robot:研发群", "--tenant", shop.name)
        assert shop.ended(second)["state"] == "delivered" and len(feishu.taken) == 1
        assert place()["paused_at"] is None
        desk.docket("notify", "retry", first)
        assert shop.ended(first)["state"] == "delivered" and len(feishu.taken) == 2


def test_an_sms_goes_to_the_phone_and_one_of_which_nobody_knows_is_not_repeated(desk, shop):
    with Aliyun() as aliyun:
        shop.secret("sms", json.dumps(aliyun.account, ensure_ascii=False))
        who = shop.requester(7, "138 0013 8000")
        delivery, = shop.tell(who, "sms", "sms:aliyun", "短信")
        assert shop.ended(delivery)["state"] == "delivered"
        sms, = aliyun.taken
        assert sms["PhoneNumbers"] == "13800138000" and sms["OutId"] == f"d_{shop.number}_{delivery}"
        assert sms["params"] == {"no": "7", "what": "杯子碎了"}
        aliyun.next("vanish")
        doubtful, = shop.tell(who, "sms", "sms:aliyun", "短信", ticket=8)
        row = shop.ended(doubtful)
        assert row["state"] in ("refused", "dropped") and row["doubts"] == 1 and row["attempts"] == 1
        assert len(aliyun.taken) == 2  # it was sent; nobody was told
        with pytest.raises(AssertionError, match="may have been sent"):
            desk.docket("notify", "retry", doubtful)
        desk.docket("notify", "retry", doubtful, "--despite-doubt")
        assert shop.ended(doubtful)["state"] == "delivered" and len(aliyun.taken) == 3
        for log in desk.running:
            assert "13800138000" not in log.text() and "138 0013" not in log.text()


def test_a_webhook_is_what_its_document_says(shop, hook):
    api, shared = (Document(REPOSITORY / f"deploy/api/notifications.{kind}.yaml") for kind in ("openapi", "asyncapi"))
    shop.secret("erp", "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    delivery, = shop.tell("system:erp", "webhook", hook.url, "程序", ticket=9)
    assert shop.ended(delivery)["state"] == "delivered"
    request, = [r for r in hook.requests if r["headers"].get("webhook-id") == f"d_{shop.number}_{delivery}"]
    for parameter in api["webhooks"]["notification"]["post"]["parameters"][:3]:
        schema = parameter["schema"]
        if "$ref" in schema:
            schema = shared.resolve({"$ref": "#" + schema["$ref"].partition("#")[2]})
        assert re.search(schema["pattern"], request["headers"][parameter["name"]]), parameter["name"]
    body = json.loads(request["body"])
    for name, schema in api["components"]["schemas"]["Body"]["properties"].items():
        whole = schema if "$ref" not in schema else {"$ref": "#/components/schemas/Event", "components": shared["components"]}
        jsonschema.Draft202012Validator(whole).validate(body[name])
    assert body["type"] == "ticket.created" and body["data"]["ticket"]["id"] == 9


def test_no_secret_stands_in_a_log(desk):
    for process in desk.running:
        text = process.text()
        for piece in ("access_token", "SECtestsecret", "fs-secret", "aliyun-secret", "bot/v2/hook"):
            assert piece not in text
