"""A private PostgreSQL for tests that need nothing else: its own directory, its own port, the schema of this tree."""
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg2

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("DOCKET_BUILD", REPOSITORY / ".build" / "asan"))
BIN = Path("/usr/lib/postgresql/15/bin")
ROLES = ("docket_intake", "docket_router", "docket_operator", "docket_desk", "docket_sla", "docket_notifier", "docket_analytics")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """Trusts everybody on 127.0.0.1; durable settings are off, because nothing here outlives the machine."""

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="docket-pg-", dir="/tmp"))
        self.port = free_port()
        self.as_user = []
        if os.geteuid() == 0:
            shutil.chown(self.home, "postgres", "postgres")
            self.as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--"]
        self.run("initdb", "-D", self.home / "data", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8",
                 "--no-instructions", "--no-sync")
        with open(self.home / "data" / "postgresql.conf", "a") as conf:
            conf.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
                       "fsync = off\ntimezone = 'UTC'\njit = off\ndeadlock_timeout = 100ms\n")
        self.start()
        self.sql("CREATE ROLE docket_migrator LOGIN CREATEROLE BYPASSRLS", database="postgres")
        self.fresh()

    def run(self, program, *words):
        done = subprocess.run([*self.as_user, str(BIN / program), *map(str, words)], cwd="/", text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{program}: {done.stdout}"

    def start(self):
        # pg_ctl's server would keep a pipe of ours open: its output goes to a file
        log = open(self.home / "start.log", "w")
        subprocess.run([*self.as_user, str(BIN / "pg_ctl"), "-D", str(self.home / "data"), "-l", str(self.home / "data" / "log"),
                        "-w", "start"], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)

    def stop(self, mode="immediate"):
        self.run("pg_ctl", "-D", self.home / "data", "-m", mode, "-w", "stop")

    def remove(self):
        self.stop()
        shutil.rmtree(self.home)

    def fresh(self):
        """An empty database with the schema; the old one goes with whoever is connected."""
        self.sql("DROP DATABASE IF EXISTS docket WITH (FORCE)", database="postgres")
        self.sql("CREATE DATABASE docket OWNER docket_migrator", database="postgres")
        done = subprocess.run([BUILD / "bin" / "docket", "migrate", "--postgres", self.url("docket_migrator")], text=True,
                              capture_output=True)
        assert done.returncode == 0, done.stderr
        for role in ROLES:
            self.sql(f"ALTER ROLE {role} LOGIN")

    def empty(self):
        """No ticket is left, nor what hangs on tickets."""
        self.sql("TRUNCATE ticket.tickets, ticket.ledger, ticket.submission_keys, ticket.aliases, ticket.requesters,"
                 " ticket.personal, ticket.outbox")

    def url(self, role):
        return f"postgresql://{role}@127.0.0.1:{self.port}/docket"

    def connect(self, role="postgres", database="docket"):
        return psycopg2.connect(host="127.0.0.1", port=self.port, user=role, dbname=database)

    def sql(self, text, *parameters, role="postgres", database="docket"):
        connection = self.connect(role, database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()
