-- Tickets, their ledger, and the small tables that make a submission one ticket (correctness.md 1-11).

CREATE TABLE ticket.tickets (
    tenant_id     bigint NOT NULL,
    id            bigint NOT NULL CHECK (id > 0 AND id < 9007199254740992),
    version       integer NOT NULL,        -- seq of the last ledger row applied
    status        text NOT NULL,
    priority      text NOT NULL,
    kind          text NOT NULL,
    category      text NOT NULL,
    channel       text NOT NULL,
    group_id      bigint,
    assignee_id   bigint,
    requester_id  bigint NOT NULL,
    source_id     bigint NOT NULL,
    subject       text NOT NULL,
    description   text NOT NULL,
    skills        text[] NOT NULL,         -- what an assignee must have
    tags          text[] NOT NULL,
    tier          text NOT NULL,
    region        text NOT NULL,
    order_ref     text NOT NULL,
    product       text NOT NULL,
    batch         text NOT NULL,
    device        text NOT NULL,
    language      text NOT NULL,
    external_id   text NOT NULL,
    custom_fields jsonb NOT NULL,
    created_at    timestamptz NOT NULL,    -- the gate's moment of acceptance
    updated_at    timestamptz NOT NULL,    -- its last ledger row's
    PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
COMMENT ON TABLE ticket.tickets IS 'owner: router, written by router and desk through libcommon/store. Age: for ever, in partitions of 10 million ids that can be dropped whole. Job: ticket.make_partitions() makes them ahead, every minute by each router and with every lease of ids';
-- What a rebuild of Redis pages through, whatever the number of closed ones; and who works on what.
CREATE INDEX tickets_open ON ticket.tickets (tenant_id, id)
    WHERE status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold');
CREATE INDEX tickets_held ON ticket.tickets (tenant_id, assignee_id)
    WHERE assignee_id IS NOT NULL AND status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold');
CALL docket.fence('ticket.tickets');

CREATE TABLE ticket.ledger (
    tenant_id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    seq       integer NOT NULL,            -- gap-free from 1
    cause_id  uuid NOT NULL,
    step      smallint NOT NULL,           -- of its cause: 0 created, 1 placed ...
    kind      text NOT NULL,               -- the event's name: ticket_created ...
    actor     text NOT NULL,               -- 'requester:7' 'agent:12' 'router' 'system'
    at        timestamptz NOT NULL,
    revision  bigint NOT NULL,             -- configuration decided by; 0: none
    trace     bytea NOT NULL,              -- as in the envelope
    payload   jsonb NOT NULL,              -- {"set": {ticket column: new value}, "reason": {...}, "note": "..."}
    PRIMARY KEY (tenant_id, ticket_id, seq),
    UNIQUE (tenant_id, ticket_id, cause_id, step)
) PARTITION BY RANGE (ticket_id);
COMMENT ON TABLE ticket.ledger IS 'owner: router, append-only (no service holds UPDATE or DELETE). Age: for ever, in partitions like ticket.tickets. Job: ticket.make_partitions()';
CALL docket.fence('ticket.ledger');

CREATE TABLE ticket.submission_keys (
    tenant_id   bigint NOT NULL,
    source_id   bigint NOT NULL,
    key         text NOT NULL,             -- 'k:' Idempotency-Key or 'x:' external_id
    ticket_id   bigint NOT NULL,
    fingerprint bytea NOT NULL,            -- of what was sent under it
    created_at  timestamptz NOT NULL,      -- the gate's moment of acceptance
    before_id   bigint,                    -- the ticket it belonged to before, when its 24 hours were over
    PRIMARY KEY (tenant_id, source_id, key)
);
COMMENT ON TABLE ticket.submission_keys IS 'owner: router. Age: 24 hours, and one more for what is on its way. Job: ticket.sweep_keys(), every minute by each router';
CREATE INDEX submission_keys_age ON ticket.submission_keys USING brin (created_at);
CALL docket.fence('ticket.submission_keys');

CREATE TABLE ticket.aliases (
    tenant_id bigint NOT NULL,
    id        bigint NOT NULL,             -- an id that lost a race; good for ever
    ticket_id bigint NOT NULL,             -- the one that won
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE ticket.aliases IS 'owner: router. Age: for ever, both ids were given out';
CALL docket.fence('ticket.aliases');

CREATE TABLE ticket.requesters (
    tenant_id    bigint NOT NULL,
    contact_hash bytea NOT NULL,
    id           bigint NOT NULL,
    personal     jsonb NOT NULL,           -- [{"field","masked","sealed" (base64),"hash" (hex)}]
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, contact_hash),
    UNIQUE (tenant_id, id)
);
COMMENT ON TABLE ticket.requesters IS 'owner: router. Age: for ever, kept with their tickets';
CALL docket.fence('ticket.requesters');

-- Originals of what was masked in a ticket's own texts and fields.
CREATE TABLE ticket.personal (
    tenant_id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    fields    jsonb NOT NULL,              -- like requesters.personal
    PRIMARY KEY (tenant_id, ticket_id)
);
COMMENT ON TABLE ticket.personal IS 'owner: router. Age: for ever, kept with its ticket';
CALL docket.fence('ticket.personal');

-- Changes with no message behind them: published after commit, swept if the process dies (design.md rule 4).
CREATE TABLE ticket.outbox (
    tenant_id  bigint NOT NULL,
    outbox_id  bigint GENERATED ALWAYS AS IDENTITY,
    topic      text NOT NULL,
    key        bytea NOT NULL,
    message    bytea NOT NULL,             -- an Envelope
    created_at timestamptz NOT NULL DEFAULT now(),
    taken_at   timestamptz,                -- some router is publishing it
    PRIMARY KEY (tenant_id, outbox_id)
);
COMMENT ON TABLE ticket.outbox IS 'owner: router, written by whoever changes something without a message (router, desk, docket agents). Age: until published, 2 s when its writer died. Job: ticket.take_outbox(), every second by each router';
CREATE INDEX outbox_age ON ticket.outbox (created_at);
CALL docket.fence('ticket.outbox');

GRANT SELECT, INSERT ON ticket.tickets, ticket.ledger, ticket.aliases, ticket.requesters, ticket.personal TO docket_router;
GRANT UPDATE ON ticket.tickets, ticket.agents TO docket_router;
GRANT UPDATE (personal) ON ticket.requesters TO docket_router;
GRANT SELECT, INSERT, UPDATE, DELETE ON ticket.submission_keys, ticket.outbox TO docket_router;

-- Makes the partitions for the next 20 million ids above what was leased. Safe to call at any time, by anybody.
CREATE FUNCTION ticket.make_partitions() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    width CONSTANT bigint := 10000000;
    leased bigint;
    low bigint;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ticket.make_partitions'));
    SELECT last_value INTO leased FROM ticket.ticket_ids;
    FOR part IN leased / width .. leased / width + 2 LOOP
        low := part * width;
        IF to_regclass(format('ticket.tickets_%s', part)) IS NULL THEN
            EXECUTE format('CREATE TABLE ticket.tickets_%s PARTITION OF ticket.tickets FOR VALUES FROM (%s) TO (%s) WITH (fillfactor = 85)', part, low, low + width);
            EXECUTE format('CREATE TABLE ticket.ledger_%s PARTITION OF ticket.ledger FOR VALUES FROM (%s) TO (%s)', part, low, low + width);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION ticket.make_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.make_partitions() TO docket_router, docket_intake;
SELECT ticket.make_partitions();

-- Ticket ids: the first of a fresh block of 100,000. Never at or below what is stored (after a restore or failover).
CREATE FUNCTION ticket.lease_ids() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    block CONSTANT bigint := 100000;
    first bigint := nextval('ticket.ticket_ids');
    stored bigint;
BEGIN
    SELECT greatest(max(t.id), max(a.id)) INTO stored
    FROM docket.tenants n
    LEFT JOIN LATERAL (SELECT max(id) AS id FROM ticket.tickets WHERE tenant_id = n.tenant_id AND id >= first) t ON true
    LEFT JOIN LATERAL (SELECT max(id) AS id FROM ticket.aliases WHERE tenant_id = n.tenant_id AND id >= first) a ON true;
    IF stored IS NOT NULL THEN
        PERFORM setval('ticket.ticket_ids', (stored / block + 1) * block, false);
        first := nextval('ticket.ticket_ids');
    END IF;
    PERFORM ticket.make_partitions();
    RETURN first;
END $$;
REVOKE ALL ON FUNCTION ticket.lease_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.lease_ids() TO docket_router, docket_intake;

-- What is left of the outbox of every tenant, to whoever asks first: for 5 s it is theirs. By age, never by number:
-- sequence order is not commit order.
CREATE FUNCTION ticket.take_outbox(older interval, at_most integer)
RETURNS TABLE (tenant_id bigint, outbox_id bigint, topic text, key bytea, message bytea)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE ticket.outbox o SET taken_at = clock_timestamp()
    FROM (SELECT d.tenant_id, d.outbox_id FROM ticket.outbox d
          WHERE d.created_at <= clock_timestamp() - older
            AND (d.taken_at IS NULL OR d.taken_at < clock_timestamp() - interval '5 seconds')
          ORDER BY d.created_at LIMIT at_most FOR UPDATE SKIP LOCKED) due
    WHERE o.tenant_id = due.tenant_id AND o.outbox_id = due.outbox_id
    RETURNING o.tenant_id, o.outbox_id, o.topic, o.key, o.message
$$;
REVOKE ALL ON FUNCTION ticket.take_outbox(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.take_outbox(interval, integer) TO docket_router;

-- Keys past their 24 hours (and an hour more, for what is still on its way), of every tenant. How many went.
CREATE FUNCTION ticket.sweep_keys(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM ticket.submission_keys k
        USING (SELECT o.tenant_id, o.source_id, o.key FROM ticket.submission_keys o
               WHERE o.created_at < now() - interval '25 hours' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE k.tenant_id = old.tenant_id AND k.source_id = old.source_id AND k.key = old.key RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION ticket.sweep_keys(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.sweep_keys(integer) TO docket_router;
