"""What a view's conditions say in SQL is what the matcher of the rules says, by brute force; and a text in them stays a value."""
import subprocess

import pytest

from harness.postgres import BUILD, Postgres


@pytest.fixture(scope="module")
def pg():
    running = Postgres()
    try:
        yield running
    finally:
        running.remove()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_and_matcher_agree_on_random_filters_and_tickets(pg, seed):
    run = subprocess.run([BUILD / "tests" / "predicate_driver", pg.url("postgres"), str(seed), "600"], text=True, capture_output=True,
                         timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "the same" in run.stdout
