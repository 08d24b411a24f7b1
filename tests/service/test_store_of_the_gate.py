"""What the gate has from libcommon/store: ids without a round trip, and who shows this token."""
import hashlib
import time

import pytest

from harness.postgres import Postgres
from harness.store import Driver


@pytest.fixture(scope="module")
def pg():
    running = Postgres()
    running.sql("INSERT INTO docket.tenants (name) VALUES ('shop'), ('other')")
    running.sql("INSERT INTO intake.sources (tenant_id, source_id, name, channels, dedup_by_external_id, rate_per_second)"
                " VALUES (1, 77, 'web', '{web,app}', true, 50), (2, 77, 'web', '{phone}', false, 0)")
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture
def gate(pg):
    driver = Driver(pg.url("docket_intake"))
    yield driver
    driver.close()


def issue(pg, text, principal="source:77", scopes="{tickets:create}", tenant=1, expires=None):
    pg.sql("INSERT INTO access.tokens (tenant_id, hash, hint, principal, scopes, expires_at) VALUES (%s, %s, 'x', %s, %s, %s)",
           tenant, hashlib.sha256(text.encode()).digest(), principal, scopes, expires)
    return text


def verdict(gate, text):
    return gate.ask("token", token=text)["verdict"]


def until(seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return time.monotonic() - end + seconds
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def test_two_gates_never_give_one_id_twice(pg, gate):
    other = Driver(pg.url("docket_intake"))
    mine, theirs = gate.ask("ids", n=1000), other.ask("ids", n=1000)
    other.close()
    assert mine["ids"] == sorted(mine["ids"]) and not set(mine["ids"]) & set(theirs["ids"])
    assert mine["left"] <= 100_000 and all(0 < i < 2**53 for i in mine["ids"])


def test_the_next_block_is_leased_before_the_present_one_ends(pg, gate):
    gate.ask("ids", n=60_000)
    assert until(5, lambda: gate.ask("ids", n=0)["left"] > 100_000)


def test_ids_stay_above_what_is_stored_when_the_sequence_was_restored(pg):
    pg.sql("INSERT INTO ticket.aliases VALUES (1, 5000123, 7)")
    pg.sql("SELECT setval('ticket.ticket_ids', 1000000)")
    driver = Driver(pg.url("docket_intake"))
    assert driver.ask("ids", n=1)["ids"][0] > 5000123
    driver.close()


def test_partitions_are_there_before_the_ids(pg, gate):
    pg.sql("SELECT setval('ticket.ticket_ids', 60000000)")
    [low] = gate.ask("ids", n=1)["ids"]
    assert pg.sql("SELECT to_regclass(%s) IS NOT NULL", f"ticket.tickets_{low // 10_000_000}") == [(True,)]


def test_a_token_says_who_shows_it_and_what_it_may(pg, gate):
    told = gate.ask("token", token=issue(pg, "t-known", scopes="{tickets:create,tickets:place}"))
    assert told == {"verdict": "known", "tenant": 1, "principal": "source:77", "source": 77, "channels": 2, "create": True,
                    "place": True, "rate": 50, "dedup": True}
    told = gate.ask("token", token=issue(pg, "t-other", tenant=2))
    assert (told["tenant"], told["channels"], told["place"], told["dedup"]) == (2, 1, False, False), "the source of its own tenant"
    told = gate.ask("token", token=issue(pg, "t-role", principal="role:administrator"))
    assert (told["principal"], told["source"]) == ("role:administrator", 0)


def test_what_was_never_issued_or_is_over_is_unknown(pg, gate):
    assert verdict(gate, "t-never") == "unknown" and verdict(gate, "") == "unknown"
    assert verdict(gate, issue(pg, "t-expired", expires="2020-01-01")) == "unknown"
    assert verdict(gate, issue(pg, "t-later", expires="2999-01-01")) == "known"


def test_a_revoked_token_dies_within_5_seconds(pg, gate):
    token = issue(pg, "t-revoked")
    assert verdict(gate, token) == "known"
    pg.sql("UPDATE access.tokens SET revoked_at = now() WHERE hash = %s", hashlib.sha256(token.encode()).digest())
    until(5, lambda: verdict(gate, token) == "unknown")


def test_a_new_token_is_known_soon_though_somebody_guessed_it_before(pg, gate):
    assert verdict(gate, "t-guessed") == "unknown"
    issue(pg, "t-guessed")
    until(30, lambda: verdict(gate, "t-guessed") == "known")


def test_without_postgres_known_tokens_go_on_and_others_are_unsure(pg, gate):
    token = issue(pg, "t-away")
    assert verdict(gate, token) == "known"
    pg.stop()
    try:
        began = time.monotonic()
        assert verdict(gate, "t-unheard") == "unsure"
        assert time.monotonic() - began < 5
        assert verdict(gate, token) == "known"
    finally:
        pg.start()
    until(60, lambda: verdict(gate, "t-unheard") == "unknown")
    assert verdict(gate, token) == "known"
