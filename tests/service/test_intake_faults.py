"""The gate while what it stands on is away: it answers within two seconds, and comes back by itself."""
import concurrent.futures
import json
import shutil
import subprocess
import time

import pytest

from intake_gate import Raw, alive, metric, ops, port, submissions, url
from harness.stack import BUILD, REPOSITORY, until


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant()


@pytest.fixture(autouse=True)
def everything_is_back(stack):
    yield
    for name in ("kafka", "redis", "postgres"):
        if stack.state(name) == "T":
            stack.resume(name)
        elif stack.state(name) in (None, "Z"):
            stack.start(name)
    until(lambda: ops(stack, "/health/ready").status == 200, 30, "the gate to be ready again")


def timed(call):
    began = time.monotonic()
    answer = call()
    return answer, time.monotonic() - began


def is_503(answer):
    return answer.status == 503 and 1 <= int(answer.headers["Retry-After"]) <= 5 and answer.json["error"] == "ServiceUnavailable"


@pytest.mark.parametrize("harm, mend", [("pause", "resume"), ("kill", "start")])
def test_kafka_away_is_503_within_two_seconds_and_mends_by_itself(stack, tenant, harm, mend):
    assert tenant.post().status == 201
    getattr(stack, harm)("kafka")
    key = f"kafka-{harm}"
    answer, seconds = timed(lambda: tenant.post(key=key, again=False))
    assert is_503(answer) and seconds < 2, (answer.status, answer.body, seconds)
    until(lambda: ops(stack, "/health/ready").status == 503, 10, "readiness to say so")
    assert "kafka" in ops(stack, "/health/ready?verbose").body.decode()
    assert ops(stack, "/health/live").status == 200
    answer, seconds = timed(lambda: tenant.post(key=key + "-late", again=False))
    assert is_503(answer) and seconds < 2
    getattr(stack, mend)("kafka")
    again = until(lambda: (a := tenant.post(key=key)).status == 201 and a, 30, "the gate to accept again")
    assert again.headers["X-Idempotency-Lookup"] == "hit"
    until(lambda: metric(stack, "docket_intake_unreported_records") == 0, 30, "every report")
    copies = [s for s in submissions(stack, tenant.number) if s.key == f"k:{key}"]
    assert {s.ticket for s in copies} == {again.json["ticket"]["id"]} and len({s.cause for s in copies}) == 1
    assert metric(stack, "docket_intake_in_flight") == 0 and metric(stack, "docket_intake_in_flight_bytes") == 0


def test_many_waiting_clients_are_all_answered(stack, tenant):
    stack.pause("kafka")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        results = list(pool.map(lambda n: timed(lambda: tenant.post(key=f"many-{n}", again=False)), range(200)))
    assert all(is_503(answer) and seconds < 2.5 for answer, seconds in results), [a.status for a, _ in results]


def test_what_is_under_way_is_bounded(stack, tenant):
    stack.start("intake-2", DOCKET_IN_FLIGHT_BYTES="1MiB")
    try:
        gate = url(stack, "intake-2")
        assert tenant.post(gate=gate).status == 201
        stack.pause("kafka")
        large = {"description": "x" * 100_000}
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            results = list(pool.map(lambda n: timed(lambda: tenant.post(large, gate=gate, again=False)), range(20)))
        assert all(is_503(answer) for answer, _ in results)
        assert metric(stack, 'docket_intake_refusals_total{reason="in_flight"}', "intake-2") >= 10
        assert metric(stack, "docket_intake_in_flight_bytes", "intake-2") <= 1024 * 1024
        stack.resume("kafka")
        until(lambda: metric(stack, "docket_intake_in_flight_bytes", "intake-2") == 0, 30, "everything to be reported")
        assert tenant.post(gate=gate).status == 201
    finally:
        stack.stop("intake-2")


