-- Who may sign in to the desk, and what they did there that is no ticket's business.

-- Whatever documents name and the API numbers, in one series with the people.
ALTER TABLE config.names DROP CONSTRAINT names_kind_check,
    ADD CONSTRAINT names_kind_check CHECK (kind IN ('group', 'agent', 'view', 'form', 'field', 'role', 'organization'));

CREATE TABLE access.organizations (
    tenant_id       bigint NOT NULL REFERENCES docket.tenants,
    organization_id bigint NOT NULL DEFAULT nextval('config.entity_ids'),
    name            text NOT NULL CHECK (name <> ''),
    external_id     text,
    domains         text[] NOT NULL DEFAULT '{}', -- of e-mail addresses: whoever is made with one belongs here
    tags            text[] NOT NULL DEFAULT '{}',
    details         text NOT NULL DEFAULT '',
    notes           text NOT NULL DEFAULT '',
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, organization_id),
    UNIQUE (tenant_id, name),
    UNIQUE (tenant_id, external_id)
);
COMMENT ON TABLE access.organizations IS 'owner: desk. Age: for ever, until somebody deletes it';
CALL docket.fence('access.organizations');
CREATE INDEX organizations_by_domain ON access.organizations USING gin (domains);

-- What is known of a person besides what the documents say of an agent and the tickets of a requester: how she signs in
-- (a password), or only where she belongs. An agent's number is hers in config.names, a customer's his in ticket.requesters.
CREATE TABLE access.users (
    tenant_id       bigint NOT NULL REFERENCES docket.tenants,
    user_id         bigint NOT NULL DEFAULT nextval('config.entity_ids'),
    role            text NOT NULL CHECK (role <> ''), -- built in, or one of the tenant's documents
    name            text NOT NULL DEFAULT '',         -- of staff; a customer's is in ticket.requesters, sealed
    email_masked    text NOT NULL DEFAULT '',
    email_sealed    bytea,
    email_hash      bytea CHECK (length(email_hash) = 32), -- keyed: what she signs in by is looked up without being known
    password        text,                             -- argon2id; NULL: does not sign in
    password_at     timestamptz,                      -- sessions that began before it are over
    organization_id bigint,
    external_id     text,
    locale          text NOT NULL DEFAULT 'zh-CN',
    time_zone       text NOT NULL DEFAULT 'Asia/Shanghai',
    tags            text[] NOT NULL DEFAULT '{}',
    details         text NOT NULL DEFAULT '',
    notes           text NOT NULL DEFAULT '',
    suspended       boolean NOT NULL DEFAULT false,
    deleted_at      timestamptz,                      -- old tickets and ledgers name her: the row stays, its data goes
    last_sign_in    timestamptz,
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id),
    UNIQUE (tenant_id, email_hash),
    UNIQUE (tenant_id, external_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES access.organizations (tenant_id, organization_id)
        ON DELETE SET NULL (organization_id)
);
COMMENT ON TABLE access.users IS 'owner: desk. Age: for ever, tickets and ledgers name them; who is deleted keeps a number and nothing else';
CALL docket.fence('access.users');
CREATE INDEX users_by_organization ON access.users (tenant_id, organization_id, user_id) WHERE organization_id IS NOT NULL;
CREATE INDEX users_by_name ON access.users (tenant_id, name text_pattern_ops) WHERE name <> '';
-- Reads every tenant, but nobody's way in and nobody's address.
REVOKE SELECT ON access.users FROM docket_operator;
GRANT SELECT (tenant_id, user_id, role, name, email_masked, organization_id, external_id, locale, time_zone, tags, suspended, deleted_at,
              last_sign_in, version, created_at, updated_at) ON access.users TO docket_operator;

CREATE TABLE access.sessions (
    tenant_id   bigint NOT NULL,
    session_id  bigint GENERATED ALWAYS AS IDENTITY,
    hash        bytea NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the cookie's secret; the CSRF token is derived from the secret
    user_id     bigint NOT NULL,
    network     text NOT NULL DEFAULT '',                 -- it began from, /24 or /48
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),       -- to the minute
    idle_until  timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id),
    UNIQUE (tenant_id, hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES access.users
);
COMMENT ON TABLE access.sessions IS 'owner: desk. Age: as long as it is used, 12 hours at most, and a day more. Job: access.sweep(), every minute by each desk';
CALL docket.fence('access.sessions');
CREATE INDEX sessions_by_hash ON access.sessions (hash); -- a desk looks up by hash alone, before it knows the tenant
CREATE INDEX sessions_by_user ON access.sessions (tenant_id, user_id);

-- Attempts to sign in, by account and where they come from: who fails here cannot lock out who comes from there. Accounts
-- that do not exist are counted like those that do.
CREATE TABLE access.sign_in_failures (
    tenant_id     bigint NOT NULL,
    account       bytea NOT NULL CHECK (length(account) = 32), -- keyed hash of the e-mail address
    origin        text NOT NULL,                               -- 'network:203.0.113.0/24' or 'device:<hex>'
    attempt       uuid NOT NULL,                               -- the last one that was let through
    failures      integer NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz,
    PRIMARY KEY (tenant_id, account, origin)
);
COMMENT ON TABLE access.sign_in_failures IS 'owner: desk. Age: a day after the last attempt; a success clears it. Job: access.sweep(), every minute by each desk';
CREATE INDEX sign_in_failures_age ON access.sign_in_failures (last_at);
CALL docket.fence('access.sign_in_failures');

