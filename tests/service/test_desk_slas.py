"""The side-load `slas`: what is promised to a ticket, as Zendesk shapes it, wherever tickets are shown."""
import pytest

from harness.moved import after, move
from harness.shop import Shop
from harness.stack import until

DOCUMENTS = """
settings: {default_group: 售后, default_kind: 咨询, default_category: 其他}
groups: [{name: 售后}, {name: 物流}]
agents:
  - {name: lin, groups: [售后], capacity: 500, duty: on}
  - {name: wu, groups: [物流], capacity: 500, duty: off}
calendars: [{name: 班, zone: Asia/Shanghai, week: {mon-fri: 09:00-18:00}}]
policies:
  - name: vip
    title: 贵宾
    when: {all: {tier: [vip]}}
    targets: {first_reply: 15m, next_reply: 30m, requester_wait: 30d, resolution: {within: 24h, hours: 班}, stages: {assigned: 1h}}
"""


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack, DOCUMENTS)


def metrics(ticket):
    """Its policy metrics by (metric, instance)."""
    return {(m["metric"], m["instance"]): m for m in ticket["slas"]["policy_metrics"]}


def moment(minutes):
    return after(minutes, "%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def ticket(shop):
    """Replied to 5 minutes late, asked again and answered late, then solved and closed."""
    ticket = shop.placed(tier="vip")
    shop.done(ticket, by="lin", comment={"body": "正在查询"})
    for seq in (4, 5):
        shop.done(ticket, by="lin", comment={"body": f"第 {seq} 次"})
    shop.done(ticket, by="lin", status="solved")
    # row 4 is the customer's, as if it had come through the portal
    shop.stack.sql("UPDATE ticket.ledger SET actor = 'requester:' || (SELECT requester_id FROM ticket.tickets t WHERE"
                   " t.tenant_id = %s AND t.id = %s) WHERE tenant_id = %s AND ticket_id = %s AND seq = 4",
                   shop.tenant.number, ticket, shop.tenant.number, ticket, admin=True)
    move(shop, ticket, [0, 0, 20, 60, 100, 200])
    return ticket


def test_a_ticket_shows_its_promises_as_zendesk_does(shop, ticket):
    shown = shop.ask("GET", f"/tickets/{ticket}", include="slas").json["ticket"]
    assert shown["id"] == ticket and shown["status"] == "solved"
    found = metrics(shown)
    reply = found["first_reply_time", 1]
    assert (reply["stage"], reply["status"], reply["breach_at"]) == ("breached", "fulfilled", moment(15))
    assert (reply["target"], reply["minutes"], reply["left_in_seconds"]) == (15, -5, -300)
    assert (reply["policy"], reply["business_hours"], reply["ended_at"]) == ("贵宾", False, moment(20))
    again = found["next_reply_time", 1]
    assert (again["stage"], again["breach_at"], again["started_at"], again["minutes"]) == (
        "breached", moment(90), moment(60), -10)
    whole = found["total_resolution_time", 1]
    assert (whole["stage"], whole["business_hours"], whole["breach_at"], whole["hours"]) == ("achieved", True, None, 20)
    assert found["requester_wait_time", 1]["days"] == 29
    assert found["stage_assigned_time", 1]["stage"] == "achieved"
    assert ("agent_work_time", 1) not in found  # nothing is promised there


def test_without_being_asked_it_is_not_there(shop, ticket):
    assert "slas" not in shop.ask("GET", f"/tickets/{ticket}").json["ticket"]
    assert "slas" not in shop.ask("GET", f"/tickets/{ticket}", include="users").json["ticket"]


def test_what_still_runs_says_when_it_will_break(shop):
    ticket = shop.ticket(tier="vip")
    found = metrics(shop.ask("GET", f"/tickets/{ticket}", include="slas").json["ticket"])
    reply = found["first_reply_time", 1]
    assert reply["stage"] == "active" and reply["ended_at"] is None
    assert 0 <= reply["left_in_seconds"] <= 900 and reply["started_at"] < reply["breach_at"]
    shop.done(ticket, by="lin", status="pending")
    found = metrics(shop.ask("GET", f"/tickets/{ticket}", include="slas").json["ticket"])
    assert (found["requester_wait_time", 1]["stage"], found["requester_wait_time", 1]["breach_at"]) == ("paused", None)


def test_lists_and_show_many_have_it_beside_the_other_side_loads(shop, ticket):
    plain = shop.ticket()
    both = shop.ask("GET", "/tickets/show_many", ids=f"{ticket},{plain}", include="users,slas,groups").json
    assert [t["id"] for t in both["tickets"]] == [ticket, plain]
    assert metrics(both["tickets"][0])["first_reply_time", 1]["stage"] == "breached"
    assert both["tickets"][1]["slas"] == {"policy_metrics": []}  # no policy is its
    assert both["users"] and both["groups"] and both["count"] == 2
    page = shop.desk.until("/tickets?include=slas&page[size]=100",
                           lambda a: {ticket, plain} <= {t["id"] for t in a.json["tickets"]}).json
    assert all("slas" in t for t in page["tickets"]) and "meta" in page
    assert metrics(next(t for t in page["tickets"] if t["id"] == ticket))["next_reply_time", 1]["stage"] == "breached"
    assert shop.ask("GET", "/tickets/show_many", ids=str(999999999), include="slas").json["tickets"] == []


def test_the_rows_of_views_have_it_in_their_tickets(shop, ticket):
    waiting = shop.ticket(tier="vip")
    path = "/views/3/execute?include=users,slas&per_page=100"
    answer = shop.desk.until(path, lambda a: waiting in {row["ticket_id"] for row in a.json["rows"]}).json
    row = next(row for row in answer["rows"] if row["ticket_id"] == waiting)
    assert metrics(row["ticket"])["first_reply_time", 1]["stage"] == "active" and answer["users"] and answer["columns"]
    assert all("slas" in row["ticket"] for row in answer["rows"])
    plain = shop.desk.get("/views/3/execute?include=users&per_page=100").json
    assert all("slas" not in row["ticket"] for row in plain["rows"])


@pytest.mark.parametrize("kind", ["/incremental/tickets/cursor", "/incremental/tickets"])
def test_exports_have_it_too_and_page_on_with_it(shop, ticket, kind):
    shop.ticket(tier="vip")
    indexed = "SELECT count(*) FROM desk.ticket_index WHERE tenant_id = %s"
    stored = "SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s"
    until(lambda: shop.stack.sql(indexed, shop.tenant.number) == shop.stack.sql(stored, shop.tenant.number), 30, "the index to have them all")
    until(lambda: shop.stack.sql("SELECT done FROM desk.fills WHERE tenant_id = %s", shop.tenant.number) == [(True,)], 30,
          "the tenant to be read")
    shop.stack.sql("UPDATE desk.ticket_index SET generated_at = now() - interval '5 minutes' WHERE tenant_id = %s",
                   shop.tenant.number, admin=True)
    found, path = {}, f"{kind}?start_time=0&per_page=2&include=slas,users"
    while path:
        page = shop.desk.get(path).json
        found.update({t["id"]: t for t in page["tickets"]})
        path = None if page["end_of_stream"] else (page.get("after_url") or page["next_page"]).split("/api/v2", 1)[1]
        assert not page["tickets"] or page["users"]
    assert len(found) == shop.stack.sql(stored, shop.tenant.number)[0][0] > 2
    assert all("slas" in t for t in found.values())
    assert metrics(found[ticket])["next_reply_time", 1]["stage"] == "breached"
    assert "slas" not in shop.desk.get(f"{kind}?start_time=0&include=users").json["tickets"][0]


def test_whoever_may_not_see_the_ticket_does_not_see_its_promises(shop, ticket):
    answer = shop.ask("GET", f"/tickets/{ticket}", by="wu", include="slas")
    assert answer.status in (403, 404) and "policy_metrics" not in answer.body.decode()
    many = shop.ask("GET", "/tickets/show_many", by="wu", ids=str(ticket), include="slas")
    assert many.json["tickets"] == []


def test_a_closed_tickets_fate_is_told_from_its_ledger(shop, ticket):
    shop.done(ticket, status="closed")
    found = metrics(shop.ask("GET", f"/tickets/{ticket}", include="slas").json["ticket"])
    assert (found["first_reply_time", 1]["stage"], found["total_resolution_time", 1]["stage"]) == ("breached", "achieved")
