"""One key, one ticket: retries at either gate, another body, Redis that forgot, gates that die in between."""
import json
import time

import pytest

from intake_gate import Raw, metric, submissions, url
from harness.stack import until


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant()


@pytest.fixture(scope="module")
def second(stack):
    """A second gate."""
    stack.start("intake-2")
    yield url(stack, "intake-2")
    stack.stop("intake-2")


def test_a_replay_is_the_same_answer_to_the_letter(stack, tenant):
    body = {"ticket": {"subject": "s", "description": "打 13812345678", "tags": ["a"]}}
    first = tenant.post(raw=json.dumps(body).encode(), key="replay-1")
    assert (first.status, first.headers["X-Idempotency-Lookup"]) == (201, "miss")
    end = time.time() + 1.1  # created_at has whole seconds: the replay must fall into another one
    until(lambda: time.time() > end, 3, "the next second")
    again = tenant.post(raw=json.dumps(body).encode(), key="replay-1")
    assert (again.status, again.headers["X-Idempotency-Lookup"]) == (201, "hit")
    assert again.body == first.body and again.headers["Location"] == first.headers["Location"]
    copies = [s for s in submissions(stack, tenant.number) if s.key == "k:replay-1"]
    assert len({s.ticket for s in copies}) == 1 and len({s.cause for s in copies}) == 1
    assert len({s.at_ms for s in copies}) == 1


def test_both_gates_know_the_key(tenant, second):
    first = tenant.post(key="two-gates")
    again = tenant.post(key="two-gates", gate=second)
    assert again.headers["X-Idempotency-Lookup"] == "hit"
    assert again.json["ticket"]["id"] == first.json["ticket"]["id"]


def test_a_quoted_key_is_the_bare_one(tenant):
    first = tenant.post(key="quoted-1")
    again = tenant.post(headers={"Idempotency-Key": '"quoted-1"'})
    assert again.json["ticket"]["id"] == first.json["ticket"]["id"]


def test_another_body_under_a_live_key_is_refused(stack, tenant):
    assert tenant.post(key="other-body", subject="one").status == 201
    answer = tenant.post(key="other-body", subject="two")
    assert answer.status == 400
    assert answer.json == {"error": "IdempotentRequestError",
                           "description": "Request parameters don't match the given idempotency key"}
    assert len([s for s in submissions(stack, tenant.number) if s.key == "k:other-body"]) == 1


def test_keys_of_two_tenants_are_two_keys(stack, tenant):
    other = stack.tenant()
    assert tenant.post(key="shared").json["ticket"]["id"] != other.post(key="shared").json["ticket"]["id"]
    assert other.post(key="shared", subject="x", comment={"body": "b"}).status == 400


def test_a_refused_body_claims_nothing(tenant):
    assert tenant.post({"priority": "?"}, key="mend").status == 422
    answer = tenant.post({"description": "d"}, key="mend")
    assert (answer.status, answer.headers["X-Idempotency-Lookup"]) == (201, "miss")


def test_external_id_is_free_unless_the_source_deduplicates_by_it(stack, tenant):
    ticket = {"description": "d", "external_id": "crm-7"}
    assert tenant.post(ticket).json["ticket"]["id"] != tenant.post(ticket).json["ticket"]["id"]
    strict = stack.tenant(dedup_external_id=True)
    first, again = strict.post(ticket), strict.post(ticket)
    assert again.headers["X-Idempotency-Lookup"] == "hit"
    assert first.json["ticket"]["id"] == again.json["ticket"]["id"]
    assert strict.post({**ticket, "subject": "other"}).status == 400
    # An Idempotency-Key goes over it, and a k: key is never an x: key.
    assert strict.post(ticket, key="crm-7").json["ticket"]["id"] != first.json["ticket"]["id"]


def test_a_claim_lives_a_day_and_holds_no_body(stack, tenant):
    ticket = tenant.post({"description": "die geheime Beschreibung"}, key="a-day").json["ticket"]["id"]
    key = next(k for k in stack.redis().scan_iter(f"docket:{{{tenant.number}}}:key:*") if k.endswith("k:a-day"))
    import redis
    raw = redis.Redis.from_url(stack.environment["DOCKET_REDIS"])
    value = raw.get(key)
    assert len(value) == 65 and int.from_bytes(value[1:9], "big") == ticket
    assert 86000 < raw.ttl(key) <= 86400


