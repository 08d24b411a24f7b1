"""Reports of docket-analytics over a random past, beside the same questions in SQL over its ledgers; and who may ask what."""
import csv
import io
import json
import random
import re
import subprocess
from datetime import datetime

import pytest

from harness.openapi import Document
from harness.past import Past
from harness.stack import BUILD, REPOSITORY, request, until

DOCUMENT = Document(REPOSITORY / "deploy/api/analytics.openapi.yaml")
SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
RANGE = {"from": "2026-09-01", "to": "2026-11-22"}
ERROR = 1 / 129


class Reports:
    def __init__(self, stack, past):
        self.past, self.url, self.tokens = past, stack.environment["DOCKET_ANALYTICS_URL"], {}
        self.token = past.shop.desk.token("administrator")

    def ask(self, path="", token=None, **query):
        import urllib.parse
        pairs = {name.rstrip("_"): value for name, value in query.items()}
        head = {"Authorization": f"Bearer {self.token if token is None else token}"} if token != "" else {}
        url = f"{self.url}/api/v1/reports{path}" + ("?" + urllib.parse.urlencode(pairs) if pairs else "")
        answers = []

        def asked():
            answers[:] = [request("GET", url, headers=head)]
            return answers[0].status != 503
        until(asked, 20, "an answer")
        return answers[0]

    def report(self, name, token=None, **query):
        answer = self.ask("/" + name, token, **({**RANGE, **query} if "at" not in query else query))
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json

    def refused(self, name, status=400, **query):
        answer = self.ask("/" + name, **query)
        assert answer.status == status, (answer.status, answer.body)
        return answer.json


@pytest.fixture(scope="module")
def reports(stack):
    past = Past(stack, seed=20261122, tickets=400)
    asked = Reports(stack, past)
    until(lambda: asked.report("volume", cut="none")["rows"][0]["tickets"] == 400, 60, "the past to be told")
    yield asked
    past.close()


@pytest.fixture(scope="module")
def past(reports):
    return reports.past


def cells(report, *names):
    return sorted((tuple(row[name] for name in names) for row in report["rows"]), key=repr)


def near(told, exact):
    return told == exact if exact is None or told is None else abs(told - exact) <= ERROR * exact + 1e-6


def instant(text):
    return datetime.fromisoformat(text)


# -- figures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("zone", [SHANGHAI, NEW_YORK])
def test_arrivals_are_cut_where_the_local_clock_turns_also_where_it_is_put_back(reports, past, cut, zone):
    query = {"from": "2026-10-20", "to": "2026-11-10"} if cut == "hour" else {}
    report = reports.report("volume", cut=cut, time_zone=zone, by="channel", limit=10000, **query)
    low, high = instant(report["from"]), instant(report["to"])
    # An hour that comes twice is two: those are cut by the instant.
    part = "date_trunc('hour', created)" if cut == "hour" else f"date_trunc('{cut}', created AT TIME ZONE '{zone}') AT TIME ZONE '{zone}'"
    wanted = past.rows(f"SELECT {part}, channel, count(*), count(DISTINCT requester_id) FROM facts"
                       " WHERE created >= %s AND created < %s GROUP BY 1, 2", low, high)
    told = [(instant(r["time"]), r["channel"], r["tickets"], r["requesters"]) for r in report["rows"]]
    assert sorted(told) == sorted((at, *rest) for at, *rest in wanted) and len(told) > 3


def test_a_trend_has_no_holes_and_its_parts_make_the_whole(reports):
    report = reports.report("volume", time_zone=NEW_YORK)
    assert sum(row["tickets"] for row in report["rows"]) == report["total"]["tickets"]
    assert len(report["rows"]) == (datetime(2026, 11, 22) - datetime(2026, 9, 1)).days
    assert {row["time"][11:] for row in report["rows"]} == {"00:00:00-04:00", "00:00:00-05:00"}


