"""What the rights say of a ticket in C, they say in SQL: every subject against every ticket, by brute force."""
import json
import re
import subprocess

import pytest

from harness.postgres import BUILD

TICKETS, SUBJECTS = 400, 400


@pytest.mark.parametrize("seed", [1, 2])
def test_reach_in_sql_is_reach_in_c(server, seed):
    told = subprocess.run([BUILD / "tests" / "rights_driver", str(seed), str(TICKETS), str(SUBJECTS)], text=True,
                          capture_output=True, check=True).stdout.splitlines()
    tickets, subjects = ([json.loads(line) for line in part] for part in (told[:TICKETS], told[TICKETS:]))
    assert len(subjects) == SUBJECTS
    connection = server.connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TEMP TABLE t (n serial, tenant_id bigint, group_id bigint, assignee_id bigint,"
                   " requester_id bigint, kind text, category text, region text)")
    for tenant, group, assignee, requester, *texts in tickets:
        cursor.execute("INSERT INTO t (tenant_id, group_id, assignee_id, requester_id, kind, category, region)"
                       " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                       (tenant, group or None, assignee or None, requester, *texts))
    shapes, reached = set(), 0
    for subject in subjects:
        shapes.add(subject["sql"])
        values = {f"v{i}": value for i, value in enumerate(subject["values"], 1)}
        text = re.sub(r"\$(\d+)", r"%(v\1)s", subject["sql"].replace("%", "%%"))
        cursor.execute(f"SELECT n FROM t WHERE {text} ORDER BY n", values)
        got = {n for (n,) in cursor}
        assert got == {n for n, said in enumerate(subject["reaches"], 1) if said == "1"}, subject
        reached += len(got)
    connection.close()
    assert 10 <= len(shapes) <= 2 * 8 + 2  # what narrows, not who asks, makes the text
    assert 0.05 < reached / (TICKETS * SUBJECTS) < 0.6  # neither side says no, or yes, to everything
