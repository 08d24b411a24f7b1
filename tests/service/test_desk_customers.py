"""What a customer sees and does: her own requests, what was said to her, and nothing else."""
import json

import pytest

from harness.shop import DOCUMENTS, Shop, details
from harness.stack import until


@pytest.fixture(scope="module")
def shop(stack):
    shop = Shop(stack)
    for name in ("ann", "bob"):
        shop.user(name, "customer", email=f"{name}@example.com")
    return shop


def requested(shop, text="请问怎么用", by="ann", **fields):
    ticket = shop.ticket(text, requester={"name": "安妮", "email": f"{by}@example.com"}, **fields)
    assert shop.row(ticket)["requester_id"] == shop.ids[by]
    return ticket


def test_she_sees_her_own_requests_and_no_others(shop):
    hers, his = requested(shop, "安的"), requested(shop, "博的", by="bob")
    assert shop.ask("GET", f"/requests/{hers}.json", by="ann").json["request"]["subject"] == "安的"
    for path in (f"/requests/{his}.json", f"/requests/{his}/comments.json", "/requests/999.json"):
        answer = shop.ask("GET", path, by="ann")
        assert (answer.status, answer.json) == (404, {"error": "RecordNotFound", "description": "Not found"})
    assert shop.ask("PUT", f"/requests/{his}.json", {"request": {"comment": {"body": "x"}}}, by="ann").status == 404
    listed = shop.desk.until("/requests.json", lambda a: hers in [t["id"] for t in a.json["requests"]],
                             token=shop.token("ann"))
    assert his not in [t["id"] for t in listed.json["requests"]]
    assert all(t["requester_id"] == shop.ids["ann"] for t in listed.json["requests"])


def test_the_agents_doors_are_closed_to_her(shop):
    ticket = requested(shop)
    for method, path, body in [("GET", f"/tickets/{ticket}", None), ("GET", f"/tickets/{ticket}/comments", None),
                               ("GET", f"/tickets/{ticket}/audits", None), ("GET", "/tickets", None),
                               ("PUT", f"/tickets/{ticket}", {"ticket": {"priority": "urgent"}}),
                               ("DELETE", f"/tickets/{ticket}", None), ("POST", f"/tickets/{ticket}/claim", None),
                               ("PUT", f"/tickets/{ticket}/tags", {"tags": ["x"]}), ("GET", "/tags", None),
                               ("PUT", "/tickets/update_many?ids=1", {"ticket": {}}), ("GET", "/job_statuses", None)]:
        assert shop.ask(method, path, body, by="ann").status == 403, path


def test_she_reads_no_notes_and_no_names(shop):
    ticket = requested(shop, "我的问题")
    shop.done(ticket, by="lin", comment={"body": "这位客户很难缠", "public": False}, tags=["内部"])
    shop.done(ticket, by="lin", comment={"body": "您好，请稍等"})
    shop.ask("POST", f"/tickets/{ticket}/transfer", {"assignee": "zhou", "note": "交给你了"}, by="lin")
    answer = shop.ask("GET", f"/requests/{ticket}/comments.json", by="ann")
    assert [c["body"] for c in answer.json["comments"]] == ["我的问题", "您好，请稍等"]
    request = shop.ask("GET", f"/requests/{ticket}.json", by="ann")
    for word in ("难缠", "交给你了", "林悦", "周文", "内部"):
        assert word not in answer.body.decode() and word not in request.body.decode()
    assert {u["agent"] for u in answer.json["users"]} == {True, False}


def test_her_reply_wakes_what_waits_for_her(shop):
    ticket = requested(shop)
    shop.done(ticket, by="lin", status="pending", comment={"body": "请补充单号"})
    answer = shop.ask("PUT", f"/requests/{ticket}.json", {"request": {"comment": {"body": "单号 7", "public": False}}},
                      by="ann")
    assert answer.status == 200 and answer.json["request"]["status"] == "open", answer.body
    assert shop.row(ticket)["status"] == "in_progress"
    row = shop.tenant.ledger(ticket)[-1]
    assert row["actor"] == f"requester:{shop.ids['ann']}" and row["payload"]["comment"]["public"] is True


def test_her_reply_reopens_what_is_solved_with_who_had_it(shop):
    ticket = requested(shop)
    shop.done(ticket, by="lin", status="solved", comment={"body": "已处理"})
    shop.ask("PUT", f"/requests/{ticket}.json", {"request": {"comment": {"body": "还是不行"}}}, by="ann")
    assert (shop.row(ticket)["status"], shop.row(ticket)["assignee_id"]) == ("assigned", shop.ids["lin"])
    shop.done(ticket, assignee_id=shop.ids["zhou"], handover_note="你熟悉")  # who is off duty
    shop.done(ticket, status="solved", comment={"body": "好了"})
    shop.ask("PUT", f"/requests/{ticket}.json", {"request": {"comment": {"body": "没好"}}}, by="ann")
    until(lambda: (shop.row(ticket)["status"], shop.row(ticket)["assignee_id"]) == ("assigned", shop.ids["lin"]),
          what="the machine to give it to who is there")


