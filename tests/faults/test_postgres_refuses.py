"""PostgreSQL says no: deadlock and serialization errors are repeated, one bad row is put aside alone, the rest goes on."""
import psycopg2
import pytest

from harness.stack import until
from harness.storm import Storm


@pytest.fixture
def trap(stack):
    """Makes inserts of tickets whose subject says so fail with an SQLSTATE, a number of times (-1: always)."""
    def admin(sql):
        connection = psycopg2.connect(stack.environment["DOCKET_POSTGRES_ADMIN"])
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    admin("""
        CREATE SEQUENCE IF NOT EXISTS public.trapped; GRANT USAGE ON SEQUENCE public.trapped TO PUBLIC;
        CREATE OR REPLACE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.subject LIKE 'TRAP %' AND (split_part(NEW.subject, ' ', 3)::int < 0
                OR nextval('public.trapped') <= split_part(NEW.subject, ' ', 3)::int) THEN
                RAISE EXCEPTION 'trapped' USING ERRCODE = split_part(NEW.subject, ' ', 2);
            END IF;
            RETURN NEW;
        END $$;
        CREATE OR REPLACE TRIGGER trap BEFORE INSERT ON ticket.tickets FOR EACH ROW EXECUTE FUNCTION public.trap();
        ALTER SEQUENCE public.trapped RESTART;""")
    yield admin
    admin("DROP TRIGGER trap ON ticket.tickets")


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_a_batch_that_must_be_repeated_is_repeated(stack, shop, trap, state):
    ticket = shop.create(subject=f"TRAP {state} 3", comment={"body": "b"})
    assert shop.stored(ticket, 30)
    stack.verify()


@pytest.mark.parametrize("state", ["22021", "23514"])
def test_one_row_that_can_never_be_stored_is_put_aside_alone(stack, shop, trap, state):
    storm = Storm(stack, shop, rate=150, seconds=4)
    until(lambda: storm.accepted_so_far() > 50, 30, "the surge to begin")
    poison = shop.create(subject=f"TRAP {state} -1", comment={"body": "b"})
    storm.finish()
    until(lambda: str(poison) in stack.docket("dead", "list").stdout, 30, "the poison in docket.dead")
    run = stack.docket("verify", "--accepted", storm.accepted, "--wait", "40", check=False)
    assert run.returncode == 1 and str(poison) in run.stdout  # an accepted ticket in docket.dead is a failure
    trap("DROP TRIGGER trap ON ticket.tickets")
    stack.docket("dead", "replay", "--all")
    assert shop.stored(poison, 30)
    stack.verify("--accepted", storm.accepted)
    trap("CREATE OR REPLACE TRIGGER trap BEFORE INSERT ON ticket.tickets FOR EACH ROW EXECUTE FUNCTION public.trap()")
