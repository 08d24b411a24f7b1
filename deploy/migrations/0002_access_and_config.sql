-- Credentials, sources, and the versioned documents by which everything is decided.

CREATE TABLE access.tokens (
    tenant_id   bigint NOT NULL REFERENCES docket.tenants,
    token_id    bigint NOT NULL DEFAULT nextval('config.entity_ids'),
    hash        bytea NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the token; its text is shown once
    hint        text NOT NULL,                            -- first characters, to recognise it in lists
    principal   text NOT NULL CHECK (principal ~ '^(source|user|role):'), -- 'source:1003', 'user:1017', 'role:administrator'
    label       text NOT NULL DEFAULT '',
    scopes      text[] NOT NULL DEFAULT '{}',             -- 'tickets:create', 'tickets:place' (may name group, assignee, status) ...
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (tenant_id, token_id),
    UNIQUE (tenant_id, hash)
);
COMMENT ON TABLE access.tokens IS 'owner: desk. Age: 90 days after it was revoked or expired. Job: access.sweep_tokens(), every minute by each router';
CALL docket.fence('access.tokens');
CREATE INDEX tokens_by_hash ON access.tokens (hash); -- a gate looks up by hash alone, before it knows the tenant

CREATE TABLE intake.sources (
    tenant_id   bigint NOT NULL REFERENCES docket.tenants,
    source_id   bigint NOT NULL DEFAULT nextval('config.entity_ids'),
    name        text NOT NULL,
    channels    text[] NOT NULL CHECK (cardinality(channels) > 0), -- channels it may name; the first is its default
    dedup_by_external_id boolean NOT NULL DEFAULT false,  -- external_id is then an idempotency key (correctness.md 2)
    rate_per_second      integer NOT NULL DEFAULT 0 CHECK (rate_per_second >= 0), -- express share; 0: no limit; above it: bulk lane
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, source_id),
    UNIQUE (tenant_id, name)
);
COMMENT ON TABLE intake.sources IS 'owner: intake. Age: for ever, grows with the number of systems connected';
CALL docket.fence('intake.sources');

-- What a gate may know, across tenants, of a token it was shown: one function instead of a hole in the fence.
CREATE FUNCTION access.find_token(shown_hash bytea)
RETURNS TABLE (tenant_id bigint, token_id bigint, principal text, scopes text[], expires_at timestamptz, revoked boolean,
               source_id bigint, channels text[], dedup_by_external_id boolean, rate_per_second integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT t.tenant_id, t.token_id, t.principal, t.scopes, t.expires_at, t.revoked_at IS NOT NULL,
           s.source_id, s.channels, s.dedup_by_external_id, s.rate_per_second
    FROM access.tokens t
    LEFT JOIN intake.sources s ON s.tenant_id = t.tenant_id AND t.principal = 'source:' || s.source_id
    WHERE t.hash = shown_hash
$$;
REVOKE ALL ON FUNCTION access.find_token(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.find_token(bytea) TO docket_intake;

-- Tokens revoked or expired long ago, of every tenant. How many went.
CREATE FUNCTION access.sweep_tokens(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM access.tokens t
        USING (SELECT o.tenant_id, o.token_id FROM access.tokens o
               WHERE least(o.revoked_at, o.expires_at) < now() - interval '90 days' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE t.tenant_id = old.tenant_id AND t.token_id = old.token_id RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION access.sweep_tokens(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.sweep_tokens(integer) TO docket_router;

-- Every apply makes one revision of the tenant; a revision is the whole set of its documents.
CREATE TABLE config.revisions (
    tenant_id  bigint NOT NULL REFERENCES docket.tenants,
    revision   bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL,
    PRIMARY KEY (tenant_id, revision)
);
COMMENT ON TABLE config.revisions IS 'owner: desk. Age: for ever, tickets name the revision that decided them';
CALL docket.fence('config.revisions');

CREATE TABLE config.documents (
    tenant_id  bigint NOT NULL,
    revision   bigint NOT NULL,
    kind       text NOT NULL,               -- 'groups', 'agents', 'rules', ...: one top-level section
    body       text NOT NULL,               -- YAML as applied; JSON is YAML too
    source     text NOT NULL,               -- file it came from, for messages
    first_line integer NOT NULL DEFAULT 1,  -- of that section in its file
    PRIMARY KEY (tenant_id, revision, kind),
    FOREIGN KEY (tenant_id, revision) REFERENCES config.revisions
);
COMMENT ON TABLE config.documents IS 'owner: desk. Age: for ever, as config.revisions';
CALL docket.fence('config.documents');

-- Groups and agents keep their number however often documents are applied.
CREATE TABLE config.names (
    tenant_id bigint NOT NULL REFERENCES docket.tenants,
    kind      text NOT NULL CHECK (kind IN ('group', 'agent')),
    name      text NOT NULL,
    id        bigint NOT NULL DEFAULT nextval('config.entity_ids'),
    PRIMARY KEY (tenant_id, kind, name),
    UNIQUE (tenant_id, id)
);
COMMENT ON TABLE config.names IS 'owner: desk. Age: for ever, old tickets name them';
CALL docket.fence('config.names');

-- The truth about duty and capacity; Redis only remembers it (correctness.md 23).
CREATE TABLE ticket.agents (
    tenant_id  bigint NOT NULL,
    agent_id   bigint NOT NULL,
    on_duty    boolean NOT NULL DEFAULT false,
    capacity   integer NOT NULL CHECK (capacity BETWEEN 0 AND 1000),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, agent_id)
);
COMMENT ON TABLE ticket.agents IS 'owner: router. Age: as long as the documents have the agent. Job: docket apply';
CALL docket.fence('ticket.agents');

GRANT SELECT ON config.revisions, config.documents, config.names, ticket.agents TO docket_router;
GRANT SELECT ON intake.sources TO docket_intake;

-- Which tenants have which revision: what a router polls and reloads by (NOTIFY docket_config, plus this in case it was missed).
CREATE FUNCTION config.current_revisions() RETURNS TABLE (tenant_id bigint, revision bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT r.tenant_id, max(r.revision) FROM config.revisions r GROUP BY r.tenant_id $$;
REVOKE ALL ON FUNCTION config.current_revisions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION config.current_revisions() TO docket_router, docket_intake, docket_operator;
