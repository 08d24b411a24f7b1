"""What the migrations leave in a real PostgreSQL keeps the rules that every table of Docket follows."""
import re
import subprocess

import pytest

from harness.postgres import BUILD, REPOSITORY, Postgres

SERVICES = {"intake", "router", "sla", "notifier", "analytics", "desk"}
SCHEMAS = "('docket', 'access', 'config', 'intake', 'ticket', 'desk', 'sla', 'notify', 'analytics')"
COMMENT = re.compile(r"owner: (?P<owner>\w+)(?P<who>[^.]*)\. Age: (?P<age>.+?)(?:\. Job: (?P<job>.+))?$")


@pytest.fixture(scope="module")
def pg():
    running = Postgres()
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="module")
def tables(pg):
    """Every table of the schema that is not a partition: its name, comment, and whether it has a tenant_id."""
    found = pg.sql(f"""SELECT n.nspname || '.' || c.relname, coalesce(obj_description(c.oid), ''), EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN {SCHEMAS} AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1""")
    assert len(found) > 10
    return found


def test_no_table_is_outside_the_schemas_that_are_looked_at(pg):
    assert pg.sql(f"""SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN {SCHEMAS}
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'""") == []


def test_every_table_names_its_owner_and_its_age_limit_and_who_enforces_it(tables):
    odd = []
    for name, comment, _ in tables:
        said = COMMENT.match(comment)
        if not said:
            odd.append(f"{name}: {comment!r} does not read `owner: SERVICE. Age: LIMIT. Job: WHAT ENFORCES IT`")
        elif said["owner"] not in SERVICES:
            odd.append(f"{name}: there is no service {said['owner']}")
        elif not said["age"].startswith("for ever") and not said["job"]:
            odd.append(f"{name}: an age limit that nobody enforces")
    assert odd == []


def test_every_job_that_a_comment_names_exists_and_is_called(pg, tables):
    functions = {row[0] for row in pg.sql(
        f"SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN {SCHEMAS}")}
    code = "\n".join(file.read_text() for folder in ("libcommon", "services") for file in (REPOSITORY / folder).rglob("*.c"))
    odd = []
    for name, comment, _ in tables:
        said = COMMENT.match(comment)
        job = said and said["job"]
        for function in re.findall(r"([a-z_]+\.[a-z_]+)\(\)", job or ""):
            if function not in functions:
                odd.append(f"{name}: there is no {function}()")
            elif f"{function}(" not in code:
                odd.append(f"{name}: nobody calls {function}()")
        for command in re.findall(r"\bdocket ([a-z]+)", comment):
            if subprocess.run([BUILD / "bin" / "docket", command, "--help"], capture_output=True).returncode:
                odd.append(f"{name}: there is no `docket {command}`")
        if job and not re.search(r"[a-z_]+\.[a-z_]+\(\)|docket [a-z]+", job):
            odd.append(f"{name}: the job {job!r} is neither a function nor a command")
    assert odd == []


def test_every_key_of_tenant_data_begins_with_the_tenant(pg, tables):
    of_tenants = {name for name, _, has_tenant in tables if has_tenant} - {"docket.tenants"}
    assert len(of_tenants) > 8
    keys = pg.sql("""SELECT i.indrelid::regclass::text, c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indisunique OR i.indisprimary""")
    assert [f"{table}: {key}" for table, key, first in keys if table in of_tenants and first != "tenant_id"] == []
    assert of_tenants - {table for table, _, _ in keys} == set(), "tables without any key"


def test_every_table_of_tenant_data_is_fenced(pg, tables):
    of_tenants = {name for name, _, has_tenant in tables if has_tenant} - {"docket.tenants"}
    fenced = {row[0] for row in pg.sql("""SELECT p.polrelid::regclass::text FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE p.polname = 'tenant' AND c.relrowsecurity AND pg_get_expr(p.polqual, p.polrelid) ~ 'docket.tenants'""")}
    assert of_tenants - fenced == set()
    # nobody but the operator may pass, and she may only read
    assert pg.sql("""SELECT p.polrelid::regclass::text, p.polname FROM pg_policy p WHERE NOT (p.polname = 'tenant'
        OR (p.polname = 'operator' AND p.polcmd = 'r' AND p.polroles = ARRAY['docket_operator'::regrole::oid]))""") == []


def test_a_partition_belongs_to_a_fenced_table_and_no_service_reaches_it_directly(pg):
    """A policy is that of the table that is named in the statement: a partition has none of its own."""
    partitions = pg.sql("SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'")
    assert len(partitions) >= 4
    assert pg.sql("""SELECT c.oid::regclass::text, r.rolname FROM pg_class c CROSS JOIN pg_roles r WHERE c.relispartition
        AND c.relkind = 'r' AND r.rolname LIKE 'docket\\_%%' AND r.rolname <> 'docket_migrator'
        AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')""") == []


def test_functions_that_pass_the_fence_pin_their_search_path_and_are_not_for_everybody(pg):
    rows = pg.sql(f"""SELECT n.nspname || '.' || p.proname, coalesce(p.proconfig::text, ''),
            has_function_privilege('public', p.oid, 'EXECUTE')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname IN {SCHEMAS}""")
    assert len(rows) > 3
    assert [name for name, config, public in rows if "search_path=" not in config or public] == []


def test_no_service_may_change_or_delete_a_ledger_row(pg):
    assert pg.sql("""SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 'docket\\_%%' AND r.rolname <> 'docket_migrator'
        AND has_table_privilege(r.oid, 'ticket.ledger', 'UPDATE, DELETE, TRUNCATE')""") == []