@pytest.mark.parametrize("harm", ["kill", "pause"])
def test_redis_away_takes_the_fast_path_and_nothing_else(stack, tenant, harm):
    getattr(stack, harm)("redis")
    for number in range(3):
        answer, seconds = timed(lambda: tenant.post(key=f"no-redis-{harm}-{number}"))
        assert answer.status == 201 and seconds < 1.5, (answer.status, answer.body, seconds)
    assert tenant.post().status == 201
    assert ops(stack, "/health/ready").status == 200
    assert metric(stack, 'docket_intake_claims_total{result="unknown"}') >= 3
    stack.resume("redis") if harm == "pause" else stack.start("redis")
    hit = until(lambda: (a := tenant.post(key=f"redis-back-{harm}")).headers.get("X-Idempotency-Lookup") == "hit" and a, 20,
                "claims to be taken again")
    assert hit.status == 201


def test_without_postgresql_known_senders_go_on_and_unknown_ones_wait(stack, tenant):
    assert tenant.post().status == 201
    stack.kill("postgres")
    end = time.monotonic() + 8  # longer than a cached token is believed while PostgreSQL is there
    while time.monotonic() < end:
        assert tenant.post(key=f"no-postgres-{time.monotonic()}").status == 201
    stranger = type(tenant)(stack, "stranger", 0, "token-that-nobody-has-seen")
    answer, seconds = timed(lambda: stranger.post(again=False))
    assert is_503(answer) and seconds < 2
    stack.start("postgres")
    until(lambda: stranger.post().status == 401, 20, "PostgreSQL to say that it is unknown")
    assert tenant.post().status == 201


def test_a_rotated_ring_is_used_without_a_restart(stack, tenant):
    ring = stack.environment["DOCKET_KEYRING"]

    def active():
        ticket = tenant.post({"description": "d", "requester": {"name": "n"}}).json["ticket"]["id"]
        sealed = next(s for s in submissions(stack, tenant.number) if s.ticket == ticket).personal["name"]["sealed"]
        return int.from_bytes(sealed[1:3], "big")

    before, pid = active(), stack.pid("intake-1")
    stack.docket("keys", "rotate", "--ring", ring)
    until(lambda: active() == before + 1, 5, "the new key to seal")
    shutil.copy(ring, ring + ".good")
    try:
        with open(ring, "w") as file:
            file.write("1 this is no key\n")
        until(lambda: "the old one stays" in stack.log("intake-1"), 5, "the broken ring to be refused")
        assert active() == before + 1
    finally:
        shutil.copy(ring + ".good", ring)
    assert stack.pid("intake-1") == pid


def test_a_stopped_gate_answers_what_it_took_and_takes_nothing_new(stack, tenant):
    stack.start("intake-2")
    gate = url(stack, "intake-2")
    stack.pause("kafka")
    connection = Raw(stack, "intake-2").post(tenant, '{"ticket":{"description":"d"}}')
    until(lambda: metric(stack, "docket_intake_unreported_records", "intake-2") == 1, 5, "the submission to be on its way")
    pid = stack.pid("intake-2")
    stack.signal("intake-2", 15)
    until(lambda: alive(gate) is None, 5, "the port to be closed")
    stack.resume("kafka")
    status, head, _ = connection.answer()
    assert status in (201, 503) and "connection: close" in head.lower()
    until(lambda: stack.pid("intake-2") != pid or stack.state("intake-2") in (None, "Z"), 20, "the process to end")


def check_config(**changes):
    """docket-intake --check-config with the stack's own settings, changed."""
    run = subprocess.run([str(BUILD / "bin/docket-intake"), "--config", str(REPOSITORY / "deploy/config/intake.conf"), "--check-config"],
                         env={"PATH": "/usr/bin:/bin", **changes}, capture_output=True, text=True, timeout=20)
    return run.returncode, run.stdout + run.stderr


