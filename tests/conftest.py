"""Fixtures of all tests that run real processes."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness.stack import Stack  # noqa: E402


@pytest.fixture(scope="session")
def stack():
    """One running Docket (servers, one intake, two routers) for the whole session."""
    running = Stack()
    try:
        yield running.up()
    finally:
        running.down()
