"""desk.follow() and its kin on a real PostgreSQL: whoever calls them, in whatever order and however often, the index says of each
ticket what its row says, and the counters are its sums."""
import random
import threading

import pytest

from harness.postgres import Postgres

TICKETS = 400


@pytest.fixture(scope="module")
def pg():
    running = Postgres()
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture
def tenants(pg):
    """Two fresh tenants with the same ticket ids."""
    found = []
    for _ in range(2):
        tenant = pg.sql("INSERT INTO docket.tenants (name) VALUES ('t' || nextval('config.entity_ids')) RETURNING tenant_id")[0][0]
        pg.sql("""INSERT INTO ticket.tickets (tenant_id, id, version, status, priority, kind, category, channel, group_id, assignee_id,
                requester_id, source_id, subject, description, skills, tags, tier, region, order_ref, product, batch, device, language,
                external_id, custom_fields, created_at, updated_at)
            SELECT %s, 100000 + i, 1, 'new', 'normal', '咨询', '', 'web', NULL, NULL, 6, 7, 's', 'd', '{}', '{}', '', '', '', '', '', '',
                'zh', '', '{}', now(), now() FROM generate_series(1, %s) i""", tenant, TICKETS)
        found.append(tenant)
    return found


def follow(cursor, tenants, tickets):
    cursor.execute("SELECT set_config('docket.tenants', %s::text, true)", ["{%s}" % ",".join(map(str, sorted(set(tenants))))])
    cursor.execute("SELECT desk.follow(%s::bigint[], %s::bigint[])", [tenants, tickets])
    return cursor.fetchone()[0]


def differences(pg, tenant):
    rows = pg.sql("""SELECT coalesce(t.id, i.ticket_id) FROM (SELECT * FROM ticket.tickets WHERE tenant_id = %s) t FULL JOIN
            (SELECT * FROM desk.ticket_index WHERE tenant_id = %s) i ON i.ticket_id = t.id
        WHERE (i.seq, i.status, nullif(i.group_id, 0), i.kind, i.updated_at) IS DISTINCT FROM
            (t.version, t.status, t.group_id, t.kind, t.updated_at)""", tenant, tenant)
    counts = pg.sql("""SELECT * FROM (SELECT status, coalesce(group_id, 0) AS g, kind, count(*) AS n FROM ticket.tickets
            WHERE tenant_id = %s GROUP BY 1, 2, 3) t FULL JOIN (SELECT status, group_id AS g, kind, sum(n) AS n FROM desk.counters
            WHERE tenant_id = %s GROUP BY 1, 2, 3 HAVING sum(n) <> 0) c USING (status, g, kind, n)
        WHERE NOT (t IS NOT NULL AND c IS NOT NULL)""", tenant, tenant)
    own = pg.sql("""SELECT * FROM (SELECT assignee_id, status, coalesce(group_id, 0) AS g, count(*) AS n FROM ticket.tickets
            WHERE tenant_id = %s AND assignee_id IS NOT NULL GROUP BY 1, 2, 3) t FULL JOIN (SELECT assignee_id, status, group_id AS g,
            sum(n) AS n FROM desk.own_counters WHERE tenant_id = %s GROUP BY 1, 2, 3 HAVING sum(n) <> 0) c
            USING (assignee_id, status, g, n) WHERE NOT (t IS NOT NULL AND c IS NOT NULL)""", tenant, tenant)
    return rows, counts + own


