"""Hourly files of the figures: what changed in each hour, once, whole, whoever dies; in a directory or in a store that checks
every signature as S3 does."""
import csv
import hashlib
import http.server
import io
import json
import signal
import socket
import subprocess
import threading
import uuid
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.stack import BUILD, REPOSITORY, until

KEY, SECRET, REGION = "docketexporter", "a secret / with+signs=", "eu-central-1"
SCHEMA = json.loads((REPOSITORY / "deploy/api/facts.schema.json").read_text())


class Exporter:
    """A second docket-analytics on the session's stack, one that writes files."""

    def __init__(self, stack, folder, to, **settings):
        self.ops = free_port()
        self.log = folder / f"{uuid.uuid4().hex}.log"
        environment = {k: v for k, v in stack.environment.items() if not k.startswith("DOCKET_")}
        environment.update({f"DOCKET_{k}": str(v) for k, v in {
            "LISTEN": "127.0.0.1:0", "OPS_LISTEN": f"127.0.0.1:{self.ops}", "INSTANCE": "exporter",
            "KAFKA_BROKERS": stack.environment["DOCKET_KAFKA"],
            "POSTGRES_URL": as_role(stack, "docket_analytics"), "EXPORT_TO": to, "EXPORT_LOOK": "200ms", **settings}.items()})
        self.process = subprocess.Popen([BUILD / "bin" / "docket-analytics"], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log.open("w"), stderr=subprocess.STDOUT)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait()


def as_role(stack, role):
    secret = (stack.home / "secrets" / role).read_text()
    port = dict(line.split()[:2] for line in (stack.home / "ports").read_text().splitlines())["postgres"]
    return f"postgresql://{role}:{secret}@127.0.0.1:{port}/docket"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unpack(data):
    return subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout.decode()


