-- Lists and counts that agree for everybody, and follow-ups.

-- What is assigned to a person she reaches whatever its place: counted for each of them as desk.counters count for all, so that
-- no count looks at tickets and none ends at a thousand.
CREATE TABLE desk.own_counters (
    tenant_id   bigint NOT NULL,
    assignee_id bigint NOT NULL,
    status      text NOT NULL,
    group_id    bigint NOT NULL,             -- 0: none
    kind        text NOT NULL,
    category    text NOT NULL,
    region      text NOT NULL,
    n           bigint NOT NULL,
    PRIMARY KEY (tenant_id, assignee_id, status, group_id, kind, category, region)
) WITH (fillfactor = 50);
COMMENT ON TABLE desk.own_counters IS 'owner: desk. Age: until it is 0. Job: desk.sweep_counters(), every minute by each desk';
CALL docket.fence('desk.own_counters');
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.own_counters TO docket_desk;

-- What was hers and is done, newest first: a source of her lists.
CREATE INDEX ticket_index_done_of ON desk.ticket_index (tenant_id, assignee_id, status, updated_at, ticket_id)
    WHERE assignee_id <> 0 AND status IN ('solved', 'closed');

LOCK TABLE desk.ticket_index IN SHARE MODE; -- whoever follows waits, and then finds the functions below
INSERT INTO desk.own_counters
    SELECT tenant_id, assignee_id, status, group_id, left(kind, 120), left(category, 120), left(region, 120), count(*)
    FROM desk.ticket_index WHERE assignee_id <> 0 GROUP BY 1, 2, 3, 4, 5, 6, 7;

-- As in 0006, and besides what each person has.
CREATE OR REPLACE FUNCTION desk.follow(tenants bigint[], tickets bigint[], repair boolean DEFAULT false) RETURNS bigint
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
               i.category AS old_category, i.region AS old_region, i.assignee_id AS old_assignee_id
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
    ), own_counted AS (
        INSERT INTO desk.own_counters AS c (tenant_id, assignee_id, status, group_id, kind, category, region, n)
        SELECT tenant_id, assignee_id, status, group_id, kind, category, region, sum(d)::bigint FROM (
            SELECT tenant_id, assignee_id, status, group_id, left(kind, 120) AS kind, left(category, 120) AS category,
                   left(region, 120) AS region, 1 AS d FROM moved WHERE assignee_id <> 0
            UNION ALL
            SELECT tenant_id, old_assignee_id, old_status, old_group_id, left(old_kind, 120), left(old_category, 120),
                   left(old_region, 120), -1
            FROM moved WHERE old_seq IS NOT NULL AND old_assignee_id <> 0) both_of
        GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(d) <> 0
        ON CONFLICT (tenant_id, assignee_id, status, group_id, kind, category, region) DO UPDATE SET n = c.n + excluded.n
    )
    SELECT count(*) INTO written FROM moved;
    RETURN written;
END $$;


CREATE OR REPLACE FUNCTION desk.rebuild(tenant bigint, here bigint, at_most integer) RETURNS bigint LANGUAGE plpgsql AS $$
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
        RETURNING i.status, i.group_id, left(i.kind, 120) AS kind, left(i.category, 120) AS category, left(i.region, 120) AS region,
                  i.assignee_id
    ), own AS (
        INSERT INTO desk.own_counters AS c (tenant_id, assignee_id, status, group_id, kind, category, region, n)
        SELECT tenant, assignee_id, status, group_id, kind, category, region, -count(*) FROM gone WHERE assignee_id <> 0
        GROUP BY 2, 3, 4, 5, 6, 7
        ON CONFLICT (tenant_id, assignee_id, status, group_id, kind, category, region) DO UPDATE SET n = c.n + excluded.n
    )
    INSERT INTO desk.counters AS c (tenant_id, status, group_id, kind, category, region, n)
    SELECT tenant, status, group_id, kind, category, region, -count(*) FROM gone GROUP BY 2, 3, 4, 5, 6
    ON CONFLICT (tenant_id, status, group_id, kind, category, region) DO UPDATE SET n = c.n + excluded.n;
    IF ids IS NOT NULL THEN
        PERFORM desk.follow(array_fill(tenant, ARRAY[cardinality(ids)]), ids, true);
    END IF;
    RETURN CASE WHEN cardinality(ids) = at_most THEN last + 1 END;
END $$;


