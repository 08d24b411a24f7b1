"""The local stack's promises, with real servers and small stand-ins for Docket's programs."""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

import psycopg2
import pytest
import redis
from confluent_kafka.admin import AdminClient, NewTopic

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
STACK = REPOSITORY / "deploy/local/stack"

DOCKET = r"""#!/bin/sh
echo "$@" >>"$DOCKET_HOME/calls"
[ -e "$DOCKET_HOME/refuse-$1" ] && { echo "the reason why $1 is refused"; exit 1; }
case "$1 $2" in
"token create") echo "token-of-the-administrator" ;;
"keys init") echo ring >"$4" ;;
esac
"""

SERVICE = r"""#!/usr/bin/python3
import http.server, os, signal, sys

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass

def drain(*_):
    print("drained", flush=True)
    os._exit(0)

if os.path.exists(os.environ["DOCKET_HOME"] + "/refuse-service"):
    sys.exit("the last words of " + os.environ["DOCKET_INSTANCE"])
signal.signal(signal.SIGTERM, drain)
if os.environ.get("FREEZE"):
    os.kill(os.getpid(), signal.SIGSTOP)
for name in sorted(os.environ):
    if name.startswith("DOCKET_"):
        print(name + "=" + os.environ[name], flush=True)
host, port = os.environ["DOCKET_OPS_LISTEN"].split(":")
http.server.HTTPServer((host, int(port)), Ready).serve_forever()
"""


class Stack:
    def __init__(self, home, programs):
        self.home = pathlib.Path(home)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DOCKET_") or k == "DOCKET_CACHE"}
        self.environment.update(DOCKET_HOME=str(home), DOCKET_BIN=str(programs))
        self.environment.update(DOCKET_TOKEN="the caller's", DOCKET_POSTGRES_ADMIN="the caller's")

    def __call__(self, *arguments, fails=False):
        done = subprocess.run([STACK, *arguments], env=self.environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pid(self, name):
        return int((self.home / "run" / f"{name}.pid").read_text())

    def pids(self):
        return {file.stem: int(file.read_text()) for file in (self.home / "run").glob("*.pid")}

    def port(self, name):
        return dict(line.split() for line in (self.home / "ports").read_text().splitlines())[name]

    def variables(self, shell="sh"):
        """What a shell sees after `eval "$(stack env)"`."""
        out = subprocess.run([shell, "-euc", f'eval "$({STACK} env)"; env -0'], env=self.environment,
                             capture_output=True, text=True, check=True).stdout
        return dict(entry.split("=", 1) for entry in out.split("\0") if entry)

    def processes(self):
        """Every living process that carries this stack's mark, found without the stack's own help."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"DOCKET_STACK_PROCESS={self.home}:".encode() in (entry / "environ").read_bytes():
                    found.append((int(entry.name), (entry / "cmdline").read_bytes()[:80]))
            except OSError:
                continue
        return found

    def sql(self, statement):
        connection = psycopg2.connect(self.variables()["DOCKET_POSTGRES_ADMIN"])
        connection.autocommit = True
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None

    def topics(self):
        return set(AdminClient({"bootstrap.servers": self.variables()["DOCKET_KAFKA"]}).list_topics(timeout=10).topics)


def is_alive(pid):
    try:
        return state(pid) not in "ZX"
    except OSError:
        return False


def state(pid):
    """R, S, T ... of /proc/PID/stat."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def programs():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="docket-test-programs-", dir="/var/tmp"))
    directory.chmod(0o755)
    for name, text in {"docket": DOCKET, "docket-intake": SERVICE, "docket-router": SERVICE}.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def running(programs):
    home = tempfile.mkdtemp(prefix="docket-test-stack-", dir="/var/tmp")
    stack = Stack(home, programs)
    try:
        stack("up")
        yield stack
    finally:
        stack("down", "--purge")
    eventually(lambda: stack.processes() == [])


@pytest.fixture
def stack(running):
    """The module's stack, brought back to where it began when a test has failed half-way."""
    yield running
    for refusal in running.home.glob("refuse-*"):
        refusal.unlink()
    running("up", "--intake", "1", "--router", "2")


def test_up_twice_changes_nothing(stack):
    before = stack.pids()
    assert set(before) == {"postgres", "redis", "kafka", "intake-1", "router-1", "router-2"}
    stack("up")
    assert stack.pids() == before


def test_several_ups_at_once_start_one_of_each(stack):
    for name in ("redis", "router-1"):
        stack("kill", name)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: stack("up"), range(3)))
    names = [line.split(b"\0")[0] for _, line in stack.processes()]
    assert names.count(b"redis-server") == 1
    assert len([1 for _, line in stack.processes() if b"docket-router" in line]) == 2


