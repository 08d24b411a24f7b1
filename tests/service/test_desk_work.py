"""Work on tickets at the desk: every step of a ticket's life, each legal, fenced and on record."""
import json
import threading

import pytest

from harness.shop import Shop, details
from harness.stack import until


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack)


# -- a change is one row of the ledger -------------------------------------------------------------------------------


def test_a_change_answers_with_the_ticket_and_its_audit(shop):
    ticket = shop.ticket()
    before = shop.row(ticket)["version"]
    answer = shop.put(ticket, priority="urgent", tags=["a", "b"], comment={"body": "您好，已收到"})
    assert answer.status == 200
    shown, audit = answer.json["ticket"], answer.json["audit"]
    assert (shown["priority"], shown["tags"], shown["version"]) == ("urgent", ["a", "b"], before + 1)
    assert audit["id"] == ticket * 8192 + before + 1
    changes = {event["field_name"]: event for event in audit["events"] if event["type"] == "Change"}
    assert changes["priority"]["value"] == "urgent" and changes["priority"]["previous_value"] == "normal"
    assert changes["tags"]["previous_value"] == [] and changes["tags"]["value"] == ["a", "b"]
    comment, = [event for event in audit["events"] if event["type"] == "Comment"]
    assert comment["body"] == "您好，已收到" and comment["public"] is True
    row = shop.tenant.ledger(ticket)[-1]
    assert row["kind"] == "ticket_updated" and row["seq"] == before + 1
    assert row["payload"]["set"]["priority"] == "urgent" and row["payload"]["comment"]["body"] == "您好，已收到"
    assert shop.desk.ticket(ticket) == shown


def test_what_is_so_already_makes_no_row(shop):
    ticket = shop.ticket()
    shown = shop.desk.ticket(ticket)
    answer = shop.put(ticket, priority=shown["priority"], subject=shown["subject"], group_id=shown["group_id"],
                      assignee_id=shown["assignee_id"], tags=shown["tags"], custom_fields=shown["custom_fields"])
    assert answer.status == 200 and answer.json["audit"]["events"] == []
    assert answer.json["ticket"]["version"] == shown["version"]


def test_a_reply_begins_the_work_and_a_note_does_not(shop):
    ticket = shop.ticket()
    assert shop.done(ticket, comment={"body": "内部看看", "public": False})["docket_status"] == "assigned"
    assert shop.done(ticket, comment={"body": "正在查询"})["docket_status"] == "in_progress"


def test_the_states_of_a_ticket_by_zendesks_names(shop):
    ticket = shop.ticket()
    for sent, docket, shown in [("open", "in_progress", "open"), ("pending", "pending", "pending"),
                                ("hold", "on_hold", "hold"), ("open", "in_progress", "open"),
                                ("solved", "solved", "solved"), ("open", "assigned", "open")]:
        members = {"custom_fields": [{"id": shop.field("渠道来源"), "value": "x"}]} if sent == "solved" else {}
        after = shop.done(ticket, status=sent, **members)
        assert (after["docket_status"], after["status"]) == (docket, shown), sent
    assert shop.done(ticket, status="solved")["status"] == "solved"
    assert shop.done(ticket, status="closed")["status"] == "closed"


@pytest.mark.parametrize("status", ["deleted", "merged", "done", "", " open", "OPEN"])
def test_a_state_that_people_cannot_choose_is_named(shop, status):
    ticket = shop.ticket()
    if status == "":
        assert shop.put(ticket, status=status).json["audit"]["events"] == []  # nothing said
    else:
        assert "status" in shop.refused(ticket, status=status)


def test_illegal_steps_are_refused_and_change_nothing(shop):
    ticket = shop.ticket()
    shop.done(ticket, status="solved", tags=["x"])
    before = shop.row(ticket)
    for status in ["pending", "hold"]:
        assert "status" in shop.refused(ticket, status=status, tags=["y"])
    assert "status" in details(shop.ask("POST", f"/tickets/{ticket}/transfer", {"group": "物流", "note": "x"}))
    assert shop.row(ticket) == before


