"""Incremental exports: every change once more, in order, without the last minute, and no more than the reader reaches."""
import re

import pytest

from harness.desk import Desk
from harness.stack import until

from test_desk_views import DOCUMENTS, agent_token, followed

TICKETS = 9


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant(DOCUMENTS + """
roles:
  - {name: 抄录, based_on: agent, grant: [tickets.export]}
""")


@pytest.fixture(scope="module")
def desk(stack, tenant):
    desk = Desk(stack, tenant)
    desk.ids = [tenant.create(subject=f"第{i}件", comment={"body": "包裹" if i % 2 else "退货"}) for i in range(TICKETS)]
    for ticket in desk.ids:
        tenant.stored(ticket)
    followed(stack, tenant)
    until(lambda: stack.sql("SELECT done FROM desk.fills WHERE tenant_id = %s", tenant.number) == [(True,)], 20, "the tenant to be read")
    older(stack, tenant)
    return desk


def older(stack, tenant, minutes=5):
    """As if the index had been written so long ago."""
    stack.sql("UPDATE desk.ticket_index SET generated_at = generated_at - %s * interval '1 minute', updated_at = updated_at WHERE"
              " tenant_id = %s", minutes, tenant.number, admin=True)


def stream(desk, path, **how):
    """All that an exporting client gets by following what it is told, and where it stands at the end."""
    found, last = [], None
    for _ in range(100):
        answer = desk.get(path, **how)
        assert answer.status == 200, (path, answer.status, answer.body)
        last = answer.json
        found += last["tickets"]
        if last["end_of_stream"]:
            return found, last
        path = last.get("after_url") or last["next_page"]
        path = path[path.index("/api/v2") + len("/api/v2"):]
    raise AssertionError("the stream has no end")


@pytest.mark.parametrize("kind", ["/incremental/tickets/cursor.json", "/incremental/tickets.json", "/incremental/tickets"])
def test_every_ticket_is_in_the_stream_once(desk, kind):
    tickets, last = stream(desk, f"{kind}?start_time=0&per_page=4")
    assert sorted(ticket["id"] for ticket in tickets) == desk.ids  # their order is that of their last changes
    assert all(isinstance(ticket["generated_timestamp"], int) for ticket in tickets)
    if "cursor" in kind:
        assert last["after_cursor"] and last["before_cursor"] is None
        # what comes later is found from the cursor kept
        again = desk.get(f"{kind}?cursor={last['after_cursor']}").json
        assert again["tickets"] == [] and again["end_of_stream"] and again["after_cursor"] == last["after_cursor"]
    else:
        assert last["next_page"] is None and last["count"] <= 4 and last["end_time"] > 1.7e9


def test_the_last_minute_is_left_out(stack, desk, tenant):
    fresh = tenant.create(subject="刚才", comment={"body": "退货"})
    desk.ids.append(fresh)
    tenant.stored(fresh)
    followed(stack, tenant)
    tickets, last = stream(desk, "/incremental/tickets/cursor.json?start_time=0")
    assert sorted(ticket["id"] for ticket in tickets) == desk.ids[:-1]
    stack.sql("UPDATE desk.ticket_index SET generated_at = generated_at - interval '70 seconds' WHERE tenant_id = %s AND ticket_id = %s",
              tenant.number, fresh, admin=True)
    tickets, _ = stream(desk, f"/incremental/tickets/cursor.json?cursor={last['after_cursor']}")
    assert [ticket["id"] for ticket in tickets] == [fresh]


def test_a_change_comes_again_and_what_was_deleted_says_so(stack, desk, tenant):
    _, last = stream(desk, "/incremental/tickets/cursor.json?start_time=0")
    changed, gone = desk.ids[0], desk.ids[2]
    assert desk.put(f"/tickets/{changed}", {"ticket": {"priority": "urgent"}}).status == 200
    removed = desk.delete(f"/tickets/{gone}").status == 204
    if not removed:  # the desk has no deletion yet: as its store would leave it
        stack.sql("UPDATE desk.ticket_index SET status = status, generated_at = now() WHERE tenant_id = %s AND ticket_id = %s",
                  tenant.number, gone, admin=True)
    followed(stack, tenant)
    stack.sql("UPDATE desk.ticket_index SET generated_at = generated_at - interval '65 seconds' WHERE tenant_id = %s AND"
              " generated_at > now() - interval '61 seconds'", tenant.number, admin=True)
    tickets, _ = stream(desk, f"/incremental/tickets/cursor.json?cursor={last['after_cursor']}")
    by_id = {ticket["id"]: ticket for ticket in tickets}
    assert {changed, gone} <= set(by_id) < set(desk.ids) and by_id[changed]["priority"] == "urgent"
    assert not removed or by_id[gone]["status"] == "deleted"


def test_a_row_that_came_late_is_not_behind_a_reader_who_is_past_its_time(stack, desk, tenant):
    """generated_at is the moment of writing when that was long after the change."""
    _, last = stream(desk, "/incremental/tickets/cursor.json?start_time=0")
    late = desk.ids[3]
    stack.sql("DELETE FROM desk.ticket_index WHERE tenant_id = %s AND ticket_id = %s", tenant.number, late, admin=True)
    stack.sql("UPDATE ticket.tickets SET updated_at = updated_at - interval '1 hour' WHERE tenant_id = %s AND id = %s",
              tenant.number, late, admin=True)
    stack.docket("desk", "rebuild", "--tenant", tenant.name)
    stack.sql("UPDATE ticket.tickets SET updated_at = updated_at + interval '1 hour' WHERE tenant_id = %s AND id = %s",
              tenant.number, late, admin=True)
    age = stack.sql("SELECT generated_at > now() - interval '1 minute' FROM desk.ticket_index WHERE tenant_id = %s AND ticket_id = %s",
                    tenant.number, late)
    assert age == [(True,)]
    stack.docket("desk", "rebuild", "--tenant", tenant.name)


def test_it_takes_the_right_and_shows_what_is_reached(stack, desk, tenant):
    plain = agent_token(stack, tenant, "wu")
    assert desk.get("/incremental/tickets/cursor.json?start_time=0", token=plain).status == 403
    stack.docket("user", "create", "--tenant", tenant.name, "--email", "export@example.com", "--agent", "lin", "--role", "抄录",
                 "--no-password")
    token = stack.docket("token", "create", "--tenant", tenant.name, "--user", "lin").stdout.split()[-1]
    tickets, _ = stream(desk, "/incremental/tickets/cursor.json?start_time=0&per_page=2", token=token)
    groups = {tenant.row(ticket["id"])["group_id"] for ticket in tickets}
    assert tickets and len(groups) == 1


def test_wrong_times_and_cursors_are_refused(stack, desk, tenant):
    cursor = desk.get("/incremental/tickets/cursor.json?start_time=0").json["after_cursor"]
    for query in ("", "?start_time=x", "?start_time=-1", "?cursor=abc", f"?cursor={cursor[:-1]}{'0' if cursor[-1] != '0' else '1'}",
                  "?start_time=0&per_page=0", "?start_time=0&per_page=100000"):
        assert desk.get(f"/incremental/tickets/cursor.json{query}").status == 400, query
    other = Desk(stack, stack.tenant(DOCUMENTS))
    until(lambda: stack.sql("SELECT done FROM desk.fills WHERE tenant_id = %s", other.tenant.number) == [(True,)], 20, "the tenant to be read")
    assert other.get(f"/incremental/tickets/cursor.json?cursor={cursor}").status == 400
    assert re.fullmatch(r"[0-9a-f]+", cursor)
