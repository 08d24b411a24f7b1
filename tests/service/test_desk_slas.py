"""The side-load `slas`: what is promised to a ticket, as Zendesk shapes it, wherever tickets are shown."""
import pytest

from harness.moved import after, move
from harness.shop import Shop

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
    ticket = shop.ticket(tier="vip")
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


def test_whoever_may_not_see_the_ticket_does_not_see_its_promises(shop, ticket):
    answer = shop.ask("GET", f"/tickets/{ticket}", by="wu", include="slas")
    assert answer.status in (403, 404) and "policy_metrics" not in answer.body.decode()
    many = shop.ask("GET", "/tickets/show_many", by="wu", ids=str(ticket), include="slas")
    assert many.json["tickets"] == []


def test_a_closed_tickets_fate_is_told_from_its_ledger(shop, ticket):
    shop.done(ticket, status="closed")
    found = metrics(shop.ask("GET", f"/tickets/{ticket}", include="slas").json["ticket"])
    assert (found["first_reply_time", 1]["stage"], found["total_resolution_time", 1]["stage"]) == ("breached", "achieved")
