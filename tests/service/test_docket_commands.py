"""What `docket tenant`, `source`, `token` and `ledger` promise, against a real PostgreSQL."""
import hashlib
import itertools
import json
import re
import subprocess
import uuid
from urllib.parse import urlsplit

import pytest
from psycopg2.extras import Json

from harness.stack import REPOSITORY, Stack

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def servers():
    """The servers with the schema, and no service."""
    running = Stack()
    try:
        running.up("--servers")
        running.docket("migrate")
        password = urlsplit(running.environment["DOCKET_POSTGRES"]).password  # the stack does so before its services
        running.sql("ALTER ROLE docket_operator LOGIN PASSWORD %s", password, admin=True)
        yield running
    finally:
        running.down()


@pytest.fixture
def tenant(servers):
    name = f"shop-{next(numbers)}"
    servers.docket("tenant", "create", name, "--title", "我的店")
    return name


def number_of(servers, name):
    return servers.sql("SELECT tenant_id FROM docket.tenants WHERE name = %s", name, admin=True)[0][0]


def refused(servers, code, *words):
    run = servers.docket(*words, check=False)
    assert run.returncode == code, (run.returncode, run.stdout, run.stderr)
    assert run.stdout == "", "what is refused prints nothing that a script could take for an answer"
    return run.stderr


def make_source(servers, tenant, name="web", *options):
    servers.docket("source", "create", "--tenant", tenant, "--name", name, "--channels", "web,app,api", *options)
    return servers.sql("SELECT source_id FROM intake.sources WHERE tenant_id = %s AND name = %s",
                       number_of(servers, tenant), name, admin=True)[0][0]


def write_ledger(servers, tenant, ticket, *rows):
    for seq, (kind, actor, payload) in enumerate(rows, 1):
        servers.sql("INSERT INTO ticket.ledger VALUES (%s, %s, %s, %s, %s, %s, %s, '2026-11-22T05:43:00Z', 12, '', %s)",
                    number_of(servers, tenant), ticket, seq, str(uuid.uuid4()), 0, kind, actor, Json(payload), admin=True)


# -- tenant ---------------------------------------------------------------------------------------------------------

def test_tenant_create_says_the_number_that_is_stored(servers):
    run = servers.docket("tenant", "create", "numbered", "--title", "有号码的店")
    assert int(run.stdout.split()[-1]) == number_of(servers, "numbered")
    listed = [json.loads(line) for line in servers.docket("tenant", "list", "--json").stdout.splitlines()]
    assert [(t["tenant_id"], t["title"]) for t in listed if t["name"] == "numbered"] == [
        (number_of(servers, "numbered"), "有号码的店")]


def test_a_tenant_is_made_once_and_if_missing_leaves_it_alone(servers, tenant):
    assert f"there is a tenant `{tenant}` already" in refused(servers, 1, "tenant", "create", tenant, "--title", "别的")
    again = json.loads(servers.docket("tenant", "create", tenant, "--title", "别的", "--if-missing", "--json").stdout)
    assert again == {"tenant_id": number_of(servers, tenant), "name": tenant, "created": False}
    assert servers.sql("SELECT title FROM docket.tenants WHERE name = %s", tenant, admin=True) == [("我的店",)]


@pytest.mark.parametrize("name, reason", [("Shop", "other characters"), ("-shop", "begins with a hyphen"), ("", "empty"),
                                          ("店", "other characters"), ("a" * 64, "longer than 63"),
                                          ("a\n", "other characters")])
def test_a_bad_name_is_refused_with_reason_and_remedy(servers, name, reason):
    said = refused(servers, 2, "tenant", "create", "--title", "t", "--", name)
    assert reason in said and "Use small letters, digits and hyphens" in said


def test_the_longest_name_is_a_name(servers):
    servers.docket("tenant", "create", "9" * 63, "--title", "t")


# -- source ---------------------------------------------------------------------------------------------------------

def test_a_source_is_stored_as_it_was_told(servers, tenant):
    make_source(servers, tenant, "till", "--dedup-external-id", "--rate", "50")
    assert servers.sql("SELECT channels, dedup_by_external_id, rate_per_second FROM intake.sources WHERE name = 'till'"
                       " AND tenant_id = %s", number_of(servers, tenant), admin=True) == [(["web", "app", "api"], True, 50)]
    [listed] = [json.loads(line) for line in servers.docket("source", "list", "--tenant", tenant, "--json").stdout.splitlines()]
    assert (listed["name"], listed["channels"], listed["dedup_by_external_id"], listed["rate_per_second"]) == (
        "till", ["web", "app", "api"], True, 50)