WRONG = [("DOCKET_LISTEN", "127.0.0.1:99999"), ("DOCKET_LISTEN", "8080"), ("DOCKET_KAFKA_BROKERS", "127.0.0.1"),
         ("DOCKET_KAFKA_BROKERS", "127.0.0.1:0"), ("DOCKET_POSTGRES_URL", "mysql://127.0.0.1/docket"),
         ("DOCKET_REDIS_URL", "127.0.0.1:6379"), ("DOCKET_KEYRING", "/nowhere/ring"), ("DOCKET_KEYRING", "/tmp"),
         ("DOCKET_BODY_BYTES", "1GiB"), ("DOCKET_ANSWER_TIMEOUT", "5s"), ("DOCKET_TENANT_RATE", "-1"),
         ("DOCKET_CONNECTIONS", "many"), ("DOCKET_IN_FLIGHT_BYTES", "1")]


@pytest.mark.parametrize("name, value", WRONG, ids=[f"{n}={v}" for n, v in WRONG])
def test_a_wrong_setting_stops_the_start_and_is_named(stack, name, value):
    good = {"DOCKET_KEYRING": stack.environment["DOCKET_KEYRING"]}
    assert check_config(**good)[0] == 0
    code, text = check_config(**{**good, name: value})
    assert code == 2 and name in text, (code, text)


@pytest.mark.parametrize("name, value, says", [
    ("DOCKET_POSTGRES_URL", "postgresql://docket_intake:wrong@127.0.0.1:{postgres}/docket", "ids"),
    ("DOCKET_POSTGRES_URL", "postgresql://docket_intake:wrong@127.0.0.1:1/docket", "ids"),
    ("DOCKET_KAFKA_BROKERS", "127.0.0.1:1", "kafka")])
def test_a_wrong_server_keeps_the_gate_unready_and_says_which(stack, tmp_path, name, value, says):
    import socket
    with socket.socket() as probe, socket.socket() as probe2:
        probe.bind(("127.0.0.1", 0)), probe2.bind(("127.0.0.1", 0))
        listen, ops_listen = probe.getsockname()[1], probe2.getsockname()[1]
    settings = {"DOCKET_KEYRING": stack.environment["DOCKET_KEYRING"], "DOCKET_LISTEN": f"127.0.0.1:{listen}",
                "DOCKET_OPS_LISTEN": f"127.0.0.1:{ops_listen}", "DOCKET_KAFKA_BROKERS": stack.environment["DOCKET_KAFKA"],
                "DOCKET_POSTGRES_URL": stack.environment["DOCKET_POSTGRES_ADMIN"], "DOCKET_REDIS_URL": stack.environment["DOCKET_REDIS"],
                name: value.format(postgres=port(stack, "postgres"))}
    log = open(tmp_path / "log", "w+")
    gate = subprocess.Popen([str(BUILD / "bin/docket-intake")], env={"PATH": "/usr/bin:/bin", **settings}, stderr=log)
    try:
        from harness.stack import request
        until(lambda: alive(f"http://127.0.0.1:{ops_listen}"), 10, "the operator's port")
        until(lambda: f"[-]{says}" in request("GET", f"http://127.0.0.1:{ops_listen}/health/ready?verbose").body.decode(), 10, f"[-]{says}")
        assert request("GET", f"http://127.0.0.1:{ops_listen}/health/live").status == 200
        until(lambda: "not ready" in open(log.name).read(), 10, "the log to say so")
        assert "wrong@" not in open(log.name).read()
    finally:
        gate.terminate()
        gate.wait(20)


def test_a_port_that_is_taken_stops_the_start(stack, tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "DOCKET_KEYRING": stack.environment["DOCKET_KEYRING"], "DOCKET_OPS_LISTEN": "127.0.0.1:0",
                   "DOCKET_LISTEN": f"127.0.0.1:{port(stack, 'intake-1')}"}
    run = subprocess.run([str(BUILD / "bin/docket-intake")], env=environment, capture_output=True, text=True, timeout=20)
    assert run.returncode == 1 and "listen" in run.stderr and "in use" in run.stderr
