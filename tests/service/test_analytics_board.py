"""The live board: what /live shows is what PostgreSQL and Kafka say, for each who looks what she may see, once a second."""
import json
import os
import pty
import select
import subprocess
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from harness.live import Listener
from harness.stack import patiently, request, until

DOCUMENTS = """
settings: {default_group: 售后}
groups:
  - {name: 售后, title: 售后服务}
  - {name: 跨境, title: 跨境服务}
agents:
  - {name: an, title: 安, groups: [售后], capacity: 2, duty: on}
  - {name: bo, title: 博, groups: [跨境, 售后], capacity: 3, duty: on}
  - {name: chen, title: 陈, groups: [跨境], capacity: 4, duty: off}
rules:
  - {name: 清关, when: {any: [{text: {contains: [清关]}}]}, set: {group: 跨境}}
policies:
  - {name: 标准, targets: {resolution: 40m}}
"""
TOLD = 60  # seconds for what happened to be on the board


class Board:
    def __init__(self, stack):
        self.stack = stack
        self.url = stack.environment["DOCKET_ANALYTICS_URL"]
        self.tenant = stack.tenant(DOCUMENTS)
        self.ids = dict(stack.sql("SELECT name, id FROM config.names WHERE tenant_id = %s", self.tenant.number))
        self.tokens = {}
        until(lambda: self.names() == {"售后", "跨境"}, TOLD, "the documents on the board")

    def token(self, role="manager", user=None):
        who = ("--user", user) if user else ("--role", role)
        if who not in self.tokens:
            self.tokens[who] = self.stack.docket("token", "create", "--tenant", self.tenant.name, *who).stdout.split()[-1]
        return self.tokens[who]

    def ask(self, path="/live.json", token=None, url=None, **headers):
        head = {"Authorization": f"Bearer {self.token() if token is None else token}", **headers}
        return patiently(lambda: request("GET", (url or self.url) + path, headers=head), lambda answer: answer.status == 503)

    def look(self, **who):
        answer = self.ask(token=self.token(**who))
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json

    def names(self, **who):
        return {group["name"] for group in self.look(**who)["groups"]}

    def group(self, name, **who):
        return next(group for group in self.look(**who)["groups"] if group["name"] == name)

    def until(self, condition, what):
        return until(lambda: (lambda picture: picture if condition(picture) else None)(self.look()), TOLD, what, 0.2)

    def listener(self, token=None, url=None):
        return LiveListener(self.url if url is None else url, self.token() if token is None else token)


class LiveListener(Listener):
    """The same client, at another path."""

    def __init__(self, url, token):
        self.path = "/live"
        address = urllib.parse.urlsplit(url)
        import http.client
        import threading
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        self.connection.request("GET", "/live", headers={"Accept": "text/event-stream", "Authorization": f"Bearer {token}"})
        self.answer = self.connection.getresponse()
        self.events, self.beats, self.last, self.over = [], 0, None, False
        if self.answer.status == 200:
            self.thread = threading.Thread(target=self.listen, daemon=True)
            self.thread.start()


@pytest.fixture(scope="module")
def board(stack):
    return Board(stack)


@pytest.fixture(scope="module")
def busy(board):
    """Five tickets of 售后, of which four are in hand, and two of 跨境 more than anybody takes."""
    tickets = [board.tenant.create(subject=f"售后 {i}") for i in range(7)]
    for ticket in tickets:
        board.tenant.stored(ticket)
    return tickets


