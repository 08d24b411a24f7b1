"""The gate, run as it runs: what becomes a ticket, what is refused and how it says so."""
import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from intake_gate import Raw, metric, ops, submissions, url
from harness.stack import request, until, within


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant()


def sent(stack, tenant, ticket):
    return next(s for s in submissions(stack, tenant.number) if s.ticket == ticket)


# -- what is taken ------------------------------------------------------------------------------------------------------


def test_a_ticket_is_answered_in_zendesks_shape_and_is_in_kafka_by_then(stack, tenant):
    answer = tenant.post({"subject": "订单没到", "comment": {"body": "三天没动静"}, "priority": "high", "tags": ["物流"],
                          "requester": {"name": "丁点", "email": "d@example.com"}, "external_id": "crm-1",
                          "custom_fields": [{"id": 42, "value": "x"}], "via": {"channel": "app"}, "order": "SO-1"})
    assert answer.status == 201
    ticket = answer.json["ticket"]
    assert answer.headers["Location"] == ticket["url"] == f"{stack.gate}/api/v2/tickets/{ticket['id']}.json"
    assert 0 < ticket["id"] < 2**53 and ticket["status"] == "new" and ticket["via"]["channel"] == "app"
    assert "Retry-After" not in answer.headers and "X-Idempotency-Lookup" not in answer.headers
    one = sent(stack, tenant, ticket["id"])
    assert (one.subject, one.description, one.channel) == ("订单没到", "三天没动静", "app")
    assert (one.external_id, one.tags, json.loads(one.custom_fields)) == ("crm-1", ["物流"], {"42": "x"})
    assert len(one.cause) == 16 and len(one.contact) == 32 and one.key == ""


def test_personal_data_is_nowhere_in_clear(stack, tenant):
    secrets = ["令狐某某", "linghu.x", "13812345678", "科技园路九号", "110101199003073618", "绝密暗号"]
    answer = tenant.post({"subject": f"电话 {secrets[2]}", "comment": {"body": f"证件 {secrets[4]}"},
                          "requester": {"name": secrets[0], "email": secrets[1] + "@example.com", "phone": secrets[2],
                                        "address": "深圳市" + secrets[3]},
                          "custom_fields": [{"id": "code", "value": secrets[5], "personal": True}, {"id": 7, "value": int(secrets[2])}]},
                         key="personal-1")
    assert answer.status == 201
    one = sent(stack, tenant, answer.json["ticket"]["id"])
    assert set(one.personal) == {"name", "email", "phone", "address", "subject", "description", "custom:code", "custom:7"}
    logs = stack.log("intake-1") + ops(stack, "/metrics").body.decode()
    claims = b"".join(k + v for k, v in everything_in_redis(stack))
    for secret in secrets:
        assert secret.encode() not in one.raw, f"{secret} is in Kafka"
        assert secret not in answer.body.decode(), f"{secret} is in the answer"
        assert secret not in logs, f"{secret} is in log or metrics"
        assert secret.encode() not in claims, f"{secret} is in Redis"


def everything_in_redis(stack):
    import redis
    client = redis.Redis.from_url(stack.environment["DOCKET_REDIS"])
    for key in client.scan_iter("*"):
        yield key, client.get(key) if client.type(key) == b"string" else b""


def test_both_paths_and_both_schemes_are_one_door(stack, tenant):
    body = {"ticket": {"description": "d"}}
    basic = base64.b64encode(f"shop@example.com/token:{tenant.token}".encode()).decode()
    for path in ("/api/v2/tickets", "/api/v2/tickets.json"):
        for scheme in (f"Bearer {tenant.token}", f"Basic {basic}"):
            answer = request("POST", stack.gate + path, body, {"Authorization": scheme})
            assert answer.status == 201, (path, scheme.split()[0], answer.body)


def test_unknown_fields_are_named_and_not_fatal(tenant):
    answer = tenant.post({"description": "d", "colour": "red", "type": "incident"})
    assert answer.status == 201
    assert {w["field"]: w["warning"] for w in answer.json["warnings"]} == {"colour": "UnknownField", "type": "NotKept"}


def test_a_trace_is_carried_on_or_begun(stack, tenant):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    given = tenant.post(headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}).json["ticket"]["id"]
    broken = tenant.post(headers={"traceparent": f"00-{trace.upper()}-00f067aa0ba902b7-01"}).json["ticket"]["id"]
    assert sent(stack, tenant, given).trace[:16].hex() == trace
    fresh = sent(stack, tenant, broken).trace
    assert len(fresh) == 25 and fresh[:16].hex() != trace and any(fresh[:16])


