-- Roles, schemas and the tenant fence that every later migration stands on. Owner of everything: docket_migrator.

-- One role per service, least privilege; a deployment gives them LOGIN. The operator may read every tenant, and write nothing.
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['docket_intake', 'docket_router', 'docket_operator'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this cluster was faster
            END;
        END IF;
    END LOOP;
END $$;

CREATE SCHEMA IF NOT EXISTS docket; -- what is nobody's own: tenants, and the migrations that `docket migrate` notes
CREATE SCHEMA access;  -- owner: desk. Credentials
CREATE SCHEMA config;  -- owner: desk (until then the operator's tool). Versioned documents
CREATE SCHEMA intake;  -- owner: intake
CREATE SCHEMA ticket;  -- owner: router
GRANT USAGE ON SCHEMA docket, access, config, intake, ticket TO docket_intake, docket_router, docket_operator;
GRANT SELECT ON docket.migrations TO docket_intake, docket_router, docket_operator; -- each refuses a schema that it does not know

-- Every table says in its comment `owner: SERVICE`, `Age: LIMIT`, and where something grows without end `Job: WHAT ENFORCES IT`, a
-- function of the schema or a command; "Age: for ever" needs no job (correctness.md 11). tests/service/test_migrations.py reads them.
COMMENT ON TABLE docket.migrations IS 'owner: desk, written by docket migrate. Age: for ever, grows with releases only';

-- The second tenant fence (correctness.md 28): evaluated once a statement; unset means no tenant at all.
CREATE FUNCTION docket.tenants() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('docket.tenants', true), ''), '{}')::bigint[] $$;

-- Fences one table: row-level security by tenant, for everybody but the owner and the operator's reading.
CREATE PROCEDURE docket.fence(target regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant ON %s USING ((tenant_id = ANY ((SELECT docket.tenants())::bigint[])) IS TRUE)', target);
    EXECUTE format('CREATE POLICY operator ON %s FOR SELECT TO docket_operator USING (true)', target);
    EXECUTE format('GRANT SELECT ON %s TO docket_operator', target);
END $$;

CREATE TABLE docket.tenants (
    tenant_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'), -- how commands name it
    title      text NOT NULL DEFAULT '',                                        -- how people name it
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE docket.tenants IS 'owner: desk. Age: for ever, grows with customers only';
GRANT SELECT ON docket.tenants TO docket_intake, docket_router, docket_operator;

-- Names that nothing but PostgreSQL can give out. Ticket ids are leased in blocks of 100,000 (correctness.md 1).
CREATE SEQUENCE ticket.ticket_ids AS bigint START 100000 INCREMENT 100000;
CREATE SEQUENCE ticket.requester_ids AS bigint START 10000 INCREMENT 10000; -- leased in blocks of 10,000
CREATE SEQUENCE config.entity_ids AS bigint START 1000; -- groups, agents, sources, users: one series, so no two are confused
GRANT USAGE ON SEQUENCE ticket.requester_ids TO docket_router;
GRANT SELECT ON SEQUENCE ticket.ticket_ids TO docket_operator; -- how far ahead the partitions are
