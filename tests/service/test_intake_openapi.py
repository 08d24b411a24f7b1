"""deploy/api/gate.openapi.yaml and the running gate say the same: every answer fits its schema, every documented status comes,
and none comes that is not documented."""
import json

import jsonschema
import pytest

from intake_gate import Raw, url
from harness.openapi import Document
from harness.stack import REPOSITORY, request, until

DOCUMENT = Document(REPOSITORY / "deploy/api/gate.openapi.yaml")


def schema_errors(schema, value):
    whole = {**schema, "components": DOCUMENT["components"]} if "$ref" not in schema else \
        {"allOf": [schema], "components": DOCUMENT["components"]}
    return [e.message for e in jsonschema.Draft202012Validator(whole).iter_errors(value)]


@pytest.fixture(scope="module")
def seen():
    return {}


@pytest.fixture(scope="module")
def produced(stack):
    """(status, headers, body) of real answers, by what brought them about."""
    tenant = stack.tenant()
    answers = {}

    def keep(name, answer):
        if isinstance(answer, tuple):
            status, head, body = answer
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        else:
            status, headers, body = answer.status, dict(answer.headers), answer.body
        answers[name] = (status, {k.lower(): v for k, v in headers.items()}, json.loads(body))

    full = {"subject": "s", "comment": {"body": "b", "public": True}, "requester": {
        "name": "丁点", "email": "d@example.com", "phone": "13812345678", "address": "深圳市某路", "external_id": 5, "locale": "zh-CN"},
        "priority": "urgent", "tags": ["a"], "external_id": "x", "custom_fields": [{"id": 1, "value": [1, "13812345678", None, True]},
                                                                                {"id": "k", "value": 1.5, "personal": True}],
        "via": {"channel": "app"}, "kind": "投诉", "order": "O", "product": "P", "batch": "B", "device": "D", "region": "R", "tier": "vip",
        "type": "incident", "colour": "red", "description": "beside", **{f"u{n}": n for n in range(40)}}
    assert not schema_errors({"$ref": "#/components/schemas/CreateTicket"}, {"ticket": full})
    keep("full", tenant.post(full, key="openapi"))
    keep("replay", tenant.post(full, key="openapi"))
    keep("least", tenant.post({"description": "d"}))
    keep("json", tenant.post(raw=b"{"))
    keep("key", tenant.post(headers={"Idempotency-Key": '"'}))
    keep("other body", tenant.post(key="openapi"))
    keep("http", Raw(stack).send("POST /api/v2/tickets.json HTTP/1.1\r\nHost : g\r\n\r\n").answer())
    keep("token", request("POST", stack.gate + "/api/v2/tickets.json", {}))
    keep("place", tenant.post({"description": "d", "group_id": 1}))
    keep("fields", tenant.post({"priority": "x", "tags": 1, "subject": "s" * 2000, "custom_fields": [{"value": 1}, {"id": 1, "value": 1},
                                                                                                {"id": 1, "value": 1}]}))
    keep("many personal", tenant.post({"description": "d", "custom_fields": {f"f{n}": "13812345678" for n in range(40)}}))
    keep("blank", tenant.post({"subject": "s"}))
    keep("tags", tenant.post({"description": "d", "tags": [f"t{n}" for n in range(101)]}))
    keep("media type", tenant.post(headers={"Content-Type": "text/plain"}))
    keep("large", Raw(stack).send("POST /api/v2/tickets.json HTTP/1.1\r\nHost: g\r\nContent-Length: 999999\r\n\r\n").answer())
    keep("head", Raw(stack).send("POST /api/v2/tickets.json HTTP/1.1\r\nHost: g\r\nX: " + "x" * 20000 + "\r\n\r\n").answer())
    keep("path", request("POST", stack.gate + "/api/v2/users.json", {}))
    keep("method", request("GET", stack.gate + "/api/v2/tickets"))

    stack.start("intake-2", DOCKET_TENANT_RATE="1", DOCKET_HEAD_TIMEOUT="300ms", DOCKET_CONNECTIONS="2")
    try:
        gate = url(stack, "intake-2")
        keep("rate", until(lambda: (a := tenant.post(gate=gate)).status == 429 and a, 10, "429"))
        keep("slow", Raw(stack, "intake-2").send("POST /api").answer())
        keep("crowd", until(lambda: crowded_out(stack, "intake-2"), 10, "503 for one connection too many"))
    finally:
        stack.stop("intake-2")
    stack.pause("kafka")
    try:
        keep("kafka", tenant.post(again=False))
    finally:
        stack.resume("kafka")
    until(lambda: tenant.post().status == 201, 30, "the gate to accept again")
    stack.sql("UPDATE access.tokens SET scopes = '{}' WHERE tenant_id = %s", tenant.number, admin=True)
    keep("scope", until(lambda: (a := tenant.post()).status == 403 and a, 6, "the scope to be gone"))
    return answers


def crowded_out(stack, name):
    """The answer to a third connection while two are held, if they were held for so long."""
    held = [Raw(stack, name).send("P") for _ in range(2)]
    try:
        answer = Raw(stack, name).answer()
        return answer if answer[0] == 503 else None
    except (AssertionError, OSError):
        return None
    finally:
        for one in held:
            one.close()


def documented():
    operation = DOCUMENT["paths"]["/api/v2/tickets.json"]["post"]
    return {**operation["responses"], **DOCUMENT["x-every-other-request"]}


def test_every_reference_leads_somewhere_and_every_schema_is_one():
    DOCUMENT.check()
    assert DOCUMENT["openapi"].startswith("3.1.")
    operations = [o["operationId"] for path in DOCUMENT["paths"].values() for o in path.values()]
    assert len(operations) == len(set(operations)) == 2


def test_every_answer_is_documented_and_fits(produced):
    for name, (status, headers, body) in produced.items():
        assert str(status) in documented(), f"{name}: {status} is not documented"
        response = DOCUMENT.resolve(documented()[str(status)])
        kind = headers["content-type"].split(";")[0]
        assert kind in response["content"], f"{name}: {status} came as {kind}"
        errors = schema_errors(response["content"][kind]["schema"], body)
        assert not errors, f"{name}: {errors}"
        for header, described in response.get("headers", {}).items():
            described = DOCUMENT.resolve(described)
            assert header.lower() in headers or not described.get("required"), f"{name}: {status} without {header}"
            if header.lower() in headers:
                value = headers[header.lower()]
                value = int(value) if described["schema"].get("type") == "integer" else value
                assert not schema_errors(described["schema"], value), (name, header, value)


def test_every_documented_status_and_form_comes(produced):
    came = {(str(status), headers["content-type"].split(";")[0]) for status, headers, _ in produced.values()}
    promised = {(status, kind) for status, response in documented().items() for kind in DOCUMENT.resolve(response)["content"]}
    assert promised == came, f"documented, never seen: {promised - came}; seen, never documented: {came - promised}"
