-- The clocks of the SLA scheduler: what it must not forget between an event and the moment at which a promise falls due.

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'docket_sla') THEN
        BEGIN
            CREATE ROLE docket_sla NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this cluster was faster
        END;
    END IF;
END $$;

CREATE SCHEMA sla; -- owner: sla
GRANT USAGE ON SCHEMA sla TO docket_sla, docket_operator;
-- It reads what happened to tickets and what was promised, and writes nothing outside its own schema.
GRANT USAGE ON SCHEMA docket, config, ticket TO docket_sla;
GRANT SELECT ON docket.migrations, docket.tenants TO docket_sla;
GRANT SELECT ON config.revisions, config.documents, config.names, ticket.agents, ticket.ledger, ticket.aliases TO docket_sla;
GRANT EXECUTE ON FUNCTION config.current_revisions() TO docket_sla;

-- Who follows which partition of docket.events. Whoever takes one over raises its epoch; every write of a life names the epoch it
-- believes in and holds this row meanwhile, so that a process that slept through it changes nothing any more.
CREATE TABLE sla.partitions (
    partition  integer PRIMARY KEY CHECK (partition >= 0),
    epoch      bigint NOT NULL CHECK (epoch > 0),
    owner      text NOT NULL,              -- the instance, for people
    claimed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sla.partitions IS 'owner: sla. Age: for ever, as many rows as docket.events has partitions';
GRANT SELECT, INSERT, UPDATE ON sla.partitions TO docket_sla;
GRANT SELECT ON sla.partitions TO docket_operator;

-- One row per ticket that is not over: its promises as they stand after ledger row `seq` under the documents of `revision`. Of one
-- that is over only the seq stays for as long as its events may come again (correctness.md 27). All of it can be had from the ledger.
CREATE TABLE sla.lives (
    tenant_id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    partition integer NOT NULL,            -- of docket.events, where its events come from
    seq       integer NOT NULL,            -- last ledger row told
    revision  bigint NOT NULL,             -- documents told last; 0: none yet
    priority  smallint NOT NULL,           -- 0 low ... 3 urgent: what falls due together is served by it
    next_ms   bigint,                      -- UTC: nothing becomes true by itself before; NULL: nothing ever
    state     bytea,                       -- libcommon/lives; NULL: the ticket is over
    over_at   timestamptz,
    PRIMARY KEY (tenant_id, ticket_id),
    CHECK ((state IS NULL) = (over_at IS NOT NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE sla.lives IS 'owner: sla. Age: as long as its ticket is not over, and 8 days more: what docket.events may still hold. Job: sla.sweep_lives(), every minute by each sla';
CALL docket.fence('sla.lives');
CREATE INDEX lives_over ON sla.lives (over_at) WHERE over_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON sla.lives TO docket_sla;

-- A page of what is open in these partitions, of every tenant: what a scheduler knows before it follows.
CREATE FUNCTION sla.load_lives(partitions integer[], after_tenant bigint, after_ticket bigint, at_most integer)
RETURNS TABLE (tenant_id bigint, ticket_id bigint, partition integer, seq integer, revision bigint, priority smallint, next_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.tenant_id, l.ticket_id, l.partition, l.seq, l.revision, l.priority, l.next_ms FROM sla.lives l
    WHERE (l.tenant_id, l.ticket_id) > (after_tenant, after_ticket) AND l.state IS NOT NULL AND l.partition = ANY (partitions)
    ORDER BY l.tenant_id, l.ticket_id LIMIT at_most
$$;

-- A page of the open tickets of every tenant, and whether each has a life: whose events were there before the first scheduler, or
-- were lost with the retention of docket.events.
CREATE FUNCTION sla.open_tickets(after_tenant bigint, after_ticket bigint, at_most integer)
RETURNS TABLE (tenant_id bigint, ticket_id bigint, known boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT o.tenant_id, o.id, EXISTS (SELECT FROM sla.lives l WHERE l.tenant_id = o.tenant_id AND l.ticket_id = o.id)
    FROM (SELECT t.tenant_id, t.id FROM ticket.tickets t
          WHERE (t.tenant_id, t.id) > (after_tenant, after_ticket)
            AND t.status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold')
          ORDER BY t.tenant_id, t.id LIMIT at_most) o
    ORDER BY 1, 2
$$;

-- Tickets over for longer than their events may come again, of every tenant. How many went.
CREATE FUNCTION sla.sweep_lives(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM sla.lives l
        USING (SELECT o.tenant_id, o.ticket_id FROM sla.lives o
               WHERE o.over_at < now() - interval '8 days' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE l.tenant_id = old.tenant_id AND l.ticket_id = old.ticket_id RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION sla.load_lives(integer[], bigint, bigint, integer), sla.open_tickets(bigint, bigint, integer),
    sla.sweep_lives(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sla.load_lives(integer[], bigint, bigint, integer), sla.open_tickets(bigint, bigint, integer),
    sla.sweep_lives(integer) TO docket_sla;
