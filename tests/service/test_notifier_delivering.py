"""What waits in notify.deliveries is sent, in order, to whom it is for, and recorded; webhooks and mails to servers that are not ours."""
import json
import subprocess

import pytest

from harness import outside
from harness.notifier import NotifierDesk, black_hole, documents
from harness.outgoing import Receiver, ok
from harness.stack import until


@pytest.fixture(scope="module")
def hook():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def desk(hook):
    with NotifierDesk() as running:
        running.start()
        yield running


def bodies(receiver, tenant):
    """What came for this tenant, in order: its id is in every webhook-id."""
    return [(r["headers"]["webhook-id"], json.loads(r["body"])) for r in list(receiver.requests)
            if r["headers"].get("webhook-id", "").startswith(f"d_{tenant.number}_")]


@pytest.fixture
def tenant(desk, hook):
    return desk.tenant(documents(("erp", "webhook", hook.url + "/hooks")))


def test_an_event_goes_to_a_program_as_it_is_and_is_recorded(tenant, hook):
    delivery, = tenant.tell("system:erp", "webhook", hook.url, "给erp")
    row = tenant.ended(delivery)
    assert (row["state"], row["status"], row["attempts"], row["doubts"], row["lease_by"]) == ("delivered", 200, 1, 0, None)
    (key, body), = bodies(hook, tenant)
    assert key == f"d_{tenant.number}_{delivery}"
    assert body["type"] == "ticket.created" and body["data"]["ticket"]["subject"] == "杯子碎了"
    assert body["timestamp"].startswith("2026-") and body["data"]["ticket"]["status"] == "in_progress"


def test_five_hundred_go_once_each(tenant, hook):
    ids = tenant.tell("system:erp", "webhook", hook.url, "给erp", count=500, ticket=1000)
    assert tenant.settled() == {"delivered": 500}
    assert sorted(key for key, _ in bodies(hook, tenant)) == sorted(f"d_{tenant.number}_{i}" for i in ids)
    assert tenant.doubts() == 0
