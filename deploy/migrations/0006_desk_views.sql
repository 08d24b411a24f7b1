-- The desk's projection of the events: what lists, counts and exports are answered from. All of it can be rebuilt.
CREATE SCHEMA desk; -- owner: desk
GRANT USAGE ON SCHEMA desk TO docket_desk, docket_operator;

-- One row per ticket: the ticket's row as far as lists need it, at version `seq`. Only desk.follow() and its kin write it, and
-- whoever does holds the tenant's lock (desk.hold()), so that the row and the counters move together.
CREATE TABLE desk.ticket_index (
    tenant_id    bigint NOT NULL,
    ticket_id    bigint NOT NULL,
    seq          integer NOT NULL,         -- version of the ticket that this is
    status       text NOT NULL,
    group_id     bigint NOT NULL,          -- 0: none
    assignee_id  bigint NOT NULL,          -- 0: none
    requester_id bigint NOT NULL,
    kind         text NOT NULL,
    category     text NOT NULL,
    region       text NOT NULL,
    priority     text NOT NULL,
    external_id  text NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    generated_at timestamptz NOT NULL,     -- updated_at, or when this row was written if that was more than 20 s later: what exports
                                           -- go by, so that a row that came late is not behind a reader who is past it
    PRIMARY KEY (tenant_id, ticket_id)
) WITH (fillfactor = 90);
COMMENT ON TABLE desk.ticket_index IS 'owner: desk. Age: as long as its ticket. Job: docket desk rebuild removes rows without one';
CALL docket.fence('desk.ticket_index');
CREATE INDEX ticket_index_external ON desk.ticket_index (tenant_id, external_id, ticket_id) WHERE external_id <> '';
CREATE INDEX ticket_index_requester ON desk.ticket_index (tenant_id, requester_id, ticket_id);
CREATE INDEX ticket_index_updated ON desk.ticket_index (tenant_id, updated_at, ticket_id);
CREATE INDEX ticket_index_generated ON desk.ticket_index (tenant_id, generated_at, ticket_id);
-- What is solved or closed is found by place and person, newest first; new tickets of a storm do not pay for these.
CREATE INDEX ticket_index_done ON desk.ticket_index (tenant_id, status, updated_at, ticket_id)
    WHERE status IN ('solved', 'closed');
CREATE INDEX ticket_index_done_in ON desk.ticket_index (tenant_id, group_id, status, updated_at, ticket_id)
    WHERE status IN ('solved', 'closed');
CREATE INDEX ticket_index_done_by ON desk.ticket_index (tenant_id, assignee_id, ticket_id)
    WHERE assignee_id <> 0 AND status IN ('solved', 'closed');

-- How many tickets of the index have these six in common. Words are cut at 120 characters: together they must fit into a key.
CREATE TABLE desk.counters (
    tenant_id bigint NOT NULL,
    status    text NOT NULL,
    group_id  bigint NOT NULL,             -- 0: none
    kind      text NOT NULL,
    category  text NOT NULL,
    region    text NOT NULL,
    n         bigint NOT NULL,
    PRIMARY KEY (tenant_id, status, group_id, kind, category, region)
) WITH (fillfactor = 50);
COMMENT ON TABLE desk.counters IS 'owner: desk. Age: until it is 0. Job: desk.sweep_counters(), every minute by each desk';
CALL docket.fence('desk.counters');

-- How far each tenant's tickets that were there before any desk have been read into the index.
CREATE TABLE desk.fills (
    tenant_id   bigint PRIMARY KEY REFERENCES docket.tenants,
    next_id     bigint NOT NULL DEFAULT 0, -- tickets below are in
    done        boolean NOT NULL DEFAULT false,
    first_done_at timestamptz,             -- exports answer from then on
    followed_at timestamptz NOT NULL DEFAULT now() -- a desk followed the events; left alone for a day, all is read again
);
COMMENT ON TABLE desk.fills IS 'owner: desk. Age: for ever, grows with tenants only';
CALL docket.fence('desk.fills');

GRANT SELECT ON ticket.tickets TO docket_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.ticket_index, desk.counters TO docket_desk;
GRANT SELECT, INSERT, UPDATE ON desk.fills TO docket_desk;

-- Whoever writes a tenant's index and counters holds this to the end of its transaction; several tenants in their order.
CREATE FUNCTION desk.hold(tenants bigint[]) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('desk.ticket_index', t))
    FROM (SELECT DISTINCT u FROM unnest(tenants) u ORDER BY u) o(t)
$$;

