"""docket-notifier by itself: a PostgreSQL of its own, no Kafka, deliveries written as its telling half would."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness.postgres import BUILD, Postgres, free_port
from harness.stack import request, until

SAID = {"event": {"name": "ticket_created", "at_ms": 1795305600000},
        "ticket": {"id": 7, "subject": "杯子碎了", "status": "in_progress", "created_ms": 1795305600000, "requester": "张**"}}


class Process:
    """One docket-notifier; whatever its settings are called, upper case without DOCKET_."""

    def __init__(self, desk, name, settings):
        self.desk, self.name = desk, name
        desk.starts += 1
        self.log = desk.home / f"{name}-{desk.starts}.log"
        self.ops = free_port()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DOCKET_")}
        environment.update({"DOCKET_" + k: str(v) for k, v in {
            "KAFKA_BROKERS": "127.0.0.1:9", "POSTGRES_URL": desk.postgres.url("docket_notifier"), "KEYRING": desk.ring,
            "OPS_LISTEN": f"127.0.0.1:{self.ops}", "INSTANCE": name, "ALLOW_NETWORKS": "127.0.0.0/8,::1/128",
            "LEASE_MARGIN": "1s", "WEBHOOK_TIMEOUT": "2s", "MAIL_TIMEOUT": "5s", "RETRY_FIRST": "200ms", "RETRY_MOST": "1s",
            "LEAVE_ALONE": "200ms", "DESK_URL": "https://desk.test", "LOG_LEVEL": "info", **desk.settings, **settings}.items()},
            ASAN_OPTIONS="detect_leaks=1:" + os.environ.get("ASAN_OPTIONS", ""))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BUILD / "bin" / "docket-notifier"], env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def state(self):
        try:
            return Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return None

    def frozen(self):
        return self.state() == "T"

    def dead(self):
        return self.process.poll() is not None

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def metric(self, name, **labels):
        """The sum of a family's samples with these labels."""
        total, wanted = 0.0, [f'{k}="{v}"' for k, v in labels.items()]
        for line in request("GET", f"http://127.0.0.1:{self.ops}/metrics").body.decode().splitlines():
            if line.startswith((name + "{", name + " ")) and all(w in line for w in wanted):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def stop(self):
        """SIGTERM; it must end by itself, and clean."""
        if not self.dead():
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(60)
        assert self.process.returncode == 0, f"{self.name} ended with {self.process.returncode}:\n{self.text()[-3000:]}"

    def kill(self):
        if not self.dead():
            self.process.kill()
            self.process.wait(30)

    def text(self):
        return self.log.read_text(errors="replace")


class NotifierDesk:
    """A schema, tenants with documents, people; and any number of notifiers on it."""

    def __init__(self, **settings):
        self.home = Path(tempfile.mkdtemp(prefix="docket-notifier-", dir="/tmp"))
        self.postgres = Postgres()
        self.settings, self.running, self.tenants, self.starts = settings, [], 0, 0
        self.ring = self.home / "ring"
        self.docket("keys", "init", "--ring", self.ring)

    def docket(self, *words, stdin=None):
        environment = dict(os.environ, DOCKET_POSTGRES_ADMIN=self.postgres.url("postgres"), DOCKET_KEYRING=str(self.ring),
                           DOCKET_POSTGRES=self.postgres.url("postgres"), ASAN_OPTIONS="detect_leaks=0")
        done = subprocess.run([BUILD / "bin" / "docket", *map(str, words)], env=environment, text=True, capture_output=True, input=stdin)
        assert done.returncode == 0, f"docket {words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def tenant(self, documents):
        self.tenants += 1
        name = f"n{self.tenants}"
        self.docket("tenant", "create", name, "--title", "示例商城")
        file = self.home / f"{name}.yaml"
        file.write_text(documents)
        self.docket("apply", "--tenant", name, file)
        return Tenant(self, name, self.sql("SELECT tenant_id FROM docket.tenants WHERE name = %s", name)[0][0])

    def sql(self, text, *parameters):
        return self.postgres.sql(text, *parameters)

    def start(self, name="notifier-1", **settings):
        self.running.append(process := Process(self, name, settings))
        until(lambda: "started ops=" in process.text() or process.dead(), 60, f"{name} to start")
        return process

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            for process in self.running:
                if kind:
                    print(f"--- {process.name}\n{process.text()[-6000:]}")
                    process.kill()
                elif not process.dead():
                    process.stop()
        finally:
            for process in self.running:
                process.kill()
            self.postgres.remove()
            shutil.rmtree(self.home, ignore_errors=True)


