"""The desk's index and counters stay exact whatever happens to the desks that follow the events: `docket verify` compares them
with the tickets, each test ends in it."""
import pytest

from harness.stack import until
from harness.storm import Storm

from test_killed_mid_surge import some_accepted


@pytest.fixture
def two_desks(stack):
    stack.up("--desk", 2)
    return stack


def indexed(stack, shop):
    return stack.sql("SELECT count(*) FROM desk.ticket_index WHERE tenant_id = %s", shop.number)[0][0]


def counted(stack, shop):
    return stack.sql("SELECT coalesce(sum(n), 0)::bigint FROM desk.counters WHERE tenant_id = %s", shop.number)[0][0]


def proven(stack, shop, storm):
    storm.prove()
    tickets = stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s", shop.number)[0][0]
    assert tickets > 500 and indexed(stack, shop) == tickets and counted(stack, shop) == tickets


def test_figures_are_exact_though_each_desk_dies_between_effect_and_offset(two_desks, shop):
    stack = two_desks
    storm = Storm(stack, shop, rate=150, seconds=8)
    some_accepted(storm)
    for desk in ("desk-1", "desk-2"):
        stack.kill(desk)
        starting = stack.start_without_waiting(desk, DOCKET_CRASH="after-follow:die:3")
        until(lambda: stack.pid(desk) and stack.state(desk) in (None, "Z"), 30, f"{desk} to die behind its commit")
        starting.kill()  # or it would forget the next one's number
        starting.wait()
        stack.start(desk)
    proven(stack, shop, storm)


def test_figures_are_exact_though_a_desk_freezes_and_wakes_with_old_partitions(two_desks, shop):
    stack = two_desks
    storm = Storm(stack, shop, rate=100, seconds=14)
    some_accepted(storm)
    stack.pause("desk-1")
    # its partitions go to the other desk, which brings the index on
    seen = indexed(stack, shop)
    until(lambda: indexed(stack, shop) > seen + 800, 30, "the other desk to take over")
    stack.resume("desk-1")
    proven(stack, shop, storm)


@pytest.mark.parametrize("victim", ["kafka", "postgres"])
def test_figures_are_exact_though_a_server_goes_under_the_desks(two_desks, shop, victim):
    stack = two_desks
    storm = Storm(stack, shop, rate=150, seconds=8)
    some_accepted(storm)
    stack.kill(victim)
    stack.start(victim)
    proven(stack, shop, storm)


def test_a_rebuild_puts_right_what_somebody_broke_while_a_storm_goes_on(two_desks, shop):
    stack = two_desks
    storm = Storm(stack, shop, rate=150, seconds=8)
    some_accepted(storm)
    stack.sql("UPDATE desk.counters SET n = n + 3 WHERE tenant_id = %s", shop.number, admin=True)
    stack.sql("UPDATE desk.ticket_index SET region = 'nowhere', seq = seq + 7 WHERE tenant_id = %s AND ticket_id %% 3 = 0",
              shop.number, admin=True)
    stack.sql("DELETE FROM desk.ticket_index WHERE tenant_id = %s AND ticket_id %% 5 = 0", shop.number, admin=True)
    stack.sql("""INSERT INTO desk.ticket_index SELECT tenant_id, 5, seq, status, group_id, assignee_id, requester_id, kind, category,
        region, priority, external_id, created_at, updated_at, generated_at FROM desk.ticket_index WHERE tenant_id = %s LIMIT 1""",
              shop.number, admin=True)
    stack.docket("desk", "rebuild", "--tenant", shop.name)
    proven(stack, shop, storm)


def test_verify_names_what_the_index_and_the_counters_say_wrongly(stack, shop):
    shop.stored(shop.create())
    stack.verify()
    stack.sql("UPDATE desk.counters SET n = n + 1 WHERE tenant_id = %s", shop.number, admin=True)
    stack.sql("UPDATE desk.ticket_index SET region = 'nowhere' WHERE tenant_id = %s", shop.number, admin=True)
    run = stack.docket("verify", "--wait", 30, check=False)
    assert run.returncode == 1
    assert "another state, place, person or word" in run.stdout and "counter 2, tickets 1" in run.stdout
    stack.docket("desk", "rebuild", "--tenant", shop.name)
    stack.verify()


def test_a_desk_that_starts_late_has_every_ticket(stack, shop):
    stack.kill("desk-1")
    if stack.pid("desk-2") and stack.state("desk-2"):
        stack.kill("desk-2")
    ticket = shop.create()
    shop.stored(ticket)
    # as if Kafka had forgotten its events: the index row goes, the tenant was never read
    stack.sql("DELETE FROM desk.fills WHERE tenant_id = %s", shop.number, admin=True)
    stack.start("desk-1")
    until(lambda: stack.sql("SELECT done FROM desk.fills WHERE tenant_id = %s", shop.number) == [(True,)], 20, "its tickets to be read")
    assert indexed(stack, shop) == 1
    stack.verify()