def lines(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def typed(line):
    """A line as the schema has it: numbers are numbers, what is empty is not there."""
    made = {}
    for name, value in line.items():
        types = SCHEMA["properties"][name]["type"]
        made[name] = None if value == "" and "null" in types else int(value) if "integer" in types else value
    return made


@pytest.fixture(scope="module")
def told(stack):
    """A tenant with tickets whose figures are kept."""
    tenant = stack.tenant()
    tickets = [tenant.create(subject=f"导出, \"{i}\"", product=f"壶, \"{i}\"\n大", region="eu") for i in range(5)]
    for ticket in tickets:
        tenant.stored(ticket)
    until(lambda: stack.sql("SELECT count(*) FROM analytics.tickets WHERE tenant_id = %s", tenant.number) == [(5,)], 60,
          "figures of every ticket")
    tenant.tickets = sorted(tickets)
    return tenant


@pytest.fixture
def clean(stack):
    """No hour was ever cut: the first file is of every ticket."""
    for table in ("exports", "export_hours", "export_cursors"):
        stack.sql(f"DELETE FROM analytics.{table}", admin=True)
    yield
    for table in ("exports", "export_hours", "export_cursors"):
        stack.sql(f"DELETE FROM analytics.{table}", admin=True)


def files_of(folder, tenant):
    return sorted(folder.glob(f"tickets/v1/tenant={tenant.number}/**/*.csv.zst"))


def cut_an_hour_ago(stack):
    """As if the last hour had been cut when it began: what has changed since belongs to the next one."""
    stack.sql("UPDATE analytics.export_hours SET hour = hour - interval '1 hour'", admin=True)


def test_the_first_file_holds_every_ticket_and_is_what_the_schema_says(stack, told, clean, tmp_path):
    exporter = Exporter(stack, tmp_path, tmp_path / "out", EXPORT_PART_TICKETS=2)
    try:
        until(lambda: len(files_of(tmp_path / "out", told)) == 3, 60, "three parts of two tickets")
        until(lambda: stack.sql("SELECT count(*) FROM analytics.exports WHERE done_at IS NULL") == [(0,)], 60, "all to be written")
    finally:
        exporter.end()
    assert exporter.process.returncode == 0
    hour = datetime.now(timezone.utc) - timedelta(hours=1)
    files = files_of(tmp_path / "out", told)
    assert files[0].parent.name in {f"hour={(hour - timedelta(minutes=m)).hour:02}" for m in (0, 10)}
    assert json.loads((tmp_path / "out/tickets/v1/schema.json").read_text()) == SCHEMA
    assert not list((tmp_path / "out").rglob("*.part")), "nothing half-written is left"
    rows = [line for file in files for line in lines(unpack(file.read_bytes()))]
    assert [int(row["ticket_id"]) for row in rows] == told.tickets
    for row in rows:
        jsonschema.validate(typed(row), SCHEMA)
        stored = told.row(int(row["ticket_id"]))
        assert row["product"] == stored["product"] and row["region"] == "eu" and row["status"] == stored["status"]
        assert int(row["seq"]) == stored["version"] and int(row["requester_id"] or 0) == (stored["requester_id"] or 0)
    kept = stack.sql("SELECT sum(rows)::int, bool_and(ticket_ids IS NULL) FROM analytics.exports WHERE tenant_id = %s", told.number)
    assert kept == [(5, True)]


def test_the_next_hour_holds_what_changed_in_it_and_nothing_else(stack, told, clean, tmp_path):
    stack.sql("SELECT analytics.cut_exports(now(), 100000)", admin=True)
    stack.sql("UPDATE analytics.exports SET done_at = now()", admin=True)
    ticket = told.create(subject="later")
    told.stored(ticket)
    told.tickets = sorted(told.tickets + [ticket])
    until(lambda: stack.sql("SELECT count(*) FROM analytics.tickets WHERE ticket_id = %s", ticket) == [(1,)], 60, "its figures")
    cut_an_hour_ago(stack)
    stack.sql("UPDATE analytics.changes SET at = at - interval '1 hour'", admin=True)
    stack.sql("DELETE FROM analytics.exports", admin=True)
    exporter = Exporter(stack, tmp_path, tmp_path / "out")
    try:
        file = until(lambda: files_of(tmp_path / "out", told), 60, "a file")
    finally:
        exporter.end()
    assert [int(row["ticket_id"]) for row in lines(unpack(file[0].read_bytes()))] == [ticket]
    assert stack.sql("SELECT whole FROM analytics.export_hours ORDER BY hour DESC LIMIT 1") == [(False,)]


def test_a_file_whose_writer_died_is_written_by_another_and_changes_wait_for_it(stack, told, clean, tmp_path):
    stack.sql("SELECT analytics.cut_exports(now(), 100000)", admin=True)
    stack.sql("SELECT * FROM analytics.claim_export('dead', interval '10 minutes') LIMIT 1", admin=True)
    claimed = stack.sql("SELECT count(*) FROM analytics.exports WHERE owner = 'dead' AND done_at IS NULL")
    assert claimed == [(1,)]
    exporter = Exporter(stack, tmp_path, tmp_path / "out")
    try:
        until(lambda: stack.sql("SELECT count(*) FROM analytics.exports WHERE done_at IS NULL AND owner IS DISTINCT FROM 'dead'") == [(0,)],
              60, "the others to be written")
        assert stack.sql("SELECT count(*) FROM analytics.exports WHERE done_at IS NULL") == [(1,)], "its writer may live"
        stack.sql("UPDATE analytics.exports SET next_at = now() WHERE done_at IS NULL", admin=True)
        until(lambda: stack.sql("SELECT count(*) FROM analytics.exports WHERE done_at IS NULL") == [(0,)], 60, "it, too")
    finally:
        exporter.end()
    assert files_of(tmp_path / "out", told)
    # What is in no file yet is not swept, however old.
    stack.sql("INSERT INTO analytics.changes (tenant_id, partition, change, at, ticket_ids) SELECT %s, partition, change + 1000,"
              " now() - interval '1 hour', '{1}' FROM analytics.export_cursors LIMIT 1", told.number, admin=True)
    try:
        stack.sql("SELECT analytics.sweep(100000)", admin=True)
        assert stack.sql("SELECT count(*) FROM analytics.changes WHERE ticket_ids = '{1}'", admin=True) == [(1,)]
    finally:
        stack.sql("DELETE FROM analytics.changes WHERE ticket_ids = '{1}'", admin=True)


class Store(http.server.ThreadingHTTPServer):
    """What an S3-compatible store does with a PUT: refuses whatever is not signed as botocore signs it."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), StoreRequest)
        self.files, self.refused, self.busy = {}, [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class StoreRequest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.busy:
            self.server.busy -= 1
            status = 503
        elif signed(self, body):
            self.server.files[self.path] = body
            status = 200
        else:
            self.server.refused.append((self.path, dict(self.headers)))
            status = 403
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class FixedTime(S3SigV4Auth):
    def _modify_request_before_signing(self, request):
        pass  # the headers are there as they came


def signed(asked, body):
    """Does botocore, given the same request and secret, come to the same signature?"""
    fields = dict(part.strip().split("=", 1) for part in asked.headers["Authorization"].split(" ", 1)[1].split(","))
    names = fields["SignedHeaders"].split(";")
    if "x-amz-date" not in names or "host" not in names or not asked.headers["Authorization"].startswith("AWS4-HMAC-SHA256 "):
        return False
    again = AWSRequest(method=asked.command, url=f"http://{asked.headers['Host']}{asked.path}", data=body,
                       headers={name: asked.headers[name] for name in names})
    again.context["timestamp"] = asked.headers["X-Amz-Date"]
    auth = FixedTime(Credentials(KEY, SECRET), "s3", REGION)
    canonical = auth.canonical_request(again)
    if asked.headers["X-Amz-Content-Sha256"] != hashlib.sha256(body).hexdigest():
        return False
    signature = auth.signature(auth.string_to_sign(again, canonical), again)
    scope = f"{KEY}/{asked.headers['X-Amz-Date'][:8]}/{REGION}/s3/aws4_request"
    return signature == fields["Signature"] and fields["Credential"] == scope


@pytest.fixture
def store():
    running = Store()
    yield running
    running.shutdown()
    running.server_close()


def test_a_store_gets_them_signed_and_one_that_is_busy_is_asked_again(stack, told, clean, store, tmp_path):
    store.busy = 1
    how = {"EXPORT_S3_ENDPOINT": store.url, "EXPORT_S3_REGION": REGION, "EXPORT_S3_KEY": KEY, "EXPORT_S3_SECRET": SECRET,
           "EXPORT_ALLOW_NETWORKS": "127.0.0.0/8"}
    first = Exporter(stack, tmp_path, "s3://bucket/docket/facts/", **how)
    try:
        until(lambda: store.busy == 0, 60, "a first try")
    finally:
        first.end()
    exporter = Exporter(stack, tmp_path, "s3://bucket/docket/facts/", **how)
    try:
        until(lambda: any(f"tenant%3D{told.number}/" in path for path in store.files) or store.refused, 60, "the file")
    finally:
        exporter.end()
    assert store.refused == []
    assert json.loads(store.files["/bucket/docket/facts/tickets/v1/schema.json"]) == SCHEMA
    path, body = next((p, b) for p, b in store.files.items() if f"/tenant%3D{told.number}/" in p)
    assert path.startswith("/bucket/docket/facts/tickets/v1/tenant%3D") and path.endswith("/part-00000.csv.zst")
    assert [int(row["ticket_id"]) for row in lines(unpack(body))] == told.tickets


def test_a_place_that_is_none_is_said_at_the_start(stack, tmp_path):
    for to, words in (("relative/path", "neither a path"), ("s3://bucket", "export_s3_endpoint")):
        exporter = Exporter(stack, tmp_path, to)
        try:
            until(lambda: exporter.process.poll() is not None, 60, "its end")
        finally:
            exporter.end()
        assert exporter.process.returncode != 0 and words in exporter.log.read_text()