def test_env_is_what_a_shell_can_eval_and_leads_to_living_servers(stack):
    seen = stack.variables("dash")
    with psycopg2.connect(seen["DOCKET_POSTGRES_ADMIN"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database(), current_setting('fsync'), current_setting('synchronous_commit')")
        assert cursor.fetchone() == ("docket_migrator", "docket", "on", "on")
    server = redis.Redis.from_url(seen["DOCKET_REDIS"])
    assert server.ping()
    assert server.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert server.config_get("appendonly") == {"appendonly": "no"}
    assert AdminClient({"bootstrap.servers": seen["DOCKET_KAFKA"]}).list_topics(timeout=10).brokers
    assert seen["DOCKET_TOKEN"] == "token-of-the-administrator"
    assert seen["DOCKET_HOME"] == str(stack.home)
    assert seen["DOCKET_INTAKE_URL"] == f"http://127.0.0.1:{stack.port('intake-1')}"
    assert seen["DOCKET_ANALYTICS_URL"] == f"http://127.0.0.1:{stack.port('analytics-1')}"
    assert seen["PATH"].startswith(seen["DOCKET_BIN"] + ":")
    assert pathlib.Path(seen["DOCKET_KEYRING"]).exists()


def test_each_killed_server_comes_back_with_its_data(stack):
    stack.sql("CREATE TABLE kept AS SELECT 42 AS answer")
    admin = AdminClient({"bootstrap.servers": stack.variables()["DOCKET_KAFKA"]})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(10)
    before = stack.pids()
    for name in ("postgres", "redis", "kafka"):
        os.kill(stack.pid(name), signal.SIGKILL)
    stack("up")
    assert stack.sql("SELECT answer FROM kept") == [(42,)]
    assert "kept" in stack.topics()
    after = stack.pids()
    assert {name for name in before if before[name] != after[name]} == {"postgres", "redis", "kafka"}
    stack.sql("DROP TABLE kept")


def test_counts_of_instances_go_up_and_down_and_are_remembered(stack):
    stack("up", "--router", "3", "--intake", "2")
    assert {"intake-2", "router-3"} <= set(stack.pids())
    assert stack.port("intake-1") != stack.port("intake-2")
    stack("kill", "router-3")
    stack("up")
    surplus = [stack.pid("router-3"), stack.pid("router-2"), stack.pid("intake-2")]
    stack("up", "--router", "1", "--intake", "1")
    assert not any(map(is_alive, surplus))
    assert (stack.home / "log/router-3.log").read_text().endswith("drained\n"), "the surplus is asked, not killed"
    assert set(stack.pids()) == {"postgres", "redis", "kafka", "intake-1", "router-1"}


def test_one_process_can_be_stopped_started_paused_resumed_and_killed(stack):
    first = stack.pid("router-1")
    stack("pause", "router-1")
    assert state(first) == "T"
    assert "paused" in stack("status", fails=True)
    stack("resume", "router-1")
    eventually(lambda: state(first) != "T")
    stack("kill", "router-1")
    assert not is_alive(first)
    assert "died" in stack("status", fails=True)
    assert "is not running" in stack("kill", "router-1", fails=True)
    stack("start", "router-1")
    stack("stop", "router-1")
    assert "stopped" in stack("status", fails=True)
    stack("start", "router-1")
    stack("status")
    stack("start", "nobody-1", fails=True)


def test_a_paused_process_still_stops(stack):
    stack("pause", "router-2")
    stack("stop", "router-2")
    assert "router-2" not in stack.pids()
    assert (stack.home / "log/router-2.log").read_text().endswith("drained\n"), "it could not hear SIGTERM and was killed"


def test_a_stranger_with_a_recycled_pid_is_left_alone(stack):
    stack("kill", "router-2")
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (stack.home / "run/router-2.pid").write_text(f"{stranger.pid}\n")
        stack("kill", "router-2", fails=True)
        stack("stop", "router-2")
        assert stranger.poll() is None
        stranger.kill()


def test_processes_without_pid_files_are_found(stack):
    before = stack.pids()
    for file in (stack.home / "run").iterdir():
        file.unlink()
    stack("up")
    assert stack.pids() == before


def test_services_get_their_own_credentials_only(stack):
    started = dict(line.split("=", 1) for line in (stack.home / "log/router-1.log").read_text().splitlines() if "=" in line)
    assert started["DOCKET_POSTGRES_URL"].startswith("postgresql://docket_router:")
    assert started["DOCKET_INSTANCE"] == "router-1"
    assert not {"DOCKET_KEYRING", "DOCKET_TOKEN", "DOCKET_POSTGRES_ADMIN", "DOCKET_LISTEN"} & set(started)


def test_secrets_are_for_the_owner_alone(stack):
    assert stat.S_IMODE((stack.home / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((stack.home / "log").stat().st_mode) == 0o700
    for file in ("redis", "postgres", "docket_migrator", "docket_router", "token"):
        assert stat.S_IMODE((stack.home / "secrets" / file).stat().st_mode) == 0o600, file


def test_demo_tenant_is_made_once(stack):
    stack("up")
    calls = (stack.home / "calls").read_text().splitlines()
    assert len([call for call in calls if call.startswith("token create")]) == 1
    assert len([call for call in calls if call == "migrate"]) > 1


def test_a_service_that_ends_at_once_is_named_with_its_last_words(stack):
    stack("kill", "router-2")
    (stack.home / "refuse-service").touch()
    said = stack("up", fails=True)
    assert "router-2" in said and "the last words of router-2" in said


def test_a_service_that_freezes_while_starting_is_not_waited_for(stack):
    stack("stop", "router-2")
    stack.environment["FREEZE"] = "yes"
    try:
        assert "was paused while starting" in stack("start", "router-2", fails=True)
    finally:
        del stack.environment["FREEZE"]
    stack("resume", "router-2")


def test_a_failed_migration_stops_before_the_services_and_says_why(stack):
    stack("kill", "router-2")
    (stack.home / "refuse-migrate").touch()
    said = stack("up", fails=True)
    assert "the reason why migrate is refused" in said and "docket migrate" in said
    assert not is_alive(stack.pid("router-2"))


def test_a_taken_port_is_left_to_its_owner_and_the_services_learn_the_new_one(stack):
    stack("kill", "redis")
    old = int(stack.port("redis"))
    router = stack.pid("router-1")
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", old))
        stranger.listen()
        said = stack("up")
    assert f"port {old}" in said and int(stack.port("redis")) != old
    assert not is_alive(router)
    assert f":{stack.port('redis')}\n" in (stack.home / "log/router-1.log").read_text()


def test_a_server_that_does_not_come_up_is_named_with_reason_and_remedy(stack):
    stack("stop", "kafka")
    identity = stack.home / "kafka/kafka/data/meta.properties"
    good = identity.read_text()
    identity.write_text("garbage\n")
    said = stack("start", "kafka", fails=True)
    assert "kafka" in said and "node ID not found" in said and "--purge" in said
    identity.write_text(good)


def test_wrong_options_are_refused_and_change_nothing(stack):
    before = stack.pids()
    for wrong in (["--router", "many"], ["--router"], ["--kafka-brokers", "2"], ["--nonsense"], ["surplus"]):
        stack("up", *wrong, fails=True)
    assert "purge" in stack("up", "--kafka-brokers", "3", fails=True)
    assert stack.pids() == before


def test_down_leaves_no_process_keeps_the_data_and_may_be_said_twice(stack):
    stack.sql("CREATE TABLE stays AS SELECT 7 AS answer")
    (stack.home / "run/kafka.pid").unlink()
    stack("down")
    eventually(lambda: stack.processes() == [])
    stack("down")
    stack("status", fails=True)
    stack("up", "--servers")
    assert set(stack.pids()) == {"postgres", "redis", "kafka"}
    assert stack.sql("SELECT answer FROM stays") == [(7,)]


def test_nothing_is_made_for_questions_about_a_stack_that_never_was(programs, tmp_path):
    nowhere = Stack(tmp_path / "nowhere", programs)
    for question in ("status", "env", "start", "kill"):
        assert "stack" in nowhere(*([question] if question in ("status", "env") else [question, "redis"]), fails=True)
    nowhere("down")
    assert not nowhere.home.exists()