def test_top_categories_stand_beside_those_of_the_period_before(reports, past):
    report = reports.report("categories", **{"from": "2026-10-20", "to": "2026-11-10", "limit": 3})
    assert report["compared_with"]["from"].startswith("2026-09-29T00:00:00")
    def counts(low, high):
        return dict(past.rows("SELECT category, count(*) FROM facts WHERE (created AT TIME ZONE 'Asia/Shanghai')::date >= %s"
                              " AND (created AT TIME ZONE 'Asia/Shanghai')::date < %s GROUP BY 1", low, high))
    now, before = counts("2026-10-20", "2026-11-10"), counts("2026-09-29", "2026-10-20")
    assert [row["tickets"] for row in report["rows"]] == sorted(now.values(), reverse=True)[:3]
    for row in report["rows"]:
        assert (row["tickets"], row["tickets_before"]) == (now[row["category"]], before.get(row["category"], 0))
        if row["tickets_before"]:
            assert abs(row["tickets_change"] - (row["tickets"] / row["tickets_before"] - 1)) < 0.002
    assert report["others"][0]["tickets"] == sum(now.values()) - sum(row["tickets"] for row in report["rows"])
    assert report["others_series"] == len(now) - 3
    assert (report["total"]["tickets"], report["total"]["tickets_before"]) == (sum(now.values()), sum(before.values()))


@pytest.mark.parametrize("by, column", [("metric", "p.metric"), ("tier", "f.tier"), ("last_group,metric", "f.last_group, p.metric")])
def test_promises_kept_and_broken_are_those_of_the_ledger(reports, past, by, column):
    report = reports.report("sla", by=by)
    keys = ["last_group_id", "metric"] if "," in by else [by]
    wanted = past.rows(f"SELECT {column}, count(*), count(*) FILTER (WHERE p.kept), count(*) FILTER (WHERE NOT p.kept)"
                       f" FROM promises p JOIN facts f USING (ticket_id) GROUP BY {column}")
    assert cells(report, *keys, "promises", "kept", "broken") == sorted(wanted, key=repr)
    for row in report["rows"]:
        assert abs(row["kept_share"] - row["kept"] / (row["kept"] + row["broken"])) < 1e-5


WORKS = """
SELECT a.place, count(*){own}, sum(a.worked)::bigint, sum(a.held)::bigint,
       avg((f.reopenings > 0)::int) FILTER (WHERE f.solved IS NOT NULL), avg((f.satisfaction = 'good')::int) FILTER (WHERE f.satisfaction <> ''),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY f.to_reply), percentile_disc(0.5) WITHIN GROUP (ORDER BY f.to_resolved),
       (SELECT count(*) FROM facts o WHERE o.status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold') AND o.{holder} = a.place)
FROM {passages} a JOIN facts f USING (ticket_id) GROUP BY 1"""


@pytest.mark.parametrize("name, passages, key, holder, own", [
    ("agents", "agent_passages", "passed_agent_id", "assignee_id", ", sum(a.replies)::bigint, sum(a.touches)::bigint"),
    ("departments", "group_passages", "passed_group_id", "group_id", "")])
def test_agents_and_departments_have_done_what_the_ledger_says(reports, past, name, passages, key, holder, own):
    report = reports.report(name)
    wanted = {row[0]: row[1:] for row in past.rows(WORKS.format(own=own, passages=passages, holder=holder))}
    exact = ["tickets"] + (["replies", "touches"] if own else []) + ["worked", "held"]
    assert {row[key] for row in report["rows"]} == set(wanted)
    for row in report["rows"]:
        *sums, reopened, good, reply, resolved, load = wanted[row[key]]
        assert [row[column] for column in exact] == sums and row["open_now"] == load
        assert abs(row["reopened_share"] - float(reopened)) < 1e-5 and abs(row["good_share"] - float(good)) < 1e-5
        assert near(row["to_reply_p50"], reply) and near(row["to_resolved_p50"], resolved)
    assert report["percentile_error"] <= 0.01