def test_the_largest_body_is_taken_and_one_byte_more_is_not(tenant):
    frame = json.dumps({"ticket": {"description": ""}})
    room = 256 * 1024 - len(frame)
    for extra, status in ((0, 201), (1, 413)):
        answer = tenant.post(raw=frame.replace('""', '"' + "x" * (room + extra) + '"').encode())
        assert answer.status == status, answer.body[:200]


def test_pipelined_requests_are_answered_in_order(stack, tenant):
    connection = Raw(stack)
    for number in range(20):
        connection.post(tenant, json.dumps({"ticket": {"description": f"number {number}"}}), f"Idempotency-Key: pipe-{number}")
    found = []
    data = b""
    while data.count(b'"audit"') < 20:
        more = connection.socket.recv(65536)
        assert more
        data += more
    for part in data.split(b"HTTP/1.1 ")[1:]:
        assert part.startswith(b"201 ")
        found.append(json.loads(part.partition(b"\r\n\r\n")[2])["ticket"]["description"])
    assert found == [f"number {number}" for number in range(20)]
    connection.close()


# -- who may --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong-token-of-nobody", "Basic !!!", "Digest x", "Basic "
                                    + base64.b64encode(b"a@b.c:password").decode(), "Bearer " + "x" * 600])
def test_whoever_cannot_say_who_he_is_gets_401(stack, header):
    answer = request("POST", stack.gate + "/api/v2/tickets.json", {"ticket": {"description": "d"}},
                     {} if header is None else {"Authorization": header})
    assert answer.status == 401
    assert answer.json == {"error": "Couldn't authenticate you"}
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("change", ["revoked_at = now()", "expires_at = now()"])
def test_a_token_dies_within_five_seconds(stack, change):
    tenant = stack.tenant()
    assert tenant.post().status == 201
    stack.sql(f"UPDATE access.tokens SET {change} WHERE tenant_id = %s", tenant.number, admin=True)
    within(lambda: tenant.post().status == 401, 5, "the token to be refused")


def test_a_token_without_the_scope_is_forbidden(stack):
    tenant = stack.tenant()
    stack.sql("UPDATE access.tokens SET scopes = '{}' WHERE tenant_id = %s", tenant.number, admin=True)
    answer = tenant.post()
    assert answer.status == 403 and "tickets:create" in answer.json["error"]["message"]


@pytest.mark.parametrize("ticket, field", [({"group_id": 7}, "group_id"), ({"assignee_id": 9}, "assignee_id"),
                                           ({"status": "solved"}, "status"),
                                           ({"comment": {"body": "b", "public": False}}, "comment.public")])
def test_only_agents_place_tickets(tenant, ticket, field):
    answer = tenant.post({"description": "d", **ticket})
    assert answer.status == 403 and answer.json["error"]["message"].startswith(field + ":")


def test_who_may_place_names_group_and_assignee(stack):
    tenant = stack.tenant()
    stack.sql("UPDATE access.tokens SET scopes = '{tickets:create,tickets:place}' WHERE tenant_id = %s", tenant.number, admin=True)
    answer = tenant.post({"description": "d", "group_id": 1234, "assignee_id": 5678})
    assert answer.status == 201 and answer.json["ticket"]["group_id"] == 1234
    one = sent(stack, tenant, answer.json["ticket"]["id"])
    assert (one.group, one.assignee) == (1234, 5678)


def test_a_source_names_only_its_channels(stack):
    tenant = stack.tenant(channels="chat,phone")
    assert tenant.post({"description": "d"}).json["ticket"]["via"]["channel"] == "chat"
    answer = tenant.post({"description": "d", "via": {"channel": "web"}})
    assert answer.status == 422 and "chat, phone" in answer.json["details"]["via.channel"][0]["description"]


# -- what is refused --------------------------------------------------------------------------------------------------------

