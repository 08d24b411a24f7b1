-- The notifier: who is told of what by which way, each of it once, and how far that has come.

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'docket_notifier') THEN
        BEGIN
            CREATE ROLE docket_notifier NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this cluster was faster
        END;
    END IF;
END $$;

CREATE SCHEMA notify; -- owner: notifier
GRANT USAGE ON SCHEMA notify TO docket_notifier, docket_desk, docket_operator;
-- It reads what happened to tickets, who is to be told and where they are reached, and writes nothing outside its own schema. Of
-- people not their passwords.
GRANT USAGE ON SCHEMA docket, config, ticket, access TO docket_notifier;
GRANT SELECT ON docket.migrations, docket.tenants TO docket_notifier;
GRANT SELECT ON config.revisions, config.documents, config.names TO docket_notifier;
GRANT EXECUTE ON FUNCTION config.current_revisions() TO docket_notifier;
GRANT SELECT ON ticket.agents, ticket.tickets, ticket.ledger, ticket.aliases, ticket.requesters TO docket_notifier;
GRANT SELECT (tenant_id, user_id, role, name, email_masked, email_sealed, locale, time_zone, suspended, deleted_at)
    ON access.users TO docket_notifier;

-- One row: this message, to this recipient, by this way. Its key is what happened, so whoever finds the same event again finds this
-- row; ended ones stay for longer than Kafka keeps the events.
CREATE SEQUENCE notify.delivery_ids AS bigint;
CREATE TABLE notify.deliveries (
    tenant_id    bigint NOT NULL,
    delivery_id  bigint NOT NULL DEFAULT nextval('notify.delivery_ids'),
    cause        text NOT NULL,              -- '<ticket>.<seq>' of the ledger, 'storm.<category>.<when>.<n>', 'paused.<...>'
    notification text NOT NULL,              -- of the documents, by name; '': what a policy asked for by itself
    recipient    text NOT NULL,              -- 'requester:7' 'agent:12' 'user:9' 'system:erp'
    way          text NOT NULL,              -- 'mail' 'sms' 'webhook' 'kafka' 'dingtalk' 'wecom' 'feishu'
    ticket_id    bigint,                     -- NULL: about no single ticket
    seq          integer,
    revision     bigint NOT NULL,            -- documents decided by
    urgent       boolean NOT NULL,
    destination  text NOT NULL,              -- what fails together and is limited together: 'mail' 'https://erp.example:443' 'robot:<name>' ...
    said         jsonb NOT NULL,             -- what the words are made from, as it was at that event; no personal data in clear
    fold         text,                       -- rows of one (notification, recipient, way, fold) become one message; NULL: alone
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'dropped')),
    due          timestamptz NOT NULL,       -- not before
    expires      timestamptz NOT NULL,       -- given up then
    attempts     integer NOT NULL DEFAULT 0,
    lease_by     text,
    lease_until  timestamptz,
    lease_no     integer NOT NULL DEFAULT 0, -- raised by each claim; a result counts only under the number that was claimed
    doubts       integer NOT NULL DEFAULT 0, -- tries whose outcome nobody knows
    status       integer,                    -- the last answer
    reason       text,                       -- likewise, or why it was dropped; no personal data
    created_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    PRIMARY KEY (tenant_id, delivery_id),
    UNIQUE (tenant_id, cause, notification, recipient, way),
    CHECK ((state = 'waiting') = (ended_at IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE notify.deliveries IS 'owner: notifier. Age: until delivered, refused or dropped, and 30 days more: longer than docket.events holds what it was made from. Job: notify.sweep(), every minute by each notifier';
CALL docket.fence('notify.deliveries');
-- What is due next at a destination; what a ticket's next message there waits for; what has been over for long.
CREATE INDEX deliveries_due ON notify.deliveries (tenant_id, destination, due, delivery_id) WHERE state = 'waiting';
CREATE INDEX deliveries_order ON notify.deliveries (tenant_id, ticket_id, destination, delivery_id) WHERE state = 'waiting';
CREATE INDEX deliveries_fold ON notify.deliveries (tenant_id, fold, delivery_id) WHERE state = 'waiting' AND fold IS NOT NULL;
CREATE INDEX deliveries_ended ON notify.deliveries USING brin (ended_at);
GRANT SELECT, INSERT, UPDATE ON notify.deliveries TO docket_notifier;
GRANT SELECT (tenant_id, delivery_id, cause, notification, recipient, way, ticket_id, seq, urgent, destination, state, due, expires,
              attempts, doubts, status, reason, created_at, ended_at) ON notify.deliveries TO docket_desk;
GRANT USAGE ON SEQUENCE notify.delivery_ids TO docket_notifier;

-- How each destination does: a circuit, and whether it was paused after days of failure. Shared by all notifiers.
CREATE TABLE notify.destinations (
    tenant_id     bigint NOT NULL,
    destination   text NOT NULL,
    failures      integer NOT NULL DEFAULT 0, -- in a row
    failing_since timestamptz,
    open_until    timestamptz,                -- nothing is sent before; NULL: closed
    paused_at     timestamptz,
    paused_why    text,
    told_at       timestamptz,                -- its owner was told of the pause
    changed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, destination)
);
COMMENT ON TABLE notify.destinations IS 'owner: notifier. Age: 30 days after the last change, unless it is paused. Job: notify.sweep(), every minute by each notifier';
CALL docket.fence('notify.destinations');
GRANT SELECT, INSERT, UPDATE ON notify.destinations TO docket_notifier;
GRANT SELECT ON notify.destinations TO docket_desk;

-- Who asked not to be told any more, by a link in the message itself.
CREATE TABLE notify.unsubscribed (
    tenant_id    bigint NOT NULL,
    recipient    text NOT NULL,              -- 'requester:7' 'agent:12'
    way          text NOT NULL,
    notification text NOT NULL,              -- by name; '': of everything
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, recipient, way, notification)
);
COMMENT ON TABLE notify.unsubscribed IS 'owner: desk, read by notifier. Age: for ever, until the person asks for it again';
CALL docket.fence('notify.unsubscribed');
GRANT SELECT ON notify.unsubscribed TO docket_notifier;
GRANT SELECT, INSERT, DELETE ON notify.unsubscribed TO docket_desk;