def test_the_backlog_of_an_instant_is_what_was_open_then_by_its_age(reports, past):
    report = reports.report("backlog", at="2026-11-01T00:00", by="age_class")
    wanted = past.rows("""SELECT width_bucket(extract(epoch FROM timestamptz '2026-11-01 00:00+08' - created),
            ARRAY[3600, 14400, 28800, 86400, 172800, 259200, 604800, 1209600, 2592000, 7776000]), count(*) FROM facts
        WHERE created <= '2026-11-01 00:00+08' AND (resolved IS NULL OR resolved > '2026-11-01 00:00+08') GROUP BY 1 ORDER BY 1""")
    names = ["<1h", "1h-4h", "4h-8h", "8h-1d", "1d-2d", "2d-3d", "3d-7d", "7d-14d", "14d-30d", "30d-90d", ">90d"]
    assert [(row["age_class"], row["tickets"]) for row in report["rows"]] == [(names[place], n) for place, n in wanted]
    now = reports.ask("/backlog", by="last_group").json
    assert cells(now, "last_group_id", "tickets") == sorted(past.rows(
        "SELECT last_group, count(*) FROM facts WHERE status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold') GROUP BY 1"), key=repr)


def test_stages_are_a_funnel_and_waiting_is_what_was_held_and_not_worked_on(reports, past):
    wanted = {row[0]: row[1:] for row in past.rows(
        "SELECT stage, count(*), sum(entered)::bigint, sum(time)::bigint, percentile_disc(0.5) WITHIN GROUP (ORDER BY time),"
        " percentile_disc(0.9) WITHIN GROUP (ORDER BY time) FROM stages GROUP BY 1")}
    for row in reports.report("stages")["rows"]:
        n, entered, time, half, most = wanted[row["stage"]]
        assert (row["tickets"], row["entered"], row["time"]) == (n, entered, time), row
        assert near(row["time_p50"], half) and near(row["time_p90"], most)
    report = reports.report("waiting")
    assert cells(report, "passed_group_id", "tickets", "waited", "worked") == sorted(past.rows(
        "SELECT place, count(*), sum(held - worked)::bigint, sum(worked)::bigint FROM group_passages GROUP BY 1"), key=repr)
    assert {row["stage"] for row in report["sections"][0]["rows"]} == set(wanted)


def test_satisfaction_comes_with_the_words_that_were_written(reports, past):
    report = reports.report("satisfaction")
    assert cells(report, "last_group_id", "good", "bad") == sorted(past.rows(
        "SELECT last_group, count(*) FILTER (WHERE satisfaction = 'good'), count(*) FILTER (WHERE satisfaction = 'bad')"
        " FROM facts WHERE rated IS NOT NULL GROUP BY 1"), key=repr)
    comments, = report["sections"]
    wanted = past.rows("SELECT ticket_id, satisfaction, note FROM facts WHERE note IS NOT NULL ORDER BY date_trunc('second', rated) DESC,"
                       " ticket_id LIMIT 100")
    assert sorted((row["ticket_id"], row["satisfaction"], row["comment"]) for row in comments["rows"]) == sorted(wanted)
    assert [row["time"] for row in comments["rows"]] == sorted((row["time"] for row in comments["rows"]), reverse=True)


def test_one_touch_transfers_cost_and_the_hours_of_the_week(reports, past):
    assert cells(reports.report("one_touch"), "category_top", "tickets", "resolved", "one_touch") == sorted(past.rows(
        "SELECT category_top, count(*), count(resolved), count(*) FILTER (WHERE one_touch) FROM facts GROUP BY 1"), key=repr)
    assert cells(reports.report("transfers"), "moved_from_id", "moved_to_id", "transfers", "tickets") == sorted(past.rows(
        "SELECT from_group, to_group, sum(times)::bigint, count(*) FROM moves GROUP BY 1, 2"), key=repr)
    for row in reports.report("cost", by="priority")["rows"]:
        (worked,), = past.rows("SELECT sum(worked)::bigint FROM facts WHERE priority = %s", row["priority"])
        assert row["worked"] == worked and abs(row["cost"] - worked / 3600 * 90) < 0.01
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    report = reports.report("arrivals", time_zone=NEW_YORK)
    assert cells(report, "weekday", "hour", "tickets") == sorted(((days[int(day) - 1], int(hour), n) for day, hour, n in past.rows(
        "SELECT extract(isodow FROM created AT TIME ZONE 'America/New_York'), extract(hour FROM created AT TIME ZONE 'America/New_York'),"
        " count(*) FROM facts GROUP BY 1, 2")), key=repr)
    forecast, = report["sections"]
    assert len(forecast["rows"]) == 7 * 24 and all(row["low"] <= row["expected"] <= row["high"] for row in forecast["rows"])
    assert any(row["agents"] and row["agents"] >= 1 for row in forecast["rows"])


