-- People work on tickets: what the ticket store needs for them, and the role of the desk.

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'docket_desk') THEN
        BEGIN
            CREATE ROLE docket_desk NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this cluster was faster
        END;
    END IF;
END $$;
GRANT USAGE ON SCHEMA docket, access, config, intake, ticket TO docket_desk;
GRANT SELECT ON docket.migrations, docket.tenants TO docket_desk;

-- Requesters and staff are both users of one API: their numbers must never meet. Staff, groups and sources count up from
-- 1,000 (config.entity_ids), requesters from here on a million million further up, still exact in a JavaScript number.
SELECT setval('ticket.requester_ids', greatest(last_value, 1000000000000), is_called) FROM ticket.requester_ids;

-- What only people set. Of a ticket whose ledger does not name one of these it is the default, so that those who store new
-- tickets need not know of them.
ALTER TABLE ticket.tickets
    ADD COLUMN form_id      bigint,
    ADD COLUMN followup_of  bigint,                   -- the closed ticket that this one continues
    ADD COLUMN satisfaction text NOT NULL DEFAULT ''; -- good bad offered

GRANT SELECT ON ticket.tickets, ticket.ledger, ticket.aliases, ticket.requesters, ticket.personal, ticket.agents,
    ticket.submission_keys TO docket_desk;
GRANT UPDATE ON ticket.tickets, ticket.agents TO docket_desk;
GRANT INSERT ON ticket.ledger, ticket.requesters TO docket_desk;
GRANT UPDATE (personal) ON ticket.requesters TO docket_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON ticket.outbox TO docket_desk;
GRANT USAGE ON SEQUENCE ticket.requester_ids TO docket_desk;
-- An edit leaves several rows in the outbox and must know which: it takes their numbers itself.
GRANT USAGE ON SEQUENCE ticket.outbox_outbox_id_seq TO docket_router, docket_desk;
GRANT EXECUTE ON FUNCTION ticket.take_outbox(interval, integer) TO docket_desk;
GRANT SELECT ON config.revisions, config.documents, config.names TO docket_desk;
GRANT EXECUTE ON FUNCTION config.current_revisions() TO docket_desk;
GRANT EXECUTE ON FUNCTION access.find_token(bytea) TO docket_desk;
COMMENT ON TABLE ticket.outbox IS 'owner: router, written by whoever changes something without a message (router, desk, docket agents). Age: until published, 2 s when its writer died. Job: ticket.take_outbox(), every second by each router and desk';

-- Which ids may belong to a ticket that is only just on its way: a client that created one at the gate asks the desk for it at
-- once. Every lease is written down; whoever holds a block says so every minute, and when it is used up.
CREATE TABLE ticket.id_blocks (
    first      bigint PRIMARY KEY,                    -- of 100,000
    leased_at  timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),    -- its holder lived then
    used_up_at timestamptz
);
COMMENT ON TABLE ticket.id_blocks IS 'owner: router, written by whoever leases ids (gates, routers). Age: a day after its holder was last seen. Job: ticket.lease_ids(), with every lease';
GRANT SELECT ON ticket.id_blocks TO docket_operator;

CREATE OR REPLACE FUNCTION ticket.lease_ids() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    block CONSTANT bigint := 100000;
    first_id bigint := nextval('ticket.ticket_ids');
    stored bigint;
BEGIN
    SELECT greatest(max(t.id), max(a.id)) INTO stored
    FROM docket.tenants n
    LEFT JOIN LATERAL (SELECT max(id) AS id FROM ticket.tickets WHERE tenant_id = n.tenant_id AND id >= first_id) t ON true
    LEFT JOIN LATERAL (SELECT max(id) AS id FROM ticket.aliases WHERE tenant_id = n.tenant_id AND id >= first_id) a ON true;
    IF stored IS NOT NULL THEN
        PERFORM setval('ticket.ticket_ids', (stored / block + 1) * block, false);
        first_id := nextval('ticket.ticket_ids');
    END IF;
    PERFORM ticket.make_partitions();
    INSERT INTO ticket.id_blocks (first) VALUES (first_id) ON CONFLICT (first) DO UPDATE SET leased_at = now(), seen_at = now(), used_up_at = NULL;
    DELETE FROM ticket.id_blocks b WHERE greatest(b.seen_at, b.used_up_at) < now() - interval '1 day';
    RETURN first_id;
END $$;

-- Blocks whose holder lives are seen; of these, the ones used up for ever are marked so.
CREATE FUNCTION ticket.mark_blocks(held bigint[], used_up bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE ticket.id_blocks SET seen_at = now() WHERE first = ANY (held);
    UPDATE ticket.id_blocks SET used_up_at = now() WHERE first = ANY (used_up) AND used_up_at IS NULL
$$;
REVOKE ALL ON FUNCTION ticket.mark_blocks(bigint[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.mark_blocks(bigint[], bigint[]) TO docket_router, docket_intake;

-- Blocks in use, or used up within 10 minutes. Whoever has not been seen for 2 minutes has died with its block.
CREATE FUNCTION ticket.recent_blocks() RETURNS TABLE (first bigint, last bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT b.first, b.first + 99999 FROM ticket.id_blocks b
    WHERE coalesce(b.used_up_at, b.seen_at + interval '2 minutes') > now() - interval '10 minutes'
$$;
REVOKE ALL ON FUNCTION ticket.recent_blocks() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.recent_blocks() TO docket_desk;

-- How long the oldest submission has waited that no router has stored: said by each router about its own partitions, every second.
CREATE UNLOGGED TABLE ticket.router_pulses (
    instance  text PRIMARY KEY,
    oldest_ms bigint NOT NULL,                        -- 0: nothing waits
    at        timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE ticket.router_pulses IS 'owner: router. Age: a minute after the router fell silent. Job: ticket.pulse(), every second by each router';
GRANT SELECT ON ticket.router_pulses TO docket_operator;

CREATE FUNCTION ticket.pulse(who text, waits_ms bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO ticket.router_pulses (instance, oldest_ms) VALUES (who, waits_ms)
        ON CONFLICT (instance) DO UPDATE SET oldest_ms = excluded.oldest_ms, at = clock_timestamp();
    DELETE FROM ticket.router_pulses WHERE at < clock_timestamp() - interval '1 minute'
$$;
REVOKE ALL ON FUNCTION ticket.pulse(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.pulse(text, bigint) TO docket_router;

-- NULL: nobody knows. A router that fell silent is as late as it has been silent, until its partitions are surely another's.
CREATE FUNCTION ticket.oldest_submission_ms() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT max(p.oldest_ms + CASE WHEN p.at < clock_timestamp() - interval '1500 milliseconds'
               THEN (extract(epoch FROM clock_timestamp() - p.at) * 1000)::bigint ELSE 0 END)
    FROM ticket.router_pulses p WHERE p.at > clock_timestamp() - interval '1 minute'
$$;
REVOKE ALL ON FUNCTION ticket.oldest_submission_ms() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ticket.oldest_submission_ms() TO docket_desk;
