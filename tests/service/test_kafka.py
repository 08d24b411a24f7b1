"""The Kafka room on a real broker that is killed, frozen and brought back: no report is missing, none is a lie."""
import os
import queue
import signal
import subprocess
import threading
import time

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from harness.stack import BUILD, Stack, until

DRIVER = BUILD / "tests" / "kafka_driver"


@pytest.fixture(scope="module")
def servers():
    """Servers of our own: other tests should not see them die."""
    running = Stack()
    try:
        yield running.up("--servers")
    finally:
        running.down()


@pytest.fixture
def topic(servers, request):
    name = f"test.{request.node.name}.{time.time_ns()}"
    admin = AdminClient({"bootstrap.servers": servers.environment["DOCKET_KAFKA"]})
    admin.create_topics([NewTopic(name, 4, 1)])[name].result(20)
    return name


class Driver:
    """One kafka_driver and what it says, line by line."""

    def __init__(self, servers, *words):
        self.process = subprocess.Popen([str(DRIVER), *map(str, words)], stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put((time.monotonic(), line.rstrip("\n")))

    def all(self):
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        return self.seen

    def wait_for(self, beginning, after=0.0, seconds=30):
        """When the first line after that moment with this beginning came, and the line."""
        return until(lambda: next(((at, line) for at, line in self.all() if line.startswith(beginning) and at > after),
                                  None), seconds, f"a line {beginning!r}; said: {self.seen[-5:]}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def sums(driver):
    """What came of everything, after the last report."""
    driver.process.terminate()
    _, line = driver.wait_for("sums", seconds=100)
    return {key: int(value) for key, value in (word.split("=") for word in line.split()[1:])}


def values_in(servers, topic):
    """Everything in the topic, read by somebody else's client."""
    reader = Consumer({"bootstrap.servers": servers.environment["DOCKET_KAFKA"], "group.id": "looker-on",
                       "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    try:
        values, left = [], 0
        partitions = [TopicPartition(topic, p, 0) for p in range(4)]
        for partition in partitions:
            left += reader.get_watermark_offsets(partition, timeout=10)[1]
        reader.assign(partitions)
        while left:
            for message in reader.consume(min(left, 5000), timeout=10):
                assert message.error() is None, message.error()
                values.append(int(message.value()))
                left -= 1
        return values
    finally:
        reader.close()


def check_reports(servers, topic, driver, file):
    got = sums(driver)
    assert got["taken"] > 1000 and got["ok"] + got["failed"] == got["taken"], got
    assert got["missing"] == 0 and got["twice"] == 0 and got["failed"] == 0, got
    durable = set(map(int, file.read_text().split()))
    assert len(durable) == got["ok"]
    assert durable <= set(values_in(servers, topic)), "a record reported durable is not in the topic"


def test_group_promises_hold_on_a_real_broker(servers):
    run = subprocess.run([str(BUILD / "tests" / "unit_kafka_consumer")], text=True, capture_output=True, timeout=170,
                         env={**os.environ, "DOCKET_TEST_KAFKA": servers.environment["DOCKET_KAFKA"]})
    assert run.returncode == 0, run.stdout + run.stderr


def test_broker_killed_and_back_no_report_is_missing(servers, topic, tmp_path):
    file = tmp_path / "durable"
    driver = Driver(servers, "produce", servers.environment["DOCKET_KAFKA"], topic, file)
    try:
        until(lambda: file.exists() and file.stat().st_size > 4000, what="the first reports")
        killed = time.monotonic()
        servers.signal("kafka", signal.SIGKILL)
        at, line = driver.wait_for("refused", after=killed)
        assert at - killed < 2.0 and "Host is down" in line, (at - killed, line)
        until(lambda: servers.state("kafka") in (None, "Z"), what="the broker's end")
        servers.start("kafka")
        driver.wait_for("taken", after=at, seconds=60)
        check_reports(servers, topic, driver, file)
    finally:
        driver.end()


def test_frozen_broker_is_noticed_and_forgiven(servers, topic, tmp_path):
    file = tmp_path / "durable"
    driver = Driver(servers, "produce", servers.environment["DOCKET_KAFKA"], topic, file)
    try:
        until(lambda: file.exists() and file.stat().st_size > 4000, what="the first reports")
        frozen = time.monotonic()
        servers.pause("kafka")
        at, _ = driver.wait_for("refused", after=frozen)
        assert at - frozen < 2.5, at - frozen  # stack needs a moment to freeze it
        servers.resume("kafka")
        driver.wait_for("taken", after=at, seconds=60)
        check_reports(servers, topic, driver, file)
    finally:
        servers.resume("kafka")
        driver.end()


def test_partitions_of_a_killed_member_are_served_within_ten_seconds(servers, topic, tmp_path):
    brokers = servers.environment["DOCKET_KAFKA"]
    producer = Driver(servers, "produce", brokers, topic, tmp_path / "durable")
    one = Driver(servers, "consume", brokers, topic, "g." + topic)
    one.wait_for("assigned 4")
    two = Driver(servers, "consume", brokers, topic, "g." + topic)
    try:
        two.wait_for("assigned 2")
        killed = time.monotonic()
        one.process.kill()
        at, _ = two.wait_for("assigned 4", after=killed)
        two.wait_for("got", after=at)
        assert time.monotonic() - killed < 10
        sums(producer)
        durable = set((tmp_path / "durable").read_text().split())
        got = lambda: {line.split()[1] for who in (one, two) for _, line in who.all() if line.startswith("got")}
        until(lambda: durable <= got(), what="every record at one of the two")
        three = Driver(servers, "consume", brokers, topic, "g." + topic)
        three.wait_for("assigned 2")
        ended = time.monotonic()
        two.process.terminate()  # leaves the group, so nobody waits for a session to time out
        at, _ = three.wait_for("assigned 4", after=ended)
        assert at - ended < 4, at - ended
        three.end()
    finally:
        for driver in (producer, one, two):
            driver.end()


def test_member_goes_on_where_it_was_when_the_broker_is_back(servers, topic, tmp_path):
    brokers = servers.environment["DOCKET_KAFKA"]
    producer = Driver(servers, "produce", brokers, topic, tmp_path / "durable")
    member = Driver(servers, "consume", brokers, topic, "g." + topic)
    try:
        member.wait_for("got")
        servers.signal("kafka", signal.SIGKILL)
        until(lambda: servers.state("kafka") in (None, "Z"), what="the broker's end")  # a JVM takes its time to go
        servers.start("kafka")
        sums(producer)
        durable = set((tmp_path / "durable").read_text().split())
        until(lambda: durable <= {line.split()[1] for _, line in member.all() if line.startswith("got")},
              what="every record at the member")
        assert not [line for _, line in member.all() if line.startswith("alarm")]
    finally:
        producer.end()
        member.end()