-- Storms: how many new tickets of one top category came in one window of the events' own time. The first `alone` of them are told
-- one by one, the others as one message once the window is over.
CREATE TABLE notify.storms (
    tenant_id  bigint NOT NULL,
    category   text NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    alone      integer NOT NULL,            -- 0: the window before was a storm already
    tickets    integer NOT NULL DEFAULT 0,
    urgent     integer NOT NULL DEFAULT 0,  -- of them
    told       integer NOT NULL DEFAULT 0,  -- so many were counted when it was told last
    tellings   integer NOT NULL DEFAULT 0,
    told_at    timestamptz,
    counted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, category, starts_at)
) WITH (fillfactor = 50);
COMMENT ON TABLE notify.storms IS 'owner: notifier. Age: 30 days, as the deliveries. Job: notify.sweep(), every minute by each notifier';
CALL docket.fence('notify.storms');
CREATE INDEX storms_untold ON notify.storms (ends_at) WHERE tickets > alone AND tickets > told;
GRANT SELECT, INSERT, UPDATE ON notify.storms TO docket_notifier;

-- Who was counted, so that nobody is twice: a ticket's number in its window says for ever whether it is told alone.
CREATE TABLE notify.storm_tickets (
    tenant_id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    category  text NOT NULL,
    starts_at timestamptz NOT NULL,
    number    integer NOT NULL,             -- from 1
    group_id  bigint NOT NULL,              -- 0: none
    urgent    boolean NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id)
);
COMMENT ON TABLE notify.storm_tickets IS 'owner: notifier. Age: 30 days, as the deliveries. Job: notify.sweep(), every minute by each notifier';
CALL docket.fence('notify.storm_tickets');
CREATE INDEX storm_tickets_of ON notify.storm_tickets (tenant_id, category, starts_at);
CREATE INDEX storm_tickets_age ON notify.storm_tickets USING brin (starts_at);
GRANT SELECT, INSERT ON notify.storm_tickets TO docket_notifier;