def test_many_at_once_in_any_order_end_in_the_same_figures(pg, tenants):
    """Four people change tickets, three followers hear of them late, early, twice or of others too; all of it at once."""
    seed = random.Random(7)
    troubles, stop = [], threading.Event()

    def change(number):
        dice = random.Random(number)
        connection = pg.connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            for _ in range(250):
                cursor.execute("""UPDATE ticket.tickets SET version = version + 1, status = %s, group_id = %s, kind = %s,
                        assignee_id = %s, updated_at = clock_timestamp() WHERE tenant_id = %s AND id = %s""",
                               [dice.choice(["new", "assigned", "solved", "closed"]), dice.choice([None, 11, 12]),
                                dice.choice(["咨询", "售后"]), dice.choice([None, 21, 22]), dice.choice(tenants), 100000 + dice.randint(1, TICKETS)])
        connection.close()

    def hear(number):
        dice = random.Random(number)
        connection = pg.connect("docket_desk")
        with connection.cursor() as cursor:
            while not stop.is_set():
                n = dice.choice([1, 5, 60])
                try:
                    follow(cursor, [dice.choice(tenants) for _ in range(n)], [100000 + dice.randint(1, TICKETS + 5) for _ in range(n)])
                    connection.commit()
                except Exception as trouble:  # noqa: BLE001 - any is a finding
                    connection.rollback()
                    troubles.append(str(trouble))
        connection.close()

    people = [threading.Thread(target=change, args=(seed.random(),)) for _ in range(4)]
    followers = [threading.Thread(target=hear, args=(seed.random(),)) for _ in range(3)]
    for thread in people + followers:
        thread.start()
    for thread in people:
        thread.join()
    stop.set()
    for thread in followers:
        thread.join()
    assert troubles == []  # the tenants' locks are taken in their order: nothing deadlocks
    with pg.connect("docket_desk") as connection, connection.cursor() as cursor:
        for tenant in tenants:
            follow(cursor, [tenant] * TICKETS, list(range(100001, 100001 + TICKETS)))
    for tenant in tenants:
        assert differences(pg, tenant) == ([], [])


def test_what_is_known_already_is_not_written_again(pg, tenants):
    with pg.connect("docket_desk") as connection, connection.cursor() as cursor:
        assert follow(cursor, [tenants[0]] * 3, [100001, 100002, 100001]) == 2
        assert follow(cursor, [tenants[0]] * 2, [100001, 100002]) == 0
        assert follow(cursor, [tenants[0], tenants[1]], [999999, 100001]) == 1
    assert pg.sql("SELECT sum(n) FROM desk.counters WHERE tenant_id = %s", tenants[0]) == [(2,)]


def test_a_follower_reaches_only_the_tenants_it_names(pg, tenants):
    with pg.connect("docket_desk") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('docket.tenants', %s, true)", ["{%d}" % tenants[0]])
        cursor.execute("SELECT desk.follow(%s::bigint[], %s::bigint[])", [[tenants[1]], [100001]])
        assert cursor.fetchone() == (0,)
    assert pg.sql("SELECT count(*) FROM desk.ticket_index WHERE tenant_id = %s", tenants[1]) == [(0,)]


def test_a_fill_reads_everything_a_page_at_a_time_and_again_when_events_were_lost(pg, tenants):
    connection = pg.connect("docket_desk")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('docket.tenants', %s, false)", ["{%d}" % tenants[0]])

        def fill():
            pages = 0
            while True:
                cursor.execute("SELECT desk.fill(%s, 100)", [tenants[0]])
                pages += 1
                if cursor.fetchone()[0]:
                    return pages
        assert fill() == TICKETS // 100 + 1
        assert differences(pg, tenants[0]) == ([], [])
        assert fill() == 1
        cursor.execute("SELECT tenant_id FROM desk.tenants_to_fill()")
        assert (tenants[0],) not in cursor.fetchall()
        pg.sql("UPDATE ticket.tickets SET version = version + 1, status = 'closed' WHERE tenant_id = %s AND id < 100100", tenants[0])
        cursor.execute("SELECT desk.fill_again(false)")
        assert fill() == TICKETS // 100 + 1
        assert differences(pg, tenants[0]) == ([], [])
    connection.close()


def test_counters_at_zero_are_swept_and_words_beyond_a_key_are_cut(pg, tenants):
    long = "清" * 255
    pg.sql("UPDATE ticket.tickets SET version = 2, kind = %s, category = %s, region = %s WHERE tenant_id = %s", long, long, long,
           tenants[0])
    with pg.connect("docket_desk") as connection, connection.cursor() as cursor:
        follow(cursor, [tenants[0]] * TICKETS, list(range(100001, 100001 + TICKETS)))
    pg.sql("UPDATE ticket.tickets SET version = 3, kind = '' WHERE tenant_id = %s", tenants[0])
    with pg.connect("docket_desk") as connection, connection.cursor() as cursor:
        follow(cursor, [tenants[0]] * TICKETS, list(range(100001, 100001 + TICKETS)))
        cursor.execute("SELECT desk.sweep_counters(1000)")
        assert cursor.fetchone()[0] >= 1
    assert pg.sql("SELECT n, length(region) FROM desk.counters WHERE tenant_id = %s", tenants[0]) == [(TICKETS, 120)]
