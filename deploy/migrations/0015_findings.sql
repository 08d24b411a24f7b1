-- What the radar found: surges of a category, each with its problem ticket; and tickets as incidents of a problem.

-- Only the router, for a finding, sets it: those who store new tickets need not know.
ALTER TABLE ticket.tickets
    ADD COLUMN problem_id bigint; -- the ticket of which this one is an incident
CREATE INDEX tickets_problem ON ticket.tickets (tenant_id, problem_id, id) WHERE problem_id IS NOT NULL;

-- How far each category of a tenant has been watched, and what is known of it there: a function of analytics.windows up to then.
CREATE TABLE analytics.surges (
    tenant_id bigint NOT NULL,
    category  text NOT NULL,
    upto      timestamptz NOT NULL,        -- the first quarter of an hour not yet looked at
    fitted_to timestamptz NOT NULL,        -- the profile knows what came before
    profile   bytea NOT NULL,              -- services/analytics/radar/watch.h; empty: its weeks are too few
    state     bytea NOT NULL,              -- libcommon/radar/surge.h
    raging    timestamptz,                 -- beginning of the surge that goes on; NULL: none does
    PRIMARY KEY (tenant_id, category)
) WITH (fillfactor = 50);
COMMENT ON TABLE analytics.surges IS 'owner: analytics. Age: for ever, at most 500 rows a tenant';
CALL docket.fence('analytics.surges');
GRANT SELECT, INSERT, UPDATE, DELETE ON analytics.surges TO docket_analytics;

-- One row a surge. Whoever finds the same one again writes nothing: that is what makes a replay harmless.
CREATE TABLE analytics.findings (
    tenant_id  bigint NOT NULL,
    finding_id bigint GENERATED ALWAYS AS IDENTITY,
    category   text NOT NULL,
    began_at   timestamptz NOT NULL,       -- the quarter of an hour in which it began
    found_at   timestamptz NOT NULL,       -- the end of the one that told
    over_at    timestamptz,                -- NULL: it goes on
    problem_id bigint NOT NULL,            -- the ticket that the router opens for it
    cause_id   uuid NOT NULL,              -- of its signal: a hash of (tenant, category, began)
    observed   bigint NOT NULL,            -- tickets from its beginning until it was found ...
    expected   double precision NOT NULL,  -- ... and what the rhythm of the weeks explains of them
    said       jsonb NOT NULL,             -- {"subject", "culprits": [...], "groups": [...], "examples": [ids], "incidents": n}
    PRIMARY KEY (tenant_id, finding_id),
    UNIQUE (tenant_id, category, began_at)
);
COMMENT ON TABLE analytics.findings IS 'owner: analytics. Age: for ever, a few a day and tenant at most';
CALL docket.fence('analytics.findings');
GRANT SELECT, INSERT, UPDATE ON analytics.findings TO docket_analytics;

-- A finding's signal lies in the outbox of the transaction that records it, so it comes, whoever dies meanwhile; and its problem has an
-- id before there is a ticket.
GRANT INSERT ON ticket.outbox TO docket_analytics;
GRANT EXECUTE ON FUNCTION ticket.lease_ids(), ticket.mark_blocks(bigint[], bigint[]) TO docket_analytics;
