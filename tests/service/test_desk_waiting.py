"""A client that has just created a ticket at the gate and asks the desk for it gets it."""
import concurrent.futures
import signal
import time

import pytest

from harness.desk import Desk
from harness.stack import until

WAIT = 2.0  # seconds, ticket_wait's default


ROUTERS = ("router-1", "router-2")


@pytest.fixture(scope="module")
def tenant(stack):
    tenant = stack.tenant()
    for _ in range(6):  # each router takes a moment to learn of a tenant
        tenant.stored(tenant.create())
    return tenant


@pytest.fixture(scope="module")
def desk(stack, tenant):
    desk = Desk(stack, tenant)
    desk.token()
    return desk


@pytest.fixture
def paused(stack):
    """Routers that do nothing until they are resumed."""
    for name in ROUTERS:
        stack.signal(name, signal.SIGSTOP)
    yield
    resume(stack)


def resume(stack):
    for name in ROUTERS:
        stack.signal(name, signal.SIGCONT)


def timed(ask, *what, **how):
    began = time.monotonic()
    answer = ask(*what, **how)
    return answer, time.monotonic() - began


def header(answer, name):
    return {key.lower(): value for key, value in answer.headers.items()}.get(name.lower())


def settled(stack):
    """Routers say that nothing waits: an id that is not there is then 404 and not 503."""
    until(lambda: stack.sql("SELECT ticket.oldest_submission_ms()", admin=True)[0][0] == 0, what="the routers' word")


def test_a_ticket_is_there_as_soon_as_the_gate_has_answered(stack, tenant, desk):
    for number in range(30):
        ticket = tenant.create(subject=f"just now {number}")
        assert desk.ticket(ticket)["subject"] == f"just now {number}"


def test_it_is_waited_for_on_the_way(stack, tenant, desk, paused):
    ticket = tenant.create()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(timed, desk.get, f"/tickets/{ticket}")
        time.sleep(0.5)  # the wait is what is tried
        assert not asked.done()
        resume(stack)
        answer, _ = asked.result()
    assert answer.status == 200 and answer.json["ticket"]["id"] == ticket


def test_an_id_that_was_never_given_out_is_404_at_once(stack, desk):
    for number in (1, 99_999, 10**12, 9007199254740991):
        answer, took = timed(desk.get, f"/tickets/{number}")
        assert (answer.status, answer.body) == (404, b'{"error":"RecordNotFound","description":"Not found"}')
        assert took < WAIT / 2


def test_another_tenants_id_goes_the_way_of_an_unknown_one(stack, tenant, desk):
    ticket = tenant.create()
    tenant.stored(ticket)
    settled(stack)
    other = Desk(stack, stack.tenant())
    other.token()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        theirs, unknown = pool.map(lambda number: timed(other.get, f"/tickets/{number}"), [ticket, ticket // 100000 * 100000 + 99_998])
    for answer, took in (theirs, unknown):
        assert answer.status == 404, "of a block in use, and it did not come"
        assert WAIT * 0.9 < took < WAIT * 2
    assert theirs[0].body == unknown[0].body
    assert {name.lower() for name in theirs[0].headers} == {name.lower() for name in unknown[0].headers}


def test_when_the_routers_are_behind_it_is_503_and_when_to_ask_again(tenant, desk, paused):
    ticket = tenant.create()
    answer, took = timed(desk.get, f"/tickets/{ticket}", again=False)
    assert answer.status == 503, answer.body
    assert took >= WAIT * 0.9
    assert 1 <= int(header(answer, "Retry-After")) <= 10


def test_a_token_may_let_a_hundred_wait_and_others_do_not_suffer(stack, tenant, desk, paused):
    ticket = tenant.create()
    other = Desk(stack, tenant)
    other.token()
    with concurrent.futures.ThreadPoolExecutor(120) as pool:
        asked = [pool.submit(timed, desk.get, f"/tickets/{ticket}", again=False) for _ in range(110)]
        until(lambda: sum(f.done() for f in asked) >= 10, what="ten to be refused")
        theirs = pool.submit(timed, other.get, f"/tickets/{ticket}", again=False)
        quick = [f for f in asked if f.done()]
        assert all(f.result()[0].status == 503 and header(f.result()[0], "Retry-After") for f in quick)
        resume(stack)
        answers = [f.result()[0].status for f in asked] + [theirs.result()[0].status]
    assert answers.count(200) >= 100 and set(answers) == {200, 503}
    assert theirs.result()[0].status == 200


def test_an_alias_leads_to_its_ticket(stack, tenant, desk):
    ticket = tenant.create()
    tenant.stored(ticket)
    alias = 50_000 + ticket % 1000
    stack.sql("INSERT INTO ticket.aliases (tenant_id, id, ticket_id) VALUES (%s, %s, %s)", tenant.number, alias, ticket, admin=True)
    assert desk.ticket(alias)["id"] == ticket
    assert [t["id"] for t in desk.get("/tickets/show_many", ids=alias).json["tickets"]] == [ticket]
