-- Analytics: one row of figures a ticket, and what happened in each quarter of an hour; both follow docket.events, each event once.

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'docket_analytics') THEN
        BEGIN
            CREATE ROLE docket_analytics NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this cluster was faster
        END;
    END IF;
END $$;

CREATE SCHEMA analytics; -- owner: analytics
GRANT USAGE ON SCHEMA analytics TO docket_analytics, docket_operator;
-- It reads what happened to tickets, the documents, and who may see reports, and writes nothing outside its own schema. Of people
-- what a report names them by, and nothing by which they are reached.
GRANT USAGE ON SCHEMA docket, config, ticket, access TO docket_analytics;
GRANT SELECT ON docket.migrations, docket.tenants TO docket_analytics;
GRANT SELECT ON config.revisions, config.documents, config.names TO docket_analytics;
GRANT SELECT ON ticket.agents, ticket.tickets, ticket.ledger, ticket.aliases TO docket_analytics;
GRANT SELECT (tenant_id, user_id, role, name, locale, time_zone, suspended, deleted_at) ON access.users TO docket_analytics;
GRANT EXECUTE ON FUNCTION config.current_revisions(), access.find_credential(bytea) TO docket_analytics;

-- Who follows which partition of docket.events, and how often what is kept of it has changed. Whoever takes one over raises its
-- epoch; every write names the epoch and the change it goes on from and raises the latter, so that a process that slept through a
-- rebalance, or does not know whether its last commit arrived, changes nothing until it has looked.
CREATE TABLE analytics.partitions (
    partition   integer PRIMARY KEY CHECK (partition >= 0),
    epoch       bigint NOT NULL CHECK (epoch > 0),
    owner       text NOT NULL,             -- the instance, for people
    claimed_at  timestamptz NOT NULL DEFAULT now(),
    change      bigint NOT NULL DEFAULT 0,
    next_offset bigint NOT NULL DEFAULT 0, -- of docket.events: what lies before it has taken effect
    filled      real NOT NULL DEFAULT 0 CHECK (filled BETWEEN 0 AND 1) -- how far the ledger has been looked through for tickets
                                                                       -- without figures; 1: there are none
) WITH (fillfactor = 50);
COMMENT ON TABLE analytics.partitions IS 'owner: analytics. Age: for ever, as many rows as docket.events has partitions';
GRANT SELECT, INSERT, UPDATE ON analytics.partitions TO docket_analytics;
GRANT SELECT ON analytics.partitions TO docket_operator;

