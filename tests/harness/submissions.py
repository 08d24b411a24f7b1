"""Submissions and signals straight into Kafka, as the gate and the desk would send them; their protobuf is written by hand, so
that nothing of ours checks itself."""
import hashlib
import os
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition


def varint(n):
    out = b""
    while True:
        n, low = n >> 7, n & 0x7F
        if not n:
            return out + bytes([low])
        out += bytes([low | 0x80])


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value if value else b""


def envelope(tenant, ticket, cause, at_ms, field, event):
    return b"".join([number(1, 1), number(2, tenant), number(3, ticket), data(4, cause), number(5, at_ms),
                     data(6, os.urandom(24) + b"\x01"), varint(field << 3 | 2) + varint(len(event)) + event])


def submission(tenant, ticket, cause=None, accepted_ms=None, source=7, channel="web", subject="s", description="b", key="",
               fingerprint=None, contact=None, kind="", priority="", tags=(), region="", group=0, assignee=0, requester=True):
    contact = contact or os.urandom(32)
    event = b"".join([
        number(1, source), data(2, channel), data(3, subject), data(4, description),
        data(5, data(1, contact)) if requester else b"",
        data(6, f"k:{key}" if key else ""), data(7, (fingerprint or b"f" * 32) if key else b""), data(9, kind), data(10, priority),
        *[data(11, tag) for tag in tags], data(13, region), number(21, group), number(22, assignee)])
    return envelope(tenant, ticket, cause or uuid.uuid4().bytes, accepted_ms or int(time.time() * 1000), 16, event)


def capacity_changed(tenant, agent, why="duty"):
    return envelope(tenant, 0, uuid.uuid4().bytes, int(time.time() * 1000), 40, number(1, agent) + data(2, why))


ACTS = {"promise_warned": 23, "promise_breached": 24, "promise_escalated": 25}


def promise_cause(tenant, ticket, act, metric, instance, level):
    return hashlib.sha256(f"promise:{tenant}:{ticket}:{metric}:{instance}:{act}:{level}".encode()).digest()[:16]


def promise(act, tenant, ticket, metric="first_reply", instance=1, level="", policy="标准", due_ms=0, at_ms=None, told_ms=None, late=False,
            target_ms=900_000, elapsed_ms=900_000, why="time", judged_seq=2, revision=1, notify_lead=False, raise_priority=False,
            group=0, reassign=False, cause=None):
    """A moment of a promise as docket-sla tells it: `at_ms` it became true, `told_ms` it was told."""
    now = int(time.time() * 1000)
    event = b"".join([
        data(1, metric), number(2, instance), data(3, level), data(4, policy), number(5, due_ms), number(6, at_ms or now), number(7, late),
        number(8, target_ms), number(9, elapsed_ms), data(10, why), number(11, judged_seq), number(12, notify_lead),
        number(15, raise_priority), number(16, group), number(17, reassign)])
    head = b"".join([number(1, 1), number(2, tenant), number(3, ticket),
                     data(4, cause or promise_cause(tenant, ticket, act, metric, instance, level)), number(5, told_ms or now),
                     number(9, revision)])
    return head + varint(ACTS[act] << 3 | 2) + varint(len(event)) + event


class Topics:
    """Produces and reads with a client of the test's own."""

    def __init__(self, brokers):
        self.brokers = brokers
        self.producer = Producer({"bootstrap.servers": brokers, "acks": "all", "linger.ms": 5})

    def send(self, topic, *messages, key=None):
        for message in messages:
            self.producer.produce(topic, message, key=key)
            self.producer.poll(0)
        assert self.producer.flush(20) == 0, "Kafka did not take the messages"

    def read(self, topic, wanted, seconds=20):
        """All messages of a topic, from its beginning, for which wanted(message) holds; waits until there is one."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": f"test-{uuid.uuid4()}", "enable.auto.commit": False})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
            found, end = [], time.monotonic() + seconds
            while time.monotonic() < end:
                message = consumer.poll(0.2)
                if message is None:
                    if found:
                        return found
                elif not message.error() and wanted(message):
                    found.append(message)
            return found
        finally:
            consumer.close()


class Ids:
    """Ticket ids for tests: a block leased as a gate does."""

    def __init__(self, stack):
        self.next = stack.sql("SELECT ticket.lease_ids()", admin=True)[0][0]

    def take(self, n=1):
        self.next += n
        return list(range(self.next - n, self.next))