JSON_REFUSED = {
    "empty": b"",
    "blank": b"  ",
    "cut short": b'{"ticket":{"description":"d"',
    "more behind": b'{"ticket":{"description":"d"}} x',
    "byte order mark": b'\xef\xbb\xbf{"ticket":{"description":"d"}}',
    "invalid UTF-8": b'{"ticket":{"description":"\xc3\x28"}}',
    "overlong UTF-8": b'{"ticket":{"description":"\xc0\xaf"}}',
    "UTF-16": '{"ticket":{"description":"d"}}'.encode("utf-16"),
    "surrogate in UTF-8": b'{"ticket":{"description":"\xed\xa0\x80"}}',
    "lone high surrogate": b'{"ticket":{"description":"\\ud83d"}}',
    "lone low surrogate": b'{"ticket":{"description":"\\ude00"}}',
    "NUL escaped": b'{"ticket":{"description":"a\\u0000b"}}',
    "NUL in the key": b'{"ticket":{"descr\\u0000iption":"b"}}',
    "NUL raw": b'{"ticket":{"description":"a\x00b"}}',
    "control character": b'{"ticket":{"description":"a\x01b"}}',
    "duplicate key": b'{"ticket":{"description":"a","description":"b"}}',
    "duplicate key, escaped": b'{"ticket":{"description":"a","descr\\u0069ption":"b"}}',
    "two tickets": b'{"ticket":{"description":"a"},"ticket":{"description":"b"}}',
    "depth bomb": b'{"ticket":{"x":' + b"[" * 20000 + b"]" * 20000 + b"}}",
    "members bomb": b'{"ticket":{' + b",".join(b'"m%d":1' % i for i in range(2000)) + b"}}",
    "integer beyond int64": b'{"ticket":{"description":"d","group_id":9223372036854775808}}',
    "integer below int64": b'{"ticket":{"description":"d","x":-9223372036854775809}}',
    "number beyond double": b'{"ticket":{"description":"d","x":1e999}}',
    "NaN": b'{"ticket":{"description":"d","x":NaN}}',
    "leading zero": b'{"ticket":{"description":"d","x":01}}',
    "comment": b'{"ticket":{"description":"d"/* */}}',
    "trailing comma": b'{"ticket":{"description":"d",}}',
    "single quotes": b"{'ticket':{'description':'d'}}",
    "form": b"subject=a&description=b",
}


@pytest.mark.parametrize("name", JSON_REFUSED)
def test_broken_json_is_refused_with_its_position(stack, tenant, name):
    before = published(stack)
    answer = tenant.post(raw=JSON_REFUSED[name])
    assert answer.status == 400, answer.body
    assert answer.json["error"] == "InvalidJSON"
    assert "line 1" in answer.json["description"] or "empty" in answer.json["description"], answer.json
    assert published(stack) == before


def published(stack):
    return sum(metric(stack, f'docket_intake_published_total{{lane="{lane}"}}') for lane in ("express", "bulk"))


FIELDS_REFUSED = [
    ({}, "description"),
    ({"subject": "no text"}, "description"),
    ({"description": ["d"]}, "description"),
    ({"description": "d", "subject": 5}, "subject"),
    ({"description": "d", "subject": "s" * 1025}, "subject"),
    ({"description": "d", "priority": "P1"}, "priority"),
    ({"description": "d", "priority": 1}, "priority"),
    ({"description": "d", "status": "limbo"}, "status"),
    ({"description": "d", "tags": "a"}, "tags"),
    ({"description": "d", "tags": [{}]}, "tags.0"),
    ({"description": "d", "tags": ["t" * 256]}, "tags"),
    ({"description": "d", "tags": [f"t{i}" for i in range(101)]}, "tags"),
    ({"description": "d", "requester": "me"}, "requester"),
    ({"description": "d", "requester": {"email": "me"}}, "requester.email"),
    ({"description": "d", "requester": {"phone": "me"}}, "requester.phone"),
    ({"description": "d", "custom_fields": 5}, "custom_fields"),
    ({"description": "d", "custom_fields": {"a": {"b": 1}}}, "custom_fields.a"),
    ({"description": "d", "via": {"channel": "smoke"}}, "via.channel"),
    ({"description": "d", "external_id": "e" * 256}, "external_id"),
    ({"description": "d", "group_id": "seven"}, "group_id"),
    ({"description": "d", "assignee_id": 2**53}, "assignee_id"),
    ({"comment": {"html_body": "<p>d</p>"}}, "comment.html_body"),
]


@pytest.mark.parametrize("ticket, field", FIELDS_REFUSED, ids=[f"{n}-{field}" for n, (_, field) in enumerate(FIELDS_REFUSED)])
def test_each_field_that_cannot_be_taken_is_named_with_a_remedy(stack, tenant, ticket, field):
    before = published(stack)
    answer = request("POST", stack.gate + "/api/v2/tickets.json", {"ticket": ticket}, {"Authorization": f"Bearer {tenant.token}"})
    assert answer.status == 422, answer.body
    assert answer.json["error"] == "RecordInvalid"
    assert answer.json["details"][field][0]["description"].startswith(field + ": ")
    assert published(stack) == before


@pytest.mark.parametrize("body", ["null", "[]", "7", '"text"', '{"tickets":[]}', '{"ticket":"x"}'])
def test_a_body_without_a_ticket_is_refused(tenant, body):
    answer = tenant.post(raw=body.encode())
    assert answer.status == 422 and "ticket" in answer.json["details"]