def test_a_closed_ticket_takes_nothing_but_a_follow_up(shop):
    ticket = shop.ticket()
    shop.done(ticket, status="solved")
    shop.done(ticket, status="closed")
    before = shop.tenant.ledger(ticket)
    said = shop.refused(ticket, comment={"body": "x"})
    assert "跟进" in said["status"][0]
    assert "status" in shop.refused(ticket, status="open")
    assert shop.ask("PUT", f"/tickets/{ticket}/tags", {"tags": ["x"]}).status == 422
    assert shop.ask("POST", f"/tickets/{ticket}/claim").status == 422
    assert shop.tenant.ledger(ticket) == before


def test_a_follow_up_says_what_it_continues(shop):
    closed = shop.ticket()
    shop.done(closed, status="solved")
    shop.done(closed, status="closed")
    ticket = shop.ticket("还是不行", via_followup_source_id=closed)
    assert shop.row(ticket)["followup_of"] == closed
    assert shop.tenant.ledger(ticket)[0]["payload"]["set"]["followup_of"] == closed
    assert shop.desk.ticket(ticket)["via_followup_source_id"] == closed
    assert shop.desk.ticket(ticket)["via"]["source"] == {"from": {"ticket_id": closed}, "to": {}, "rel": "follow_up"}
    note = shop.tenant.ledger(closed)[-1]
    assert (note["kind"], note["actor"], note["payload"]["followup_id"]) == ("ticket_noted", "router", ticket)
    assert shop.desk.ticket(closed)["followup_ids"] == [ticket] and shop.row(closed)["status"] == "closed"
    assert str(ticket) in shop.stack.docket("ledger", closed).stdout
    second = shop.ticket("又坏了", via_followup_source_id=closed)
    assert shop.desk.ticket(closed)["followup_ids"] == [ticket, second]
    for wrong in ("x", 0, -1, 2**60):
        assert shop.tenant.post(via_followup_source_id=wrong).status == 422, wrong


def test_only_what_is_closed_and_reached_is_continued(shop):
    """422 names the field, what is wrong and what to do instead; what is not reached is as unknown as what is not there."""
    def refused(of, **how):
        answer = how.pop("tenant", shop.tenant).post(via_followup_source_id=of, **how)
        [entry] = details(answer)["via_followup_source_id"]
        return entry

    unknown = refused(999)
    assert "没有这张工单" in unknown and "closed ticket" in unknown
    open_one = shop.ticket()
    assert f"PUT /api/v2/tickets/{open_one}" in refused(open_one) and "assigned" in refused(open_one)
    shop.done(open_one, status="solved")
    assert "solved" in refused(open_one)
    shop.done(open_one, status="closed")
    other = shop.stack.tenant("groups: [{name: 售后}]\n")
    assert refused(open_one, tenant=other) == unknown
    # another door of the same tenant reaches it only for the same customer, or with the right to place tickets
    by = shop.ticket(requester={"email": "follow@example.com"})
    shop.done(by, status="solved")
    shop.done(by, status="closed")
    shop.stack.docket("source", "create", "--tenant", shop.tenant.name, "--name", "second", "--channels", "api")
    token = shop.stack.docket("token", "create", "--tenant", shop.tenant.name, "--source", "second").stdout.split()[-1]
    mine = {"headers": {"Authorization": f"Bearer {token}"}}
    assert refused(by, **mine) == unknown
    assert refused(by, requester={"email": "else@example.com"}, **mine) == unknown
    answer = shop.tenant.post(via_followup_source_id=by, requester={"email": "follow@example.com"}, **mine)
    assert answer.status == 201, answer.body
    shop.desk.ask("DELETE", f"/tickets/{open_one}")
    assert refused(open_one) == unknown


def test_an_unknown_ticket_is_404_on_every_path(shop):
    other = Shop(shop.stack, documents="groups: [{name: 售后}]\n")
    theirs = other.tenant.create(subject="s", comment={"body": "b"})
    other.tenant.stored(theirs)
    unknown = {"error": "RecordNotFound", "description": "Not found"}
    answer = shop.put(theirs, priority="high")  # an id only just given out is waited for, whoever's it is
    assert answer.status == 503 or (answer.status, answer.json) == (404, unknown), answer.body
    for ticket in (999,):
        for method, path, body in [("PUT", "", {"ticket": {"priority": "high"}}), ("DELETE", "", None),
                                   ("POST", "/claim", None), ("POST", "/transfer", {"group": "售后", "note": "x"}),
                                   ("POST", "/acknowledge", None), ("PUT", "/tags", {"tags": ["x"]}), ("GET", "/comments", None),
                                   ("GET", "/audits", None), ("GET", "/tags", None)]:
            answer = shop.ask(method, f"/tickets/{ticket}{path}", body)
            assert (answer.status, answer.json) == (404, unknown), path
    assert len(other.tenant.ledger(theirs)) <= 2