DIMENSIONS = {"channel": "channel", "kind": "kind", "category": "category", "category_top": "category_top", "region": "region", "tier": "tier",
              "product": "product", "priority": "priority", "status": "status", "satisfaction": "satisfaction", "last_group": "last_group"}
FILTERS = [
    ({"category": "退款"}, "(category = '退款' OR category LIKE '退款/%%')"), ({"category!": "退款"}, "NOT (category = '退款' OR category LIKE '退款/%%')"),
    ({"channel": "web,app"}, "channel IN ('web', 'app')"), ({"channel!": "web"}, "channel <> 'web'"), ({"region": ""}, "region = ''"),
    ({"replies": "1..2"}, "replies BETWEEN 1 AND 2"), ({"touches": "4.."}, "touches >= 4"), ({"to_reply": "..7200"}, "to_reply <= 7200"),
    ({"reopened": "true"}, "reopenings > 0"), ({"one_touch": "false"}, "NOT one_touch"), ({"open": "true"}, "resolved IS NULL"),
    ({"priority": "high,urgent"}, "priority IN ('high', 'urgent')"), ({"status": "closed"}, "status = 'closed'"),
    ({"last_group": "物流组"}, "last_group = {物流}"), ({"requester": "9001,9002,9003,9010"}, "requester_id IN (9001, 9002, 9003, 9010)"),
    ({"solved": "2026-10-01..2026-11-01"}, "solved >= '2026-10-01 00:00+08' AND solved < '2026-11-01 00:00+08'"),
    ({"category": "开票\\, \"增值税\""}, "category = '开票, \"增值税\"'"), ({"rated": "true"}, "rated IS NOT NULL"),
]


@pytest.mark.parametrize("seed", range(3))
def test_any_two_dimensions_with_any_filters_are_the_same_question_in_sql(reports, past, seed):
    dice = random.Random(seed)
    for _ in range(12):
        by = dice.sample(sorted(DIMENSIONS), dice.randrange(3))
        chosen = dice.sample(FILTERS, dice.randrange(4))
        query = {name: value for filters, _ in chosen for name, value in filters.items()}
        time = dice.choice(["created", "solved", "resolved", "replied"])
        conditions = [f"{time} >= '2026-09-01 00:00+08' AND {time} < '2026-11-22 00:00+08'"]
        conditions += [condition.format(**past.ids) for filters, condition in chosen if all(query[name] == value for name, value in filters.items())]
        report = reports.report("volume", cut="none", by=",".join(by) or "none", time=time, limit=10000,
                                measures="tickets,requesters,sum:touches,avg:to_reply,p90:to_resolved,n:to_resolved,max:replies", **query)
        columns = "".join(f"{DIMENSIONS[name]}, " for name in by)
        wanted = {row[:len(by)]: row[len(by):] for row in past.rows(
            f"SELECT {columns} count(*), count(DISTINCT requester_id), sum(touches)::bigint, avg(to_reply)::float8,"
            f" percentile_disc(0.9) WITHIN GROUP (ORDER BY to_resolved), count(to_resolved), max(replies) FROM facts WHERE {' AND '.join(conditions)}"
            + (f" GROUP BY {columns[:-2]}" if by else ""))}
        told = {tuple(row[name + "_id" if name == "last_group" else name] for name in by): row for row in report["rows"]}
        assert {tuple(key or None for key in keys) for keys in wanted} == set(told), (by, query)
        for keys, (n, people, touches, reply, late, having, most) in wanted.items():
            row = told[tuple(key or None for key in keys)]
            assert (row["tickets"], row["requesters"], row["sum:touches"] or 0, row["n:to_resolved"]) == (n, people, touches or 0, having), (by, query)
            assert (row["max:replies"] if n else None) == most and near(row["p90:to_resolved"], late)
            assert row["avg:to_reply"] is reply is None or abs(row["avg:to_reply"] - reply) < 0.01


