"""zenpy and node-zendesk, unpatched, against the one address in front of gate and desk: what programs written for Zendesk rely on."""
import json
import os

import pytest

from harness import outside
from harness.desk import Desk
from harness.stack import REPOSITORY
from intake_gate import url

CLIENTS = REPOSITORY / "tests/clients"
DOCUMENTS = """
settings: {default_group: 售后}
kinds: [咨询, 售后, 投诉]
groups: [{name: 售后, title: 售后服务组}, {name: 物流, title: 物流跟进组}]
agents:
  - {name: lin, title: 林小婉, groups: [售后], capacity: 1000, duty: on}
  - {name: wu, title: 吴建国, groups: [物流], capacity: 1000, duty: on}
"""


@pytest.fixture(scope="module")
def shop(stack):
    """A tenant, its desk, and a second desk at which twenty requests a minute are too many."""
    tenant = stack.tenant(DOCUMENTS)
    desk = Desk(stack, tenant, url=stack.environment["DOCKET_URL"])
    stack.start("desk-2", DOCKET_REQUESTS_PER_MINUTE="20")
    try:
        yield desk
    finally:
        stack.stop("desk-2")


@pytest.fixture(scope="module")
def given(shop):
    groups = shop.get("/groups.json").json["groups"]
    group = next(g["id"] for g in groups if g["name"] in ("售后", "售后服务组"))
    slow = url(shop.stack, "desk-2")
    return {"url": shop.url, "slowUrl": slow, "netloc": shop.url.removeprefix("http://"), "slow_netloc": slow.removeprefix("http://"),
            "email": "program@example.com", "token": shop.token(), "group": group}


@pytest.fixture(scope="module")
def node(given):
    environment = {**os.environ, "NODE_PATH": str(outside.node_modules())}
    said = outside.ask("node", CLIENTS / "node_zendesk_walk.js", json.dumps({**given, "external": "node-1"}), environment=environment)
    return json.loads(said.splitlines()[-1])


@pytest.fixture(scope="module")
def zenpy(given):
    said = outside.ask(outside.python(), CLIENTS / "zenpy_walk.py", json.dumps({**given, "external": "zenpy-1"}))
    return json.loads(said.splitlines()[-1])


# -- node-zendesk ------------------------------------------------------------------------------------------------------


def test_node_creates_at_the_gate_and_reads_at_once(node):
    assert node["shown"]["id"] == node["created"]["id"]
    assert node["shown"]["subject"] == "包裹三天没有更新"
    assert node["shown"]["tags"] == ["node"]
    assert node["me"]["role"] == node["meByOauth"]["role"] == "admin"


def test_node_updates_with_a_comment_and_reads_it_back(node):
    assert node["updated"]["status"] == "open" and node["updated"]["priority"] == "high"
    assert [c["public"] for c in node["comments"]] == [True, True, False]
    assert node["comments"][1]["body"].startswith("您好") and "<" in node["comments"][1]["html_body"]
    assert len(node["audits"]) >= 3 and all(a["ticket_id"] == node["created"]["id"] for a in node["audits"])
    assert sorted(node["tagsAdded"]) == ["node", "加急"] and node["tagsSet"] == ["只有这个"]


def test_node_reads_every_page_both_ways_to_the_end(node):
    assert sorted(t["id"] for t in node["many"]) == sorted(node["ids"])
    for name in ("list", "listByCursor"):
        assert len(node[name]) == len(set(node[name])), f"{name}: something twice"
        assert set(node["ids"]) <= set(node[name]), name
    assert node["byExternalId"] == [node["created"]["id"]]


def test_node_watches_a_job_to_its_end(node):
    job = node["job"].get("job_status", node["job"])
    assert job["status"] in ("queued", "working", "completed") and job["total"] == 5
    assert node["jobAtEnd"]["status"] == "completed"
    assert sorted(result["id"] for result in node["jobAtEnd"]["results"]) == sorted(node["ids"])
    assert node["afterJob"]["priority"] == "low" and node["afterJob"]["tags"] == ["批量"]