# -- two at once -----------------------------------------------------------------------------------------------------


def test_many_who_write_at_once_lose_nothing(shop):
    ticket = shop.ticket()
    answers = []

    def write(n):
        answers.append((n, shop.put(ticket, additional_tags=[f"t{n}"], comment={"body": f"c{n}", "public": False})))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for _, answer in answers] == [200] * 4
    assert sorted(shop.row(ticket)["tags"]) == ["t0", "t1", "t2", "t3"]
    said = [row["payload"]["comment"]["body"] for row in shop.tenant.ledger(ticket) if "comment" in row["payload"]]
    assert sorted(said) == ["c0", "c1", "c2", "c3"]


def test_whoever_named_a_version_that_is_past_gets_409(shop):
    ticket = shop.ticket()
    version = shop.desk.ticket(ticket)["version"]
    answers = []

    def write(n):
        answers.append(shop.put(ticket, version=version, tags=[f"t{n}"]))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert len(shop.row(ticket)["tags"]) == 1


def test_a_stale_stamp_is_409_and_a_fresh_one_is_taken(shop):
    ticket = shop.ticket()
    stamp = shop.desk.ticket(ticket)["updated_at"]
    assert shop.put(ticket, safe_update="true", updated_stamp="2020-01-01T00:00:00Z", tags=["x"]).status == 409
    assert "updated_stamp" in shop.refused(ticket, safe_update=True, tags=["x"])
    assert shop.row(ticket)["tags"] == []
    assert shop.done(ticket, safe_update="true", updated_stamp=stamp, tags=["x"])["tags"] == ["x"]


def test_two_changes_within_one_second_never_show_the_same(shop):
    """Whoever read the first is told so at the second; whoever read the second is not kept from writing."""
    for _ in range(40):
        ticket = shop.ticket()
        first = shop.done(ticket, tags=["sa"])["updated_at"]
        second = shop.done(ticket, tags=["sb"])["updated_at"]
        if first[:19] == second[:19]:
            break
    assert first[:19] == second[:19] and first != second, "a machine as slow as that"
    assert shop.desk.ticket(ticket)["updated_at"] == second
    [listed] = [t for t in shop.ask("GET", "/tickets?sort=-id&page[size]=5").json["tickets"] if t["id"] == ticket]
    assert listed["updated_at"] == second
    assert shop.put(ticket, safe_update="true", updated_stamp=first, tags=["sc"]).status == 409
    assert shop.put(ticket, safe_update="true", updated_stamp=second[:19] + "Z", tags=["sc"]).status == 409
    assert shop.done(ticket, safe_update="true", updated_stamp=second, tags=["sc"])["tags"] == ["sc"]


def test_router_and_desk_on_one_ticket_at_once(shop):
    """The machine assigns while people write: both are in the ledger, in one order."""
    tickets = [shop.tenant.create(subject=f"s{n}", comment={"body": "b"}) for n in range(12)]
    for ticket in tickets:  # the desk waits for those that are not stored yet
        answer = shop.put(ticket, additional_tags=["seen"], comment={"body": "x", "public": False})
        assert answer.status == 200, answer.body
    for ticket in tickets:
        until(lambda: shop.row(ticket)["status"] == "assigned", what="the assignment")
        assert shop.row(ticket)["tags"] == ["seen"]
        assert [row["seq"] for row in shop.tenant.ledger(ticket)] == [1, 2, 3]


# -- tags --------------------------------------------------------------------------------------------------------------