def test_a_source_is_made_once_per_tenant(servers, tenant):
    source = make_source(servers, tenant)
    words = ["source", "create", "--tenant", tenant, "--name", "web", "--channels", "phone"]
    assert "already" in refused(servers, 1, *words)
    assert json.loads(servers.docket(*words, "--if-missing", "--json").stdout)["source_id"] == source


@pytest.mark.parametrize("channels", ["", ",", "web,", "web,web", "Web", "web app"])
def test_channels_that_cannot_be_are_refused(servers, tenant, channels):
    assert "--channels" in refused(servers, 2, "source", "create", "--tenant", tenant, "--name", "x", "--channels", channels)


def test_an_unknown_tenant_is_answered_with_the_nearest(servers):
    servers.docket("tenant", "create", "lantern", "--title", "t")
    for words in (["source", "list"], ["token", "list"], ["token", "create", "--role", "administrator"],
                  ["source", "create", "--name", "x", "--channels", "web"], ["token", "revoke", "1"], ["ledger", "1"]):
        assert "did you mean `lantern`?" in refused(servers, 1, *words, "--tenant", "lantrn")


# -- token ----------------------------------------------------------------------------------------------------------

def test_a_token_is_printed_alone_and_kept_as_its_hash(servers, tenant):
    source = make_source(servers, tenant)
    run = servers.docket("token", "create", "--tenant", tenant, "--source", "web", "--label", "收银台")
    assert re.fullmatch(r"dkt_[A-Za-z0-9_-]{43}\n", run.stdout)
    token = run.stdout.strip()
    assert token not in run.stderr and "once" in run.stderr
    [(stored, hint, principal, scopes, expires, label)] = servers.sql(
        "SELECT hash, hint, principal, scopes, expires_at, label FROM access.tokens WHERE tenant_id = %s",
        number_of(servers, tenant), admin=True)
    assert bytes(stored) == hashlib.sha256(token.encode()).digest()
    assert (hint, principal, scopes, expires, label) == (token[:8], f"source:{source}", ["tickets:create"], None, "收银台")
    for listed in (servers.docket("token", "list"), servers.docket("token", "list", "--tenant", tenant, "--json")):
        assert hint in listed.stdout and token[:12] not in listed.stdout and stored.hex() not in listed.stdout


def test_a_gate_finds_an_administrators_token(servers, tenant):
    token = servers.docket("token", "create", "--tenant", tenant, "--role", "administrator").stdout.strip()
    found = servers.sql("SELECT tenant_id, principal, scopes, revoked, source_id FROM access.find_token(%s)",
                        hashlib.sha256(token.encode()).digest(), admin=True)
    assert found == [(number_of(servers, tenant), "role:administrator", ["tickets:create", "tickets:place", "write"], False, None)]


def test_a_users_token_names_the_agent_of_the_documents(servers, tenant):
    servers.sql("INSERT INTO config.names (tenant_id, kind, name) VALUES (%s, 'agent', '李四'), (%s, 'group', '李五')",
                number_of(servers, tenant), number_of(servers, tenant), admin=True)
    [(agent,)] = servers.sql("SELECT id FROM config.names WHERE name = '李四' AND tenant_id = %s",
                             number_of(servers, tenant), admin=True)
    for user in ("李四", agent):
        made = json.loads(servers.docket("token", "create", "--tenant", tenant, "--user", user, "--json").stdout)
        assert made["principal"] == f"user:{agent}"
    assert "there is no user `李五`" in refused(servers, 1, "token", "create", "--tenant", tenant, "--user", "李五")


def test_a_token_lives_as_long_as_it_was_told(servers, tenant):
    servers.docket("token", "create", "--tenant", tenant, "--role", "agent", "--expires", "90d", "--scopes", "tickets:create")
    assert servers.sql("SELECT scopes, round(extract(epoch FROM expires_at - created_at) / 86400)::int FROM access.tokens"
                       " WHERE tenant_id = %s", number_of(servers, tenant), admin=True) == [(["tickets:create"], 90)]


@pytest.mark.parametrize("options, said", [
    ([], "whose token?"), (["--role", "agent", "--user", "x"], "whose token?"), (["--role", "admnistrator"], "`administrator`?"),
    (["--role", "agent", "--scopes", "tickets:crate"], "did you mean `tickets:create`?"),
    (["--role", "agent", "--scopes", "tickets:create,"], "--scopes"), (["--role", "agent", "--expires", "0d"], "--expires"),
    (["--role", "agent", "--expires", "90"], "--expires"), (["--role", "agent", "--expires", "9999999999999999d"], "--expires")])