CREATE OR REPLACE FUNCTION desk.recount(tenant bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
    wrong_own bigint;
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
    WITH should_be AS (
        SELECT i.assignee_id, i.status, i.group_id, left(i.kind, 120) AS kind, left(i.category, 120) AS category,
               left(i.region, 120) AS region, count(*) AS n FROM desk.ticket_index i
        WHERE i.tenant_id = tenant AND i.assignee_id <> 0 GROUP BY 1, 2, 3, 4, 5, 6
    ), odd AS (
        SELECT coalesce(s.assignee_id, c.assignee_id) AS assignee_id, coalesce(s.status, c.status) AS status,
               coalesce(s.group_id, c.group_id) AS group_id, coalesce(s.kind, c.kind) AS kind,
               coalesce(s.category, c.category) AS category, coalesce(s.region, c.region) AS region, coalesce(s.n, 0) AS n
        FROM should_be s FULL JOIN (SELECT * FROM desk.own_counters WHERE tenant_id = tenant) c
          ON (c.assignee_id, c.status, c.group_id, c.kind, c.category, c.region)
           = (s.assignee_id, s.status, s.group_id, s.kind, s.category, s.region)
        WHERE coalesce(s.n, 0) <> coalesce(c.n, 0)
    ), put AS (
        INSERT INTO desk.own_counters (tenant_id, assignee_id, status, group_id, kind, category, region, n)
        SELECT tenant, assignee_id, status, group_id, kind, category, region, n FROM odd
        ON CONFLICT (tenant_id, assignee_id, status, group_id, kind, category, region) DO UPDATE SET n = excluded.n
    )
    SELECT count(*) INTO wrong_own FROM odd;
    RETURN wrong + wrong_own;
END $$;

CREATE OR REPLACE FUNCTION desk.sweep_counters(at_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    tenants bigint[];
    swept bigint := 0;
    swept_own bigint := 0;
BEGIN
    SELECT array_agg(z.tenant_id) INTO tenants FROM (SELECT DISTINCT c.tenant_id FROM desk.counters c WHERE c.n = 0
        UNION SELECT c.tenant_id FROM desk.own_counters c WHERE c.n = 0) z;
    IF tenants IS NOT NULL THEN
        PERFORM desk.hold(tenants);
        DELETE FROM desk.counters c USING (SELECT o.tenant_id, o.status, o.group_id, o.kind, o.category, o.region
                FROM desk.counters o WHERE o.n = 0 AND o.tenant_id = ANY (tenants) LIMIT at_most) z
        WHERE (c.tenant_id, c.status, c.group_id, c.kind, c.category, c.region)
            = (z.tenant_id, z.status, z.group_id, z.kind, z.category, z.region) AND c.n = 0;
        GET DIAGNOSTICS swept = ROW_COUNT;
        DELETE FROM desk.own_counters c USING (SELECT o.tenant_id, o.assignee_id, o.status, o.group_id, o.kind, o.category, o.region
                FROM desk.own_counters o WHERE o.n = 0 AND o.tenant_id = ANY (tenants) LIMIT at_most) z
        WHERE (c.tenant_id, c.assignee_id, c.status, c.group_id, c.kind, c.category, c.region)
            = (z.tenant_id, z.assignee_id, z.status, z.group_id, z.kind, z.category, z.region) AND c.n = 0;
        GET DIAGNOSTICS swept_own = ROW_COUNT;
    END IF;
    UPDATE desk.fills f SET followed_at = now() WHERE f.done; -- last: whoever fills holds the tenant first, too
    RETURN swept + swept_own;
END $$;

-- Which tickets continue this one?
CREATE INDEX tickets_followup ON ticket.tickets (tenant_id, followup_of, id) WHERE followup_of IS NOT NULL;

-- What the gate must know of the ticket that a submission says it continues; nothing when there is none.
CREATE FUNCTION ticket.followup_source(tenant bigint, source bigint)
RETURNS TABLE (id bigint, status text, source_id bigint, contact_hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT t.id, t.status, t.source_id, (SELECT r.contact_hash FROM ticket.requesters r
        WHERE r.tenant_id = tenant AND r.id = t.requester_id)
    FROM ticket.tickets t WHERE t.tenant_id = tenant AND t.status <> 'deleted' AND t.id = coalesce(
        (SELECT a.ticket_id FROM ticket.aliases a WHERE a.tenant_id = tenant AND a.id = source), source)
$$;
REVOKE ALL ON FUNCTION ticket.followup_source(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.followup_source(bigint, bigint) TO docket_intake;
