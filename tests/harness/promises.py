"""What the scheduler promises, seen from outside: its clock in a file that a test moves, and every signal it ever sent.

    clock = TestClock(folder)                 # DOCKET_CLOCK of the services started with clock.environment
    clock.forward(minutes=15)
    signals = Signals(stack)
    signals.of(ticket)                        # [Told(kind, metric, instance, level, ...), ...] in the order of their partition

Files whose stack lives by such a clock take the fixtures `clock` and `stack` from here.
"""
import time
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, TopicPartition

from harness.stack import Stack, request, until

MINUTE = 60000


def shop_with(policy):
    """A shop of one agent and one policy."""
    return f"""
settings: {{default_group: g}}
groups:
  - {{name: g, title: g}}
agents:
  - {{name: lin, title: 林悦, groups: [g], capacity: 1000, duty: on}}
policies:
  - name: 标准
    {policy}
"""


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return TestClock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def stack(clock):
    """With one of each service, on the test's clock: for one file."""
    running = Stack()
    running.environment.update(clock.environment)
    try:
        yield running.up("--router", 1, "--desk", 1, "--sla", 1, "--front", 0)
    finally:
        running.down()


def created(stack, ticket):
    """When the gate took it, in ms."""
    return stack.sql("SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM ticket.tickets WHERE id = %s", ticket)[0][0]


class TestClock:
    """Milliseconds in a file; stands still until it is moved."""
    __test__ = False

    def __init__(self, folder):
        self.file = folder / "clock"
        self.set(int(time.time() * 1000) + 7200000)  # ahead of all that is written by the real time

    def set(self, ms):
        self.now = ms
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{ms}\n")
        fresh.rename(self.file)

    def forward(self, hours=0, minutes=0, seconds=0, ms=0):
        self.set(self.now + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms)

    @property
    def environment(self):
        return {"DOCKET_CLOCK": str(self.file)}


@dataclass(frozen=True)
class Told:
    tenant: int
    ticket: int
    cause: bytes
    told_ms: int       # the sender's clock
    kind: str          # warned breached escalated
    metric: str
    instance: int
    level: str
    due_ms: int
    at_ms: int
    late: bool
    target_ms: int
    judged_seq: int
    at: tuple = ()     # partition, offset
    sent_ms: int = 0   # when it was handed to Kafka, by the machine's own clock

    @property
    def key(self):
        return (self.ticket, self.kind, self.metric, self.instance, self.level)