def test_redis_that_forgot_leaves_one_ticket_with_two_ids(stack, tenant, second):
    first = tenant.post(key="forgotten")
    stack.redis().flushall()
    again = tenant.post(key="forgotten", gate=second)
    assert (again.status, again.headers["X-Idempotency-Lookup"]) == (201, "miss")
    ids = {first.json["ticket"]["id"], again.json["ticket"]["id"]}
    assert len(ids) == 2
    rows = [tenant.stored(i) for i in ids]
    assert rows[0]["id"] == rows[1]["id"]


def test_what_stands_in_redis_but_is_not_ours_is_not_believed(stack, tenant):
    source = stack.sql("SELECT source_id FROM intake.sources WHERE tenant_id = %s", tenant.number)[0][0]
    stack.redis().set(f"docket:{{{tenant.number}}}:key:{source}:k:garbage", "not a claim")
    assert tenant.post(key="garbage").status == 201


def die_at(stack, tenant, point, key):
    """A gate that kills itself at `point`, and the request that makes it do so."""
    stack.start("intake-3", DOCKET_CRASH=f"{point}:die")
    with pytest.raises(OSError):
        tenant.post(key=key, gate=url(stack, "intake-3"))
    until(lambda: stack.state("intake-3") in (None, "Z"), 10, "the gate to be dead")


@pytest.mark.parametrize("point", ["after-claim", "after-produce"])
def test_a_gate_that_dies_leaves_one_ticket_under_its_key(stack, tenant, point):
    key = f"dies-{point}"
    die_at(stack, tenant, point, key)
    in_kafka = [s for s in submissions(stack, tenant.number) if s.key == f"k:{key}"]
    assert len(in_kafka) == (1 if point == "after-produce" else 0)
    again = tenant.post(key=key)
    assert (again.status, again.headers["X-Idempotency-Lookup"]) == (201, "hit")
    copies = [s for s in submissions(stack, tenant.number) if s.key == f"k:{key}"]
    assert {s.ticket for s in copies} == {again.json["ticket"]["id"]} and len({s.cause for s in copies}) == 1
    tenant.stored(again.json["ticket"]["id"])


@pytest.mark.parametrize("point", ["after-claim", "after-produce"])
def test_a_frozen_gate_and_another_one_make_one_ticket(stack, tenant, point):
    key = f"freezes-{point}"
    stack.start("intake-3", DOCKET_CRASH=f"{point}:freeze")
    try:
        connection = Raw(stack, "intake-3")
        body = json.dumps({"ticket": {"subject": "s", "comment": {"body": "b"}}})
        connection.post(tenant, body, f"Idempotency-Key: {key}")
        until(lambda: stack.state("intake-3") == "T", 10, "the gate to freeze")
        again = tenant.post(raw=body.encode(), key=key)
        assert (again.status, again.headers["X-Idempotency-Lookup"]) == (201, "hit")
        stack.resume("intake-3")
        status, _, text = connection.answer()
        assert status in (201, 503)  # 503 when it slept too long
        if status == 201:
            assert json.loads(text)["ticket"]["id"] == again.json["ticket"]["id"]
        connection.close()
    finally:
        stack.resume("intake-3")
        stack.stop("intake-3")
    copies = [s for s in submissions(stack, tenant.number) if s.key == f"k:{key}"]
    assert {s.ticket for s in copies} == {again.json["ticket"]["id"]} and len({s.cause for s in copies}) == 1


def test_a_client_that_left_gets_its_ticket_when_it_returns(stack, tenant, second):
    body = json.dumps({"ticket": {"subject": "s", "comment": {"body": "b"}}})
    stack.pause("kafka")
    try:
        connection = Raw(stack).post(tenant, body, "Idempotency-Key: left-early")
        until(lambda: metric(stack, "docket_intake_unreported_records") > 0, 5, "the submission to be on its way")
        connection.close()
    finally:
        stack.resume("kafka")
    until(lambda: metric(stack, "docket_intake_unreported_records") == 0, 20, "Kafka's report")
    again = until(lambda: (a := tenant.post(raw=body.encode(), key="left-early", gate=second)).status == 201 and a, 20,
                  "the second gate to accept")
    assert again.headers["X-Idempotency-Lookup"] == "hit"
    copies = [s for s in submissions(stack, tenant.number) if s.key == "k:left-early"]
    assert {s.ticket for s in copies} == {again.json["ticket"]["id"]} and len({s.cause for s in copies}) == 1
