"""libcommon/store against a real PostgreSQL: what becomes of a submission, whoever else is writing."""
import concurrent.futures
import json
import random
import threading

import psycopg2
import pytest

from harness.store import HOUR, NOW, Driver, cause, digest, ids, ticket

DAY = 24 * HOUR


@pytest.fixture
def pg(server):
    """The server with an empty docket, as the router's role sees it."""
    server.empty()
    return server


@pytest.fixture
def store(pg):
    driver = Driver(pg.url("docket_router"))
    yield driver
    driver.close()


def tickets(pg):
    return [row[0] for row in pg.sql("SELECT to_jsonb(t) FROM ticket.tickets t ORDER BY tenant_id, id")]


def ledger(pg, id):
    return [row[0] for row in pg.sql("SELECT to_jsonb(l) FROM ticket.ledger l WHERE ticket_id = %s ORDER BY seq", id)]


def gap_free(pg):
    """Every ledger counts 1, 2, 3 ..., ends at its ticket's version, and never goes back in time."""
    assert pg.sql("""SELECT t.id FROM ticket.tickets t LEFT JOIN (
            SELECT tenant_id, ticket_id, array_agg(seq ORDER BY seq) AS seqs, max(at) AS last,
                   bool_and(backwards IS NOT TRUE) AS forwards
            FROM (SELECT *, at < lag(at) OVER (PARTITION BY tenant_id, ticket_id ORDER BY seq) AS backwards
                  FROM ticket.ledger) l GROUP BY 1, 2) l ON (l.tenant_id, l.ticket_id) = (t.tenant_id, t.id)
        WHERE l.seqs IS DISTINCT FROM (SELECT array_agg(n) FROM generate_series(1, t.version) n)
           OR l.last <> t.updated_at OR NOT l.forwards""") == []
    assert pg.sql("SELECT ticket_id FROM ticket.ledger EXCEPT SELECT id FROM ticket.tickets") == []


def rows_of(told):
    return [(r["id"], r["seq"], r["step"], r["kind"], r["cause"], r["actor"], r["at_ms"], r["revision"],
             json.dumps(r["payload"], sort_keys=True)) for r in told["rows"]]


# -- what becomes of a submission ----------------------------------------------------------------------------------------


def test_a_submission_becomes_a_ticket_with_two_ledger_rows(pg, store):
    asked = ticket(assignee=1020, tags=["急件", 'a,"b\\'], skills=["跨境", "英语"], priority="high", personal=1,
                   custom_fields='{"mood": "calm"}', key="k:1")
    [told] = store.new(asked)
    assert told["fate"] == "stored"
    assert told["place"] == {"tenant": 1, "id": asked["id"], "version": 2, "status": "assigned", "priority": "high",
                             "group": 1001, "assignee": 1020, "created_ms": NOW, "skills": "英语,跨境"}
    [row] = tickets(pg)
    assert row["tags"] == ["急件", 'a,"b\\'] and row["custom_fields"] == {"mood": "calm"}
    assert row["created_at"].startswith("2026-09-21T14:13:20")
    assert (row["status"], row["version"], row["assignee_id"]) == ("assigned", 2, 1020)
    created, assigned = ledger(pg, asked["id"])
    assert (created["kind"], created["step"], created["actor"]) == ("ticket_created", 0, f"requester:{row['requester_id']}")
    assert (assigned["kind"], assigned["step"], assigned["actor"]) == ("ticket_assigned", 1, "router")
    assert [r["kind"] for r in told["rows"]] == ["ticket_created", "ticket_assigned"]
    assert all(r["event_bytes"] > 0 for r in told["rows"])
    assert pg.sql("SELECT ticket_id, fields -> 0 ->> 'masked' FROM ticket.personal") == [(asked["id"], "138****")]
    gap_free(pg)


def test_merging_the_ledger_gives_the_ticket(pg, store):
    asked = ticket(assignee=1020, tags=["a"], skills=["b"], custom_fields='{"x": [1, 2.50]}')
    store.new(asked)
    [row] = tickets(pg)
    told = {}
    for entry in ledger(pg, asked["id"]):
        told.update(entry["payload"].get("set", {}))
    for column in ("version", "updated_at", "requester_id", "id", "tenant_id"):
        del row[column]
    row["created_at"] = row["created_at"].replace("+00:00", ".000Z")
    told = {"form_id": None, "followup_of": None, "satisfaction": "", "collaborator_ids": [], "follower_ids": [], "problem_id": None,
            **told}  # what only people set
    assert told == row