def fields(message):
    """A protobuf message as {number: [value, ...]}: integers, or bytes."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = varint()
        if tag & 7 == 0:
            value = varint()
        elif tag & 7 == 2:
            length = varint()
            value, at = message[at:at + length], at + length
        else:
            raise AssertionError(f"wire type {tag & 7}")
        found.setdefault(tag >> 3, []).append(value)
    return found


KINDS = {23: "warned", 24: "breached", 25: "escalated"}


class Signals:
    """Reads docket.signals from where it stood when this was made."""

    def __init__(self, stack, topic="docket.signals"):
        self.consumer = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": f"test-{time.time_ns()}",
                                  "enable.auto.commit": False, "auto.offset.reset": "error", "fetch.wait.max.ms": 20})
        self.topic = topic
        partitions = self.consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self.consumer.assign([TopicPartition(topic, p, self.ends(p)) for p in partitions])
        self.partitions = list(partitions)
        self.seen = []

    def ends(self, partition):
        return self.consumer.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=10)[1]

    def read(self):
        """Everything that lies in the topic by now."""
        wanted = {p: self.ends(p) for p in self.partitions}

        def all_read():
            while True:
                message = self.consumer.poll(0)
                if message is None:
                    break
                if not message.error():
                    self.take(message)
            at = {p.partition: p.offset for p in self.consumer.position(self.consumer.assignment())}
            return all(at.get(p, -1) >= end or end == 0 or (at.get(p, -1) < 0 and self.start(p) >= end)
                       for p, end in wanted.items())
        until(all_read, 20, "the signals to be read")
        return self.seen

    def start(self, partition):
        return {p.partition: p.offset for p in self.consumer.assignment()}[partition]

    def take(self, message):
        envelope = fields(message.value())
        kind = next((KINDS[n] for n in envelope if n in KINDS), None)
        if not kind:
            return
        number = {v: k for k, v in KINDS.items()}[kind]
        p = fields(envelope[number][0])

        def text(n):
            return p.get(n, [b""])[0].decode()

        def whole(n):
            return p.get(n, [0])[0]

        names = PROMISE
        self.seen.append(Told(
            tenant=envelope[2][0], ticket=envelope[3][0], cause=envelope[4][0], told_ms=envelope[5][0], kind=kind,
            metric=text(names["metric"]), instance=whole(names["instance"]), level=text(names["level"]),
            due_ms=whole(names["due_ms"]), at_ms=whole(names["at_ms"]), late=bool(whole(names["late"])),
            target_ms=whole(names["target_ms"]), judged_seq=whole(names["judged_seq"]),
            at=(message.partition(), message.offset()), sent_ms=message.timestamp()[1]))

    def of(self, *tickets):
        wanted = set(tickets)
        return [told for told in self.read() if told.ticket in wanted]

    def close(self):
        self.consumer.close()


def promise_numbers():
    """Field numbers by name, from proto/promise.proto."""
    import re
    from harness.stack import REPOSITORY
    text = (REPOSITORY / "proto/promise.proto").read_text()
    return {name: int(number) for name, number in re.findall(r"^\s*(?:optional )?\w+ (\w+) = (\d+);", text, re.M)}


PROMISE = promise_numbers()


def metrics_of(stack, name):
    """What a service says at its ops port: {series: value}. OSError while it is not there."""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in asked(stack, name, "/metrics").body.decode().splitlines() if line and not line.startswith("#")}


def is_ready(stack, name):
    return asked(stack, name, "/health/ready").status == 200


def lacks(stack, name, part):
    """Does the service itself say that this part of its readiness is not there?"""
    answer = asked(stack, name, "/health/ready?verbose")
    return answer.status != 200 and f"[-]{part}:" in answer.body.decode()


def asked(stack, name, path):
    ports = dict(line.split()[:2] for line in (stack.home / "ports").read_text().splitlines())
    return request("GET", f"http://127.0.0.1:{ports[name + '-ops']}{path}", timeout=5)


class Scheduler:
    """The schedulers of a stack, seen by their metrics and what they keep."""

    def __init__(self, stack, clock, names=("sla-1",)):
        self.stack, self.clock, self.names = stack, clock, names

    def metrics(self, name):
        return metrics_of(self.stack, name)

    def all_told(self, names=None):
        """Do these own every partition, have they followed every event, and told everything that is due by the clock?"""
        owned = 0
        for name in names or self.names:
            try:
                seen = self.metrics(name)
            except OSError:
                return False
            if not (seen["docket_sla_lag_messages"] == 0 and seen["docket_sla_due"] == 0
                    and seen["docket_sla_settled_seconds"] * 1000 >= self.clock.now - 0.5):
                return False
            owned += seen["docket_sla_partitions"]
        return owned == PARTITIONS

    def settle(self, seconds=60, names=None):
        """Waits for that, and for the ledger to have no row that they were not told."""
        def settled():
            return self.all_told(names) and not self.behind()
        until(settled, seconds, "everything due to be told", every=0.05)

    def behind(self):
        return self.stack.sql("""SELECT t.id, t.version, l.seq FROM ticket.tickets t LEFT JOIN sla.lives l
            ON l.tenant_id = t.tenant_id AND l.ticket_id = t.id WHERE l.seq IS DISTINCT FROM t.version LIMIT 5""")

    def life(self, ticket):
        rows = self.stack.sql("SELECT seq, next_ms, state IS NULL, partition FROM sla.lives WHERE ticket_id = %s", ticket)
        return rows[0] if rows else None


PARTITIONS = 12
