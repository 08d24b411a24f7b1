"""A notifier that dies or sleeps at each named moment of a delivery, while another goes on: nothing is lost; what came twice did so
only between the other side's acceptance and our row, and is counted. PostgreSQL restarted, a destination black-holed."""
import collections
import socket
import time

import pytest

from harness.notifier import NotifierDesk, documents, passed
from harness.outgoing import Receiver
from harness.stack import until

MESSAGES = 60
POINTS = ("after-claim", "before-send", "after-send", "after-record")


@pytest.fixture(scope="module")
def desk():
    # A lease is 2 s for the answer and twice 1 s.
    with NotifierDesk() as running:
        yield running


@pytest.fixture
def hook():
    with Receiver() as receiver:
        yield receiver


def came(hook):
    return collections.Counter(r["headers"]["webhook-id"] for r in list(hook.requests))


def nothing_is_lost_and_every_double_is_counted(desk, tenant, hook):
    """How many came more than once."""
    assert tenant.counts() == {"delivered": MESSAGES}
    got = came(hook)
    rows = desk.sql("SELECT delivery_id, doubts, lease_by FROM notify.deliveries WHERE tenant_id = %s", tenant.number)
    doubts = {f"d_{tenant.number}_{number}": count for number, count, _ in rows}
    assert set(got) == set(doubts), "every message came"
    assert all(lease is None for _, _, lease in rows)
    assert all(times - 1 <= doubts[key] for key, times in got.items()), {k: (n, doubts[k]) for k, n in got.items() if n > 1}
    return sum(times - 1 for times in got.values())


@pytest.mark.parametrize("how", ["die", "freeze"])
@pytest.mark.parametrize("point", POINTS)
def test_at_each_named_moment(desk, hook, point, how):
    tenant = desk.tenant(documents(("erp", "webhook", hook.url)))
    # Alone where others that are under way would be in the window of after-send just then.
    alone = 1 if point == "after-record" else MESSAGES
    tenant.tell("system:erp", "webhook", hook.url, "给erp", count=alone)
    first = desk.start("first", CRASH=f"{point}:{how}:{3 if point == 'after-send' else 1}")
    until(first.dead if how == "die" else first.frozen, 60, f"the notifier to {how} at {point}")
    if alone < MESSAGES:
        tenant.tell("system:erp", "webhook", hook.url, "给erp", ticket=1000, count=MESSAGES - alone)
    second = desk.start("second")
    tenant.settled()
    if how == "freeze":
        before = came(hook)
        late = 0 if point == "after-record" else 1
        first.resume()
        until(lambda: first.metric("docket_notifier_held") == 0, 60, "the one that slept to let go of what it held")
        # It learns that others have had its deliveries, and sends none of them any more.
        if late:
            until(lambda: first.metric("docket_notifier_late_results_total") >= 1, 60, "it to be told that it was late")
        assert passed(1, lambda: came(hook) == before)
        first.stop()
    doubled = nothing_is_lost_and_every_double_is_counted(desk, tenant, hook)
    assert point == "after-send" or doubled == 0, f"{doubled} came twice at {point}"
    if point == "after-send":
        assert tenant.doubts() >= 1
    second.stop()
    desk.running.clear()


def test_both_at_once_send_everything_once(desk, hook):
    tenant = desk.tenant(documents(("erp", "webhook", hook.url)))
    both = [desk.start(f"both-{n}") for n in range(2)]
    for turn in range(6):
        tenant.tell("system:erp", "webhook", hook.url, "给erp", ticket=100 * turn, count=MESSAGES // 6)
    tenant.settled()
    assert nothing_is_lost_and_every_double_is_counted(desk, tenant, hook) == 0 and tenant.doubts() == 0
    for process in both:
        process.stop()
    desk.running.clear()


def test_postgresql_is_restarted_in_the_middle(desk):
    def slowly(connection, request):
        time.sleep(0.05)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with Receiver(slowly) as hook:
        tenant = desk.tenant(documents(("erp", "webhook", hook.url)))
        process = desk.start("steady")
        tenant.tell("system:erp", "webhook", hook.url, "给erp", count=MESSAGES)
        hook.wait(10)
        desk.postgres.stop()
        desk.postgres.start()
        tenant.settled()
        doubled = nothing_is_lost_and_every_double_is_counted(desk, tenant, hook)
        assert doubled <= tenant.doubts()
        process.stop()
        desk.running.clear()


def test_a_destination_that_is_a_black_hole_for_a_while_gets_everything_in_the_end(desk):
    hole = socket.socket()
    hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    hole.bind(("127.0.0.1", 0))
    hole.listen(64)
    port = hole.getsockname()[1]
    tenant = desk.tenant(documents(("erp", "webhook", f"http://127.0.0.1:{port}")))
    process = desk.start("patient")
    tenant.tell("system:erp", "webhook", f"http://127.0.0.1:{port}", "给erp", count=MESSAGES)
    until(lambda: tenant.doubts() >= 4, 60, "the first tries to time out")
    hole.close()
    with Receiver(port=port) as hook:
        assert tenant.settled() == {"delivered": MESSAGES}
        assert nothing_is_lost_and_every_double_is_counted(desk, tenant, hook) == 0
    process.stop()
    desk.running.clear()
