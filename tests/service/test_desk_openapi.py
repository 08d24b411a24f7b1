"""deploy/api/desk.openapi.yaml says what the desk does: the same routes, and no answer beyond it whatever is asked."""
import os
import re
import subprocess

import pytest

from harness import outside
from harness.desk import Desk
from harness.openapi import Document
from harness.stack import BUILD, REPOSITORY, until

FILE = REPOSITORY / "deploy/api/desk.openapi.yaml"
DOCUMENT = Document(FILE)
METHODS = {"get", "put", "post", "delete", "patch"}


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method.upper(), path, item, operation


def test_every_route_of_the_desk_is_documented_and_the_other_way_round():
    routes = subprocess.run([BUILD / "bin/docket-desk", "--routes"], capture_output=True, text=True, check=True, timeout=20).stdout
    there = {(line.split()[0], line.split()[1]) for line in routes.splitlines()}
    documented = {(method, re.sub(r"\{(?!id\}|name\})\w+\}", "{id}", path)) for method, path, _, _ in operations()}
    assert len(there) > 2
    assert documented == there, (f"not documented: {sorted(there - documented)}\n"
                                 f"documented, but not there: {sorted(documented - there)}")


def test_every_reference_leads_somewhere_and_every_schema_is_one():
    DOCUMENT.check()
    assert DOCUMENT["openapi"].startswith("3.1.")
    names = [operation["operationId"] for _, _, _, operation in operations()]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for method, path, item, operation in operations():
        assert set(operation["tags"]) <= tags, (method, path)
        parameters = map(DOCUMENT.resolve, item.get("parameters", []) + operation.get("parameters", []))
        declared = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path)), (method, path, declared)


# With more than one seed (tests/run --seeds N) also every boundary of every value, which takes minutes.
PHASES, EXAMPLES = ("examples,coverage,fuzzing", "12") if int(os.environ.get("DOCKET_TEST_SEEDS", "1")) > 1 else ("fuzzing", "3")


@pytest.mark.parametrize("role", ["administrator", "agent"])
def test_schemathesis_finds_no_server_error_and_no_undocumented_answer(stack, tenant_at_work, role):
    desk, folder = tenant_at_work
    report = folder / f"{role}.ndjson"
    done = subprocess.run(
        [outside.python().parent / "schemathesis", "run", FILE, "--url", desk.url, "-H", f"Authorization: Bearer {desk.token(role)}",
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
         "response_schema_conformance", "--phases", PHASES, "--max-examples", EXAMPLES, "--seed", "20261122",
         "--generation-database", "none", "--suppress-health-check", "all", "--continue-on-failure", "--request-timeout", "60",
         "--warnings", "off", "--no-color", "--report", "ndjson", "--report-ndjson-path", report],
        capture_output=True, text=True, timeout=900, cwd=folder)
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def tenant_at_work(stack, tmp_path_factory):
    """A tenant with a few tickets."""
    tenant = stack.tenant("settings: {default_group: 售后}\ngroups: [{name: 售后}, {name: 物流}]\n"
                          "agents: [{name: lin, groups: [售后], capacity: 100, duty: on}]\n")
    desk = Desk(stack, tenant)
    tickets = [tenant.create(subject=f"第 {n} 张", comment={"body": "问一下发票"}) for n in range(5)]
    for ticket in tickets:
        tenant.stored(ticket)
    # An export says 503 until the desk has read the tickets that were there before it: documented, and not what is looked for.
    until(lambda: desk.get("/incremental/tickets/cursor", start_time=0).status == 200, 30, "the desk to have read the tenant")
    return desk, tmp_path_factory.mktemp("schemathesis")