# -- who may -----------------------------------------------------------------------------------------------------------


def test_an_agent_sees_what_she_reaches_and_a_lead_the_whole_and_a_customer_nothing(reports, past):
    shop = past.shop
    an = reports.report("volume", token=shop.user("an"), cut="none", by="last_group")
    assert an["narrowed"] and cells(an, "last_group_id", "tickets") == sorted(past.rows(
        "SELECT last_group, count(*) FROM facts WHERE group_id = %s OR assignee_id = %s GROUP BY 1", past.ids["售后"], past.ids["an"]), key=repr)
    comments = reports.report("satisfaction", token=shop.user("an"))["sections"][0]["rows"]
    reached = {row[0] for row in past.rows("SELECT ticket_id FROM facts WHERE group_id = %s OR assignee_id = %s", past.ids["售后"], past.ids["an"])}
    assert comments and {row["ticket_id"] for row in comments} <= reached
    lead = reports.report("volume", token=shop.desk.token("lead"), cut="none")
    assert not lead["narrowed"] and lead["rows"][0]["tickets"] == 400
    assert reports.report("satisfaction", token=shop.desk.token("lead"))["sections"][0]["rows"] == []  # of no group itself
    assert reports.ask("/volume", token=shop.desk.token("customer")).status == 403
    assert reports.ask("/volume", token="").status == reports.ask("/volume", token="dkt_wrong").status == 401


def test_a_program_may_what_its_scopes_say_and_nobody_sees_another_tenant(stack, reports, past):
    made = stack.docket("token", "create", "--tenant", past.shop.tenant.name, "--role", "administrator", "--scopes", "tickets:create")
    assert reports.ask("/volume", token=made.stdout.split()[-1]).status == 403
    stranger = stack.tenant("settings: {default_group: 售后}\ngroups: [{name: 售后}]\n")
    token = stack.docket("token", "create", "--tenant", stranger.name, "--role", "administrator").stdout.split()[-1]
    for name in ["volume", "agents", "sla", "transfers", "satisfaction", "stages", "arrivals"]:
        report = reports.report(name, token=token)
        assert sum(row.get("tickets") or 0 for row in report["rows"]) == 0


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, status, field, words, query", [
    ("volum", 404, "name", "volume", {}),
    ("volume", 400, "by", "channel", {"by": "chanel"}), ("volume", 400, "by", "two", {"by": "channel,region,tier"}),
    ("volume", 400, "chanel", "channel", {"chanel": "web"}), ("volume", 400, "held", "number", {"held": "2.."}),
    ("volume", 400, "measures", "tickets", {"measures": "tikets"}), ("volume", 400, "measures", "p50", {"measures": "p101:to_reply"}),
    ("volume", 400, "from", "before", {"from": "2026-11-02", "to": "2026-11-01"}), ("volume", 400, "to", "without end", {"from": "2026-11-01"}),
    ("volume", 400, "from", "20 years", {"from": "1980-01-01", "to": "2026-01-01"}), ("volume", 400, "from", "instant", {"from": "1.11.", "to": "now"}),
    ("volume", 400, "cut", "cut=day", {"from": "2016-11-01", "to": "2026-11-01", "cut": "minute"}),
    ("volume", 400, "cut", "cut=day", {"from": "2016-11-01", "to": "2026-11-01", "cut": "hour"}),
    ("volume", 400, "time_zone", "Asia/Shanghai", {"time_zone": "Asia/Shanghia"}), ("volume", 400, "limit", "10000", {"limit": "0"}),
    ("volume", 400, "limit", "10000", {"limit": "many"}), ("volume", 400, "replies", "range", {"replies": "5..2"}),
    ("volume", 400, "last_group", "unknown", {"last_group": "没有"}), ("volume", 400, "format", "csv", {"format": "xls"}),
    ("volume", 400, "reopened", "true", {"reopened": "perhaps"}), ("stages", 400, "by", "stages", {"by": "channel"})])
