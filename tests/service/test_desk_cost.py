"""No list and no count of the desk costs more because many tickets are closed: the same questions, a thousand closed tickets and
thirty thousand, and how many rows PostgreSQL reads for each; with plans made for the values, and with plans made for any."""
import subprocess

import pytest

from harness.postgres import BUILD, Postgres

OPEN, LATER = 300, 30000
AGENT, OURS, THEIRS = 3001, 1001, 1002


def tickets(pg, first, n, status, ours=10):
    """n tickets of which every `ours`th is of the agent's group; every 700th is assigned to her."""
    pg.sql("""INSERT INTO ticket.tickets (tenant_id, id, version, status, priority, kind, category, channel, group_id, assignee_id,
            requester_id, source_id, subject, description, skills, tags, tier, region, order_ref, product, batch, device, language,
            external_id, custom_fields, created_at, updated_at)
        SELECT 1, i, 3, %s, 'normal', '咨询', '其他', 'web', CASE WHEN i %% %s = 0 THEN %s ELSE %s END,
            CASE WHEN i %% 700 = 3 THEN %s WHEN i %% 2 = 0 THEN 5 END, 6 + i %% 40, 7, 's', 'd', '{}', '{}', '', '', '', '', '', '',
            'zh', 'x' || i %% 50, '{"level": "1"}', now() - (9999999 - i) * interval '1 s', now() - (9999999 - i) * interval '1 s'
        FROM generate_series(%s, %s) i""", status, ours, OURS, THEIRS, AGENT, first, first + n - 1)
    ids = f"SELECT array_agg(1::bigint), array_agg(i) FROM generate_series({first}::bigint, {first + n - 1}) i"
    pg.sql(f"SELECT desk.follow(a.t, a.i) FROM ({ids}) a(t, i)")
    pg.sql("ANALYZE ticket.tickets; ANALYZE desk.ticket_index; ANALYZE desk.counters")


@pytest.fixture(scope="module")
def pg():
    running = Postgres()
    try:
        running.sql("INSERT INTO docket.tenants (name) VALUES ('a')")
        tickets(running, 100000, 1000, "closed")
        tickets(running, 400000, OPEN, "assigned")
        yield running
    finally:
        running.remove()


def costs(pg, user, plan):
    run = subprocess.run([BUILD / "tests" / "listing_driver", pg.url("docket_desk"), "1", str(user), str(OURS), plan], text=True,
                         capture_output=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    return {name: (int(shown), int(rows), end) for name, shown, rows, end in (line.split() for line in run.stdout.splitlines())}


@pytest.fixture(scope="module")
def measured(pg):
    """(user, plan) -> question -> before and after the years."""
    cases = [(user, plan) for user in (0, AGENT) for plan in ("force_custom_plan", "force_generic_plan")]
    few = {case: costs(pg, *case) for case in cases}
    tickets(pg, 200000, LATER, "closed")
    return {case: (few[case], costs(pg, *case)) for case in cases}


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
def test_who_reaches_everything_pays_for_a_page_not_for_the_years(measured, plan):
    few, many = measured[0, plan]
    # nothing fits: ten rounds to the walk's end, each looked at, read, and asked where it was
    walked = {"done-custom": 10 * 3 * 2000, "count-done-custom": 10 * 4 * 2000}
    for name, (_, rows, _) in many.items():
        assert rows <= walked.get(name, few[name][1] * 1.3 + 600), (name, few[name], many[name])
    assert many["done"][0] == many["done-page-3"][0] == 50 and many["every-by-updated"][0] == 50
    assert many["count-done"][0] == 1000 + LATER and many["count-done"][2] == "end"
    assert many["count-every"][0] == 1000 + LATER + OPEN
    assert many["done-custom"][2] == "more" and many["count-done-custom"][2] == "more"


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
def test_who_reaches_one_group_pays_no_more(measured, plan):
    few, many = measured[AGENT, plan]
    for name, (shown, rows, _) in many.items():
        bound = 25000 if "every" in name or name in ("requested", "external", "assigned") else few[name][1] * 1.3 + 1600
        if "custom" in name:
            bound = 10 * 3 * 2000  # ten rounds at most, whatever is closed
        assert rows <= bound, (name, few[name], many[name])
    assert many["done"][0] == 50  # her group's own, found by its index
    hers = sum(1 for first, n in ((100000, 1000), (200000, LATER)) for i in range(first, first + n) if i % 10 == 0 or i % 700 == 3)
    assert many["count-done"][0] == hers and many["count-done"][2] == "end"
    assert many["unsolved"][0] == OPEN // 10 + sum(1 for i in range(400000, 400000 + OPEN) if i % 700 == 3)