class Tenant:
    def __init__(self, desk, name, number):
        self.desk, self.name, self.number = desk, name, number

    def user(self, email, role="agent", name="林小婉"):
        """Somebody of the staff: as a recipient."""
        words = ["user", "create", "--tenant", self.name, "--email", email, "--role", role, "--name", name, "--no-password"]
        self.desk.docket(*words)
        return "user:%d" % self.desk.sql("SELECT max(user_id) FROM access.users WHERE tenant_id = %s", self.number)[0][0]

    def tell(self, recipient, way, destination, notification="通知", said=None, ticket=7, seq=None, cause=None, fold=None, urgent=False,
             due="0 seconds", expires="1 day", count=1):
        """`count` rows of notify.deliveries, of tickets counted up from `ticket`; their ids."""
        return [row[0] for row in self.desk.sql(
            "INSERT INTO notify.deliveries (tenant_id, cause, notification, recipient, way, ticket_id, seq, revision, urgent, destination,"
            " said, fold, due, expires) SELECT %s, coalesce(%s, (%s + i) || '.' || coalesce(%s, nextval('notify.delivery_ids'))), %s, %s,"
            " %s, %s + i, %s, 1, %s, %s, jsonb_set(%s::jsonb, '{ticket,id}', to_jsonb(%s + i)), %s, now() + %s::interval,"
            " now() + %s::interval FROM generate_series(0, %s - 1) i RETURNING delivery_id",
            self.number, cause, ticket, seq, notification, recipient, way, ticket, seq, urgent, destination, json.dumps(said or SAID),
            ticket, fold, due, expires, count)]

    def row(self, delivery):
        return self.desk.sql("SELECT to_jsonb(d) FROM notify.deliveries d WHERE tenant_id = %s AND delivery_id = %s",
                             self.number, delivery)[0][0]

    def counts(self):
        """How many deliveries are in which state."""
        return dict(self.desk.sql("SELECT state, count(*) FROM notify.deliveries WHERE tenant_id = %s GROUP BY 1", self.number))

    def doubts(self):
        return self.desk.sql("SELECT coalesce(sum(doubts), 0)::integer FROM notify.deliveries WHERE tenant_id = %s", self.number)[0][0]

    def ended(self, delivery, seconds=60):
        def over():
            row = self.row(delivery)
            return row if row["state"] != "waiting" else None
        return until(over, seconds, f"delivery {delivery} to end: {self.row(delivery)}")

    def settled(self, seconds=90):
        """Nothing waits any more: the counts."""
        until(lambda: "waiting" not in self.counts(), seconds, "nothing to wait any more", every=0.1)
        return self.counts()


def documents(*systems, template="有模板", extra=""):
    """Systems (name, way, address), each told by a notification of its own name, and mail to people."""
    lines = ["groups: [{name: g, title: 售后}]", "settings: {default_group: g}", "systems:"]
    for name, way, address in systems:
        lines.append(f"  - {{name: {name}, by: {way}" + (f", address: \"{address}\", private: on}}" if address else "}"))
    if not systems:
        lines.pop()
    lines += ["templates:", "  - name: 信", "    language: zh", "    subject: \"[#{{ticket.id}}] {{ticket.subject}}\"", "    text: |",
              "      {{recipient.name}}，您好：{{ticket.subject}}，{{ticket.status}}，{{ticket.created_at}}", "      {{ticket.url}}",
              "    in:", "      en: {subject: \"[#{{ticket.id}}] {{ticket.subject}}\", text: \"Dear {{recipient.name}}: {{ticket.status}}\"}",
              "  - name: 汇总", "    language: zh", "    subject: \"汇总\"", "    text: |", "      {{#tickets}}", "      #{{id}} {{subject}}",
              "      {{/tickets}}"]
    lines += ["notifications:", "  - {name: 通知, event: ticket_created, to: requester, template: 信}",
              "  - {name: 汇总, event: ticket_assigned, to: requester, template: 汇总, digest: 5m}"]
    lines += [f"  - {{name: 给{name}, event: ticket_created, to: {name}}}" for name, way, _ in systems if way in ("webhook", "kafka")]
    return "\n".join(lines) + "\n" + extra


def black_hole():
    """A port that takes connections and never says a word: (socket, url). Its queue holds very many."""
    import socket
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def passed(seconds, condition):
    """Did the condition hold all that time?"""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            return False
        time.sleep(0.05)
    return True
