"""Which ids are only just on their way: blocks that gates hold and how late routers are, against a real PostgreSQL."""
import pytest

from harness.stack import until
from harness.store import Driver


@pytest.fixture
def pg(server):
    server.sql("TRUNCATE ticket.id_blocks, ticket.router_pulses")
    return server


@pytest.fixture
def gate(pg):
    driver = Driver(pg.url("docket_intake"))
    yield driver
    driver.close()


@pytest.fixture
def desk(pg):
    driver = Driver(pg.url("docket_desk"))
    yield driver
    driver.ask("arrivals", end=1)
    driver.close()


def blocks(pg):
    return pg.sql("SELECT first, used_up_at IS NOT NULL FROM ticket.id_blocks ORDER BY first")


def test_an_id_of_a_block_in_use_is_recent_the_moment_it_was_leased(pg, gate, desk):
    assert desk.ask("arrivals", ids=[1, 5_000_000], wait_ms=300)["recent"] == [False, False]
    [id] = gate.ask("ids", n=1)["ids"]
    first = id // 100_000 * 100_000
    assert desk.ask("arrivals", ids=[id, first, first + 99_999, first - 1, first + 100_000])["recent"] == [True, True, True, False, False]


def test_a_block_used_up_stays_recent_for_ten_minutes(pg, gate, desk):
    [id] = gate.ask("ids", n=1, burn=99_999)["ids"]
    [next_one] = gate.ask("ids", n=1)["ids"]
    assert next_one > id
    first = id // 100_000 * 100_000
    until(lambda: (gate.ask("ids", n=1), (first, True) in blocks(pg))[1], what="the block to be marked as used up")
    assert desk.ask("arrivals", ids=[id, next_one], wait_ms=1200)["recent"] == [True, True]
    pg.sql("UPDATE ticket.id_blocks SET used_up_at = now() - interval '601 s' WHERE used_up_at IS NOT NULL")
    assert desk.ask("arrivals", ids=[id, next_one], wait_ms=1500)["recent"] == [False, True]


def test_a_holder_that_died_is_forgotten(pg, gate, desk):
    [id] = gate.ask("ids", n=1)["ids"]
    pg.sql("UPDATE ticket.id_blocks SET seen_at = now() - interval '13 minutes'")
    assert desk.ask("arrivals", ids=[id], wait_ms=300)["recent"] == [False]
    pg.sql("UPDATE ticket.id_blocks SET seen_at = now() - interval '2 days'")
    pg.sql("SELECT ticket.lease_ids()", role="docket_intake")
    assert len(blocks(pg)) == 1  # what is a day old is gone with the next lease


def test_routers_say_how_late_they_are_and_silence_counts_as_late(pg, desk):
    router = Driver(pg.url("docket_router"))
    late = lambda: desk.ask("arrivals", ids=[1], wait_ms=1000)["late"]  # noqa: E731
    assert late()  # nobody has said anything
    router.ask("pulse", who="router-1", oldest=0)
    router.ask("pulse", who="router-2", oldest=1500)
    assert not late()
    router.ask("pulse", who="router-2", oldest=2500)
    router.ask("pulse", who="router-1", oldest=0)
    assert late()
    router.ask("pulse", who="router-2", oldest=0)
    pg.sql("UPDATE ticket.router_pulses SET at = now() - interval '4 s' WHERE instance = 'router-1'")
    assert late()
    pg.sql("UPDATE ticket.router_pulses SET at = now() - interval '2 minutes' WHERE instance = 'router-1'")
    router.ask("pulse", who="router-2", oldest=0)  # its partitions are router-2's by now
    assert not late() and pg.sql("SELECT instance FROM ticket.router_pulses") == [("router-2",)]
    router.close()
