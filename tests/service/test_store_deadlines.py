"""What follows from a reservation is written in time or not at all, by PostgreSQL's clock just before the COMMIT."""
import os

import psycopg2
import pytest

from harness.postgres import Postgres
from harness.stack import until
from harness.store import Driver, cause, ticket

WAITED = "SELECT 1 FROM pg_locks WHERE relation = 'ticket.tickets'::regclass AND NOT granted AND" \
         " clock_timestamp() - waitstart > interval '700 ms'"


@pytest.fixture(scope="module")
def pg():
    running = Postgres()
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture(params=["its clock is right", "its clock stands in 2001"])
def store(pg, request, tmp_path, monkeypatch):
    """Deadlines are durations: the caller's wall clock has no part in them."""
    if "2001" in request.param:
        (tmp_path / "clock").write_text("1000000000000")
        monkeypatch.setenv("DOCKET_CLOCK", str(tmp_path / "clock"))
    driver = Driver(pg.url("docket_router"))
    yield driver
    driver.close()


def assign(asked, **more):
    return {"tenant": 1, "id": asked["id"], "kind": "ticket_assigned", "status": "assigned", "group": 1001, "assignee": 1020,
            "cause": cause(f"assign {asked['id']}"), "step": 2, "version": 2, **more}


def row(pg, asked):
    return pg.sql("SELECT assignee_id, version FROM ticket.tickets WHERE id = %s", asked["id"])


def while_tickets_are_locked(pg, store, op, **what):
    """Asks, lets it wait in PostgreSQL for longer than its time, and lets it go on."""
    connection = psycopg2.connect(pg.url("docket_migrator"))
    try:
        connection.cursor().execute("LOCK TABLE ticket.tickets IN SHARE MODE")
        store.send(op, **what)
        until(lambda: pg.sql(WAITED), 10, "the store to wait")
    finally:
        connection.close()
    return store.answer()


def test_in_time_it_is_stored(pg, store):
    asked = ticket(assignee=1020)
    for use in (60_000, 60_000):  # the second time PostgreSQL's clock is known already
        assert store.new({**asked, "use_in_ms": use})[0]["fate"] in ("stored", "replayed")
    assert row(pg, asked) == [(1020, 2)]


def test_past_it_nothing_of_the_transaction_is_stored_and_the_same_may_be_asked_again(pg, store):
    asked, other = ticket(assignee=1020, key=f"k{os.urandom(4).hex()}", use_in_ms=-1), ticket()
    assert store.new(asked, other, outcome="late") == []
    assert row(pg, asked) == row(pg, other) == []
    assert pg.sql("SELECT 1 FROM ticket.submission_keys WHERE ticket_id = %s", asked["id"]) == []
    assert [told["fate"] for told in store.new({**asked, "assignee": 0, "use_in_ms": 60_000}, other)] == ["stored", "stored"]
    assert row(pg, asked) == [(None, 2)]


def test_a_lock_that_it_waited_for_counts(pg, store):
    asked = ticket(assignee=1020, use_in_ms=500)
    assert while_tickets_are_locked(pg, store, "new", tickets=[asked])["outcome"] == "late"
    assert row(pg, asked) == []


def test_a_change_is_written_in_time_or_not_at_all(pg, store):
    asked, other = ticket(), ticket()
    store.new(asked, other)
    store.change(assign(asked, use_in_ms=-1), assign(other), outcome="late")
    assert row(pg, asked) == row(pg, other) == [(None, 2)]
    late = while_tickets_are_locked(pg, store, "change", changes=[assign(asked, use_in_ms=500)])
    assert late["outcome"] == "late"
    assert row(pg, asked) == [(None, 2)]
    assert store.change(assign(asked, use_in_ms=60_000))[0]["fate"] == "done"
    assert row(pg, asked) == [(1020, 3)]
    # done already: nothing is written, so nothing is late
    assert store.change(assign(asked, use_in_ms=-1))[0]["fate"] == "replayed"


def test_another_connection_may_be_another_clock(pg, store):
    asked = ticket(assignee=1020)
    assert store.new({**asked, "use_in_ms": 60_000})[0]["fate"] == "stored"
    pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'docket_router'")
    again = ticket(assignee=1020, use_in_ms=60_000)
    until(lambda: store.ask("new", tickets=[again])["outcome"] == "done", 20, "the new connection")
    assert store.new({**ticket(), "use_in_ms": -1}, outcome="late") == []
