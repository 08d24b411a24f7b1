"""What the tests of the gate share: what it counts, what it put into Kafka, and raw connections to it."""
import socket
import urllib.error
import urllib.request

from confluent_kafka import Consumer, KafkaException, TopicPartition

from harness.stack import request, until

TOPICS = ["docket.submissions", "docket.submissions.bulk"]


def port(stack, name):
    for line in (stack.home / "ports").read_text().splitlines():
        if line.split()[0] == name:
            return int(line.split()[1])
    raise KeyError(name)


def url(stack, name="intake-1"):
    return f"http://127.0.0.1:{port(stack, name)}"


def ops(stack, path, name="intake-1"):
    return request("GET", f"http://127.0.0.1:{port(stack, name + '-ops')}{path}")


def metric(stack, name, gate="intake-1"):
    """The value of one series, by its whole name with labels."""
    for line in ops(stack, "/metrics", gate).body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    raise KeyError(name)


def fields(message):
    """A protobuf message as {field number: [values]}: integers, or bytes."""
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
        else:
            assert tag & 7 == 2, f"wire type {tag & 7}"
            size = varint()
            value, at = message[at:at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


class Submission:
    """One message of docket.submissions, opened."""

    def __init__(self, topic, value):
        envelope = fields(value)
        inside = fields(envelope[16][0])

        def text(number):
            return inside.get(number, [b""])[0].decode()

        self.topic, self.raw = topic, value
        self.tenant, self.ticket = envelope[2][0], envelope[3][0]
        self.cause, self.at_ms, self.trace = envelope[4][0], envelope[5][0], envelope.get(6, [b""])[0]
        self.channel, self.subject, self.description = text(2), text(3), text(4)
        self.key, self.external_id, self.tags = text(6), text(8), [t.decode() for t in inside.get(11, [])]
        self.custom_fields = text(19)
        self.group, self.assignee = inside.get(21, [0])[0], inside.get(22, [0])[0]
        requester = fields(inside[5][0])
        self.contact = requester[1][0]
        self.personal = {}
        for one in requester.get(2, []) + inside.get(20, []):
            part = fields(one)
            self.personal[part[1][0].decode()] = {"sealed": part[2][0], "masked": part.get(3, [b""])[0].decode()}


def opened(topic, value):
    """A Submission, or None for the wrong bytes that other tests of this session send on purpose."""
    try:
        return Submission(topic, value)
    except (AssertionError, LookupError, TypeError, UnicodeDecodeError):
        return None


def watermarks(consumer, topic, partition):
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    except KafkaException:  # a broker that has just come back
        return None


def submissions(stack, tenant=None):
    """Every submission in Kafka now, of one tenant's number."""
    consumer = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": "intake-tests",
                         "enable.auto.commit": False, "enable.partition.eof": False})
    found = []
    try:
        left = {}
        for topic in TOPICS:
            for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
                low, high = until(lambda: watermarks(consumer, topic, partition), 20, "a leader of every partition")
                if high > low:
                    left[topic, partition] = (low, high)
        consumer.assign([TopicPartition(topic, partition, low) for (topic, partition), (low, _) in left.items()])
        while left:
            message = consumer.poll(10)
            assert message is not None and not message.error(), message and message.error()
            one = opened(message.topic(), message.value())
            if one and tenant in (None, one.tenant):
                found.append(one)
            if message.offset() + 1 >= left.get((message.topic(), message.partition()), (0, 0))[1]:
                left.pop((message.topic(), message.partition()), None)
    finally:
        consumer.close()
    return found


class Raw:
    """A connection that the test holds in its own hands."""

    def __init__(self, stack, name="intake-1"):
        self.socket = socket.create_connection(("127.0.0.1", port(stack, name)), timeout=10)

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part if isinstance(part, bytes) else part.encode())
        return self

    def post(self, tenant, body, *headers):
        body = body if isinstance(body, bytes) else body.encode()
        return self.send(f"POST /api/v2/tickets.json HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {tenant.token}\r\n"
                         f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n",
                         *(f"{header}\r\n" for header in headers), "\r\n", body)

    def answer(self):
        """(status, head, body) of the next answer."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            assert more, f"closed after {data!r}"
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            more = self.socket.recv(65536)
            assert more, "closed within a body"
            body += more
        return int(head.split()[1]), head.decode(), body

    def close(self):
        self.socket.close()


def alive(address):
    try:
        return urllib.request.urlopen(address + "/nothing", timeout=2).status
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return None
