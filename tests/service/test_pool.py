"""The bounded pool of connections that the desk reads by: in order, bounded, repeated where that does no harm."""
import json
import subprocess

import psycopg2
import pytest

from harness.stack import BUILD, until


@pytest.fixture
def rows(stack):
    stack.sql("CREATE SCHEMA pool_test; CREATE TABLE pool_test.rows AS SELECT id, 0 AS n FROM generate_series(1, 2) id", admin=True)
    yield lambda: [n for n, in stack.sql("SELECT n FROM pool_test.rows ORDER BY id", admin=True)]
    stack.sql("DROP SCHEMA pool_test CASCADE", admin=True)


@pytest.fixture
def drive(stack):
    def start(what, n, connections=4, waiting=100, patience=10_000):
        process = subprocess.Popen([BUILD / "tests" / "pool_driver", stack.environment["DOCKET_POSTGRES_ADMIN"], str(connections),
                                    str(waiting), str(patience), str(n), what], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begun\n"
        return process

    def run(what, n, meanwhile=lambda: None, **settings):
        process = start(what, n, **settings)
        meanwhile()
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        counts = json.loads(told)
        assert sum(counts.values()) == n, "each has one outcome"
        return counts

    return run


def test_deadlocks_are_repeated_until_each_has_happened_once(drive, rows):
    counts = drive("cross", 8, connections=2, patience=30_000)
    assert counts["committed"] == 8, counts
    assert rows() == [8, 8]


def test_what_can_never_be_is_said_at_once_and_not_repeated(drive):
    assert drive("wrong", 3)["refused"] == 3


def test_more_than_may_wait_are_turned_away_and_who_waits_too_long_is_told(drive):
    counts = drive("sleep", 20, connections=2, waiting=10, patience=700)
    assert counts["full"] == 8, "two run, ten wait"
    assert 2 <= counts["committed"] <= 6 and counts["away"] == 12 - counts["committed"]


@pytest.fixture
def broken(stack):
    """Ends the driver's backends in the middle of their statement, which takes half a second: by a connection that stands."""
    connection = psycopg2.connect(stack.environment["DOCKET_POSTGRES_ADMIN"])
    connection.autocommit = True

    def found():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pool_driver'"
                           " AND query LIKE 'SELECT pg_sleep(0.5)%' AND state = 'active'")
            return cursor.fetchall()
    yield lambda: until(found, what="a statement", every=0.005)
    connection.close()


def test_reading_goes_on_when_its_connection_breaks_and_writing_is_not_known(broken, drive):
    assert drive("sleep-read", 1, connections=1, meanwhile=broken)["committed"] == 1
    assert drive("sleep", 1, connections=1, meanwhile=broken)["away"] == 1