def test_a_token_that_cannot_be_is_refused(servers, tenant, options, said):
    assert said in refused(servers, 2, "token", "create", "--tenant", tenant, *options)
    assert servers.sql("SELECT count(*) FROM access.tokens WHERE tenant_id = %s", number_of(servers, tenant), admin=True) == [(0,)]


def test_an_unknown_source_is_answered_with_the_nearest(servers, tenant):
    make_source(servers, tenant, "storefront")
    assert "did you mean `storefront`?" in refused(servers, 1, "token", "create", "--tenant", tenant, "--source", "storefrnt")


def test_a_revoked_token_is_revoked_for_gates_and_stays_so(servers, tenant):
    made = json.loads(servers.docket("token", "create", "--tenant", tenant, "--role", "administrator", "--json").stdout)
    digest = hashlib.sha256(made["token"].encode()).digest()
    assert "5 s" in servers.docket("token", "revoke", made["token_id"], "--tenant", tenant).stdout
    assert servers.sql("SELECT revoked FROM access.find_token(%s)", digest, admin=True) == [(True,)]
    [(first,)] = servers.sql("SELECT revoked_at FROM access.tokens WHERE token_id = %s", made["token_id"], admin=True)
    again = json.loads(servers.docket("token", "revoke", made["token_id"], "--tenant", tenant, "--json").stdout)
    assert again["already"] is True
    assert servers.sql("SELECT revoked_at FROM access.tokens WHERE token_id = %s", made["token_id"], admin=True) == [(first,)]


def test_one_tenants_name_does_not_revoke_anothers_token(servers, tenant):
    servers.docket("tenant", "create", f"{tenant}-other", "--title", "t")
    made = json.loads(servers.docket("token", "create", "--tenant", tenant, "--role", "agent", "--json").stdout)
    assert "has no token" in refused(servers, 1, "token", "revoke", made["token_id"], "--tenant", f"{tenant}-other")
    assert servers.sql("SELECT revoked_at FROM access.tokens WHERE token_id = %s", made["token_id"], admin=True) == [(None,)]


def test_a_pasted_token_is_not_repeated(servers, tenant):
    token = servers.docket("token", "create", "--tenant", tenant, "--role", "agent").stdout.strip()
    assert token not in refused(servers, 2, "token", "revoke", token, "--tenant", tenant)


# -- ledger ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def ticket(servers, tenant):
    number = 200000 + next(numbers)
    servers.sql("INSERT INTO config.names (tenant_id, kind, name, id) VALUES (%s, 'agent', '王五', %s)",
                number_of(servers, tenant), number, admin=True)
    write_ledger(servers, tenant, number,
                 ("ticket_created", "requester:7", {"set": {"status": "new", "subject": "包裹\x1b[31m没到", "tier": ""},
                                                    "reason": {"rules": ["物流"], "matched": "关键词 包裹", "revision": 12}}),
                 ("ticket_assigned", "router", {"set": {"status": "assigned", "group_id": None, "assignee_id": number},
                                                "reason": {"why": "least_loaded", "load": 3, "capacity": 8}}),
                 ("ticket_noted", f"agent:{number}", {"note": "已联系快递"}))
    return number


def test_the_ledger_tells_what_happened_in_words(servers, tenant, ticket):
    out = servers.docket("ledger", ticket, environment={"TZ": "Asia/Shanghai"}).stdout
    title, head, created, assigned, noted = out.splitlines()
    assert tenant in title and "谁 who" in head
    assert all(word in created for word in ("2026-11-22 13:43:00", "建立 created", "requester:7", "物流", "关键词 包裹",
                                            "status=new", "subject=包裹 [31m没到"))
    assert "\x1b" not in out and "tier=" not in created
    assert all(word in assigned for word in ("分配 assigned", "router", "负载最轻 least loaded", "容量 capacity 8",
                                             "status=assigned", "group_id=null", f"assignee_id={ticket}(王五)"))
    assert all(word in noted for word in ("备注 noted", f"agent:{ticket} 王五", "已联系快递"))

    def columns(text):
        return sum(2 if character >= "⺀" else 1 for character in text)
    assert columns(created[:created.index("建立")]) == columns(assigned[:assigned.index("分配")]) == columns(head[:head.index("事件")])
    assert columns(created[:created.index("规则")]) == columns(noted[:noted.index("已联系")]) == columns(head[:head.index("原因")])


