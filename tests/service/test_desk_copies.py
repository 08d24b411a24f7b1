"""Who else is told of a ticket: customers in copy and staff who follow, through the same change as everything else."""
import pytest

from harness.shop import Shop
from harness.stack import until


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack)


@pytest.fixture(scope="module")
def customers(shop):
    """Two requesters with tickets of their own."""
    found = []
    for name in ["li", "wang"]:
        ticket = shop.ticket(requester={"email": f"{name}@copies.example"})
        found.append(shop.desk.ticket(ticket)["requester_id"])
    return found


def test_copies_and_followers_stand_on_the_ticket_in_its_ledger_and_in_its_audit(shop, customers):
    li, wang = customers
    shop.user("chen", role="manager")
    zhou, manager = shop.ids["zhou"], shop.ids["chen"]
    ticket = shop.ticket()
    shown = shop.desk.ticket(ticket)
    assert (shown["collaborator_ids"], shown["email_cc_ids"], shown["follower_ids"]) == ([], [], [])
    answer = shop.put(ticket, by="lin", email_cc_ids=[li, str(wang)], follower_ids=[zhou, manager])
    assert answer.status == 200, answer.body
    shown = answer.json["ticket"]
    assert shown["collaborator_ids"] == shown["email_cc_ids"] == [li, wang] and shown["follower_ids"] == [zhou, manager]
    changes = {event["field_name"]: event for event in answer.json["audit"]["events"]}
    assert changes["collaborator_ids"]["value"] == [li, wang] and changes["collaborator_ids"]["previous_value"] == []
    assert changes["follower_ids"]["value"] == [zhou, manager]
    assert shop.desk.ticket(ticket) == shown
    row = shop.row(ticket)
    assert (row["collaborator_ids"], row["follower_ids"]) == ([li, wang], [zhou, manager])
    last = shop.tenant.ledger(ticket)[-1]
    assert last["payload"]["set"] == {"collaborator_ids": [li, wang], "follower_ids": [zhou, manager]}

    after = shop.done(ticket, email_ccs=[{"user_id": li, "action": "delete"}], followers=[{"user_id": zhou, "action": "delete"}])
    assert (after["collaborator_ids"], after["follower_ids"]) == ([wang], [manager])
    audits = shop.desk.get(f"/tickets/{ticket}/audits").json["audits"]
    changed = [event for event in audits[-1]["events"] if event["field_name"] == "collaborator_ids"]
    assert changed[0]["previous_value"] == [li, wang] and changed[0]["value"] == [wang]


def test_a_ticket_sent_back_as_it_was_shown_is_no_change(shop, customers):
    ticket = shop.ticket()
    shown = shop.done(ticket, collaborator_ids=customers)
    again = shop.done(ticket, **{name: shown[name] for name in ["collaborator_ids", "email_cc_ids", "follower_ids", "tags"]})
    assert again["version"] == shown["version"]
    after = shop.done(ticket, collaborator_ids=shown["collaborator_ids"][:1], email_cc_ids=shown["email_cc_ids"])
    assert after["email_cc_ids"] == customers[:1]


def test_who_cannot_be_told_is_refused_by_name(shop, customers):
    ticket = shop.ticket()
    before = shop.row(ticket)
    requester = shop.desk.ticket(ticket)["requester_id"]
    for people in [[shop.ids["lin"]], [requester], [10 ** 15], ["x"], [0]]:
        assert "collaborator_ids" in shop.refused(ticket, collaborator_ids=people), people
    for people in [customers, [10 ** 15], [7]]:
        assert "follower_ids" in shop.refused(ticket, follower_ids=people), people
    assert "collaborator_ids" in shop.refused(ticket, collaborator_ids=list(range(10 ** 15, 10 ** 15 + 49)))
    assert "followers" in shop.refused(ticket, followers=[{"user_email": "a@b.example"}])
    assert shop.row(ticket) == before
    other = Shop(shop.stack)
    stranger = other.desk.ticket(other.ticket(requester={"email": "s@copies.example"}))["requester_id"]
    assert "collaborator_ids" in shop.refused(ticket, collaborator_ids=[stranger])


def test_who_may_not_edit_puts_nobody_on_a_list(shop, customers):
    ticket = shop.ticket()
    shop.user("audit", role="auditor")
    assert shop.put(ticket, by="audit", collaborator_ids=customers).status == 403


def test_many_tickets_at_once_take_them_too(shop, customers):
    tickets = [shop.ticket() for _ in range(2)]
    ids = ",".join(map(str, tickets))
    job = shop.ask("PUT", f"/tickets/update_many.json?ids={ids}", {"ticket": {"follower_ids": [shop.ids["wu"]]}}).json["job_status"]

    def done():
        status = shop.desk.get(f"/job_statuses/{job['id']}").json["job_status"]
        return status if status["status"] == "completed" else None

    until(done, 60, "the job")
    for ticket in tickets:
        assert shop.desk.ticket(ticket)["follower_ids"] == [shop.ids["wu"]]


def test_the_export_and_the_request_show_them_and_verify_agrees(shop, customers):
    ticket = shop.ticket(requester={"email": "owner@copies.example"})
    shop.done(ticket, collaborator_ids=customers[:1])
    owner = shop.user("owner", role="customer", email="owner@copies.example")
    request = shop.desk.get(f"/requests/{ticket}", token=owner).json["request"]
    assert request["collaborator_ids"] == request["email_cc_ids"] == customers[:1]
    shop.stack.verify("--tenant", shop.tenant.name)
    # the projection counts them: a row that says otherwise is named
    shop.stack.sql("UPDATE ticket.tickets SET follower_ids = '{1}' WHERE tenant_id = %s AND id = %s", shop.tenant.number, ticket,
                   admin=True)
    try:
        said = shop.stack.docket("verify", "--tenant", shop.tenant.name, check=False)
        assert said.returncode and "follower_ids" in said.stdout + said.stderr, said.stdout[-3000:]
    finally:
        shop.stack.sql("UPDATE ticket.tickets SET follower_ids = '{}' WHERE tenant_id = %s AND id = %s", shop.tenant.number, ticket,
                       admin=True)
