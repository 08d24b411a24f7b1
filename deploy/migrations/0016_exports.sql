-- Hourly files of the figures for larger engines: what changed in each hour, cut once and written by whoever comes first.

-- The changes of each partition that are in a file, or in one of those that are still to be written.
CREATE TABLE analytics.export_cursors (
    partition integer PRIMARY KEY,
    change    bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE analytics.export_cursors IS 'owner: analytics. Age: for ever, as many rows as docket.events has partitions';

-- One row an hour that was cut.
CREATE TABLE analytics.export_hours (
    hour    timestamptz PRIMARY KEY,       -- its beginning
    cut_at  timestamptz NOT NULL DEFAULT now(),
    whole   boolean NOT NULL,              -- of every ticket: the first file of all, or what had changed was no longer known
    tickets bigint NOT NULL
);
COMMENT ON TABLE analytics.export_hours IS 'owner: analytics. Age: for ever, 8,760 rows a year';

-- One row a file. It is written under its final name in one step, so whoever writes it again after a death replaces it.
CREATE TABLE analytics.exports (
    tenant_id  bigint NOT NULL,
    hour       timestamptz NOT NULL,
    part       integer NOT NULL CHECK (part >= 0),
    ticket_ids bigint[],                   -- ascending; NULL once it is written
    next_at    timestamptz NOT NULL DEFAULT now(), -- nobody else tries before
    owner      text,                       -- the instance that did last
    tries      integer NOT NULL DEFAULT 0,
    done_at    timestamptz,
    file       text,                       -- where, below the place that files go to
    rows       bigint,
    bytes      bigint,
    PRIMARY KEY (tenant_id, hour, part)
) WITH (fillfactor = 70);
COMMENT ON TABLE analytics.exports IS 'owner: analytics. Age: for ever, a row an hour, tenant and 100,000 tickets';
CALL docket.fence('analytics.exports');
CREATE INDEX exports_open ON analytics.exports (hour, tenant_id, part) WHERE done_at IS NULL;
GRANT SELECT, UPDATE ON analytics.exports TO docket_analytics;
GRANT SELECT ON analytics.export_cursors, analytics.export_hours TO docket_analytics, docket_operator;

-- Cuts every hour that is over and was not cut yet, oldest first: which tickets changed in it, in parts. Numbers of changes are
-- gap-free in each partition, so what is missing is seen; then the hour's files are of every ticket. How many hours were cut.
CREATE FUNCTION analytics.cut_exports(upto timestamptz, part_tickets integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    ends  timestamptz;
    last  timestamptz;
    hours integer := 0;
    gap   boolean;
    n     bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('analytics.cut_exports')) THEN
        RETURN 0;
    END IF;
    ends := date_trunc('hour', upto, 'UTC');
    SELECT max(h.hour) + interval '1 hour' INTO last FROM analytics.export_hours h;
    -- Hours before the first cut, and those in which nobody was there, are in the first file that comes.
    IF last IS NULL OR last < ends - interval '3 days' THEN
        last := ends - interval '1 hour';
    END IF;
    WHILE last < ends LOOP
        CREATE TEMPORARY TABLE cut ON COMMIT DROP AS
            SELECT p.partition, coalesce(c.change, 0) AS known, coalesce(
                (SELECT max(x.change) FROM analytics.changes x
                 WHERE x.partition = p.partition AND x.change > coalesce(c.change, 0) AND x.at < last + interval '1 hour'),
                coalesce(c.change, 0)) AS change, p.change AS newest
            FROM analytics.partitions p LEFT JOIN analytics.export_cursors c ON c.partition = p.partition;
        SELECT coalesce(bool_or(t.newest > t.known AND NOT EXISTS (
                SELECT FROM analytics.changes x WHERE x.partition = t.partition AND x.change = t.known + 1)), false)
            INTO gap FROM cut t;
        gap := gap OR NOT EXISTS (SELECT FROM analytics.export_hours);
        IF gap THEN
            UPDATE cut SET change = newest;
        END IF;
        INSERT INTO analytics.exports (tenant_id, hour, part, ticket_ids)
            SELECT o.tenant_id, last, ((o.place - 1) / part_tickets)::integer, array_agg(o.ticket_id ORDER BY o.ticket_id)
            FROM (SELECT f.tenant_id, f.ticket_id,
                         row_number() OVER (PARTITION BY f.tenant_id ORDER BY f.ticket_id) AS place
                  FROM (SELECT t.tenant_id, t.ticket_id FROM analytics.tickets t WHERE gap
                        UNION
                        SELECT x.tenant_id, unnest(x.ticket_ids) FROM cut c
                        JOIN analytics.changes x ON x.partition = c.partition AND x.change > c.known AND x.change <= c.change
                        WHERE NOT gap) f) o
            GROUP BY o.tenant_id, (o.place - 1) / part_tickets;
        SELECT coalesce(sum(cardinality(e.ticket_ids)), 0) INTO n FROM analytics.exports e WHERE e.hour = last;
        INSERT INTO analytics.export_hours (hour, whole, tickets) VALUES (last, gap, n);
        INSERT INTO analytics.export_cursors AS k (partition, change) SELECT c.partition, c.change FROM cut c
            ON CONFLICT (partition) DO UPDATE SET change = excluded.change WHERE k.change < excluded.change;
        DROP TABLE cut;
        hours := hours + 1;
        last := last + interval '1 hour';
    END LOOP;
    RETURN hours;
END $$;

-- The oldest file that nobody is writing, for `lease`; no row: there is none.
CREATE FUNCTION analytics.claim_export(instance text, lease interval)
RETURNS TABLE (tenant_id bigint, hour timestamptz, part integer, tickets integer, tries integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE analytics.exports e SET owner = instance, next_at = now() + lease, tries = e.tries + 1
    FROM (SELECT o.tenant_id, o.hour, o.part FROM analytics.exports o WHERE o.done_at IS NULL AND o.next_at <= now()
          ORDER BY o.hour, o.tenant_id, o.part LIMIT 1 FOR UPDATE SKIP LOCKED) f
    WHERE e.tenant_id = f.tenant_id AND e.hour = f.hour AND e.part = f.part
    RETURNING e.tenant_id, e.hour, e.part, cardinality(e.ticket_ids), e.tries
$$;

-- Changes past their age. Where files are written, those that are in none yet stay, for three days. How many went.
CREATE OR REPLACE FUNCTION analytics.sweep(at_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM analytics.changes c
        USING (SELECT o.tenant_id, o.partition, o.change FROM analytics.changes o
               LEFT JOIN analytics.export_cursors k ON k.partition = o.partition
               WHERE o.at < now() - interval '10 minutes'
                 AND (k.change IS NULL OR o.change <= k.change OR o.at < now() - interval '3 days')
               LIMIT at_most FOR UPDATE OF o SKIP LOCKED) old
        WHERE c.tenant_id = old.tenant_id AND c.partition = old.partition AND c.change = old.change RETURNING 1)
    SELECT count(*) FROM gone
$$;

REVOKE ALL ON FUNCTION analytics.cut_exports(timestamptz, integer), analytics.claim_export(text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analytics.cut_exports(timestamptz, integer), analytics.claim_export(text, interval) TO docket_analytics;
