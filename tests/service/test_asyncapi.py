"""deploy/api/topics.asyncapi.yaml and a running Docket say the same: every record of every topic fits a message of its channel,
in key, headers and payload, and every topic has carried something by then."""
import re
import subprocess

import jsonschema
import pytest

from harness.openapi import Document
from harness.stack import REPOSITORY, until
from harness.submissions import Topics, promise

DOCUMENT = Document(REPOSITORY / "deploy/api/topics.asyncapi.yaml")
SHOP = """
settings:
  default_group: 售后
groups:
  - {name: 售后, title: 售后服务}
agents:
  - {name: xiaolin, title: 小林, groups: [售后], capacity: 1, duty: true}
"""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def errors(schema, value):
    whole = {**DOCUMENT.resolve(schema), "components": DOCUMENT["components"]}
    return [e.message for e in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def event_of(payload):
    """The member of the Envelope that is set, as protoc reads it: nothing of ours decodes it here."""
    run = subprocess.run(["protoc", "--decode=docket.Envelope", "proto/envelope.proto"], cwd=REPOSITORY, input=payload, capture_output=True)
    assert run.returncode == 0, run.stderr
    text = run.stdout.decode()
    assert not re.search(r"^\s*\d+: ", text, re.MULTILINE), f"fields that proto/ does not know: {text}"
    assert "schema_version: 1\n" in text
    return re.findall(r"^(\w+) \{$", text, re.MULTILINE)[-1]


@pytest.fixture(scope="module")
def topics(stack):
    return Topics(stack.environment["DOCKET_KAFKA"])


@pytest.fixture(scope="module")
def records(stack, topics):
    """Of every channel some records, of a shop to which everything happens: {address: [message of confluent_kafka]}."""
    shop = stack.tenant(SHOP)
    busy = stack.tenant(SHOP, rate=1)
    first = shop.create(subject="退款", comment={"body": "x"})
    until(lambda: (shop.row(first) or {}).get("assignee_id"), what="the ticket to be assigned")
    traced = shop.post(subject="丢件", comment={"body": "y"}, headers={"traceparent": TRACE}).json["ticket"]["id"]
    shop.stored(traced)
    stack.docket("agents", "release", str(first), "--tenant", shop.name)
    for _ in range(4):
        busy.create(subject="s", comment={"body": "b"})
    stack.docket("agents", "capacity", "xiaolin", "2", "--tenant", shop.name)
    mark = b"\xff\xfe wrong bytes of the AsyncAPI test"
    topics.send("docket.submissions", mark)
    tickets = {str(first).encode(), str(traced).encode()}
    revision = stack.sql("SELECT max(revision) FROM config.revisions WHERE tenant_id = %s", shop.number)[0][0]

    def warned():
        """True of the ticket as it is; told again while somebody else changes it."""
        rows = shop.ledger(traced)
        if any(row["kind"] == "promise_warned" for row in rows):
            return True
        topics.send("docket.signals", promise("promise_warned", shop.number, traced, level="80%", judged_seq=len(rows), revision=revision,
                                              due_ms=1), key=str(traced))

    until(warned, what="the warning's row", every=0.5)
    until(lambda: len(shop.ledger(first)) >= 3 and len(shop.ledger(traced)) >= 2, what="the ledgers")

    def events():
        """All of them, once every ledger row is told (a release is told by the sweep of the outbox, seconds later)."""
        found = topics.read("docket.events", lambda m: m.key() in tickets)
        told = {dict(m.headers())["ce_id"].decode() for m in found}
        return found if told >= {f"{t}-{row['seq']}" for t in (first, traced) for row in shop.ledger(t)} else None

    return {
        "docket.submissions": topics.read("docket.submissions", lambda m: mark != m.value())[-20:],
        "docket.submissions.bulk": topics.read("docket.submissions.bulk", lambda m: True)[-20:],
        "docket.events": until(events, what="the events of both tickets"),
        "docket.signals": until(lambda: topics.read("docket.signals", lambda m: m.key() in tickets or m.key().startswith(b"%d:" % shop.number)),
                                what="signals"),
        "docket.dead": until(lambda: topics.read("docket.dead", lambda m: m.value() == mark), what="the dead letter"),
    }


def test_every_channel_is_looked_at_and_carried_something(records):
    assert {c["address"] for c in DOCUMENT["channels"].values()} == set(records)
    assert [address for address, found in records.items() if not found] == []


@pytest.mark.parametrize("channel", list(DOCUMENT["channels"].values()), ids=lambda c: c["address"])
def test_every_record_is_a_message_of_its_channel(records, channel):
    messages = {message["name"]: message for message in map(DOCUMENT.resolve, channel["messages"].values())}
    for record in records[channel["address"]]:
        name = "dead_letter" if "dead_letter" in messages else event_of(record.value())
        assert name in messages, f"{channel['address']} does not carry {name}"
        message = messages[name]
        key = record.key().decode() if record.key() is not None else None
        headers = {k: v.decode() for k, v in record.headers() or []}
        assert len(headers) == len(record.headers() or []), f"a header twice: {record.headers()}"
        if not (name == "dead_letter" and key is None):  # its description allows it
            assert errors(message["bindings"]["kafka"]["key"], key) == []
        assert errors(message["headers"], headers) == [], (name, headers)


def test_events_of_every_kind_that_happened_are_told_and_carry_the_trace(records):
    headers = [{k: v.decode() for k, v in m.headers()} for m in records["docket.events"]]
    assert {"docket.ticket_created", "docket.ticket_assigned", "docket.ticket_released", "docket.promise_warned"} <= {h["ce_type"] for h in headers}
    traces = [h["traceparent"] for h in headers if "traceparent" in h]
    assert any(trace.split("-")[1] == TRACE.split("-")[1] for trace in traces)


def test_an_event_s_headers_are_its_envelope_s(records):
    for record in records["docket.events"]:
        headers = {k: v.decode() for k, v in record.headers()}
        assert headers["ce_type"] == f"docket.{event_of(record.value())}"
        assert headers["ce_id"].split("-")[0] == record.key().decode()


def test_a_header_that_the_document_does_not_foresee_is_noticed():
    """The check itself can fail."""
    event = DOCUMENT["components"]["messages"]["ticketCreated"]["headers"]
    good = {"ce_id": "100001-1", "ce_type": "docket.ticket_created", "ce_source": "docket/router", "ce_specversion": "1.0",
            "ce_time": "2026-11-22T01:02:03.004Z", "content-type": "application/protobuf", "schema_version": "1"}
    assert errors(event, good) == []
    for name, value in [("ce_type", "docket.ticket_closed"), ("schema_version", "2"), ("ce_id", "100001"), ("traceparent", "00-1-2-3")]:
        assert errors(event, {**good, name: value}), name
    assert errors(event, {k: v for k, v in good.items() if k != "ce_time"})
    assert errors(DOCUMENT["components"]["schemas"]["NoHeaders"], {"traceparent": TRACE})
