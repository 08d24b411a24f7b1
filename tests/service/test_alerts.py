"""Alerts and dashboard: promtool finds nothing wrong, each alert does what it says, and every figure they ask for is exported by
the services that run."""
import json
import re
import subprocess

import pytest
import yaml

from harness.stack import REPOSITORY, request, until

FOLDER = REPOSITORY / "deploy/prometheus"
RULES = FOLDER / "docket.rules.yml"
NAME = re.compile(r"\bdocket_[a-z_]+")
SERVICES = ("intake", "router", "desk", "sla", "notifier", "analytics")


def promtool(*words):
    run = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((REPOSITORY / "deploy/grafana/docket.json").read_text())


def expressions():
    """Where it stands, and the expression."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_promtool_finds_nothing_wrong():
    promtool("check", "rules", RULES)
    promtool("check", "config", "--syntax-only", FOLDER / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_only_then():
    promtool("test", "rules", FOLDER / "docket.rules.test.yml")


def test_each_alert_says_what_happened_what_to_do_and_how_urgent_it_is():
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert len(rule["annotations"]["summary"]) > 10 and len(rule["annotations"]["action"]) > 10, rule["alert"]


def test_each_alert_has_a_test():
    tested = (FOLDER / "docket.rules.test.yml").read_text()
    untested = {rule["alert"] for rule in rules() if rule["alert"] not in tested}
    assert untested <= {"DocketLoopLate", "DocketDeskListsBehind", "DocketNotifierBehind", "DocketNobodyHasRoom", "DocketClockMoved",
                        "DocketNotificationsRefused", "DocketPublishRetries"}


def test_expressions_of_the_dashboard_are_such(tmp_path):
    made = [{"record": f"panel:{i}", "expr": expr.replace("$__rate_interval", "5m")} for i, (_, expr) in enumerate(expressions())]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": made}]}, allow_unicode=True))
    promtool("check", "rules", file)
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in dashboard()["panels"]]
    assert len(set(places)) == len(places) and len({p["id"] for p in dashboard()["panels"]}) == len(places)


def asked_for():
    """Every metric's name, with where it is asked for. A pattern of names is each name in it."""
    found = {}
    for where, expr in expressions():
        for pattern in re.findall(r'__name__=~"([^"]*)"', expr):
            for alternative in re.sub(r"docket_\(([^)]*)\)(\w+)",
                                      lambda m: "|".join(f"docket_{one}{m[2]}" for one in m[1].split("|")), pattern).split("|"):
                found.setdefault(alternative, where)
        for name in NAME.findall(re.sub(r'"[^"]*"', '""', expr)):
            found.setdefault(re.sub(r"_(bucket|sum|count)$", "", name), where)
    return found


@pytest.fixture(scope="module")
def exported(stack):
    """Names of the metrics that the services show, once a ticket has come and been assigned."""
    tenant = stack.tenant("settings: {default_group: a}\ngroups: [{name: a}]\nagents: [{name: x, groups: [a], capacity: 1, duty: on}]")
    tenant.stored(tenant.create())

    def names():
        ports = dict(line.split()[:2] for line in (stack.home / "ports").read_text().splitlines())
        pages = [request("GET", f"http://127.0.0.1:{port}/metrics").body.decode() for name, port in ports.items()
                 if name.endswith("-ops") and name.split("-")[0] in SERVICES and stack.state(name[:-4])]
        return set(re.findall(r"^# TYPE (\S+)", "\n".join(pages), re.M))

    # What is of a group is shown from the first look at Redis on.
    return until(lambda: (lambda n: n if "docket_router_waiting_tickets" in n else None)(names()), 60, "figures of a group")


def test_every_metric_that_is_asked_for_is_exported(exported):
    wanted = asked_for()
    assert len(wanted) > 40
    missing = {name: where for name, where in wanted.items() if name not in exported}
    assert missing == {}