def test_tags_are_set_added_and_taken_away(shop):
    ticket = shop.ticket()
    path = f"/tickets/{ticket}/tags.json"
    answer = shop.ask("POST", path, {"tags": ["a", "b"]})
    assert (answer.status, answer.json) == (201, {"tags": ["a", "b"]})
    assert shop.ask("PUT", path, {"tags": ["b", "c"]}).json == {"tags": ["a", "b", "c"]}
    assert shop.ask("DELETE", path, {"tags": ["a", "z"]}).json == {"tags": ["b", "c"]}
    assert shop.ask("GET", path).json == {"tags": ["b", "c"]}
    assert shop.done(ticket, additional_tags=["d"], remove_tags=["b"])["tags"] == ["c", "d"]
    used = shop.ask("GET", "/tags.json").json
    assert {"name": "c", "count": 1} in used["tags"]
    open_ones = shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status IN ('new', 'assigned', 'in_progress',"
                               " 'pending', 'on_hold')", shop.tenant.number)[0][0]
    assert used["covers"] == {"status": "unsolved", "tickets": open_ones, "newest": 2000, "most_frequent": 100, "exact": True}


def test_tags_that_are_none_are_refused(shop):
    ticket = shop.ticket()
    for tags in [5, [1], {"a": 1}, ["x" * 300], [f"t{n}" for n in range(101)]]:
        assert "tags" in shop.refused(ticket, tags=tags), tags
    assert shop.ask("POST", f"/tickets/{ticket}/tags", {}).status == 400


# -- claim, transfer, assignment ---------------------------------------------------------------------------------------


def test_a_transfer_demands_a_note_and_hands_on(shop):
    ticket = shop.ticket()
    path = f"/tickets/{ticket}/transfer"
    assert list(details(shop.ask("POST", path, {"group": "物流"}))) == ["note"]
    assert "group" in details(shop.ask("POST", path, {"group": "火星", "note": "x"}))
    assert "base" in details(shop.ask("POST", path, {"note": "x"}))
    answer = shop.ask("POST", path, {"assignee": "wu", "note": "包裹丢了，请查"})
    assert answer.status == 200, answer.body
    shown = answer.json["ticket"]
    assert (shown["assignee_id"], shown["group_id"]) == (shop.ids["wu"], shop.ids["物流"])
    row = shop.tenant.ledger(ticket)[-1]
    assert row["payload"]["reason"]["why"] == "transferred" and row["payload"]["note"] == "包裹丢了，请查"
    assert row["payload"]["comment"]["public"] is False
    assert list(shop.refused(ticket, assignee_id=shop.ids["lin"])) == ["handover_note"]
    back = shop.done(ticket, assignee_id=shop.ids["lin"], handover_note="已找到")
    assert (back["assignee_id"], back["group_id"]) == (shop.ids["lin"], shop.ids["售后"])


def test_a_transfer_to_a_group_waits_there(shop):
    ticket = shop.ticket()
    answer = shop.ask("POST", f"/tickets/{ticket}/transfer", {"group_id": shop.ids["物流"], "note": "转物流"})
    assert (answer.json["ticket"]["status"], answer.json["ticket"]["assignee_id"]) == ("new", None)


def test_nobody_is_given_a_ticket_whose_group_she_is_not_in(shop):
    ticket = shop.ticket()
    said = shop.refused(ticket, assignee_id=shop.ids["lin"] + 100000, group_id=12345, handover_note="x")
    assert set(said) == {"assignee_id", "group_id"}
    assert "assignee_id" in shop.refused(ticket, group_id=shop.ids["物流"], assignee_id=str(2**60), handover_note="x")


def test_above_capacity_is_allowed_to_people_and_marked(shop):
    first, second = shop.ticket(), shop.ticket()
    shop.done(first, assignee_id=shop.ids["zhou"], handover_note="x")
    assert "above_capacity" not in shop.tenant.ledger(first)[-1]["payload"]["reason"]
    shop.done(second, assignee_id=shop.ids["zhou"], handover_note="x")
    assert shop.tenant.ledger(second)[-1]["payload"]["reason"]["above_capacity"] is True