def test_node_merges_tickets(node):
    _, into, first, second, _ = node["ids"]
    assert node["merge"]["status"] == "completed"
    assert [(r["id"], r["success"]) for r in node["merge"]["results"]] == [(first, True), (second, True), (into, True)]
    assert node["mergedSource"]["status"] == "closed"


def test_node_makes_users_in_a_batch(node):
    assert [r["success"] for r in node["made"]["results"]] == [True, False]
    assert node["madeUser"]["id"] == node["made"]["results"][0]["id"] and node["madeUser"]["role"] == "end-user"
    assert node["asUser"]["id"] == node["madeUser"]["id"] and node["me"]["id"] != node["madeUser"]["id"]


def test_node_uploads_a_file_and_attaches_it(node):
    assert [a["file_name"] for a in node["withFile"]["attachments"]] == ["说明.txt"]


def test_node_finds_groups_people_organizations_and_views(node, given):
    assert given["group"] in [g["id"] for g in node["groups"]] and node["group"]["id"] == given["group"]
    assert all(m["group_id"] == given["group"] for m in node["memberships"]) and node["memberships"]
    assert node["user"]["role"] == "agent" and node["user"]["id"] in [u["id"] for u in node["users"]]
    assert node["organization"]["id"] in node["organizations"]
    assert node["organizationGone"]["status"] == 404
    assert sorted(node["peopleOfGroup"]) == sorted(m["user_id"] for m in node["memberships"])
    member = {"user": node["membership"]["user_id"], "organization": node["membership"]["organization_id"]}
    assert member == node["member"] and node["membersOfOrganization"] == node["membershipsOfUser"] == [node["membership"]]
    assert node["views"] and isinstance(node["viewCount"]["view_count"]["value"], int)
    assert len(node["viewCounts"]["view_counts"]) == len(node["views"])
    assert isinstance(node["viewTickets"], list)
    executed = node["viewExecuted"][0]
    assert executed["id"] == node["views"][2]["id"], executed


def test_node_exports_by_cursor_to_the_end(node):
    assert len(node["exported"]) == len(set(node["exported"]))


def test_node_is_told_what_was_wrong(node):
    assert node["notFound"]["status"] == 404 and "Item not found" in node["notFound"]["message"]
    assert node["invalid"]["status"] == 422
    assert node["conflict"]["status"] == 409
    assert node["unknownToken"]["status"] == 401
    assert node["tooMany"]["status"] == 429 and 1 <= node["tooMany"]["retryAfter"] <= 60
    assert node["deleted"]["status"] == 404


# -- zenpy -------------------------------------------------------------------------------------------------------------


def test_zenpy_creates_at_the_gate_and_reads_at_once(zenpy):
    assert zenpy["shown"]["id"] == zenpy["id"] and zenpy["shown"]["external_id"] == "zenpy-1"
    assert zenpy["me"]["role"] == zenpy["me_by_oauth"]["role"] == "admin"


def test_zenpy_gets_ticket_and_audit_of_an_update(zenpy):
    assert zenpy["updated"]["kind"] == "TicketAudit"
    assert zenpy["updated"]["ticket"]["status"] == "open"
    assert {"Comment", "Change"} <= {event["type"] for event in zenpy["updated"]["events"]}
    assert [c["public"] for c in zenpy["comments"]] == [True, True, False]
    assert len(zenpy["audits"]) >= 3


def test_zenpy_sets_adds_and_removes_tags(zenpy):
    assert sorted(zenpy["tags_added"]) == ["zenpy", "加急"]
    assert sorted(zenpy["tags_set"]) == ["只有这个", "和这个"]
    assert zenpy["tags_deleted"] == ["只有这个"]
    assert len(zenpy["tags"]) == 1


def test_zenpy_reads_every_page_both_ways_to_the_end(zenpy):
    assert sorted(zenpy["many"]) == sorted(zenpy["ids"])
    for name in ("by_cursor", "by_pages"):
        assert len(zenpy[name]) == len(set(zenpy[name])), f"{name}: something twice"
        assert set(zenpy["ids"]) <= set(zenpy[name]), name
    assert zenpy["by_external_id"] == [zenpy["id"]]