def test_what_cannot_be_answered_is_refused_with_field_reason_and_remedy(reports, name, status, field, words, query):
    problem = reports.refused(name, status, **query)
    assert problem["field"] == field and problem["reason"] and problem["remedy"]
    assert words in problem["detail"], problem


def test_a_parameter_twice_is_refused(reports):
    answer = request("GET", reports.url + "/api/v1/reports/volume?by=channel&by=tier", headers={"Authorization": f"Bearer {reports.token}"})
    assert answer.status == 400 and answer.json["field"] == "by" and "twice" in answer.json["reason"]


# -- how it is written -------------------------------------------------------------------------------------------------


def test_csv_is_what_the_json_says_with_formulas_made_harmless(reports):
    report = reports.report("volume", cut="none", by="category")
    answer = reports.ask("/volume", **RANGE, cut="none", by="category", format="csv", bom="1")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers["content-type"] == "text/csv; charset=utf-8" and answer.body.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))
    assert lines[0] == [column["name"] for column in report["columns"]]
    plain = [["" if value is None else str(value) for value in row.values()] for row in report["rows"]]
    assert [[cell.lstrip("'") for cell in line] for line in lines[1:]] == plain
    assert any(line[0].startswith("'=cmd|") for line in lines) and not any(line[0].startswith("=") for line in lines)
    comments = reports.ask("/satisfaction", **RANGE, format="csv", section="comments").body.decode()
    assert "'=HYPERLINK(\"\"http://x\"\")" in comments and "\r\n" in comments


def test_the_operators_tool_shows_a_table_and_passes_on_json_and_csv(stack, reports):
    environment = {"DOCKET_ANALYTICS_URL": reports.url, "DOCKET_TOKEN": reports.token}
    def docket(*words, check=True):
        return stack.docket("report", *words, environment=environment, check=check)
    table = docket("volume", "--from", "2026-09-01", "--to", "2026-11-22", "--cut", "none", "--by", "channel", "--where", "tier=vip").stdout
    assert "工单量与趋势 Volume and trend" in table and "█" in table and "合计 total" in table and "\x1b" not in table
    wanted = reports.report("volume", cut="none", by="channel", tier="vip")
    assert json.loads(docket("volume", "--from", "2026-09-01", "--to", "2026-11-22", "--cut", "none", "--by", "channel", "--where", "tier=vip",
                             "--json").stdout)["rows"] == wanted["rows"]
    assert docket("volume", "--csv", "--cut", "day").stdout.startswith("time,tickets,requesters,resolved")
    assert "从＼到" in docket("transfers", "--from", "2026-09-01", "--to", "2026-11-22").stdout
    assert "volume" in docket().stdout
    wrong = docket("volume", "--by", "chanel", check=False)
    assert wrong.returncode == 2 and "channel" in wrong.stderr


def test_every_route_is_documented_and_every_answer_is_what_the_document_says(reports):
    import jsonschema
    routes = subprocess.run([BUILD / "bin/docket-analytics", "--routes"], capture_output=True, text=True, check=True, timeout=20).stdout
    there = {line.split()[1] for line in routes.splitlines()}
    documented = {re.sub(r"\{(?!name\})\w+\}", "{name}", path) for path in DOCUMENT["paths"]}
    assert documented == there, (f"not documented: {sorted(there - documented)}\ndocumented, but not there: {sorted(documented - there)}")
    DOCUMENT.check()
    listed = reports.ask().json

    def check(schema, value):
        tree = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(tree).validate(value)
    check("ReportList", listed)
    for entry in listed["reports"]:
        check("Report", reports.report(entry["name"]))
    check("Problem", reports.refused("nothing", 404))
