"""Several tickets become part of one: a job, a row of the ledger on every side, and nothing that counts or lists them twice."""
import threading

import pytest

from harness.shop import Shop, details
from harness.stack import until


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack)


def merge(shop, into, *sources, by=None, **members):
    return shop.ask("POST", f"/tickets/{into}/merge.json", {"ids": list(sources), **members}, by)


def job(shop, answer, by=None):
    assert answer.status == 200, (answer.status, answer.body)
    name = answer.json["job_status"]["id"]
    last = shop.desk.until(f"/job_statuses/{name}.json", lambda a: a.json["job_status"]["status"] == "completed", token=shop.token(by))
    return last.json["job_status"]


def last_row(shop, ticket):
    return shop.tenant.ledger(ticket)[-1]


def test_sources_are_merged_and_every_side_has_one_row_that_says_so(shop):
    into, first, second = [shop.ticket(f"第 {n} 次问") for n in range(3)]
    before = {ticket: shop.row(ticket)["version"] for ticket in (into, first, second)}
    status = job(shop, merge(shop, into, first, second, first, target_comment="并单，电话 13812345678",
                             source_comment="请看合并后的工单", source_comment_is_public=True))
    assert status["job_type"] == "merge" and (status["total"], status["progress"]) == (3, 3)
    assert [(r["id"], r["action"], r["status"], r["success"]) for r in status["results"]] == [
        (first, "merge", "Merged", True), (second, "merge", "Merged", True), (into, "update", "Updated", True)]
    assert {ticket: shop.row(ticket)["version"] - 1 for ticket in before} == before
    for source in (first, second):
        row = last_row(shop, source)["payload"]
        assert row["set"] == {"status": "merged"} and row["reason"] == {"why": "merged", "into": into}
        assert row["comment"]["body"] == "请看合并后的工单" and row["comment"]["public"] is True
        shown = shop.desk.ticket(source)
        assert (shown["status"], shown["docket_status"]) == ("closed", "merged")
    row = last_row(shop, into)["payload"]
    assert row["set"] == {} and row["reason"] == {"why": "merged_from", "tickets": [first, second]}
    assert row["comment"]["body"] == "并单，电话 138****5678" and row["comment"]["public"] is False
    assert shop.row(into)["status"] == "assigned"


def test_without_words_the_comments_say_what_happened_to_staff_only(shop):
    into, source = shop.ticket(), shop.ticket()
    job(shop, merge(shop, into, source, target_comment=None, source_comment=" "))
    for ticket, words in ((source, f"已合并到工单 #{into} "), (into, f"工单 #{source} 已合并到此工单 ")):
        comment = last_row(shop, ticket)["payload"]["comment"]
        assert words in comment["body"] and comment["public"] is False


def test_what_is_merged_is_in_no_list_and_no_count_and_frees_its_room(shop):
    def counted():
        return shop.ask("GET", "/tickets/count").json["count"]["value"]

    def load():
        return shop.ask("GET", f"/users/{shop.ids['lin']}/duty").json["duty"]["load"]

    into, source = shop.ticket(), shop.ticket()
    everything = shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status NOT IN ('merged', 'deleted')",
                                shop.tenant.number)[0][0]
    until(lambda: counted() == everything, 20, "both to be counted")
    open_before = shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND assignee_id = %s AND status IN"
                                 " ('assigned', 'in_progress')", shop.tenant.number, shop.ids["lin"])[0][0]
    until(lambda: load() == open_before, 20, "lin's load to be what she has")
    job(shop, merge(shop, into, source))
    until(lambda: counted() == everything - 1, 20, "the merged one to be counted no more")
    until(lambda: load() == open_before - 1, 20, "lin to have room again")
    until(lambda: shop.stack.sql("SELECT status FROM desk.ticket_index WHERE tenant_id = %s AND ticket_id = %s", shop.tenant.number,
                                 source) == [("merged",)], 20, "the index to know")
    for path in ("/views/3/tickets?per_page=100", "/tickets?per_page=100", f"/users/{shop.ids['lin']}/tickets/assigned?per_page=100"):
        listed = [ticket["id"] for ticket in shop.ask("GET", path).json["tickets"]]
        assert into in listed and source not in listed, path


def test_what_waits_in_a_queue_can_be_merged(shop):
    into, source = shop.ticket(), shop.ticket()
    assert shop.ask("POST", f"/tickets/{source}/transfer", {"group": "物流", "note": "请查物流"}).status == 200
    assert shop.row(source)["status"] == "new"
    assert [r["success"] for r in job(shop, merge(shop, into, source))["results"]] == [True, True]
    assert shop.row(source)["status"] == "merged"