def test_zenpy_follows_a_job(zenpy):
    assert zenpy["job"]["kind"] == "JobStatus"
    assert zenpy["job_at_end"]["status"] == "completed" and zenpy["job_at_end"]["total"] == 5
    assert zenpy["after_job"]["priority"] == "low" and zenpy["after_job"]["tags"] == ["批量"]


def test_zenpy_merges_tickets(zenpy):
    _, into, first, second, _ = zenpy["ids"]
    assert [(r["id"], r["success"]) for r in zenpy["merge"]["job"]["results"]] == [(first, True), (second, True), (into, True)]
    assert zenpy["merge"]["source"]["status"] == "closed" and zenpy["merge"]["said"] == "三张并为一张"


def test_zenpy_makes_users_in_a_batch(zenpy):
    assert [r["success"] for r in zenpy["made"]["results"]] == [True, True]
    assert zenpy["made_user"]["id"] == zenpy["made"]["results"][0]["id"]


def test_zenpy_uploads_attaches_and_downloads(zenpy):
    assert zenpy["upload"]["token"] is True
    assert [a["file_name"] for a in zenpy["with_file"]["attachments"]] == ["流水.txt"]
    assert zenpy["downloaded_text"] == "流水号 0001\n"


def test_zenpy_finds_groups_people_organizations_and_views(zenpy, given):
    assert given["group"] in [g["id"] for g in zenpy["groups"]]
    assert zenpy["group"]["id"] == given["group"]
    assert {m["user_id"] for m in zenpy["memberships"] if m["group_id"] == given["group"]} == set(zenpy["group_users"])
    assert zenpy["users_many"] == [zenpy["user"]["id"]]
    assert set(zenpy["ids"]) & set(zenpy["requested"])
    assert zenpy["organization"]["details"] == "年框客户" and zenpy["organization"]["id"] in zenpy["organizations"]
    assert zenpy["organization_gone"]["class"] == "RecordNotFoundException"
    assert sorted(zenpy["people_of_group"]) == sorted(zenpy["group_users"])
    assert zenpy["organization_members"] == [zenpy["organization_member"]]
    assert zenpy["organizations_of_user"] == zenpy["organization_member"][1:]
    assert zenpy["organization_member"][0] in zenpy["all_members"]
    assert zenpy["views"] and zenpy["view_count"]["value"] is not None
    assert [count["view_id"] for count in zenpy["view_counts"]] == [view["id"] for view in zenpy["views"][:3]]
    assert zenpy["view_executed"]["id"] == zenpy["views"][2]["id"]


def test_zenpy_exports_by_cursor_to_the_end(zenpy):
    assert len(zenpy["exported"]) == len(set(zenpy["exported"]))


def test_zenpy_raises_what_the_refusal_was(zenpy):
    assert zenpy["not_found"] == {"class": "RecordNotFoundException", "status": 404}
    assert zenpy["invalid"]["status"] == 422 and "priority" in zenpy["invalid"]["said"]["details"]
    assert zenpy["conflict"]["status"] == 409
    assert zenpy["unknown_token"]["status"] == 401
    assert zenpy["too_many"] == "waits for Retry-After"
    assert zenpy["deleted"]["class"] == "RecordNotFoundException"


# -- and the export an hour later ----------------------------------------------------------------------------------------


def test_what_changed_more_than_a_minute_ago_is_exported(shop, node, zenpy):
    """The last minute is left out, so the tickets above are not in their own export; moved back in time, they are."""
    assert not set(node["ids"]) & set(node["exported"])
    stack, tenant = shop.stack, shop.tenant
    stack.sql("UPDATE desk.ticket_index SET generated_at = generated_at - interval '1 hour' WHERE tenant_id = %s", tenant.number, admin=True)
    try:
        seen = {t["id"] for t in shop.get("/incremental/tickets/cursor.json?start_time=1").json["tickets"]}
        assert set(node["ids"]) | set(zenpy["ids"]) <= seen
    finally:
        stack.sql("UPDATE desk.ticket_index SET generated_at = generated_at + interval '1 hour' WHERE tenant_id = %s", tenant.number, admin=True)
