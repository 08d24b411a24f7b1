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