def test_an_agent_claims_from_the_pool_once(shop):
    ticket = shop.ticket()
    shop.done(ticket, status="new")
    shop.stack.sql("SELECT 1")
    row = until(lambda: (shop.row(ticket)["status"] == "assigned") and shop.row(ticket), what="the machine's choice")
    assert row["assignee_id"] == shop.ids["lin"]
    assert shop.ask("POST", f"/tickets/{ticket}/claim", by="lin").json["ticket"]["version"] == row["version"]
    pool = shop.ticket("转物流")
    shop.ask("POST", f"/tickets/{pool}/transfer", {"group": "物流", "note": "x"})  # nobody is on duty there
    answer = shop.ask("POST", f"/tickets/{pool}/claim", by="wu")
    assert answer.status == 200, answer.body
    assert answer.json["ticket"]["assignee_id"] == shop.ids["wu"]
    assert shop.tenant.ledger(pool)[-1]["payload"]["reason"]["why"] == "claimed"
    taken = shop.ask("POST", f"/tickets/{pool}/claim", by="zhou")
    assert taken.status == 409 and "吴建国" in taken.json["description"]
    assert shop.ask("POST", f"/tickets/{pool}/claim", by="lin").status == 404  # not her group's


# -- acknowledgement ---------------------------------------------------------------------------------------------------


def test_an_acknowledgement_is_one_row_and_once_more_is_none(shop):
    ticket = shop.ticket()
    before = shop.row(ticket)
    answer = shop.ask("POST", f"/tickets/{ticket}/acknowledge", by="lin")
    assert answer.status == 200, answer.body
    assert answer.json["ticket"]["version"] == before["version"] + 1 and answer.json["audit"]["events"] == []
    row = shop.tenant.ledger(ticket)[-1]
    assert (row["kind"], row["actor"]) == ("ticket_updated", f"agent:{shop.ids['lin']}")
    assert row["payload"] == {"set": {}, "reason": {"why": "acknowledged"}}
    again = shop.ask("POST", f"/tickets/{ticket}/acknowledge", by="lin")
    assert again.status == 200 and again.json["ticket"] == answer.json["ticket"]
    assert len(shop.tenant.ledger(ticket)) == row["seq"]
    after = shop.row(ticket)
    assert {k: v for k, v in before.items() if k not in ("version", "updated_at")} == \
        {k: v for k, v in after.items() if k not in ("version", "updated_at")}


def test_what_is_over_needs_no_acknowledgement(shop):
    ticket = shop.ticket()
    shop.done(ticket, status="solved")
    solved = shop.tenant.ledger(ticket)
    assert shop.ask("POST", f"/tickets/{ticket}/acknowledge").status == 200  # no clock runs: nothing to say
    assert shop.tenant.ledger(ticket) == solved
    shop.done(ticket, status="closed")
    assert "status" in details(shop.ask("POST", f"/tickets/{ticket}/acknowledge"))


# -- conversation ----------------------------------------------------------------------------------------------------


def test_the_conversation_in_both_paginations(shop):
    ticket = shop.ticket("第一句")
    for n in range(4):
        shop.done(ticket, comment={"body": f"第{n}", "public": n % 2 == 0})
    path = f"/tickets/{ticket}/comments.json"
    all_of_them = shop.ask("GET", path).json
    assert [c["body"] for c in all_of_them["comments"]] == ["第一句", "第0", "第1", "第2", "第3"]
    assert [c["public"] for c in all_of_them["comments"]] == [True, True, False, True, False]
    assert all_of_them["count"] == 5 and all_of_them["next_page"] is None
    first = all_of_them["comments"][0]
    assert first["id"] == ticket * 8192 + 1 and first["author_id"] == shop.row(ticket)["requester_id"]
    page = shop.ask("GET", path, page=2, per_page=2).json
    assert [c["body"] for c in page["comments"]] == ["第1", "第2"] and page["previous_page"]
    bodies, url = [], path + "?page[size]=2"
    while url:
        answer = shop.ask("GET", url).json
        bodies += [c["body"] for c in answer["comments"]]
        url = answer["links"]["next"]
    assert bodies == ["第一句", "第0", "第1", "第2", "第3"]
    newest = shop.ask("GET", path, sort_order="desc", per_page=1)
    assert newest.json["comments"][0]["body"] == "第3"


