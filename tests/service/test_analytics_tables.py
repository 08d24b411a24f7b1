"""The tables in memory that reports are read from hold what analytics.tickets says, whoever wrote it."""
import pytest

from harness.promises import is_ready, metrics_of
from harness.stack import until

WAIT = 60


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant()


def held(stack):
    return int(metrics_of(stack, "analytics-1")["docket_analytics_table_tickets"])


def kept(stack, tenant=None):
    return stack.sql("SELECT count(*) FROM analytics.tickets WHERE %s IN (0, tenant_id)", tenant.number if tenant else 0)[0][0]


def settled(stack):
    until(lambda: held(stack) == kept(stack), WAIT, "the tables to hold what is kept")


def placed(stack, tenant, n):
    """So many tickets more, with figures."""
    before = kept(stack, tenant)
    tickets = [tenant.create(text="请问怎么用") for _ in range(n)]
    until(lambda: kept(stack, tenant) == before + n, WAIT, "their figures to be kept")
    return tickets


def changed(stack, tenant, tickets):
    """As another process that kept something says it; None: all of the tenant's figures are gone."""
    stack.sql("""WITH one AS (UPDATE analytics.partitions SET change = change + 1
                              WHERE partition = (SELECT partition FROM analytics.tickets WHERE tenant_id = %s LIMIT 1) RETURNING *)
                 INSERT INTO analytics.changes (tenant_id, partition, change, ticket_ids) SELECT %s, partition, change, %s::bigint[]
                 FROM one RETURNING 1""", tenant.number, tenant.number, tickets, admin=True)


def test_what_is_kept_here_is_in_the_tables_at_once_and_after_a_restart(stack, tenant):
    placed(stack, tenant, 5)
    settled(stack)
    stack.stop("analytics-1")
    stack.start("analytics-1")
    until(lambda: is_ready(stack, "analytics-1"), WAIT, "it to be ready again")
    settled(stack)


def test_what_others_keep_comes_by_the_changes(stack, tenant):
    placed(stack, tenant, 3)
    settled(stack)
    stack.sql("""INSERT INTO analytics.tickets (tenant_id, ticket_id, partition, seq, revision, sheet)
                 SELECT tenant_id, 1, partition, seq, revision, sheet FROM analytics.tickets WHERE tenant_id = %s LIMIT 1 RETURNING 1""",
              tenant.number, admin=True)
    try:
        assert held(stack) < kept(stack)
        changed(stack, tenant, [1])
        settled(stack)
    finally:
        stack.sql("DELETE FROM analytics.tickets WHERE tenant_id = %s AND ticket_id = 1 RETURNING 1", tenant.number, admin=True)
    changed(stack, tenant, None)
    until(lambda: held(stack) == kept(stack) - kept(stack, tenant), WAIT, "the tenant's tickets to be gone")
    changed(stack, tenant, [row[0] for row in stack.sql("SELECT ticket_id FROM analytics.tickets WHERE tenant_id = %s", tenant.number)])
    settled(stack)


def test_changes_that_were_missed_make_it_read_everything_again(stack, tenant):
    tickets = placed(stack, tenant, 2)
    settled(stack)
    pages = metrics_of(stack, "analytics-1")["docket_analytics_table_pages_total"]
    stack.sql("UPDATE analytics.partitions SET change = change + 3 WHERE partition = (SELECT partition FROM analytics.tickets"
              " WHERE tenant_id = %s LIMIT 1) RETURNING 1", tenant.number, admin=True)
    changed(stack, tenant, tickets)
    until(lambda: metrics_of(stack, "analytics-1")["docket_analytics_table_pages_total"] > pages, WAIT, "the pages to be read again")
    settled(stack)
    placed(stack, tenant, 1)  # whoever keeps goes on behind it
    settled(stack)