def test_the_ledger_as_json_holds_the_rows_as_stored(servers, tenant, ticket):
    told = json.loads(servers.docket("ledger", ticket, "--tenant", tenant, "--json").stdout)
    assert (told["tenant"], told["ticket_id"], told["asked_for"]) == (tenant, ticket, ticket)
    assert [row["seq"] for row in told["rows"]] == [1, 2, 3]
    assert told["rows"][1]["payload"]["reason"]["why"] == "least_loaded"


def test_an_id_that_lost_leads_to_the_one_that_won_and_says_so(servers, tenant, ticket):
    lost = ticket + 50000
    servers.sql("INSERT INTO ticket.aliases VALUES (%s, %s, %s)", number_of(servers, tenant), lost, ticket, admin=True)
    out = servers.docket("ledger", lost).stdout
    assert f"ticket {ticket}" in out and f"{lost} 是同一请求的另一个号" in out and "备注 noted" in out
    assert json.loads(servers.docket("ledger", lost, "--json").stdout)["ticket_id"] == ticket


def test_an_unknown_ticket_is_said_clearly(servers, tenant, ticket):
    assert "there is no ticket 987654321" in refused(servers, 1, "ledger", "987654321")
    servers.docket("tenant", "create", f"{tenant}-other", "--title", "t")
    assert f"there is no ticket {ticket} of tenant {tenant}-other" in refused(
        servers, 1, "ledger", ticket, "--tenant", f"{tenant}-other")


def test_a_ticket_of_two_tenants_needs_the_tenants_name(servers, tenant, ticket):
    other = f"{tenant}-twin"
    servers.docket("tenant", "create", other, "--title", "t")
    write_ledger(servers, other, ticket, ("ticket_created", "requester:8", {"set": {}}))
    said = refused(servers, 2, "ledger", ticket)
    assert tenant in said and other in said
    assert "requester:8" in servers.docket("ledger", ticket, "--tenant", other).stdout


# -- all of them ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", ["tenant", "source", "token", "ledger"])
def test_every_command_has_its_page_and_refuses_what_it_does_not_know(servers, command):
    assert servers.docket(command, "--help").stdout.startswith(f"Usage: docket {command} ")
    assert f"docket {command}" in refused(servers, 2, command, "frobnicate")
    refused(servers, 2, command, "--frobnicate")
    without = {"DOCKET_POSTGRES": "", "DOCKET_POSTGRES_ADMIN": ""}
    words = {"ledger": ["1"]}.get(command, ["list"])
    run = servers.docket(command, *words, check=False, environment=without)
    assert run.returncode == 2 and "DOCKET_POSTGRES is not set" in run.stderr
    run = servers.docket(command, *words, "--postgres", servers.environment["DOCKET_POSTGRES_ADMIN"], check=False,
                         environment=without)
    assert run.returncode == (1 if command == "ledger" else 0)


def test_the_operators_role_may_not_write(servers, tenant):
    operator = servers.environment["DOCKET_POSTGRES"]
    for words in (["tenant", "create", f"{tenant}-x"], ["token", "create", "--tenant", tenant, "--role", "agent"],
                  ["source", "create", "--tenant", tenant, "--name", "x", "--channels", "web"],
                  ["token", "revoke", "1", "--tenant", tenant]):
        assert "the role that owns the schema" in refused(servers, 2, *words, "--postgres", operator)


def test_the_stack_calls_the_tool_as_it_is(servers):
    """The bootstrap's own words, as bash sees them, against the tool."""
    script = (f'DOCKET_BIN={servers.environment["DOCKET_BIN"]}; REPOSITORY={REPOSITORY}; DOCKET_HOME={servers.home};'
              f'. {REPOSITORY}/deploy/local/lib/bootstrap.sh; BOOTSTRAP_DEMO=/nonexistent;'
              'progress_run() { shift; "$@"; }; fail() { echo "$@" >&2; exit 1; };'
              'bootstrap_demo_users() { :; }; bootstrap_demo')  # the users need a key ring: every whole stack makes them
    run = subprocess.run(["bash", "-euc", script], env=servers.environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    token = (servers.home / "secrets/token").read_text()
    assert re.fullmatch(r"dkt_[A-Za-z0-9_-]{43}\n", token)
