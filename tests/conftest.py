"""Fixtures of all tests that run real processes."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness.postgres import Postgres  # noqa: E402
from harness.stack import Stack  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails half-way does not take those behind it along."""
    report = (yield).get_result()
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and hasattr(stack, "mend"):
        stack.mend()


@pytest.fixture(scope="session")
def stack():
    """One running Docket (servers, one intake, two routers, a desk, a scheduler, a notifier, an analytics) for the whole session."""
    running = Stack(demo=True)
    try:
        yield running.up("--analytics", 1)
    finally:
        running.down()


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL with the schema, for one file of tests that need nothing else."""
    running = Postgres()
    try:
        yield running
    finally:
        running.remove()