def test_she_says_that_it_is_solved_and_then_it_is_closed(shop):
    ticket = requested(shop)
    assert shop.ask("GET", f"/requests/{ticket}", by="ann").json["request"]["can_be_solved_by_me"] is True
    assert shop.ask("PUT", f"/requests/{ticket}", {"request": {"solved": True}}, by="ann").json["request"]["solved"]
    assert shop.row(ticket)["status"] == "solved"
    shop.ask("PUT", f"/requests/{ticket}", {"request": {"solved": True}}, by="ann")
    assert shop.row(ticket)["status"] == "closed"
    said = details(shop.ask("PUT", f"/requests/{ticket}", {"request": {"comment": {"body": "x"}}}, by="ann"))
    assert "新的工单" in said["status"][0]


def test_she_rates_what_is_solved_once_it_is(shop):
    ticket = requested(shop)
    path, rating = f"/tickets/{ticket}/satisfaction_rating.json", {"satisfaction_rating": {"score": "good", "comment": "谢谢"}}
    assert "satisfaction_rating" in details(shop.ask("POST", path, rating, by="ann"))
    shop.done(ticket, by="lin", status="solved")
    assert shop.ask("POST", path, rating, by="bob").status == 404
    assert shop.ask("POST", path, rating, by="lin").status == 403
    assert "score" in details(shop.ask("POST", path, {"satisfaction_rating": {"score": "soso"}}, by="ann"))
    answer = shop.ask("POST", path, rating, by="ann")
    assert answer.status == 200 and answer.json["satisfaction_rating"]["score"] == "good"
    assert shop.row(ticket)["satisfaction"] == "good"
    assert shop.desk.ticket(ticket)["satisfaction_rating"]["score"] == "good"


def test_she_may_rate_it_once_it_is_closed_or_open_again_and_change_her_mind(shop):
    def rate(ticket, score, **more):
        return shop.ask("POST", f"/tickets/{ticket}/satisfaction_rating", {"satisfaction_rating": {"score": score, **more}}, by="ann")

    ticket = requested(shop)
    shop.done(ticket, by="lin", status="solved")
    assert rate(ticket, "good").status == 200
    shop.done(ticket, status="closed")
    assert rate(ticket, "bad", comment="又坏了").status == 200
    row = shop.row(ticket)
    assert (row["satisfaction"], row["status"]) == ("bad", "closed")
    assert shop.tenant.ledger(ticket)[-1]["payload"]["note"] == "又坏了"
    assert shop.put(ticket, by="lin", tags=["x"]).status == 422, "nothing else of it changes any more"
    again = requested(shop)
    shop.done(again, by="lin", status="solved")
    shop.ask("PUT", f"/requests/{again}", {"request": {"comment": {"body": "还是不行"}}}, by="ann")
    assert shop.row(again)["status"] != "solved" and rate(again, "bad").status == 200
    merged = requested(shop)
    assert "satisfaction_rating" in details(rate(merged, "bad")), "never solved"


def test_she_sees_the_fields_that_her_form_shows_to_customers(stack):
    shop = Shop(stack, DOCUMENTS.replace("  - {name: 退款方式,", "  - {name: 快递单号, customers: on}\n  - {name: 备注, customers: on}\n  - {name: 退款方式,")
                .replace("fields: [渠道来源]}", "fields: [渠道来源, 快递单号], default: on}").replace("fields: [退款金额, 退款方式", "fields: [备注, 退款金额, 退款方式"))
    shop.user("ann", "customer", email="ann@example.com")
    ticket = requested(shop, custom_fields=[{"id": shop.field("快递单号"), "value": "SF1"}, {"id": shop.field("渠道来源"), "value": "网店"}])
    for path in (f"/requests/{ticket}", "/requests"):
        shop.desk.until(path, lambda a: a.status == 200 and (a.json.get("requests") != []), token=shop.token("ann"))
        answer = shop.ask("GET", path, by="ann")
        request = answer.json["request"] if "request" in answer.json else answer.json["requests"][0]
        assert request["custom_fields"] == request["fields"] == [{"id": shop.field("快递单号"), "value": "SF1"}]
        assert "网店" not in answer.body.decode()
    plain = requested(shop)
    assert shop.ask("GET", f"/requests/{plain}", by="ann").json["request"]["custom_fields"] == [
        {"id": shop.field("快递单号"), "value": None}]


def test_what_she_sends_is_checked_and_shown_harmless(shop):
    ticket = requested(shop)
    path = f"/requests/{ticket}.json"
    for body in ({}, {"request": []}, {"request": "x"}):
        assert shop.ask("PUT", path, body, by="ann").status == 400
    for request in ({"comment": {"body": ""}}, {"comment": 5}, {"solved": "perhaps"}):
        assert shop.ask("PUT", path, {"request": request}, by="ann").status == 422
    shop.ask("PUT", path, {"request": {"comment": {"html_body": "<script>x</script>13812345678"}}}, by="ann")
    shown = shop.ask("GET", f"/tickets/{ticket}/comments", by="lin").json["comments"][-1]
    assert "script" not in shown["html_body"] and "138****5678" in shown["html_body"]
    assert "13812345678" not in json.dumps(shop.tenant.ledger(ticket))


def test_all_of_it_stands_up_to_verify(shop):
    shop.stack.verify("--tenant", shop.tenant.name)
