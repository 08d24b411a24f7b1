"""`docket verify` can fail over promises: each kind of wrong record is made, and found."""
import json

import pytest

from harness.stack import until
from harness.promising import BREACHED, WARNED, PromisingShop, unscheduled
from harness.submissions import Ids, Topics


@pytest.fixture(scope="module")
def stack():
    running = unscheduled("--desk", 0)  # its index would follow what is broken here on purpose
    try:
        yield running
    finally:
        running.down()


@pytest.fixture(scope="module")
def shop(stack):
    return PromisingShop(stack, Topics(stack.environment["DOCKET_KAFKA"]), Ids(stack))


@pytest.fixture
def ticket(shop):
    """Rows 3, 4 and 5 warned, broke and escalated; assigned and never answered."""
    ticket = shop.ticket(minutes_ago=20)
    until(lambda: len(shop.tenant.ledger(ticket)) == 2, what="both rows")
    shop.tell(WARNED, ticket, level="80%", why="")
    shop.tell(BREACHED, ticket)
    shop.escalate(ticket, "1", notify_lead=True)
    return ticket


def findings(shop, *options):
    run = shop.stack.docket("verify", "--rows-only", "--json", "--tenant", shop.tenant.name, *options, check=False)
    assert run.returncode in (0, 1), run.stderr
    return {finding["promise"]: finding["offenders"] for finding in json.loads(run.stdout)["findings"] if finding["broken"]}


WRONG = {
    "a moment recorded twice": (
        "INSERT INTO ticket.ledger SELECT tenant_id, ticket_id, 6, gen_random_uuid(), step, kind, actor, at, revision, trace, payload FROM"
        " ticket.ledger WHERE {row} AND seq = 4;"
        "UPDATE ticket.tickets SET version = 6 WHERE tenant_id = {t} AND id = {id}", "no moment of a promise is recorded twice"),
    "a breach ahead of its time": (
        "UPDATE ticket.ledger SET payload = jsonb_set(payload, '{{promise,due_ms}}', to_jsonb((extract(epoch FROM at) * 1000)::bigint"
        " + 5000)) WHERE {row} AND seq = 4", "nothing of a promise is recorded before its time"),
    "a warning ahead of its time": (
        "UPDATE ticket.ledger SET payload = jsonb_set(payload, '{{promise,at_ms}}', to_jsonb((extract(epoch FROM at) * 1000)::bigint"
        " + 5000)) WHERE {row} AND seq = 3", "nothing of a promise is recorded before its time"),
    "a warning behind its breach": (
        "UPDATE ticket.ledger SET kind = 'promise_breached', payload = jsonb_set(payload, '{{promise,level}}', '\"\"')"
        " WHERE {row} AND seq = 3;"
        "UPDATE ticket.ledger SET kind = 'promise_warned', payload = jsonb_set(payload, '{{promise,level}}', '\"80%\"')"
        " WHERE {row} AND seq = 4", "no warning comes after its breach"),
    "an escalation of what is not broken": (
        "UPDATE ticket.ledger SET kind = 'promise_warned', payload = jsonb_set(payload, '{{promise,level}}', '\"95%\"')"
        " WHERE {row} AND seq = 4", "every escalation comes after its breach"),
    "a promise of what is over": (
        "UPDATE ticket.ledger SET payload = jsonb_set(payload, '{{set,status}}', '\"closed\"') WHERE {row} AND seq = 2",
        "what is over has no promises any more"),
    "a breach of what was answered in time": (
        "UPDATE ticket.ledger SET kind = 'ticket_updated', actor = 'agent:1', payload = payload || '{{\"comment\": {{\"public\": true,"
        " \"author_id\": 1, \"body\": \"x\", \"html\": false, \"channel\": \"api\"}}}}' WHERE {row} AND seq = 2;"
        "UPDATE ticket.ledger SET at = at - interval '10 minutes' WHERE {row} AND seq <= 2",
        "nothing is recorded as broken that was done in time"),
    "a breach that never was": (
        "UPDATE ticket.ledger SET payload = jsonb_set(payload, '{{promise,metric}}', '\"resolution\"') WHERE {row} AND seq = 4",
        "every breach on record was one"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_record_is_found(shop, ticket, what):
    harm, promise = WRONG[what]
    names = {"t": shop.number, "id": ticket, "row": f"tenant_id = {shop.number} AND ticket_id = {ticket}"}
    kept = shop.stack.sql("SELECT to_jsonb(l) FROM ticket.ledger l WHERE tenant_id = %s AND ticket_id = %s", shop.number, ticket)
    version = shop.row(ticket)["version"]
    assert findings(shop) == {}
    shop.stack.sql(harm.format(**names).replace("%", "%%"), admin=True)
    try:
        found = findings(shop)
    finally:
        shop.stack.sql(f"DELETE FROM ticket.ledger WHERE {names['row']}", admin=True)
        for (row,) in kept:
            shop.stack.sql("INSERT INTO ticket.ledger SELECT * FROM jsonb_populate_record(NULL::ticket.ledger, %s)", json.dumps(row), admin=True)
        shop.stack.sql("UPDATE ticket.tickets SET version = %s WHERE tenant_id = %s AND id = %s", version, shop.number, ticket, admin=True)
    assert promise in found and str(ticket) in str(found[promise]), found
    assert findings(shop) == {}


def test_a_due_promise_that_nobody_told_is_found_where_a_scheduler_is(shop):
    """Once it has been due for longer than the grace; where no scheduler ever ran nobody is to blame."""
    shop = PromisingShop(shop.stack, shop.topics, shop.ids)  # of its offenders only the first few are named
    ticket = shop.ticket(minutes_ago=20)
    until(lambda: len(shop.tenant.ledger(ticket)) == 2, what="both rows")
    assert findings(shop) == {}
    shop.stack.sql("INSERT INTO sla.partitions (partition, epoch, owner) VALUES (99, 1, 'nobody')", admin=True)
    try:
        shop.stack.docket("verify", "--rows-only", "--grace", "86400", "--tenant", shop.tenant.name)
        found = findings(shop)
    finally:
        shop.stack.sql("DELETE FROM sla.partitions WHERE partition = 99", admin=True)
    assert list(found) == ["every due promise fired once"] and f"ticket {ticket}: promise_breached first_reply 1" in str(found), found