def test_ten_megabytes_are_refused_and_the_client_sees_why(stack, tenant):
    connection = Raw(stack)
    body = b'{"ticket":{"description":"' + b"x" * 10_000_000 + b'"}}'
    head = (f"POST /api/v2/tickets.json HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {tenant.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    try:
        connection.send(head, body)
    except OSError:
        pass  # it need not have read all of it
    status, _, text = connection.answer()
    assert status == 413 and json.loads(text)["status"] == 413
    connection.close()


@pytest.mark.parametrize("headers", [{"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"},
                                     {"Content-Type": "application/json", "Content-Encoding": "gzip"}])
def test_another_media_type_is_415(tenant, headers):
    assert tenant.post(headers=headers).status == 415


def test_a_charset_beside_the_media_type_is_fine(tenant):
    assert tenant.post(headers={"Content-Type": "Application/JSON; charset=utf-8"}).status == 201


@pytest.mark.parametrize("path", ["/", "/api/v2/tickets/", "/api/v2/tickets/1.json", "/api/v2/Tickets", "/api/v2/tickets.xml",
                                  "/health/live", "/metrics", "/%61pi/v2/tickets"])
def test_other_paths_are_404(stack, path):
    answer = request("POST", stack.gate + path, {"ticket": {}})
    assert answer.status == 404 and answer.json["error"] == "InvalidEndpoint"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405_with_allow(stack, method):
    answer = request(method, stack.gate + "/api/v2/tickets.json")
    assert answer.status == 405 and answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("key", ["", "x" * 256, '"open', "caf\u00e9"])
def test_a_broken_key_is_refused(stack, tenant, key):
    connection = Raw(stack)
    connection.post(tenant, '{"ticket":{"description":"d"}}', f"Idempotency-Key: {key}")
    status, _, text = connection.answer()
    assert status == 400 and json.loads(text)["error"] == "InvalidIdempotencyKey"
    connection.close()


# -- lanes and limits -----------------------------------------------------------------------------------------------------------


def test_what_a_source_sends_above_its_rate_takes_the_bulk_lane(stack):
    tenant = stack.tenant(rate=5)
    other = stack.tenant(rate=5)
    ids = [tenant.create()]
    with ThreadPoolExecutor(8) as pool:  # above its rate also on a slow machine
        ids += pool.map(lambda _: tenant.create(), range(39))
    quiet = other.create()
    lanes = {s.ticket: s.topic for s in submissions(stack) if s.tenant in (tenant.number, other.number)}
    assert set(ids) <= set(lanes)
    bulk = [i for i in ids if lanes[i].endswith(".bulk")]
    assert 10 < len(bulk) <= 35 and ids[0] not in bulk
    assert lanes[quiet] == "docket.submissions"


def test_above_the_tenants_limit_comes_429_and_later_201(stack):
    tenant, other = stack.tenant(), stack.tenant()
    stack.start("intake-2", DOCKET_TENANT_RATE="5")
    try:
        gate = url(stack, "intake-2")
        answers = [tenant.post(gate=gate)]
        with ThreadPoolExecutor(8) as pool:
            answers += pool.map(lambda _: tenant.post(gate=gate), range(29))
        refused = [a for a in answers if a.status == 429]
        assert answers[0].status == 201 and len(refused) > 10
        assert all(int(a.headers["Retry-After"]) >= 1 for a in refused)
        assert other.post(gate=gate).status == 201
        until(lambda: tenant.post(gate=gate).status == 201, 5, "the tenant's bucket to fill")
    finally:
        stack.stop("intake-2")


# -- what is said about itself ---------------------------------------------------------------------------------------------------


def test_the_gate_counts_what_it_does(stack, tenant):
    series = ['docket_intake_requests_total{status="201"}', 'docket_intake_requests_total{status="422"}',
              'docket_intake_refusals_total{reason="field"}', 'docket_intake_claims_total{result="miss"}',
              'docket_intake_claims_total{result="hit"}', "docket_intake_accept_seconds_count"]
    before = {name: metric(stack, name) for name in series}
    tenant.post({"priority": "?"}, key="counted-0")
    tenant.post(key="counted-1")
    tenant.post(key="counted-1")
    grown = {name: metric(stack, name) - before[name] for name in series}
    assert list(grown.values()) == [2, 1, 1, 1, 1, 2]
    for idle in ("docket_intake_in_flight", "docket_intake_in_flight_bytes", "docket_intake_unreported_records",
                 "docket_intake_oldest_unanswered_seconds", "docket_intake_report_lag_seconds"):
        assert metric(stack, idle) == 0
    assert metric(stack, "docket_intake_ids_left") > 0
    assert ops(stack, "/health/ready").status == 200