def test_texts_are_stored_as_sent_and_shown_harmless(shop):
    ticket = shop.ticket()
    script = "<script>alert(1)</script><img src=x onerror=alert(1)> a & b"
    shop.done(ticket, comment={"body": script})
    shop.done(ticket, comment={"html_body": "<p>好<b>的</b></p>" + script})
    plain, html = shop.ask("GET", f"/tickets/{ticket}/comments").json["comments"][1:]
    assert plain["body"] == script and plain["plain_body"] == script
    assert "&lt;script&gt;" in plain["html_body"] and "<script" not in plain["html_body"]
    assert "<b>的</b>" in html["html_body"] and "<" not in html["plain_body"]
    for word in ("<script", "onerror", "<img"):
        assert word not in html["html_body"]
    stored = [row["payload"]["comment"] for row in shop.tenant.ledger(ticket) if "comment" in row["payload"]]
    assert stored[0]["body"] == script and stored[1]["body"].endswith(script) and stored[1]["html"] is True


def test_sql_and_odd_characters_in_every_string(shop):
    ticket = shop.ticket()
    evil = "'; DROP TABLE ticket.tickets; -- \\ $1 {\"a\":1} \u202e\U0001f600 %s"
    after = shop.done(ticket, subject=evil, category="a/" + evil.replace("/", ""), external_id=evil, tags=[evil],
                      comment={"body": evil}, custom_fields=[{"id": "渠道来源", "value": evil}])
    assert after["subject"] == evil and after["external_id"] == evil and after["tags"] == [evil]
    assert {"id": shop.field("渠道来源"), "value": evil} in after["custom_fields"]
    assert shop.ask("POST", f"/tickets/{ticket}/transfer", {"group": evil, "assignee": evil, "note": evil}).status == 422
    assert shop.ask("PUT", f"/tickets/{ticket}/tags", {"tags": [evil + "2"]}).json["tags"] == [evil, evil + "2"]
    assert shop.ask("GET", f"/tickets/{ticket}/comments").json["comments"][-1]["body"] == evil
    assert shop.ask("GET", f"/job_statuses/{'%27%3B--'}").status == 404


@pytest.mark.parametrize("body", [
    b"", b"[]", b"null", b'{"ticket":[]}', b'{"ticket":"x"}', b'{"other":{}}', b'{"ticket":{"subject":"\\u0000"}}',
    b'{"ticket":{"tags":["\xff"]}}', b'{"ticket":{"a":1,"a":2}}', b'{"ticket":' + b"[" * 100 + b"]" * 100 + b"}",
])
def test_bodies_that_are_none_are_400(shop, body):
    ticket = shop.ticket()
    before = shop.tenant.ledger(ticket)
    answer = shop.ask("PUT", f"/tickets/{ticket}.json", body)
    assert answer.status == 400, answer.body
    assert shop.tenant.ledger(ticket) == before


@pytest.mark.parametrize("members,field", [
    ({"subject": 5}, "subject"), ({"subject": ""}, "subject"), ({"subject": "x" * 1025}, "subject"),
    ({"priority": "huge"}, "priority"), ({"kind": "怪"}, "kind"), ({"category": "/"}, "category"),
    ({"external_id": "x" * 256}, "external_id"), ({"requester_id": 1}, "requester_id"),
    ({"ticket_form_id": 1}, "ticket_form_id"), ({"comment": 5}, "comment"), ({"comment": {"body": ""}}, "comment"),
    ({"comment": {"body": "  \n"}}, "comment"), ({"comment": {"body": "x" * 65537}}, "comment"),
    ({"comment": {"body": "x", "public": "maybe"}}, "comment"),
    ({"comment": {"body": "x", "uploads": ["no-such-token"]}}, "uploads"),
    ({"custom_fields": 5}, "custom_fields"), ({"custom_fields": [5]}, "custom_fields"),
    ({"custom_fields": [{"id": 1, "value": 1}]}, "custom_fields"),
    ({"group_id": -1}, "group_id"), ({"assignee_id": "x"}, "assignee_id"), ({"assignee_id": 1.5}, "assignee_id"),
])
def test_what_is_wrong_is_named_by_its_field(shop, members, field):
    if not hasattr(shop, "untouched"):
        shop.untouched = shop.ticket()
    before = shop.row(shop.untouched)
    assert field in shop.refused(shop.untouched, **members)
    assert shop.row(shop.untouched) == before