def test_a_waiting_ticket_is_queued(pg, store):
    [told] = store.new(ticket())
    assert (told["place"]["status"], told["place"]["assignee"]) == ("new", 0)
    assert [r["kind"] for r in told["rows"]] == ["ticket_created", "ticket_queued"]
    assert tickets(pg)[0]["assignee_id"] is None


def test_a_note_is_a_third_row(pg, store):
    [told] = store.new(ticket(note="key used again"))
    assert told["fate"] == "stored" and told["place"]["version"] == 3
    assert told["rows"][2]["kind"] == "ticket_noted" and told["rows"][2]["payload"] == {"note": "key used again"}
    gap_free(pg)


def test_a_replay_finds_its_own_footprints(pg, store):
    asked = [ticket(key=f"k:{i}", assignee=i % 2 * 1020) for i in range(10)]
    first = store.new(*asked)
    again = store.new(*reversed(asked))
    assert {t["fate"] for t in again} == {"replayed"}
    assert [rows_of(t) for t in first] == [rows_of(t) for t in reversed(again)]
    assert [t["place"] for t in first] == [t["place"] for t in reversed(again)]
    assert len(tickets(pg)) == 10
    gap_free(pg)


def test_a_replay_says_what_the_ticket_is_now(pg, store):
    asked = ticket()
    store.new(asked)
    store.change({"tenant": 1, "id": asked["id"], "cause": cause("x"), "kind": "ticket_assigned", "status": "assigned",
                  "group": 1001, "assignee": 1030})
    [told] = store.new(asked)
    assert told["fate"] == "replayed"
    assert (told["place"]["version"], told["place"]["assignee"]) == (3, 1030)
    assert [r["seq"] for r in told["rows"]] == [1, 2], "only what this cause did is published again"


def test_one_submission_twice_in_a_batch_is_one_ticket(pg, store):
    asked = ticket(key="k:a")
    told = store.new(asked, ticket(), asked)
    assert [t["fate"] for t in told] == ["stored", "stored", "replayed"]
    assert rows_of(told[0]) == rows_of(told[2])
    assert len(tickets(pg)) == 2


@pytest.mark.parametrize("batches", [1, 2])
def test_two_ids_for_one_key_are_one_ticket(pg, store, batches):
    first, second = ticket(key="k:a"), ticket(key="k:a")
    told = store.new(first, second) if batches == 1 else store.new(first) + store.new(second)
    assert [t["fate"] for t in told] == ["stored", "aliased"]
    assert told[1]["place"] == told[0]["place"]
    assert pg.sql("SELECT id, ticket_id FROM ticket.aliases") == [(second["id"], first["id"])]
    assert [t["id"] for t in tickets(pg)] == [first["id"]]
    [again] = store.new(second)
    assert again["fate"] == "aliased" and again["place"]["id"] == first["id"]


def test_the_same_key_of_another_tenant_or_source_is_another_key(pg, store):
    told = store.new(ticket(key="k:a"), ticket(key="k:a", tenant=2), ticket(key="k:a", source=8))
    assert {t["fate"] for t in told} == {"stored"}
    assert len(tickets(pg)) == 3


def test_another_body_under_a_live_key_was_promised_a_ticket(pg, store):
    first, second = ticket(key="k:a"), ticket(key="k:a", body="another body")
    store.new(first)
    [told] = store.new(second)
    assert told["fate"] == "stored"
    assert told["rows"][2]["payload"] == {"note": f"its idempotency key belongs to ticket {first['id']}"}
    assert pg.sql("SELECT ticket_id FROM ticket.submission_keys") == [(first["id"],)]
    [again] = store.new(second)
    assert again["fate"] == "replayed" and rows_of(again) == rows_of(told)
    gap_free(pg)


def test_a_key_past_its_24_hours_is_taken_over(pg, store):
    first, second = ticket(key="k:a"), ticket(key="k:a", accepted_ms=NOW + DAY + 1)
    store.new(first)
    [told] = store.new(second)
    assert told["fate"] == "stored"
    assert told["rows"][2]["payload"] == {"note": f"its idempotency key belonged to ticket {first['id']}"}
    third = ticket(key="k:a", accepted_ms=NOW + DAY + 2)
    assert [t["place"]["id"] for t in store.new(third)] == [second["id"]]
    assert [t["fate"] for t in store.new(first, second)] == ["replayed", "replayed"], "nobody became an alias meanwhile"
    gap_free(pg)