-- The figures of one ticket after ledger row `seq`: a function of its ledger up to there, of the hours in force, and of nothing else.
CREATE TABLE analytics.tickets (
    tenant_id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    partition integer NOT NULL,            -- of docket.events, where its events come from
    seq       integer NOT NULL,            -- last ledger row told
    revision  bigint NOT NULL,             -- documents told last; 0: none yet
    due_ms    bigint,                      -- UTC: the first of its running promises is due; NULL: none runs
    sheet     bytea NOT NULL,              -- libcommon/facts
    life      bytea,                       -- libcommon/lives; NULL: the ticket is over
    PRIMARY KEY (tenant_id, ticket_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE analytics.tickets IS 'owner: analytics. Age: for ever, as its ticket';
CALL docket.fence('analytics.tickets');
GRANT SELECT, INSERT, UPDATE ON analytics.tickets TO docket_analytics;

-- What happened in a quarter of an hour, by the category that the ticket had then. A function of the ledger.
CREATE TABLE analytics.windows (
    tenant_id     bigint NOT NULL,
    starts_at     timestamptz NOT NULL,
    category      text NOT NULL,           -- '' before it has one
    arrived       integer NOT NULL DEFAULT 0,
    assigned      integer NOT NULL DEFAULT 0,
    first_replied integer NOT NULL DEFAULT 0,
    replied       integer NOT NULL DEFAULT 0,
    solved        integer NOT NULL DEFAULT 0,
    reopened      integer NOT NULL DEFAULT 0,
    transferred   integer NOT NULL DEFAULT 0,
    rated_good    integer NOT NULL DEFAULT 0,
    rated_bad     integer NOT NULL DEFAULT 0,
    warned        integer NOT NULL DEFAULT 0,
    breached      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, starts_at, category)
) WITH (fillfactor = 50);
COMMENT ON TABLE analytics.windows IS 'owner: analytics. Age: for ever, at most 35,040 rows a year, tenant and category';
CALL docket.fence('analytics.windows');
GRANT SELECT, INSERT, UPDATE ON analytics.windows TO docket_analytics;

-- Whose figures each change has changed, for those who hold them in memory. Of one partition the numbers are gap-free; who is further
-- behind than they reach reads everything anew.
CREATE TABLE analytics.changes (
    tenant_id  bigint NOT NULL,
    partition  integer NOT NULL,
    change     bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    ticket_ids bigint[],                   -- NULL: all of the tenant's are gone, and will be told anew
    PRIMARY KEY (tenant_id, partition, change)
);
COMMENT ON TABLE analytics.changes IS 'owner: analytics. Age: 10 minutes. Job: analytics.sweep(), every minute by each analytics';
CALL docket.fence('analytics.changes');
CREATE INDEX changes_newer ON analytics.changes (partition, change);
CREATE INDEX changes_age ON analytics.changes USING brin (at);
GRANT SELECT, INSERT ON analytics.changes TO docket_analytics;

-- A page of everybody's figures, for who holds them in memory: tickets behind this one in their order.
CREATE FUNCTION analytics.load_tickets(after_tenant bigint, after_ticket bigint, at_most integer)
RETURNS TABLE (tenant_id bigint, ticket_id bigint, partition integer, seq integer, due_ms bigint, sheet bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT t.tenant_id, t.ticket_id, t.partition, t.seq, t.due_ms, t.sheet FROM analytics.tickets t
    WHERE (t.tenant_id, t.ticket_id) > (after_tenant, after_ticket)
    ORDER BY t.tenant_id, t.ticket_id LIMIT at_most
$$;

-- What changed in these partitions behind the change known of each, of every tenant; ascending within a partition.
CREATE FUNCTION analytics.newer_changes(partitions integer[], known bigint[], at_most integer)
RETURNS TABLE (partition integer, change bigint, tenant_id bigint, ticket_ids bigint[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.partition, c.change, c.tenant_id, c.ticket_ids
    FROM unnest(partitions, known) w (partition, change)
    CROSS JOIN LATERAL (SELECT * FROM analytics.changes c WHERE c.partition = w.partition AND c.change > w.change
                        ORDER BY c.change LIMIT at_most) c
    ORDER BY c.partition, c.change, c.tenant_id
$$;

-- A page of the tickets of every tenant, and what each lacks: those without figures, and those whose figures have been behind the
-- ledger for so long that no event will bring them on.
CREATE FUNCTION analytics.look_through(after_tenant bigint, after_ticket bigint, at_most integer, older interval)
RETURNS TABLE (tenant_id bigint, ticket_id bigint, lacks boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT o.tenant_id, o.id, a.seq IS NULL OR (a.seq < o.version AND o.updated_at < now() - older)
    FROM (SELECT t.tenant_id, t.id, t.version, t.updated_at FROM ticket.tickets t
          WHERE (t.tenant_id, t.id) > (after_tenant, after_ticket) ORDER BY t.tenant_id, t.id LIMIT at_most) o
    LEFT JOIN analytics.tickets a ON a.tenant_id = o.tenant_id AND a.ticket_id = o.id
    ORDER BY 1, 2
$$;

-- About how many tickets there are, of every tenant.
CREATE FUNCTION analytics.estimated_tickets() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'ticket.tickets'::regclass
$$;

-- Changes past their age. How many went.
CREATE FUNCTION analytics.sweep(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM analytics.changes c
        USING (SELECT o.tenant_id, o.partition, o.change FROM analytics.changes o
               WHERE o.at < now() - interval '10 minutes' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE c.tenant_id = old.tenant_id AND c.partition = old.partition AND c.change = old.change RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- Empties the figures of these tenants (NULL: of all); who follows tells them anew from the ledger. All partitions are held: whatever
-- was being written is told again. How many tickets went.
CREATE FUNCTION analytics.empty(of_tenants bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    went bigint;
BEGIN
    PERFORM FROM analytics.partitions ORDER BY partition FOR UPDATE;
    DELETE FROM analytics.windows w WHERE of_tenants IS NULL OR w.tenant_id = ANY (of_tenants);
    DELETE FROM analytics.tickets t WHERE of_tenants IS NULL OR t.tenant_id = ANY (of_tenants);
    GET DIAGNOSTICS went = ROW_COUNT;
    UPDATE analytics.partitions SET change = change + 1, filled = 0;
    INSERT INTO analytics.changes (tenant_id, partition, change)
        SELECT t.tenant_id, p.partition, p.change FROM analytics.partitions p, docket.tenants t
        WHERE of_tenants IS NULL OR t.tenant_id = ANY (of_tenants);
    RETURN went;
END $$;

REVOKE ALL ON FUNCTION analytics.load_tickets(bigint, bigint, integer), analytics.newer_changes(integer[], bigint[], integer),
    analytics.look_through(bigint, bigint, integer, interval), analytics.estimated_tickets(), analytics.sweep(integer),
    analytics.empty(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analytics.load_tickets(bigint, bigint, integer), analytics.newer_changes(integer[], bigint[], integer),
    analytics.look_through(bigint, bigint, integer, interval), analytics.estimated_tickets(), analytics.sweep(integer)
    TO docket_analytics;
GRANT EXECUTE ON FUNCTION analytics.empty(bigint[]) TO docket_operator;