def test_personal_numbers_in_texts_are_masked_and_kept_sealed(shop):
    ticket = shop.ticket()
    after = shop.done(ticket, subject="电话 13812345678", comment={"body": "请打 13912345678", "public": False},
                      custom_fields=[{"id": shop.field("收款账号"), "value": "6222020200001234567"}])
    assert after["subject"] == "电话 138****5678"
    assert {"id": shop.field("收款账号"), "value": "****"} in after["custom_fields"]
    row = shop.tenant.ledger(ticket)[-1]
    text = json.dumps(row, ensure_ascii=False)
    assert "13812345678" not in text and "13912345678" not in text and "6222020200001234567" not in text
    assert [p["field"] for p in row["payload"]["comment"]["personal"]] == ["comment"]
    assert {p["field"] for p in row["payload"]["personal"]} == {"subject", "custom:收款账号"}
    again = shop.done(ticket, custom_fields=[{"id": shop.field("收款账号"), "value": "****"}])
    assert again["version"] == after["version"]  # the mask sent back is no new value


# -- audits ------------------------------------------------------------------------------------------------------------


def test_audits_tell_what_was_before_from_any_page(shop):
    ticket = shop.ticket()
    for priority in ["low", "high", "urgent"]:
        shop.done(ticket, priority=priority, custom_fields=[{"id": "渠道来源", "value": priority}])
    path = f"/tickets/{ticket}/audits.json"
    audits = shop.ask("GET", path).json["audits"]
    assert audits[0]["events"][0]["type"] == "Create"
    assert [a["id"] for a in audits] == [ticket * 8192 + n for n in range(1, len(audits) + 1)]
    last = shop.ask("GET", path, per_page=1, page=len(audits)).json["audits"][0]
    assert last == audits[-1]
    changes = {e["field_name"]: (e["previous_value"], e["value"]) for e in last["events"] if e["type"] == "Change"}
    assert changes["priority"] == ("high", "urgent")
    assert changes[str(shop.field("渠道来源"))] == ("high", "urgent")
    newest_first = shop.ask("GET", path, sort_order="desc").json["audits"]
    assert newest_first == audits[::-1]
    ids = [e["id"] for a in audits for e in a["events"] if e["type"] != "Comment"]
    assert len(ids) == len(set(ids))


# -- deletion ----------------------------------------------------------------------------------------------------------


def test_a_deleted_ticket_is_not_there_any_more(shop):
    ticket = shop.ticket()
    answer = shop.ask("DELETE", f"/tickets/{ticket}.json")
    assert (answer.status, answer.body) == (204, b"")
    assert shop.row(ticket)["status"] == "deleted"
    for method, path, body in [("GET", "", None), ("PUT", "", {"ticket": {"priority": "high"}}), ("DELETE", "", None),
                               ("GET", "/comments", None), ("GET", "/audits", None), ("GET", "/tags", None)]:
        assert shop.ask(method, f"/tickets/{ticket}{path}", body).status == 404, path


# -- many at once ------------------------------------------------------------------------------------------------------


def job(shop, answer):
    assert answer.status == 200, (answer.status, answer.body)
    name = answer.json["job_status"]["id"]
    last = shop.desk.until(f"/job_statuses/{name}.json", lambda a: a.json["job_status"]["status"] == "completed")
    return last.json["job_status"]


def test_many_tickets_are_changed_by_one_request(shop):
    tickets = [shop.ticket() for _ in range(3)]
    ids = ",".join(map(str, tickets + [999]))
    status = job(shop, shop.ask("PUT", f"/tickets/update_many.json?ids={ids}", {"ticket": {
        "priority": "high", "additional_tags": ["many"], "comment": {"body": "统一回复 13812345678", "public": False}}}))
    assert (status["total"], status["progress"]) == (4, 4) and status["message"].startswith("Completed at ")
    assert [result["success"] for result in status["results"]] == [True, True, True, False]
    assert status["results"][3]["error"] == "RecordNotFound"
    for ticket in tickets:
        assert (shop.row(ticket)["priority"], shop.row(ticket)["tags"]) == ("high", ["many"])
        assert shop.tenant.ledger(ticket)[-1]["payload"]["comment"]["body"] == "统一回复 138****5678"
    stored = shop.stack.sql("SELECT encode(work, 'escape') FROM desk.jobs WHERE tenant_id = %s", shop.tenant.number)
    assert all("13812345678" not in work for work, in stored)