def test_a_key_within_its_24_hours_is_not_taken_over(pg, store):
    store.new(ticket(key="k:a"))
    assert [t["fate"] for t in store.new(ticket(key="k:a", accepted_ms=NOW + DAY))] == ["aliased"]


def test_one_that_comes_a_day_late_still_becomes_a_ticket(pg, store):
    """Its key was taken over while it lay in Kafka: both clients were promised a ticket of their own."""
    late, fresh = ticket(key="k:a"), ticket(key="k:a", accepted_ms=NOW + DAY + 1)
    store.new(fresh)
    [told] = store.new(late)
    assert told["fate"] == "stored"
    assert told["rows"][2]["payload"] == {"note": f"its idempotency key belongs to ticket {fresh['id']}"}


def test_an_alias_stays_one_when_its_key_is_swept(pg, store):
    first, second = ticket(key="k:a"), ticket(key="k:a")
    store.new(first, second)
    pg.sql("DELETE FROM ticket.submission_keys")
    assert [t["fate"] for t in store.new(second)] == ["aliased"]
    assert [t["fate"] for t in store.new(first)] == ["replayed"]
    third = ticket(key="k:a")  # the key now names the alias: still the one ticket
    [told] = store.new(third)
    assert told["fate"] == "aliased" and told["place"]["id"] == first["id"]
    assert len(tickets(pg)) == 1


def test_an_id_taken_by_another_cause_is_told_and_stored_under_a_fresh_one(pg, store):
    owner, intruder = ticket(), None
    store.new(owner)
    intruder = ticket(owner["id"], said="by another", key="k:i", personal=1)
    [told] = store.new(intruder)
    assert told["fate"] == "conflict"
    assert pg.sql("SELECT count(*) FROM ticket.personal") == [(0,)], "nothing of it hangs on the other's ticket"
    fresh = dict(intruder, id=next(ids), instead_of=owner["id"])
    [told] = store.new(fresh)
    assert told["fate"] == "stored" and told["place"]["id"] == fresh["id"]
    notes = [r for r in told["rows"] if r["kind"] == "ticket_noted"]
    assert [n["id"] for n in notes] == [fresh["id"], owner["id"]], "both ledgers say so, and both notes are published"
    assert str(owner["id"]) in notes[0]["payload"]["note"] and notes[1]["payload"]["stored_as"] == fresh["id"]
    assert [t["fate"] for t in store.new(owner)] == ["replayed"]
    [again] = store.new(intruder)  # from Kafka once more, under the id that the gate gave it
    assert again["fate"] == "replayed" and again["place"]["id"] == fresh["id"]
    assert pg.sql("SELECT ticket_id FROM ticket.submission_keys") == [(fresh["id"],)]
    retried = ticket(key="k:i")
    assert store.new(retried)[0]["place"]["id"] == fresh["id"], "its key leads to it"
    gap_free(pg)


def test_the_ledger_of_what_is_continued_names_each_that_continues_it(pg, store):
    old, theirs = ticket(), ticket(tenant=2)
    store.new(old, theirs)
    asked = [ticket(followup_of=old["id"]), ticket(), ticket(followup_of=old["id"]), ticket(followup_of=theirs["id"]),
             ticket(followup_of=2**50)]
    told = store.new(*asked)
    assert [t["fate"] for t in told] == ["stored"] * 5
    notes = [[(r["id"], r["seq"], r["payload"].get("followup_id")) for r in t["rows"] if r["kind"] == "ticket_noted"] for t in told]
    assert notes == [[(old["id"], 3, asked[0]["id"])], [], [(old["id"], 4, asked[2]["id"])], [], []], "published with its own rows"
    assert [r["payload"].get("followup_id") for r in ledger(pg, old["id"])] == [None, None, asked[0]["id"], asked[2]["id"]]
    assert str(asked[0]["id"]) in ledger(pg, old["id"])[2]["payload"]["note"]
    again = store.new(*asked)
    assert [t["fate"] for t in again] == ["replayed"] * 5
    assert [rows_of(t) for t in again] == [rows_of(t) for t in told], "a replay says it again, and writes it once"
    other = ticket(asked[0]["id"], said="by another", followup_of=old["id"])
    assert [t["fate"] for t in store.new(other)] == ["conflict"]
    assert len(ledger(pg, old["id"])) == 4 and len(tickets(pg)) == 7
    gap_free(pg)


