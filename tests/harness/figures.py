"""What docket-analytics keeps, seen from outside.

    figures = Figures(stack, tenant)
    figures.followed()            # every ticket's figures are up to its ledger
    figures.windows()             # {category: {column: count}} over all quarters of an hour
"""
import re

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from harness.promises import fields
from harness.stack import request, until

COLUMNS = ("arrived", "assigned", "first_replied", "replied", "solved", "reopened", "transferred", "rated_good", "rated_bad", "warned",
           "breached")


class Figures:
    def __init__(self, stack, tenant):
        self.stack, self.tenant = stack, tenant

    def behind(self):
        return self.stack.sql(
            """SELECT t.id, t.version, a.seq FROM ticket.tickets t LEFT JOIN analytics.tickets a ON a.tenant_id = t.tenant_id
                AND a.ticket_id = t.id WHERE t.tenant_id = %s AND a.seq IS DISTINCT FROM t.version""", self.tenant.number)

    def followed(self, seconds=30):
        until(lambda: not self.behind(), seconds, "figures to follow the ledger")
        return self

    def rows(self):
        """{ticket: (seq, sheet)}"""
        return {ticket: (seq, bytes(sheet)) for ticket, seq, sheet in self.stack.sql(
            "SELECT ticket_id, seq, sheet FROM analytics.tickets WHERE tenant_id = %s", self.tenant.number)}

    def windows(self):
        return {category: {name: n for name, n in zip(COLUMNS, counts) if n} for category, *counts in self.stack.sql(
            f"""SELECT category, {", ".join(f"sum({name})::bigint" for name in COLUMNS)} FROM analytics.windows
                WHERE tenant_id = %s GROUP BY category""", self.tenant.number)}

    def proven(self):
        self.stack.verify("--tenant", self.tenant.name)


def metrics(stack, name):
    """The plain numbers of a service's metrics."""
    ports = dict(line.split()[:2] for line in (stack.home / "ports").read_text().splitlines())
    page = request("GET", f"http://127.0.0.1:{ports[f'{name}-ops']}/metrics").body.decode()
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", page, re.M)}


def about(message, ticket):
    try:
        return fields(message).get(3) == [ticket]
    except (AssertionError, IndexError):  # some test's poison
        return False


def events_of(stack, ticket):
    """The messages of docket.events about this ticket, in order: (key, value, partition)."""
    reader = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": "nobody", "enable.auto.commit": False})
    found = []
    try:
        for partition in reader.list_topics("docket.events", timeout=10).topics["docket.events"].partitions:
            low, high = reader.get_watermark_offsets(TopicPartition("docket.events", partition), timeout=10)
            reader.assign([TopicPartition("docket.events", partition, low)])
            while low < high:
                message = reader.poll(10)
                assert message is not None and not message.error()
                low = message.offset() + 1
                if about(message.value(), ticket):
                    found.append((message.key(), message.value(), partition))
    finally:
        reader.close()
    return found


def produce(stack, messages):
    producer = Producer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "acks": "all"})
    for key, value, partition in messages:
        producer.produce("docket.events", key=key, value=value, partition=partition)
    assert producer.flush(20) == 0


def move_offsets(stack, end):
    """The group begins at the beginning (0) or at the end (1) of what is there; not while a member is still said to be there."""
    group = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": "docket-analytics",
                      "enable.auto.commit": False})
    offsets = [TopicPartition("docket.events", p, group.get_watermark_offsets(TopicPartition("docket.events", p), timeout=10)[end])
               for p in group.list_topics("docket.events", timeout=10).topics["docket.events"].partitions]

    def moved():
        try:
            return all(not p.error for p in group.commit(offsets=offsets, asynchronous=False))
        except KafkaException:
            return False
    until(moved, 30, "the offsets to be moved", every=0.3)
    group.close()