def test_each_ticket_of_a_batch_has_its_own_change_and_its_own_answer(shop):
    a, b, c = [shop.ticket("退款" if n == 2 else "x") for n in range(3)]
    status = job(shop, shop.ask("PUT", "/tickets/update_many", {"tickets": [
        {"id": a, "status": "pending"}, {"id": b, "status": "nonsense"}, {"id": c, "status": "solved"}]}))
    assert [result["success"] for result in status["results"]] == [True, False, False]
    assert "没有「nonsense」" in status["results"][1]["details"]
    assert "退款金额" in status["results"][2]["details"] and "审批截图" in status["results"][2]["details"]
    assert shop.row(a)["status"] == "pending"


def test_many_tickets_are_deleted_by_one_request(shop):
    tickets = [shop.ticket() for _ in range(2)]
    status = job(shop, shop.ask("DELETE", f"/tickets/destroy_many.json?ids={tickets[0]},{tickets[1]}"))
    assert [result["action"] for result in status["results"]] == ["delete", "delete"]
    assert [shop.row(ticket)["status"] for ticket in tickets] == ["deleted", "deleted"]


def test_a_job_whose_desk_died_is_gone_on_with_and_nothing_is_done_twice(shop):
    tickets = [shop.ticket() for _ in range(3)]
    ids = ",".join(map(str, tickets))
    name = job(shop, shop.ask("PUT", f"/tickets/update_many?ids={ids}", {"ticket": {"comment": {"body": "一次"}}}))["id"]
    before = [shop.tenant.ledger(ticket) for ticket in tickets]
    # As if a desk had died before it could say that any of it was done.
    shop.stack.sql("UPDATE desk.jobs SET done = 0, results = '[]', ended_at = NULL, status = 'working', lease_by = 'desk-9',"
                   " lease_until = now() - interval '1 second' WHERE tenant_id = %s AND job_id = %s",
                   shop.tenant.number, name, admin=True)
    again = shop.desk.until(f"/job_statuses/{name}", lambda a: a.json["job_status"]["status"] == "completed")
    assert [result["success"] for result in again.json["job_status"]["results"]] == [True] * 3
    assert [shop.tenant.ledger(ticket) for ticket in tickets] == before


def test_jobs_are_listed_for_who_asked_and_hidden_from_others(shop):
    name = job(shop, shop.ask("DELETE", "/tickets/destroy_many?ids=999"))["id"]
    assert name in [entry["id"] for entry in shop.ask("GET", "/job_statuses.json").json["job_statuses"]]
    shown = shop.ask("GET", f"/job_statuses/show_many.json?ids={name},nonsense").json
    assert [entry["id"] for entry in shown["job_statuses"]] == [name]
    other = Shop(shop.stack, documents="groups: [{name: 售后}]\n")
    assert other.ask("GET", f"/job_statuses/{name}").status == 404
    assert shop.ask("GET", f"/job_statuses/{name}", by="lin").status == 404


def test_batches_without_end_are_refused(shop):
    ids = ",".join(str(n) for n in range(1, 102))
    assert shop.ask("PUT", f"/tickets/update_many?ids={ids}", {"ticket": {}}).status == 400
    assert shop.ask("PUT", "/tickets/update_many", {"tickets": [{"id": n} for n in range(1, 102)]}).status == 400
    assert shop.ask("PUT", "/tickets/update_many", {"tickets": []}).status == 400
    assert shop.ask("PUT", "/tickets/update_many", {"tickets": [{"priority": "high"}]}).status == 400
    assert shop.ask("PUT", "/tickets/update_many?ids=1", {"tickets": []}).status == 400
    assert shop.ask("DELETE", "/tickets/destroy_many").status == 400


def test_all_of_it_stands_up_to_verify(shop):
    shop.stack.verify("--tenant", shop.tenant.name)