def test_what_continues_an_alias_continues_its_ticket(pg, store):
    old, lost = ticket(key="k:old"), ticket(key="k:old")
    store.new(old)
    assert store.new(lost)[0]["fate"] == "aliased"
    [told] = store.new(ticket(followup_of=lost["id"]))
    assert [r["id"] for r in told["rows"]][-1] == old["id"]
    gap_free(pg)


def test_a_requester_is_one_person_in_all_her_tickets(pg, store):
    store.new(*[ticket(who="wang") for _ in range(20)], ticket(who="wang", tenant=2), ticket(who="zhao"))
    store.new(ticket(who="wang"))
    people = pg.sql("SELECT tenant_id, count(DISTINCT requester_id), count(*) FROM ticket.tickets GROUP BY 1 ORDER BY 1")
    assert people == [(1, 2, 22), (2, 1, 1)]
    assert pg.sql("SELECT count(*) FROM ticket.requesters") == [(3,)]


def test_an_empty_batch_is_done(store):
    assert store.new() == []


# -- refusals and retries ------------------------------------------------------------------------------------------------


def test_one_row_that_can_never_be_stored_is_found_by_halving(pg, store):
    batch = [ticket(key=f"k:{i}") for i in range(16)]
    batch[11]["custom_fields"] = '{"n": 1e400000}'  # beyond jsonb's numbers
    culprits = []

    def halve(part):
        told = store.ask("new", tickets=part)
        if told["outcome"] == "done":
            return
        assert told["outcome"] == "refused" and "22003" in told["problem"], told
        if len(part) == 1:
            culprits.extend(part)
            return
        halve(part[:len(part) // 2])
        halve(part[len(part) // 2:])

    halve(batch)
    assert culprits == [batch[11]]
    assert len(tickets(pg)) == 15 and pg.sql("SELECT count(*) FROM ticket.submission_keys") == [(15,)]
    gap_free(pg)


@pytest.fixture
def stumble(pg):
    """Makes the first n transactions that touch a ticket fail with an SQLSTATE."""
    def arm(state, n):
        pg.sql(f"""CREATE SEQUENCE IF NOT EXISTS public.stumbles; ALTER SEQUENCE public.stumbles RESTART;
            GRANT USAGE ON SEQUENCE public.stumbles TO docket_router;
            CREATE OR REPLACE FUNCTION public.stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('public.stumbles') <= {n} THEN RAISE 'stumbled' USING ERRCODE = '{state}'; END IF;
                RETURN NULL; END $$;
            CREATE TRIGGER stumble AFTER INSERT OR UPDATE ON ticket.tickets FOR EACH STATEMENT EXECUTE FUNCTION public.stumble()""")
    yield arm
    pg.sql("DROP TRIGGER IF EXISTS stumble ON ticket.tickets")


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_what_may_succeed_next_time_is_tried_again(pg, store, stumble, state):
    stumble(state, 3)
    assert [t["fate"] for t in store.new(ticket(), ticket())] == ["stored", "stored"]
    gap_free(pg)


def test_after_a_few_tries_the_caller_is_asked_to_come_again(pg, store, stumble):
    stumble("40001", 1000)
    asked = ticket()
    told = store.ask("new", tickets=[asked])
    assert told["outcome"] == "again" and "40001" in told["problem"]
    pg.sql("DROP TRIGGER stumble ON ticket.tickets")
    assert [t["fate"] for t in store.new(asked)] == ["stored"]


@pytest.mark.parametrize("state", ["53100", "57014", "58030", "XX000"])
def test_trouble_of_the_server_is_never_the_data_s_fault(pg, store, stumble, state):
    stumble(state, 1)
    asked = ticket()
    assert store.ask("new", tickets=[asked])["outcome"] == "again"
    assert [t["fate"] for t in store.new(asked)] == ["stored"]


def test_a_server_that_dies_is_away_until_it_is_back(pg):
    driver = Driver(pg.url("docket_router"))
    before, asked = ticket(key="k:b"), ticket(key="k:a")
    driver.new(before)
    pg.stop()
    try:
        told = driver.ask("new", tickets=[asked])
        assert told["outcome"] == "again" and told["problem"]
    finally:
        pg.start()
    for _ in range(50):
        told = driver.ask("new", tickets=[asked, before])
        if told["outcome"] == "done":
            break
    assert [t["fate"] for t in told["tickets"]] == ["stored", "replayed"]
    gap_free(pg)
    driver.close()


def test_a_backend_killed_in_the_middle_loses_and_doubles_nothing(pg):
    driver = Driver(pg.url("docket_router"))
    ended = threading.Event()
    dice = random.Random(3)

    def killer():
        while not ended.wait(dice.uniform(0.05, 0.6)):
            pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'store_driver'")

    thread = threading.Thread(target=killer)
    thread.start()
    batches = [[ticket(key=f"k:{b}-{i}") for i in range(200)] for b in range(12)]
    try:
        for batch in batches:
            for _ in range(200):
                if driver.ask("new", tickets=batch)["outcome"] == "done":
                    break
            else:
                pytest.fail("never stored")
    finally:
        ended.set()
        thread.join()
    assert len(tickets(pg)) == 2400
    gap_free(pg)
    driver.close()


# -- many at once --------------------------------------------------------------------------------------------------------


def test_many_who_continue_one_ticket_at_once_are_all_named(pg, store):
    old = ticket()
    store.new(old)
    batches = [[ticket(followup_of=old["id"]) for _ in range(5)] for _ in range(6)]

    def router(batch):
        driver = Driver(pg.url("docket_router"))
        fates = [t["fate"] for t in driver.new(*batch)]
        driver.close()
        return fates

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert list(pool.map(router, batches)) == [["stored"] * 5] * 6
    named = {r["payload"].get("followup_id") for r in ledger(pg, old["id"])} - {None}
    assert named == {t["id"] for batch in batches for t in batch}
    gap_free(pg)


def test_routers_with_overlapping_batches_agree(pg):
    """Four stores, the same messages in different batches and orders, two ids for many a key."""
    dice = random.Random(7)
    messages = []
    for i in range(600):
        messages.append(ticket(key=f"k:{i}", who=f"person {i % 40}", tenant=1 + i % 3))
        if i % 3 == 0:
            messages.append(ticket(key=f"k:{i}", who=f"person {i % 40}", tenant=1 + i % 3))

    def router(seed):
        driver = Driver(pg.url("docket_router"))
        mine = messages[:]
        random.Random(seed).shuffle(mine)
        fates = {}
        while mine:
            size = random.Random(len(mine) + seed).randint(1, 120)
            batch, mine = mine[:size], mine[size:]
            for _ in range(30):
                told = driver.ask("new", tickets=batch)
                if told["outcome"] != "again":
                    break
            assert told["outcome"] == "done", told
            for asked, one in zip(batch, told["tickets"]):
                fates[asked["id"]] = one
        driver.close()
        return fates

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        told = list(pool.map(router, dice.sample(range(1000), 4)))
    assert len(tickets(pg)) == 600
    gap_free(pg)
    assert pg.sql("SELECT tenant_id, source_id, key FROM ticket.submission_keys GROUP BY 1, 2, 3 HAVING count(*) > 1") == []
    for message in messages:
        assert len({fates[message["id"]]["place"]["id"] for fates in told}) == 1, "every router names the same ticket"
        rows = {tuple(r[:6] for r in rows_of(fates[message["id"]])) for fates in told}
        assert len(rows) == 1, "and publishes the same events"
    stored = [one for fates in told for one in fates.values() if one["fate"] == "stored"]
    assert len(stored) == 600, "each was new to exactly one of them"


def test_writers_of_one_ticket_leave_no_gap(pg):
    asked = ticket(assignee=1020)
    first = Driver(pg.url("docket_router"))
    first.new(asked)
    first.close()

    def writer(n):
        driver = Driver(pg.url("docket_router"))
        for i in range(15):
            change = {"tenant": 1, "id": asked["id"], "cause": cause(f"{n}-{i}"), "kind": "ticket_assigned",
                      "status": "assigned", "group": 1001, "assignee": 1000 + n}
            for _ in range(30):
                told = driver.ask("change", changes=[change])
                if told["outcome"] != "again":
                    break
            assert told["outcome"] == "done" and told["changes"][0]["fate"] == "done", told
        driver.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(writer, range(4)))
    [row] = tickets(pg)
    assert row["version"] == 2 + 60
    assert pg.sql("SELECT count(*) FROM ticket.outbox") == [(60,)]
    gap_free(pg)


# -- changes -------------------------------------------------------------------------------------------------------------


def change(of, said, kind="ticket_assigned", status="assigned", **more):
    return {"tenant": of["tenant"], "id": of["id"], "cause": cause(said), "kind": kind, "status": status, "group": 1001, **more}


def test_a_change_writes_ticket_ledger_and_outbox(pg, store):
    asked = ticket(skills=["b", "a"])
    store.new(asked)
    [told] = store.change(change(asked, "one", assignee=1020))
    assert told["fate"] == "done"
    assert (told["place"]["version"], told["place"]["assignee"], told["place"]["skills"]) == (3, 1020, "a,b")
    assert told["row"]["seq"] == 3 and told["row"]["event_bytes"] > 0
    assert told["row"]["payload"] == {"set": {"status": "assigned", "group_id": 1001, "assignee_id": 1020},
                                      "reason": {"why": "test"}}
    [(topic, key, size)] = pg.sql("SELECT topic, convert_from(key, 'UTF8'), length(message) FROM ticket.outbox")
    assert (topic, key, size) == ("docket.events", str(asked["id"]), told["row"]["event_bytes"])
    assert store.ask("outbox_delete", rows=[[1, told["outbox_id"]]])["outcome"] == "done"
    assert pg.sql("SELECT 1 FROM ticket.outbox") == []
    gap_free(pg)


def test_a_change_asked_for_twice_happens_once(pg, store):
    asked = ticket()
    store.new(asked)
    [first] = store.change(change(asked, "one", assignee=1020))
    [again] = store.change(change(asked, "one", assignee=1020))
    assert (first["fate"], again["fate"]) == ("done", "replayed")
    assert json.dumps(again["row"], sort_keys=True) == json.dumps(first["row"], sort_keys=True)
    both = store.change(change(asked, "two", assignee=1030), change(asked, "two", assignee=1030))
    assert [t["fate"] for t in both] == ["done", "replayed"]
    assert tickets(pg)[0]["version"] == 4


def test_changes_of_one_ticket_in_a_batch_follow_each_other(pg, store):
    asked = ticket()
    store.new(asked)
    told = store.change(change(asked, "1", assignee=1020), change(asked, "2", "ticket_released", "new"),
                        change(asked, "3", assignee=1030))
    assert [(t["fate"], t["row"]["seq"]) for t in told] == [("done", 3), ("done", 4), ("done", 5)]
    gap_free(pg)


def test_a_version_that_is_over_is_overtaken(pg, store):
    asked = ticket()
    store.new(asked)
    [told] = store.change(change(asked, "x", version=1, assignee=1020))
    assert told["fate"] == "overtaken" and told["place"]["version"] == 2 and told["row"] is None
    [told] = store.change(change(asked, "x", version=2, assignee=1020))
    assert told["fate"] == "done"


def test_illegal_changes_change_nothing(pg, store):
    asked = ticket()
    store.new(asked)
    told = store.change(change(asked, "1", status="closed"), change(asked, "2", assignee=0),
                        change(asked, "3", status="in_progress", assignee=1020),
                        change({"tenant": 1, "id": 42}, "4", assignee=1), change({"tenant": 2, "id": asked["id"]}, "5", assignee=1))
    assert [t["fate"] for t in told] == ["illegal", "illegal", "illegal", "no_ticket", "no_ticket"]
    assert tickets(pg)[0]["version"] == 2 and pg.sql("SELECT 1 FROM ticket.outbox") == []


def test_a_change_reaches_its_ticket_under_either_id(pg, store):
    first, second = ticket(key="k:a"), ticket(key="k:a")
    store.new(first, second)
    told = store.change(change(second, "1", assignee=1020), change(first, "2", assignee=1030))
    assert {t["fate"] for t in told} == {"done"} and {t["place"]["id"] for t in told} == {first["id"]}
    assert tickets(pg)[0]["version"] == 4
    gap_free(pg)


# -- reading, outbox, sweep ----------------------------------------------------------------------------------------------


def test_places_follow_aliases_and_know_what_is_not_there(store):
    first, second = ticket(key="k:a"), ticket(key="k:a")
    store.new(first, second)
    told = store.ask("places", tickets=[[1, second["id"]], [1, 42], [2, first["id"]], [1, first["id"]]])["places"]
    assert [(p["id"], p["version"]) for p in told] == [(first["id"], 2), (42, 0), (first["id"], 0), (first["id"], 2)]


def test_open_tickets_come_page_by_page(pg, store):
    asked = [ticket() for _ in range(25)]
    store.new(*asked, ticket(tenant=2))
    pg.sql("UPDATE ticket.tickets SET status = 'closed' WHERE id = %s", asked[3]["id"])
    seen, after = [], 0
    while True:
        page = [p["id"] for p in store.ask("open", tenant=1, after=after, max=10)["places"]]
        if not page:
            break
        seen += page
        after = page[-1]
    assert seen == [t["id"] for t in asked if t is not asked[3]]


def test_the_outbox_of_every_tenant_is_given_to_one_router_at_a_time(pg, store):
    asked = [ticket(tenant=t) for t in (1, 2, 3)]
    store.new(*asked)
    store.change(*[change(t, "x", assignee=1020) for t in asked])
    assert store.ask("outbox", older=60000)["rows"] == []
    taken = store.ask("outbox", older=0, max=2)["rows"]
    assert len(taken) == 2 and {r["topic"] for r in taken} == {"docket.events"}
    rest = store.ask("outbox", older=0)["rows"]
    assert {r["tenant"] for r in taken + rest} == {1, 2, 3} and len(rest) == 1
    pg.sql("UPDATE ticket.outbox SET taken_at = now() - interval '6 s'")  # who took them died
    assert len(store.ask("outbox", older=0)["rows"]) == 3
    store.ask("outbox_delete", rows=[[r["tenant"], r["outbox_id"]] for r in taken + rest])
    assert pg.sql("SELECT 1 FROM ticket.outbox") == []


def test_the_sweep_takes_old_keys_and_nothing_else(pg, store):
    store.new(ticket(key="k:old"), ticket(key="k:new"), ticket(key="k:other", tenant=2))
    pg.sql("UPDATE ticket.submission_keys SET created_at = now() - interval '26 h' WHERE key <> 'k:new'")
    pg.sql("UPDATE ticket.submission_keys SET created_at = now() - interval '24 h' WHERE key = 'k:new'")
    assert store.ask("sweep", max=1)["outcome"] == "done"
    assert pg.sql("SELECT count(*) FROM ticket.submission_keys") == [(2,)]
    store.ask("sweep", max=100)
    assert pg.sql("SELECT key FROM ticket.submission_keys") == [("k:new",)]
    assert len(tickets(pg)) == 3


def test_the_sweep_takes_tokens_ninety_days_after_their_end(pg, store):
    pg.sql("TRUNCATE docket.tenants CASCADE")
    [[tenant]] = pg.sql("INSERT INTO docket.tenants (name) VALUES ('shop') RETURNING tenant_id")
    for hint, revoked, expires in [("lives", None, None), ("expired", None, 91), ("revoked", 91, -9), ("lately", 89, 80)]:
        pg.sql("INSERT INTO access.tokens (tenant_id, hash, hint, principal, revoked_at, expires_at) VALUES"
               " (%s, sha256(%s), %s, 'role:administrator', now() - %s * interval '1 day', now() - %s * interval '1 day')",
               tenant, hint.encode(), hint, revoked, expires)
    assert store.ask("sweep", max=1)["outcome"] == "done"
    assert pg.sql("SELECT count(*) FROM access.tokens") == [(3,)]
    store.ask("sweep", max=100)
    assert pg.sql("SELECT hint FROM access.tokens ORDER BY 1") == [("lately",), ("lives",)]


# -- the schema ----------------------------------------------------------------------------------------------------------


def test_a_schema_that_is_too_old_is_refused_with_the_remedy(pg, store):
    store.new()
    pg.sql("CREATE TABLE public.kept AS SELECT * FROM docket.migrations ORDER BY number DESC LIMIT 1;"
           "DELETE FROM docket.migrations WHERE number = (SELECT number FROM public.kept)")
    try:
        late = Driver(pg.url("docket_router"))
        told = late.ask("new", tickets=[ticket()])
        assert told["outcome"] == "again" and "run docket migrate" in told["problem"]
    finally:
        pg.sql("INSERT INTO docket.migrations SELECT * FROM public.kept; DROP TABLE public.kept")
    for _ in range(20):
        if late.ask("new", tickets=[ticket()])["outcome"] == "done":
            break
    else:
        pytest.fail("it never noticed that the schema is there now")
    late.close()


def test_the_fence_lets_a_role_see_and_write_only_the_tenants_it_named(pg, store):
    asked = ticket()
    store.new(asked)
    with pg.connect("docket_router") as fenced, fenced.cursor() as sql:
        for table in ("tickets", "ledger", "requesters"):
            sql.execute(f"SELECT count(*) FROM ticket.{table}")
            assert sql.fetchone() == (0,), f"{table} without any tenant"
            sql.execute("SET LOCAL docket.tenants = '{2,3}'")
            sql.execute(f"SELECT count(*) FROM ticket.{table} WHERE tenant_id = 1")
            assert sql.fetchone() == (0,), f"{table} of another tenant"
            sql.execute("SET LOCAL docket.tenants = '{1,2}'")
            sql.execute(f"SELECT count(*) FROM ticket.{table}")
            assert sql.fetchone()[0] > 0
            sql.execute("SET LOCAL docket.tenants = ''")
        sql.execute("SET LOCAL docket.tenants = '{2}'")
        sql.execute("UPDATE ticket.tickets SET status = 'closed' WHERE id = %s", (asked["id"],))
        assert sql.rowcount == 0
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            sql.execute("INSERT INTO ticket.aliases VALUES (1, 5, 6)")
    with pg.connect("docket_router") as fenced, fenced.cursor() as sql:
        sql.execute("SET LOCAL docket.tenants = '{1}'")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            sql.execute("DELETE FROM ticket.ledger")
    with pg.connect("docket_operator") as operator, operator.cursor() as sql:
        sql.execute("SELECT count(*) FROM ticket.tickets")
        assert sql.fetchone() == (1,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            sql.execute("UPDATE ticket.tickets SET status = 'closed'")


def test_every_key_of_a_tenants_table_begins_with_the_tenant(pg):
    assert pg.sql("""SELECT i.indexrelid::regclass::text FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id'
        WHERE n.nspname IN ('docket', 'access', 'config', 'intake', 'ticket') AND (i.indisunique OR i.indisprimary)
          AND i.indkey[0] <> t.attnum AND c.oid <> 'docket.tenants'::regclass""") == []


def test_every_table_names_its_owner_and_every_tenants_table_is_fenced(pg):
    tables = pg.sql("""SELECT c.oid::regclass::text, obj_description(c.oid) LIKE 'owner: %', c.relrowsecurity,
            EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('docket', 'access', 'config', 'intake', 'ticket') AND c.relkind IN ('r', 'p') AND NOT c.relispartition""")
    assert len(tables) >= 15
    assert [t[0] for t in tables if not t[1]] == [], "tables without an owner in their comment"
    assert [t[0] for t in tables if t[3] and not t[2] and t[0] != "docket.tenants"] == [], "tables without a fence"


def test_hot_statements_never_read_a_whole_table(pg):
    """Under the fence, prepared on empty tables, filled by thousands of rows without an ANALYZE."""
    pg.sql("ALTER SYSTEM SET autovacuum = off; ")
    pg.sql("SELECT pg_reload_conf()")
    driver = Driver(pg.url("docket_router"))
    made = [driver.ask("bench", batches=2, size=500, tenants=20, first=200_000 + 1000 * i) for i in range(2)]
    assert {m["outcome"] for m in made} == {"done"}

    def reads():
        pg.sql("SELECT pg_stat_force_next_flush()")
        return pg.sql("""SELECT coalesce(sum(seq_scan), 0)::bigint, coalesce(sum(idx_tup_fetch), 0)::bigint
            FROM pg_stat_user_tables WHERE schemaname = 'ticket'""")[0]

    driver.close()
    driver = Driver(pg.url("docket_router"))
    driver.new()
    scans, fetched = reads()
    assert driver.ask("bench", batches=4, size=500, tenants=20, first=300_000)["outcome"] == "done"
    asked = [ticket(id=300_000 + i, tenant=1 + (300_000 + i) % 20) for i in range(100)]
    assert driver.ask("places", tickets=[[t["tenant"], t["id"]] for t in asked])["outcome"] == "done"
    assert {c["fate"] for c in driver.change(*[change(t, f"hot {t['id']}", assignee=1020) for t in asked])} == {"done"}
    assert driver.ask("open", tenant=3, after=0, max=50)["outcome"] == "done"
    driver.close()
    later_scans, later_fetched = reads()
    pg.sql("ALTER SYSTEM RESET autovacuum")
    pg.sql("SELECT pg_reload_conf()")
    assert later_scans == scans, "a table was read from one end to the other"
    assert later_fetched - fetched < 2000 * 6, "an index was read from one end to the other"
