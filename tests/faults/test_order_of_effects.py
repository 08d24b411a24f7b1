"""PostgreSQL first, then the events, then the offsets: seen by holding the first one up and killing whoever waits for it."""
from contextlib import contextmanager

import psycopg2
from confluent_kafka.admin import AdminClient

from harness.stack import until
from harness.topics import records

WAITS = "SELECT 1 FROM pg_locks WHERE relation = 'ticket.tickets'::regclass AND NOT granted"
# Longer than the second within which an offset that was stored is committed to Kafka, shorter than lock_timeout.
WAITS_LONG = WAITS + " AND clock_timestamp() - waitstart > interval '1500 ms'"


@contextmanager
def nothing_can_be_stored(stack):
    """Tickets can be read meanwhile."""
    connection = psycopg2.connect(stack.environment["DOCKET_POSTGRES_ADMIN"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE ticket.tickets IN SHARE MODE")
        yield
    finally:
        connection.close()


def one_router_has_every_partition(stack):
    kafka = AdminClient({"bootstrap.servers": stack.environment["DOCKET_KAFKA"]})
    groups = [group for group in kafka.list_groups(timeout=10) if group.id.startswith("docket-router")]
    return groups and all(group.state == "Stable" and len(group.members) == 1 for group in groups)


def test_until_postgres_has_a_ticket_no_event_and_no_offset_says_so(stack, shop):
    stack.up("--router", 1)
    until(lambda: one_router_has_every_partition(stack), 30, "the groups to be stable")  # nobody commits while they are not
    with nothing_can_be_stored(stack):
        tickets = [shop.create(subject=f"包裹 {i}", comment={"body": "丢了"}) for i in range(20)]
        until(lambda: stack.sql(WAITS_LONG), 30, "the router to wait for PostgreSQL")
        stack.kill("router-1")
        # its COMMIT lies in the server's buffer: what it waited for must be refused before the way is free
        until(lambda: not stack.sql(WAITS), 10, "PostgreSQL to be done with the dead router")
        told = {int(record.key()) for record in records(stack, "docket.events") if record.key()} & set(tickets)
        assert not told, f"published, and not stored: {told}"
    stack.start("router-1")
    for ticket in tickets:  # all of them: their offsets were not committed either
        shop.stored(ticket, 30)
    stack.verify()
    stack.up("--router", 2)
