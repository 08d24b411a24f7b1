"""One address in front of gate and desk: nginx with deploy/nginx/docket.conf, as the stack runs it."""
import pytest

from harness.desk import Desk
from harness.stack import until


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant()


@pytest.fixture(scope="module")
def front(stack, tenant):
    return Desk(stack, tenant, url=stack.environment["DOCKET_URL"])


@pytest.mark.parametrize("path", ["/tickets", "/tickets.json"])
def test_creation_goes_to_the_gate_and_everything_else_to_the_desk(front, tenant, path):
    created = front.post(path, {"ticket": {"subject": "s", "comment": {"body": "b"}}}, token=tenant.token)
    assert created.status == 201
    ticket = created.json["ticket"]["id"]
    assert created.json["ticket"]["url"].startswith(front.url), "the gate, too, tells the address that the client used"
    tenant.stored(ticket)
    read = front.ticket(ticket)
    assert read["url"] == f"{front.url}/api/v2/tickets/{ticket}.json"
    assert front.get(path).status == 200
    assert "POST" not in front.ask("DELETE", "/tickets/show_many").headers["Allow"]


def test_what_a_client_says_of_its_own_address_is_replaced(front, tenant):
    ticket = tenant.create()
    tenant.stored(ticket)
    lie = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1"}
    assert front.get(f"/tickets/{ticket}", headers=lie).json["ticket"]["url"].startswith(front.url)


def test_a_body_beyond_everybodys_limit_is_413_in_json(front):
    answer = front.put("/tickets/1", b" " * (2 * 1024 * 1024 + 1))
    assert answer.status == 413
    assert answer.json["error"]["title"]


def test_with_nobody_behind_it_the_front_says_503_and_when_to_come_back(stack, front):
    stack.stop("desk-1")
    try:
        answer = front.get("/tickets", again=False)
        assert answer.status == 503
        assert int({k.lower(): v for k, v in answer.headers.items()}["retry-after"]) >= 1
    finally:
        stack.start("desk-1")
    until(lambda: front.get("/tickets").status == 200, what="the front to find the desk again")


def test_the_front_follows_desks_that_come_and_go(stack, front):
    stack.command("up", "--desk", 2)
    try:
        stack.stop("desk-1")
        until(lambda: front.get("/tickets").status == 200, what="the second desk to answer")
        stack.start("desk-1")
    finally:
        stack.command("up", "--desk", 1)
    assert front.get("/tickets").status == 200
