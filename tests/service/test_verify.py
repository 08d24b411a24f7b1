"""`docket verify` can fail: one of each kind of row, ledger, key, reservation and promise is broken, and each is found."""
import json

import pytest

from harness.stack import Stack, until

SHOP = """
settings: {default_group: 售后}
groups: [{name: 售后, title: 售后}]
agents: [{name: a1, title: 甲, groups: [售后], capacity: 2, duty: on}]
rules: [{name: 全部, set: {category: 其他}}]
"""


@pytest.fixture(scope="module")
def stack():
    """A stack of its own: what other tests break on purpose would be found here, and rightly."""
    running = Stack()
    try:
        yield running.up("--desk", 0)  # its index would follow what is broken here on purpose
    finally:
        running.down()


@pytest.fixture(scope="module")
def shop(stack):
    tenant = stack.tenant(SHOP)
    tickets = [tenant.create(subject="s", comment={"body": "b"}, key=f"verify-{i}") for i in range(4)]

    def placed():
        rows = [tenant.row(ticket) or {} for ticket in tickets]
        return sorted((r.get("status"), r.get("version", 0) > 1) for r in rows if r) == [("assigned", True)] * 2 + [("new", True)] * 2 and rows
    rows = until(placed, 60, "two tickets to be assigned and two to wait")
    # which two is the routers' choice; what is broken below is the step that assigned the first
    tenant.tickets = [row["id"] for row in sorted(rows, key=lambda row: row["status"])]
    stack.verify()
    stack.up("--router", 0)  # or one would mend, or act upon, what is broken below when it next compares Redis with PostgreSQL
    return tenant


def findings(stack, *options, wait=60):
    run = stack.docket("verify", "--wait", wait, "--json", *options, check=False)
    assert run.returncode in (0, 1), run.stderr
    said = json.loads(run.stdout)
    assert said["verified"] == (run.returncode == 0)
    return {f["promise"]: f["offenders"] for f in said["findings"] if f["broken"]}


