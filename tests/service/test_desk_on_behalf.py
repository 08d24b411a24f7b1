"""X-On-Behalf-Of: a token acts for a person, with what that person may and no more, and both are on record."""
import base64

import pytest

from harness.shop import DOCUMENTS, Shop

OWN_ROLES = """
roles:
  - {name: 代办, based_on: lead, grant: [tokens.manage]}
"""


@pytest.fixture(scope="module")
def shop(stack):
    shop = Shop(stack, documents=DOCUMENTS + OWN_ROLES)
    for name in ("lin", "wu"):
        stack.docket("user", "create", "--tenant", shop.tenant.name, "--email", f"{name}@example.com", "--agent", name, "--role", "agent",
                     "--no-password")
    shop.user("站长", role="administrator", email="boss@example.com")
    return shop


def acting(shop, method, path, body=None, person="lin@example.com", by=None, **how):
    return shop.ask(method, path, body, by, headers={"X-On-Behalf-Of": person}, **how)


def last_row(shop, ticket):
    return shop.tenant.ledger(ticket)[-1]


def records(shop, action="acted_for"):
    answer = shop.ask("GET", f"/audit_logs?filter[action]={action}")
    assert answer.status == 200
    return answer.json["audit_logs"]


def test_the_request_is_the_persons_and_both_are_on_record(shop):
    ticket = shop.ticket()
    assert acting(shop, "GET", "/users/me").json["user"]["id"] == shop.ids["lin"]
    answer = acting(shop, "PUT", f"/tickets/{ticket}", {"ticket": {"comment": {"body": "您好，正在查询"}}}, by="站长")
    assert answer.status == 200
    row = last_row(shop, ticket)
    assert row["actor"] == f"agent:{shop.ids['lin']}" and row["payload"]["comment"]["author_id"] == shop.ids["lin"]
    assert row["payload"]["reason"]["by"] == f"user:{shop.ids['站长']}"
    assert answer.json["audit"]["metadata"]["custom"]["reason"]["by"] == f"user:{shop.ids['站长']}"
    entry = records(shop)[0]
    assert entry["actor"] == f"user:{shop.ids['站长']}"
    assert entry["detail"] == {"route": "PUT /api/v2/tickets/{id}", "for": f"user:{shop.ids['lin']}"}
    # A program, which is nobody: its token is named. Reading leaves no row.
    before = len(records(shop))
    assert acting(shop, "POST", f"/tickets/{ticket}/tags", {"tags": ["代"]}).status == 201
    assert last_row(shop, ticket)["payload"]["reason"]["by"].startswith("token:")
    assert acting(shop, "GET", f"/tickets/{ticket}").status == 200
    assert len(records(shop)) == before + 1


def test_nobody_gains_by_it(shop):
    elsewhere = shop.ticket()
    assert shop.ask("POST", f"/tickets/{elsewhere}/transfer", {"group": "物流", "note": "请查物流"}).status == 200
    assert acting(shop, "GET", f"/tickets/{elsewhere}").status == 404
    assert acting(shop, "GET", f"/tickets/{elsewhere}", person="WU@example.com").status == 200
    assert acting(shop, "GET", "/audit_logs").status == 403
    assert acting(shop, "DELETE", f"/tickets/{elsewhere}", person="wu@example.com").status == 403
    assert shop.row(elsewhere)["status"] == "new"


def test_for_a_customer_who_never_signed_in(shop):
    ticket = shop.ticket("退款没到", requester={"email": "never@customer.example", "name": "王先生"})
    other = shop.ticket("退款没到", requester={"email": "other@customer.example"})
    requester = shop.row(ticket)["requester_id"]
    mine = acting(shop, "GET", "/requests.json", person="never@customer.example").json["requests"]
    assert [request["id"] for request in mine] == [ticket]
    body = {"request": {"comment": {"body": "还没到账"}}}
    assert acting(shop, "PUT", f"/requests/{ticket}.json", body, person="never@customer.example").status == 200
    row = last_row(shop, ticket)
    assert row["actor"] == f"requester:{requester}" and row["payload"]["reason"]["by"].startswith("token:")
    assert acting(shop, "PUT", f"/requests/{other}.json", body, person="never@customer.example").status == 404
    assert acting(shop, "GET", "/users.json", person="never@customer.example").status == 403


def test_a_job_goes_on_in_both_names(shop):
    tickets = [shop.ticket(), shop.ticket()]
    answer = acting(shop, "PUT", f"/tickets/update_many?ids={tickets[0]},{tickets[1]}", {"ticket": {"priority": "high"}}, by="站长")
    path = f"/job_statuses/{answer.json['job_status']['id']}"
    shop.desk.until(path, lambda a: a.json["job_status"]["status"] == "completed", token=shop.token("站长"),
                    headers={"X-On-Behalf-Of": "lin@example.com"})
    for ticket in tickets:
        row = last_row(shop, ticket)
        assert (row["actor"], row["payload"]["reason"]["by"]) == (f"agent:{shop.ids['lin']}", f"user:{shop.ids['站长']}")


def test_whom_a_token_may_not_act_for(shop):
    ticket = shop.ticket()
    version = shop.row(ticket)["version"]
    other = Shop(shop.stack, documents=DOCUMENTS)
    other.user("别家", role="manager", email="theirs@example.com")
    shop.user("停用", role="manager", email="gone@example.com")
    assert shop.ask("PUT", f"/users/{shop.ids['停用']}", {"user": {"suspended": True}}).status == 200
    for person in ("nobody@example.com", "theirs@example.com", "gone@example.com", "x", "@", "a" * 300, "'; DROP TABLE access.users; --"):
        answer = acting(shop, "PUT", f"/tickets/{ticket}", {"ticket": {"priority": "high"}}, person=person)
        assert answer.status == 403 and "X-On-Behalf-Of" in answer.json["error"]["message"], person
    # Without tokens.manage, whoever it is; and with it not for one who may more.
    assert acting(shop, "GET", "/users/me", by="lin", person="wu@example.com").status == 403
    shop.user("代办人", role="代办", email="proxy@example.com")
    assert acting(shop, "GET", "/users/me", by="代办人", person="boss@example.com").status == 403
    assert acting(shop, "GET", "/users/me", by="代办人", person="lin@example.com").status == 403  # reaches what that one does not
    assert shop.row(ticket)["version"] == version


def test_a_session_acts_for_nobody(shop):
    made = shop.ask("POST", f"/users/{shop.ids['站长']}/password", {"password": "correct horse battery"})
    assert made.status in (200, 204), made.body
    basic = {"Authorization": "Basic " + base64.b64encode(b"boss@example.com:correct horse battery").decode(),
             "X-Docket-Tenant": shop.tenant.name}
    assert shop.desk.ask("GET", "/users/me", token="", headers=basic).status == 200
    assert shop.desk.ask("GET", "/users/me", token="", headers={**basic, "X-On-Behalf-Of": "lin@example.com"}).status == 403


def test_all_of_it_stands_up_to_verify(shop):
    shop.stack.verify("--tenant", shop.tenant.name)
