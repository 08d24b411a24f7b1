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