def test_the_figures_are_those_of_postgresql(board, busy):
    def rows(text):
        return board.stack.sql(text, board.tenant.number)[0][0]

    def agrees(picture):
        waiting = rows("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status = 'new' AND assignee_id IS NULL")
        in_hand = rows("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status IN ('assigned', 'in_progress')"
                       " AND assignee_id IS NOT NULL")
        return (picture["complete"] and waiting == 2 and in_hand == 5 and picture["waiting"]["tickets"] == waiting
                and picture["agents"]["in_hand"] == in_hand and picture["arrived"]["last_hour"] == len(busy))

    picture = board.until(agrees, "the board to show what is stored")
    assert picture["agents"] == {"on_duty": 2, "free": 0, "busy": 2, "in_hand": 5, "capacity": 5}
    assert picture["at_risk"]["tickets"] == len(busy), "each was promised to be solved within 40 minutes"
    assert sum(picture["arrived"]["minutes"]) == len(busy) and len(picture["arrived"]["minutes"]) == 60
    group = next(g for g in picture["groups"] if g["name"] == "售后")
    assert group["waiting"] == 2 and group["agents"]["on_duty"] == 2 and group["title"] == "售后服务"
    oldest = rows("SELECT extract(epoch FROM now() - min(created_at))::float FROM ticket.tickets"
                  " WHERE tenant_id = %s AND status = 'new' AND assignee_id IS NULL")
    assert abs(group["oldest_s"] - oldest) < 5 * TOLD, (group, oldest)
    assert picture["groups"][0]["name"] == "售后", "most waiting first"


def test_who_goes_off_duty_is_not_counted(board, busy):
    board.until(lambda p: p["agents"]["on_duty"] == 2, "two on duty")
    board.stack.docket("agents", "off", "bo", "--tenant", board.tenant.name)
    try:
        picture = board.until(lambda p: p["agents"]["on_duty"] == 1, "one on duty")
        assert next(g for g in picture["groups"] if g["name"] == "跨境")["agents"]["on_duty"] == 0
    finally:
        board.stack.docket("agents", "on", "bo", "--tenant", board.tenant.name)


def test_an_agent_sees_her_groups_and_no_services(board, busy):
    until(lambda: board.group("售后")["waiting"] == 2, TOLD, "what waits")
    assert board.names(user="chen") == {"跨境"}
    mine = board.look(user="chen")
    assert mine["services"] == [] and mine["waiting"]["tickets"] == 0
    assert board.look(user="an")["waiting"]["tickets"] == 2


def test_another_tenant_sees_nothing_of_it(board, busy, stack):
    other = stack.tenant()
    token = stack.docket("token", "create", "--tenant", other.name, "--role", "manager").stdout.split()[-1]
    picture = board.ask(token=token).json
    assert picture["groups"] == [] and picture["arrived"]["last_hour"] == 0 and picture["agents"]["on_duty"] == 0


@pytest.mark.parametrize("path", ["/live", "/live.json"])
def test_who_is_nobody_is_401_and_a_source_of_tickets_403(board, path):
    assert board.ask(path, token="nobody").status == 401
    assert board.ask(path, token=board.tenant.token).status == 403


def test_each_second_a_picture_and_one_drawing_for_all_who_look(board, busy):
    def drawn():
        return metric(board.stack, "docket_analytics_board_pictures_total")

    listeners = [board.listener() for _ in range(20)]
    try:
        for one in listeners:
            one.until(lambda e: e.name == "board", what="a first picture")
        before, had = drawn(), [len(one.named("board")) for one in listeners]
        until(lambda: all(len(one.named("board")) >= n + 4 for one, n in zip(listeners, had)), 60, "four more each")
        assert drawn() - before <= 4 + 8, "twenty look, and one picture is drawn for them"
        times = [event.data["at"] for event in listeners[0].named("board")]
        assert times == sorted(set(times))
    finally:
        for one in listeners:
            one.close()
    until(lambda: metric(board.stack, "docket_analytics_board_viewers") == 0, 30, "everybody to be gone")
    quiet = until(lambda: (lambda first: first if time.sleep(2.5) or drawn() == first else None)(drawn()), 30, "nothing drawn for nobody")
    assert quiet