ROWS = {
    "a gap in a ledger": (
        "UPDATE ticket.ledger SET seq = 7 WHERE tenant_id = {t} AND ticket_id = {id} AND seq = 2",
        "UPDATE ticket.ledger SET seq = 2 WHERE tenant_id = {t} AND ticket_id = {id} AND seq = 7", "every ledger is gap-free from 1"),
    "a row that its ledger does not explain": (
        "UPDATE ticket.tickets SET category = 'x' WHERE tenant_id = {t} AND id = {id}",
        "UPDATE ticket.tickets SET category = '其他' WHERE tenant_id = {t} AND id = {id}",
        "every ticket row is the projection of its ledger"),
    "a version that no ledger row has": (
        "UPDATE ticket.tickets SET version = version + 1 WHERE tenant_id = {t} AND id = {id}",
        "UPDATE ticket.tickets SET version = version - 1 WHERE tenant_id = {t} AND id = {id}",
        "every ticket has its ledger, and its version is the last seq"),
    "an illegal step": (
        "UPDATE ticket.ledger SET payload = jsonb_set(payload, '{{set,status}}', '\"closed\"') WHERE tenant_id = {t} AND ticket_id = {id}"
        " AND seq = {assigned}",
        "UPDATE ticket.ledger SET payload = jsonb_set(payload, '{{set,status}}', '\"assigned\"') WHERE tenant_id = {t} AND ticket_id = {id}"
        " AND seq = {assigned}", "every ticket took a legal path through its states"),
    "a step that is another's to take": (
        "UPDATE ticket.ledger SET actor = 'requester:1' WHERE tenant_id = {t} AND ticket_id = {id} AND seq = 2",
        "UPDATE ticket.ledger SET actor = 'router' WHERE tenant_id = {t} AND ticket_id = {id} AND seq = 2",
        "nobody took a step that is another's to take"),
    "time that runs backwards": (
        "UPDATE ticket.ledger SET at = at - interval '1 hour' WHERE tenant_id = {t} AND ticket_id = {id} AND seq = 2",
        "UPDATE ticket.ledger SET at = at + interval '1 hour' WHERE tenant_id = {t} AND ticket_id = {id} AND seq = 2",
        "no row of a ledger is older than the one ahead of it"),
    "a key that leads nowhere": (
        "UPDATE ticket.submission_keys SET ticket_id = ticket_id + 50000000 WHERE tenant_id = {t} AND ticket_id = {id}",
        "UPDATE ticket.submission_keys SET ticket_id = ticket_id - 50000000 WHERE tenant_id = {t} AND ticket_id = {id} + 50000000",
        "every key leads to a ticket"),
    "an alias that leads nowhere": (
        "INSERT INTO ticket.aliases VALUES ({t}, 70000001, 70000002)", "DELETE FROM ticket.aliases WHERE id = 70000001",
        "every alias leads to a ticket and is none itself"),
    "a requester who is not there": (
        "UPDATE ticket.requesters SET id = id + 900000000 WHERE tenant_id = {t}",
        "UPDATE ticket.requesters SET id = id - 900000000 WHERE tenant_id = {t}",
        "every ticket has a requester, the one its ledger names"),
    "an assignee in a state that has none": (
        "UPDATE ticket.tickets SET status = 'new' WHERE tenant_id = {t} AND id = {id}",
        "UPDATE ticket.tickets SET status = 'assigned' WHERE tenant_id = {t} AND id = {id}",
        "nobody holds an open ticket without a state that has an assignee"),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_broken_row_is_found(stack, shop, what):
    harm, mend, promise = ROWS[what]
    [assigned] = [row["seq"] for row in shop.ledger(shop.tickets[0]) if row["payload"].get("set", {}).get("status") == "assigned"]
    names = {"t": shop.number, "id": shop.tickets[0], "assigned": assigned}
    stack.sql(harm.format(**names), admin=True)
    try:
        found = findings(stack)
    finally:
        stack.sql(mend.format(**names), admin=True)
    assert promise in found and found[promise], found
    stack.verify()


def test_an_accepted_ticket_that_is_not_there_is_found(stack, shop, tmp_path):
    accepted = tmp_path / "accepted"
    accepted.write_text(f"{shop.number} {shop.tickets[0]} k1\n{shop.number} 88888888 k2\n")
    assert "88888888" in str(findings(stack, "--accepted", accepted)["every accepted id is in PostgreSQL"])


def test_one_key_that_became_two_tickets_is_found(stack, shop, tmp_path):
    accepted = tmp_path / "accepted"
    accepted.write_text(f"{shop.number} {shop.tickets[0]} same\n{shop.number} {shop.tickets[1]} same\n")
    assert "same" in str(findings(stack, "--accepted", accepted)["one key is one ticket"])


def test_an_id_given_to_two_submissions_is_found(stack, shop, tmp_path):
    accepted = tmp_path / "accepted"
    accepted.write_text(f"{shop.number} {shop.tickets[0]} one\n{shop.number} {shop.tickets[0]} other\n")
    assert findings(stack, "--accepted", accepted)["no id was given to two submissions"]


def agent_of(stack, shop):
    return stack.sql("SELECT id FROM config.names WHERE tenant_id = %s AND kind = 'agent'", shop.number)[0][0]


def test_load_that_redis_made_up_or_forgot_is_found(stack, shop):
    memory, load = stack.redis(), f"d:{{{shop.number}}}:l:{agent_of(stack, shop)}"
    promise = "Redis's load equals the assigned and in-progress tickets"
    memory.hset(load, "77777777", 3)
    try:
        assert "77777777" in str(findings(stack)[promise])
    finally:
        memory.hdel(load, "77777777")
    ticket, version = next(iter(memory.hgetall(load).items()))
    memory.hdel(load, ticket)
    try:
        assert ticket in str(findings(stack)[promise])
    finally:
        memory.hset(load, ticket, version)
    stack.verify()


def test_a_waiting_ticket_that_redis_forgot_is_found(stack, shop):
    memory = stack.redis()
    queue = next(memory.scan_iter(f"d:{{{shop.number}}}:q:*"))
    ticket, score = memory.zrange(queue, 0, 0, withscores=True)[0]
    memory.zrem(queue, ticket)
    try:
        assert ticket in str(findings(stack)["Redis's queues hold every waiting ticket, once"])
    finally:
        memory.zadd(queue, {ticket: score})
    stack.verify()


def test_a_reservation_that_nobody_confirms_is_found(stack, shop):
    memory, reservations = stack.redis(), f"d:{{{shop.number}}}:r"
    memory.zadd(reservations, {"66666666": 9e15})
    try:
        assert "66666666" in str(findings(stack, wait=8)["no reservation is left over in Redis"])
    finally:
        memory.zrem(reservations, "66666666")


def test_rows_that_nobody_publishes_are_no_proof(stack, shop):
    try:
        stack.sql("INSERT INTO ticket.outbox (tenant_id, topic, key, message) VALUES (%s, 'docket.signals', 'x', 'x')",
                  shop.number, admin=True)
        run = stack.docket("verify", "--wait", "1", check=False)
        assert run.returncode == 2 and "outbox" in run.stderr
    finally:
        stack.sql("DELETE FROM ticket.outbox WHERE key = 'x'", admin=True)
    until(lambda: stack.docket("verify", "--wait", "10", check=False).returncode == 0, 60, "everything to be quiet again")


def test_what_it_is_not_told_it_asks_for(stack):
    run = stack.docket("verify", check=False, environment={"DOCKET_POSTGRES": ""})
    assert run.returncode == 2 and "DOCKET_POSTGRES" in run.stderr
    assert stack.docket("verify", "--wait", "soon", check=False).returncode == 2