def test_only_open_tickets_are_merged_and_each_refusal_says_why(shop):
    into, solved, merged = [shop.ticket() for _ in range(3)]
    shop.done(solved, status="solved", custom_fields=[{"id": shop.field("渠道来源"), "value": "x"}])
    job(shop, merge(shop, into, merged))
    status = job(shop, merge(shop, into, solved, merged, 999_999_999))
    assert [r["success"] for r in status["results"]] == [False] * 4
    assert [r["error"] for r in status["results"]] == ["RecordInvalid", "RecordInvalid", "RecordNotFound", "RecordInvalid"]
    assert "只有未解决的工单" in status["results"][0]["details"] and "没有工单被合并进来" in status["results"][3]["details"]
    assert shop.row(solved)["status"] == "solved"
    assert merged in last_row(shop, into)["payload"]["reason"]["tickets"]  # of the first merge: the second left no row
    assert shop.done(into, tags=["x"])["tags"] == ["x"]
    assert "已合并" in shop.refused(merged, priority="high")["status"][0]
    shop.done(into, status="solved")
    shop.done(into, status="closed")
    assert "已结案" in details(merge(shop, into, shop.ticket()))["status"][0]


def test_a_request_that_names_no_other_ticket_is_refused(shop):
    into = shop.ticket()
    for ids in (None, [], [into], ["x"], [0], [1.5], list(range(1, 101)), "1"):
        assert shop.ask("POST", f"/tickets/{into}/merge", {"ids": ids}).status == 400, ids
    other = shop.ticket()
    assert merge(shop, into, other, target_comment=["x"]).status == 400
    assert merge(shop, into, other, source_comment_is_public="yes").status == 400
    assert merge(shop, 999_999_999, other).status == 404
    assert shop.row(other)["status"] == "assigned"


def test_who_merges_needs_the_right_and_reach_on_both_sides(shop):
    into, elsewhere = shop.ticket(), shop.ticket()
    assert shop.ask("POST", f"/tickets/{elsewhere}/transfer", {"group": "物流", "note": "请查物流"}).status == 200
    assert merge(shop, into, elsewhere, by="lin").status == 200
    status = job(shop, merge(shop, into, elsewhere, by="lin"), "lin")
    assert [r["error"] for r in status["results"]] == ["RecordNotFound", "RecordInvalid"]
    assert shop.row(elsewhere)["status"] == "new"
    assert merge(shop, elsewhere, into, by="lin").status == 404
    shop.user("审计", role="auditor")
    assert merge(shop, into, elsewhere, by="审计").status == 403
    other = Shop(shop.stack, documents="groups: [{name: 售后}]\n")
    assert merge(other, into, elsewhere).status == 404
    # The target moves out of her reach after the job was taken on, before its turn.
    source = shop.ticket()
    gone = shop.ticket()
    shop.stack.sql("UPDATE ticket.tickets SET status = 'closed' WHERE tenant_id = %s AND id = %s", shop.tenant.number, gone, admin=True)
    try:
        assert "已结案" in details(merge(shop, gone, source, by="lin"))["status"][0]
    finally:
        shop.stack.sql("UPDATE ticket.tickets SET status = 'assigned' WHERE tenant_id = %s AND id = %s", shop.tenant.number, gone, admin=True)


def test_a_merge_whose_desk_died_is_gone_on_with_and_nothing_is_done_twice(shop):
    into, *sources = [shop.ticket() for _ in range(4)]
    name = job(shop, merge(shop, into, *sources))["id"]
    before = [shop.tenant.ledger(ticket) for ticket in (into, *sources)]
    shop.stack.sql("UPDATE desk.jobs SET done = 0, results = '[]', ended_at = NULL, status = 'working', lease_by = 'desk-9',"
                   " lease_until = now() - interval '1 second' WHERE tenant_id = %s AND job_id = %s",
                   shop.tenant.number, name, admin=True)
    again = shop.desk.until(f"/job_statuses/{name}", lambda a: a.json["job_status"]["status"] == "completed")
    assert [result["success"] for result in again.json["job_status"]["results"]] == [True] * 4
    assert [shop.tenant.ledger(ticket) for ticket in (into, *sources)] == before


def test_two_tickets_merged_into_each_other_at_once_leave_one_of_them(shop):
    shop.desk.token()  # made once, before two threads want it
    for _ in range(3):
        pair = [shop.ticket(), shop.ticket()]
        answers = [None, None]

        def ask(at):
            answers[at] = merge(shop, pair[at], pair[1 - at])
        threads = [threading.Thread(target=ask, args=(at,)) for at in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for answer in answers:
            if answer.status == 200:  # 422: the other had been merged before it was asked
                job(shop, answer)
        assert sorted(shop.row(ticket)["status"] for ticket in pair) == ["assigned", "merged"]


def test_all_of_it_stands_up_to_verify(shop):
    shop.stack.verify("--tenant", shop.tenant.name)