def metric(stack, name):
    port = dict(line.split()[:2] for line in (stack.home / "ports").read_text().splitlines())["analytics-1-ops"]
    page = request("GET", f"http://127.0.0.1:{port}/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith((name + " ", name + "{")))


def test_a_revoked_token_stops_looking(board):
    made = board.stack.docket("token", "create", "--tenant", board.tenant.name, "--role", "manager", "--json").stdout
    secret = next(value for value in json.loads(made).values() if isinstance(value, str) and len(value) > 30)
    number = next(value for key, value in json.loads(made).items() if key in ("id", "token_id"))
    with_it = board.listener(token=secret)
    try:
        with_it.until(lambda e: e.name == "board", what="a picture")
        board.stack.docket("token", "revoke", number, "--tenant", board.tenant.name)
        assert with_it.until(lambda e: e.name == "end", what="the end").data["reason"] == "signed_out"
        until(lambda: with_it.over, 30, "the stream to be over")
    finally:
        with_it.close()


def test_the_services_lag_is_what_kafka_says(board, stack):
    names = [service["name"] for service in board.look()["services"]]
    assert names == ["router", "desk", "sla", "notifier", "analytics"]
    board.until(lambda p: all(s["behind"] is not None for s in p["services"]), "every lag to be known")
    stack.pause("sla-1")
    try:
        ticket = board.tenant.create(subject="behind")
        board.tenant.stored(ticket)

        def agrees():
            shown = next(s["behind"] for s in board.look()["services"] if s["name"] == "sla")
            said = lag(stack, "docket-sla", "docket.events")
            return shown if shown and shown == said else None

        assert until(agrees, 60, "the board to say how far the scheduler is behind", 0.2) >= 1
    finally:
        stack.resume("sla-1")


def lag(stack, group, topic):
    """What somebody else's client says that the group has not committed."""
    admin = AdminClient({"bootstrap.servers": stack.environment["DOCKET_KAFKA"]})
    partitions = [TopicPartition(topic, p) for p in admin.list_topics(topic, timeout=10).topics[topic].partitions]
    reader = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": group, "enable.auto.commit": False})
    try:
        behind = 0
        for part in reader.committed(partitions, timeout=10):
            low, high = reader.get_watermark_offsets(part, timeout=10)
            behind += high - max(part.offset, low)
        return behind
    finally:
        reader.close()


def top(stack, board, *words, **how):
    return subprocess.run(["docket", "top", *map(str, words)], text=True, capture_output=True, timeout=120,
                          env={**stack.environment, "DOCKET_TOKEN": board.token(), **how})


def test_docket_top_shows_the_same_on_a_terminal(board, busy, stack):
    waiting = board.until(lambda p: p["waiting"]["tickets"] >= 2, "what waits")["waiting"]["tickets"]
    said = top(stack, board, "--once", "--columns", 100)
    assert said.returncode == 0, said.stderr
    assert "\x1b" not in said.stdout, "no colours and no screen where it is no terminal"
    assert "工单现场 Live board" in said.stdout and "售后服务" in said.stdout and "router" in said.stdout
    pictures = [json.loads(line) for line in top(stack, board, "--json", "--seconds", 3).stdout.splitlines()]
    assert len(pictures) >= 1 and pictures[-1]["waiting"]["tickets"] >= waiting
    assert top(stack, board, "--once", DOCKET_TOKEN="nobody").returncode == 1
    assert "401" in top(stack, board, "--once", DOCKET_TOKEN="nobody").stderr
    assert top(stack, board, "--columns", 7).returncode == 2


def test_docket_top_takes_the_screen_and_gives_it_back(board, stack):
    master, slave = pty.openpty()
    running = subprocess.Popen(["docket", "top"], stdin=slave, stdout=slave, stderr=slave,
                               env={**stack.environment, "DOCKET_TOKEN": board.token()})
    os.close(slave)
    seen = b""
    try:
        def shown(what):
            nonlocal seen
            while select.select([master], [], [], 0.05)[0]:
                try:
                    seen += os.read(master, 65536)
                except OSError:
                    break
            return what in seen

        until(lambda: shown("Live board".encode()) and seen.count(b"\x1b[H") >= 2, 60, "two pictures")
        assert seen.index(b"\x1b[?1049h") < seen.index(b"Live board")
        os.write(master, b"q")
        until(lambda: running.poll() is not None or shown(b"never"), 30, "its end")
        shown(b"")
        assert running.returncode == 0 and seen.rstrip().endswith(b"\x1b[?1049l"), seen[-200:]
    finally:
        running.kill()
        running.wait()
        os.close(master)


def test_the_front_leads_to_it(board, stack):
    assert board.ask(url=stack.environment["DOCKET_URL"]).status == 200
    through = board.listener(url=stack.environment["DOCKET_URL"])
    try:
        until(lambda: len(through.named("board")) >= 2, 60, "two pictures through the front")
    finally:
        through.close()