-- Brings these tickets' index rows up to what ticket.tickets says now, and moves the counters by the difference. A ticket whose
-- row is as new already is left alone, so replays, gaps and any order of events do no harm: what an event says is only "look
-- again". With `repair`, rows that differ at the same version are put right too. How many rows were written.
-- Tables may have grown a thousandfold since they were last analysed: no plan but the one by their keys is wanted here, hence
-- the LIMITs, which no planner looks behind, and the settings.
CREATE FUNCTION desk.follow(tenants bigint[], tickets bigint[], repair boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    written bigint;
    at timestamptz;
BEGIN
    PERFORM desk.hold(tenants);
    at := clock_timestamp(); -- not the transaction's: it may have waited for the lock
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT u.tenant_id, u.id FROM unnest(tenants, tickets) u(tenant_id, id)
    ), moved AS MATERIALIZED (
        SELECT t.tenant_id, t.id, t.version, t.status, coalesce(t.group_id, 0) AS group_id,
               coalesce(t.assignee_id, 0) AS assignee_id, t.requester_id, t.kind, t.category, t.region, t.priority,
               t.external_id, t.created_at, t.updated_at,
               CASE WHEN t.updated_at > at - interval '20 seconds' OR f.first_done_at IS NULL THEN t.updated_at
                    ELSE at END AS generated_at,
               i.seq AS old_seq, i.status AS old_status, i.group_id AS old_group_id, i.kind AS old_kind,
               i.category AS old_category, i.region AS old_region
        FROM asked a
        CROSS JOIN LATERAL (SELECT * FROM ticket.tickets t WHERE t.tenant_id = a.tenant_id AND t.id = a.id LIMIT 1) t
        LEFT JOIN LATERAL (SELECT * FROM desk.ticket_index i WHERE i.tenant_id = a.tenant_id AND i.ticket_id = a.id LIMIT 1) i ON true
        LEFT JOIN desk.fills f ON f.tenant_id = a.tenant_id
        WHERE i.seq IS NULL OR i.seq < t.version OR (repair AND
            (i.seq, i.status, i.group_id, i.assignee_id, i.requester_id, i.kind, i.category, i.region, i.priority,
             i.external_id, i.created_at, i.updated_at) IS DISTINCT FROM
            (t.version, t.status, coalesce(t.group_id, 0), coalesce(t.assignee_id, 0), t.requester_id, t.kind, t.category,
             t.region, t.priority, t.external_id, t.created_at, t.updated_at))
    ), stored AS (
        INSERT INTO desk.ticket_index AS x (tenant_id, ticket_id, seq, status, group_id, assignee_id, requester_id, kind,
                                            category, region, priority, external_id, created_at, updated_at, generated_at)
        SELECT tenant_id, id, version, status, group_id, assignee_id, requester_id, kind,
               category, region, priority, external_id, created_at, updated_at, generated_at FROM moved
        ON CONFLICT (tenant_id, ticket_id) DO UPDATE SET seq = excluded.seq, status = excluded.status,
            group_id = excluded.group_id, assignee_id = excluded.assignee_id, requester_id = excluded.requester_id,
            kind = excluded.kind, category = excluded.category, region = excluded.region, priority = excluded.priority,
            external_id = excluded.external_id, created_at = excluded.created_at, updated_at = excluded.updated_at,
            generated_at = excluded.generated_at
    ), counted AS (
        INSERT INTO desk.counters AS c (tenant_id, status, group_id, kind, category, region, n)
        SELECT tenant_id, status, group_id, kind, category, region, sum(d)::bigint FROM (
            SELECT tenant_id, status, group_id, left(kind, 120) AS kind, left(category, 120) AS category,
                   left(region, 120) AS region, 1 AS d FROM moved
            UNION ALL
            SELECT tenant_id, old_status, old_group_id, left(old_kind, 120), left(old_category, 120), left(old_region, 120), -1
            FROM moved WHERE old_seq IS NOT NULL) both_of
        GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(d) <> 0
        ON CONFLICT (tenant_id, status, group_id, kind, category, region) DO UPDATE SET n = c.n + excluded.n
    )
    SELECT count(*) INTO written FROM moved;
    RETURN written;
END $$;