-- Counts new tickets, each once. Whoever counts in a window holds its row until the transaction ends, so numbers have no gap and
-- several notifiers agree. Under the caller's fence.
CREATE FUNCTION notify.count_storms(tenant_ids bigint[], ticket_ids bigint[], categories text[], starts timestamptz[],
                                    group_ids bigint[], are_urgent boolean[], span interval, alone_at_most integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notify.storms (tenant_id, category, starts_at, ends_at, alone)
        SELECT d.tenant_id, d.category, d.starts_at, d.starts_at + span,
               CASE WHEN EXISTS (SELECT FROM notify.storms p WHERE p.tenant_id = d.tenant_id AND p.category = d.category
                                   AND p.starts_at = d.starts_at - span AND p.tickets > alone_at_most) THEN 0 ELSE alone_at_most END
        FROM (SELECT DISTINCT u.tenant_id, u.category, u.starts_at
              FROM unnest(tenant_ids, categories, starts) u(tenant_id, category, starts_at)) d
        ORDER BY 1, 2, 3
        ON CONFLICT DO NOTHING;
    PERFORM FROM notify.storms s
        WHERE (s.tenant_id, s.category, s.starts_at) IN (SELECT * FROM unnest(tenant_ids, categories, starts))
        ORDER BY s.tenant_id, s.category, s.starts_at FOR NO KEY UPDATE;
    WITH fresh AS (
        INSERT INTO notify.storm_tickets (tenant_id, ticket_id, category, starts_at, number, group_id, urgent)
        SELECT d.tenant_id, d.ticket_id, d.category, d.starts_at,
               s.tickets + row_number() OVER (PARTITION BY d.tenant_id, d.category, d.starts_at ORDER BY d.ticket_id),
               d.group_id, d.urgent
        FROM unnest(tenant_ids, ticket_ids, categories, starts, group_ids, are_urgent)
             d(tenant_id, ticket_id, category, starts_at, group_id, urgent)
        JOIN notify.storms s ON s.tenant_id = d.tenant_id AND s.category = d.category AND s.starts_at = d.starts_at
        WHERE NOT EXISTS (SELECT FROM notify.storm_tickets t WHERE t.tenant_id = d.tenant_id AND t.ticket_id = d.ticket_id)
        RETURNING storm_tickets.tenant_id, storm_tickets.category, storm_tickets.starts_at, storm_tickets.urgent
    )
    UPDATE notify.storms s SET tickets = s.tickets + f.n, urgent = s.urgent + f.hot, counted_at = clock_timestamp()
        FROM (SELECT fresh.tenant_id, fresh.category, fresh.starts_at, count(*)::integer AS n,
                     (count(*) FILTER (WHERE fresh.urgent))::integer AS hot FROM fresh GROUP BY 1, 2, 3) f
        WHERE s.tenant_id = f.tenant_id AND s.category = f.category AND s.starts_at = f.starts_at;
END $$;

-- Storms of every tenant whose window is over and that count more than was told.
CREATE FUNCTION notify.untold_storms(as_of timestamptz, at_most integer)
RETURNS TABLE (tenant_id bigint, category text, starts_at timestamptz, ends_at timestamptz, tickets integer, urgent integer,
               tellings integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.tenant_id, s.category, s.starts_at, s.ends_at, s.tickets, s.urgent, s.tellings FROM notify.storms s
    WHERE s.ends_at <= as_of AND s.tickets > s.alone AND s.tickets > s.told
      AND (s.told_at IS NULL OR s.told_at <= as_of - (s.ends_at - s.starts_at))
    ORDER BY s.ends_at LIMIT at_most
$$;

-- Destinations of every tenant for which something waits, from this one on in their order: when its first is due and by which way
-- that goes, and how the destination does. One look into the index for each, however much waits there.
CREATE FUNCTION notify.waiting_destinations(after_tenant bigint, after_destination text, at_most integer)
RETURNS TABLE (tenant_id bigint, destination text, due timestamptz, way text, failures integer, open_for_ms bigint, paused boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH RECURSIVE each AS (
        (SELECT d.tenant_id, d.destination, d.due, d.way, 1 AS n FROM notify.deliveries d
         WHERE d.state = 'waiting' AND (d.tenant_id, d.destination) > (after_tenant, after_destination)
         ORDER BY d.tenant_id, d.destination, d.due, d.delivery_id LIMIT 1)
        UNION ALL
        SELECT f.tenant_id, f.destination, f.due, f.way, e.n + 1 FROM each e, LATERAL (
            SELECT d.tenant_id, d.destination, d.due, d.way FROM notify.deliveries d
            WHERE d.state = 'waiting' AND (d.tenant_id, d.destination) > (e.tenant_id, e.destination)
            ORDER BY d.tenant_id, d.destination, d.due, d.delivery_id LIMIT 1) f
        WHERE e.n < at_most
    )
    SELECT e.tenant_id, e.destination, e.due, e.way, coalesce(s.failures, 0),
           greatest(0, coalesce(extract(epoch FROM s.open_until - clock_timestamp()) * 1000, 0))::bigint, s.paused_at IS NOT NULL
    FROM each e LEFT JOIN notify.destinations s ON s.tenant_id = e.tenant_id AND s.destination = e.destination
    ORDER BY e.n
$$;

-- How much waits, of every tenant: 100,000 means that or more. And since when the oldest of it could have been on its way.
CREATE FUNCTION notify.waiting(as_of timestamptz) RETURNS TABLE (waiting bigint, oldest_due timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT (SELECT count(*) FROM (SELECT FROM notify.deliveries d WHERE d.state = 'waiting' LIMIT 100000) many),
           (SELECT min(w.due) FROM notify.waiting_destinations(0, '', 1000) w WHERE w.due <= as_of AND NOT w.paused)
$$;

-- What has passed its age, of every tenant. How many rows went.
CREATE FUNCTION notify.sweep(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH deliveries AS (DELETE FROM notify.deliveries d
        USING (SELECT o.tenant_id, o.delivery_id FROM notify.deliveries o
               WHERE o.ended_at < now() - interval '30 days' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE d.tenant_id = old.tenant_id AND d.delivery_id = old.delivery_id RETURNING 1),
    destinations AS (DELETE FROM notify.destinations d
        USING (SELECT o.tenant_id, o.destination FROM notify.destinations o
               WHERE o.changed_at < now() - interval '30 days' AND o.paused_at IS NULL LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE d.tenant_id = old.tenant_id AND d.destination = old.destination RETURNING 1),
    tickets AS (DELETE FROM notify.storm_tickets t
        USING (SELECT o.tenant_id, o.ticket_id FROM notify.storm_tickets o
               WHERE o.starts_at < now() - interval '30 days' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE t.tenant_id = old.tenant_id AND t.ticket_id = old.ticket_id RETURNING 1),
    storms AS (DELETE FROM notify.storms s
        USING (SELECT o.tenant_id, o.category, o.starts_at FROM notify.storms o
               WHERE o.ends_at < now() - interval '30 days' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE s.tenant_id = old.tenant_id AND s.category = old.category AND s.starts_at = old.starts_at RETURNING 1)
    SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM destinations) + (SELECT count(*) FROM tickets) +
           (SELECT count(*) FROM storms)
$$;

REVOKE ALL ON FUNCTION notify.untold_storms(timestamptz, integer), notify.waiting_destinations(bigint, text, integer),
    notify.waiting(timestamptz), notify.sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION notify.untold_storms(timestamptz, integer), notify.waiting_destinations(bigint, text, integer),
    notify.waiting(timestamptz), notify.sweep(integer) TO docket_notifier;