CREATE TABLE access.audit (
    tenant_id   bigint NOT NULL,
    audit_id    bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL DEFAULT now(),
    actor       text NOT NULL,              -- 'user:1017' 'source:1003' 'role:administrator' 'operator' 'nobody'
    action      text NOT NULL,              -- 'sign_in' 'sign_in_failed' 'personal_shown' 'user_changed' ...
    target      text NOT NULL DEFAULT '',   -- 'user:1017' 'ticket:100001' 'token:1031'
    network     text NOT NULL DEFAULT '',
    detail      jsonb NOT NULL DEFAULT '{}', -- what changed, by name; never personal data
    PRIMARY KEY (tenant_id, audit_id)
);
COMMENT ON TABLE access.audit IS 'owner: desk, append-only (no service holds UPDATE or DELETE). Age: 400 days. Job: access.sweep(), every minute by each desk';
CREATE INDEX audit_age ON access.audit USING brin (at);
CALL docket.fence('access.audit');

GRANT SELECT, INSERT, UPDATE, DELETE ON access.organizations, access.sign_in_failures, access.sessions TO docket_desk;
GRANT SELECT, INSERT, UPDATE ON access.users TO docket_desk;
GRANT SELECT, INSERT ON access.audit TO docket_desk;
GRANT SELECT (tenant_id, token_id, hint, principal, label, scopes, created_at, expires_at, revoked_at), INSERT, UPDATE (revoked_at)
    ON access.tokens TO docket_desk;
GRANT SELECT ON config.revisions, config.documents, config.names, ticket.agents, intake.sources TO docket_desk;
GRANT SELECT, INSERT, UPDATE (personal) ON ticket.requesters TO docket_desk;
GRANT SELECT ON ticket.personal TO docket_desk;
GRANT USAGE ON SEQUENCE config.entity_ids, ticket.requester_ids TO docket_desk;
GRANT EXECUTE ON FUNCTION config.current_revisions() TO docket_desk;

-- What a desk may know, across tenants, of a secret it was shown: a token's, or a session's that it calls by the kind 'session'.
CREATE FUNCTION access.find_credential(shown_hash bytea)
RETURNS TABLE (kind text, tenant_id bigint, id bigint, principal text, scopes text[], expires_at timestamptz, dead boolean,
               user_id bigint, role text, source_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT 'token', t.tenant_id, t.token_id, t.principal, t.scopes, t.expires_at,
           t.revoked_at IS NOT NULL OR coalesce(u.suspended OR u.deleted_at IS NOT NULL, false),
           CASE WHEN t.principal ~ '^user:[0-9]{1,18}$' THEN substr(t.principal, 6)::bigint ELSE 0 END,
           coalesce(u.role, CASE WHEN t.principal LIKE 'role:%' THEN substr(t.principal, 6) ELSE '' END), coalesce(s.source_id, 0)
    FROM access.tokens t
    LEFT JOIN access.users u ON u.tenant_id = t.tenant_id AND t.principal = 'user:' || u.user_id
    LEFT JOIN intake.sources s ON s.tenant_id = t.tenant_id AND t.principal = 'source:' || s.source_id
    WHERE t.hash = shown_hash
    UNION ALL
    SELECT 'session', s.tenant_id, s.session_id, 'user:' || s.user_id, '{write}', least(s.idle_until, s.until),
           u.suspended OR u.deleted_at IS NOT NULL OR coalesce(s.created_at < u.password_at, true), s.user_id, u.role, 0
    FROM access.sessions s
    JOIN access.users u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
    WHERE s.hash = shown_hash
$$;
REVOKE ALL ON FUNCTION access.find_credential(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.find_credential(bytea) TO docket_desk;

-- What has passed its age, of every tenant. How many rows went.
CREATE FUNCTION access.sweep(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH sessions AS (DELETE FROM access.sessions s
        USING (SELECT o.tenant_id, o.session_id FROM access.sessions o
               WHERE least(o.idle_until, o.until) < now() - interval '1 day' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE s.tenant_id = old.tenant_id AND s.session_id = old.session_id RETURNING 1),
    failures AS (DELETE FROM access.sign_in_failures f
        USING (SELECT o.tenant_id, o.account, o.origin FROM access.sign_in_failures o
               WHERE o.last_at < now() - interval '1 day' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE f.tenant_id = old.tenant_id AND f.account = old.account AND f.origin = old.origin RETURNING 1),
    audit AS (DELETE FROM access.audit a
        USING (SELECT o.tenant_id, o.audit_id FROM access.audit o
               WHERE o.at < now() - interval '400 days' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE a.tenant_id = old.tenant_id AND a.audit_id = old.audit_id RETURNING 1)
    SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM failures) + (SELECT count(*) FROM audit)
$$;
REVOKE ALL ON FUNCTION access.sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.sweep(integer) TO docket_desk;