-- The next tickets of a tenant that were there before the index; true once there are none left.
CREATE FUNCTION desk.fill(tenant bigint, at_most integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    here bigint;
    ids bigint[];
BEGIN
    PERFORM desk.hold(ARRAY[tenant]);
    INSERT INTO desk.fills (tenant_id) VALUES (tenant) ON CONFLICT DO NOTHING;
    SELECT next_id INTO here FROM desk.fills WHERE tenant_id = tenant AND NOT done;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    SELECT array_agg(id) INTO ids FROM (SELECT t.id FROM ticket.tickets t WHERE t.tenant_id = tenant AND t.id >= here
                                        ORDER BY t.id LIMIT at_most) page;
    IF ids IS NULL THEN
        UPDATE desk.fills SET done = true, first_done_at = coalesce(first_done_at, now()), followed_at = now() WHERE tenant_id = tenant;
        RETURN true;
    END IF;
    PERFORM desk.follow(array_fill(tenant, ARRAY[cardinality(ids)]), ids);
    UPDATE desk.fills SET next_id = ids[cardinality(ids)] + 1 WHERE tenant_id = tenant;
    RETURN false;
END $$;

-- One step of `docket desk rebuild`: the next tickets of a tenant are compared in full, and rows of the index in between that have
-- no ticket go. The next id to ask from; NULL at the end.
CREATE FUNCTION desk.rebuild(tenant bigint, here bigint, at_most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
    last bigint;
BEGIN
    PERFORM desk.hold(ARRAY[tenant]);
    SELECT array_agg(id) INTO ids FROM (SELECT t.id FROM ticket.tickets t WHERE t.tenant_id = tenant AND t.id >= here
                                        ORDER BY t.id LIMIT at_most) page;
    last := CASE WHEN cardinality(ids) = at_most THEN ids[at_most] ELSE 9007199254740992 END;
    WITH gone AS (
        DELETE FROM desk.ticket_index i WHERE i.tenant_id = tenant AND i.ticket_id BETWEEN here AND last AND NOT EXISTS
            (SELECT FROM ticket.tickets t WHERE t.tenant_id = tenant AND t.id = i.ticket_id)
        RETURNING i.status, i.group_id, left(i.kind, 120) AS kind, left(i.category, 120) AS category, left(i.region, 120) AS region
    )
    INSERT INTO desk.counters AS c (tenant_id, status, group_id, kind, category, region, n)
    SELECT tenant, status, group_id, kind, category, region, -count(*) FROM gone GROUP BY 2, 3, 4, 5, 6
    ON CONFLICT (tenant_id, status, group_id, kind, category, region) DO UPDATE SET n = c.n + excluded.n;
    IF ids IS NOT NULL THEN
        PERFORM desk.follow(array_fill(tenant, ARRAY[cardinality(ids)]), ids, true);
    END IF;
    RETURN CASE WHEN cardinality(ids) = at_most THEN last + 1 END;
END $$;

-- The other: counters as the index says. While it runs the followers of this tenant wait, and nobody else does. How many were wrong.
CREATE FUNCTION desk.recount(tenant bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE wrong bigint;
BEGIN
    PERFORM desk.hold(ARRAY[tenant]);
    WITH should_be AS (
        SELECT i.status, i.group_id, left(i.kind, 120) AS kind, left(i.category, 120) AS category,
               left(i.region, 120) AS region, count(*) AS n FROM desk.ticket_index i
        WHERE i.tenant_id = tenant GROUP BY 1, 2, 3, 4, 5
    ), odd AS (
        SELECT coalesce(s.status, c.status) AS status, coalesce(s.group_id, c.group_id) AS group_id,
               coalesce(s.kind, c.kind) AS kind, coalesce(s.category, c.category) AS category,
               coalesce(s.region, c.region) AS region, coalesce(s.n, 0) AS n
        FROM should_be s FULL JOIN (SELECT * FROM desk.counters WHERE tenant_id = tenant) c
          ON (c.status, c.group_id, c.kind, c.category, c.region) = (s.status, s.group_id, s.kind, s.category, s.region)
        WHERE coalesce(s.n, 0) <> coalesce(c.n, 0)
    ), put AS (
        INSERT INTO desk.counters (tenant_id, status, group_id, kind, category, region, n)
        SELECT tenant, status, group_id, kind, category, region, n FROM odd
        ON CONFLICT (tenant_id, status, group_id, kind, category, region) DO UPDATE SET n = excluded.n
    )
    SELECT count(*) INTO wrong FROM odd;
    RETURN wrong;
END $$;

-- Tenants whose tickets are not all read yet. With `lost`, because events were lost (Kafka no longer holds them), all are read again:
-- of every tenant, or of those that no desk followed for a day.
CREATE FUNCTION desk.tenants_to_fill() RETURNS TABLE (tenant_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT t.tenant_id FROM docket.tenants t LEFT JOIN desk.fills f USING (tenant_id) WHERE f.done IS NOT TRUE ORDER BY 1
$$;
CREATE FUNCTION desk.fill_again(only_left_alone boolean) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH again AS (UPDATE desk.fills f SET done = false, next_id = 0, followed_at = now()
        WHERE NOT only_left_alone OR f.followed_at < now() - interval '1 day' RETURNING 1)
    SELECT count(*) FROM again
$$;
-- Every minute by each desk that keeps up: the events are followed, and counters at 0 say nothing.
CREATE FUNCTION desk.sweep_counters(at_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    tenants bigint[];
    swept bigint := 0;
BEGIN
    SELECT array_agg(z.tenant_id) INTO tenants FROM (SELECT DISTINCT c.tenant_id FROM desk.counters c WHERE c.n = 0) z;
    IF tenants IS NOT NULL THEN
        PERFORM desk.hold(tenants);
        DELETE FROM desk.counters c USING (SELECT o.tenant_id, o.status, o.group_id, o.kind, o.category, o.region
                FROM desk.counters o WHERE o.n = 0 AND o.tenant_id = ANY (tenants) LIMIT at_most) z
        WHERE (c.tenant_id, c.status, c.group_id, c.kind, c.category, c.region)
            = (z.tenant_id, z.status, z.group_id, z.kind, z.category, z.region) AND c.n = 0;
        GET DIAGNOSTICS swept = ROW_COUNT;
    END IF;
    UPDATE desk.fills f SET followed_at = now() WHERE f.done; -- last: whoever fills holds the tenant first, too
    RETURN swept;
END $$;
REVOKE ALL ON FUNCTION desk.tenants_to_fill(), desk.fill_again(boolean), desk.sweep_counters(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION desk.tenants_to_fill(), desk.fill_again(boolean), desk.sweep_counters(integer) TO docket_desk;
