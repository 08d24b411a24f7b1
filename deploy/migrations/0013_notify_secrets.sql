-- What outside systems know us by: addresses of robots, signing secrets, accounts at SMS gateways. Sealed by the key ring.

CREATE TABLE notify.secrets (
    tenant_id  bigint NOT NULL REFERENCES docket.tenants,
    system     text NOT NULL CHECK (octet_length(system) BETWEEN 1 AND 128), -- by its name in the documents; 'sms': the SMS gateway
    kind       text NOT NULL CHECK (kind IN ('address', 'sign', 'webhook', 'sms')),
    place      smallint NOT NULL DEFAULT 0 CHECK (place IN (0, 1)),          -- 0: the current one; 1: the one before, good as well
    manner     text CHECK (manner IN ('standard', 'zendesk', 'pagerduty')),  -- how a webhook is signed
    sealed     bytea NOT NULL CHECK (octet_length(sealed) BETWEEN 32 AND 8192),
    hint       text NOT NULL,              -- by which somebody who has it recognises it; nothing to begin anything with
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    PRIMARY KEY (tenant_id, system, kind, place),
    CHECK ((kind = 'webhook') = (manner IS NOT NULL)),
    CHECK (place = 0 OR kind = 'webhook')
);
COMMENT ON TABLE notify.secrets IS 'owner: notifier. Age: for ever, as many as there are systems; docket notify secret remove';
CALL docket.fence('notify.secrets');
REVOKE SELECT ON notify.secrets FROM docket_operator;
GRANT SELECT (tenant_id, system, kind, place, manner, hint, created_at, created_by) ON notify.secrets TO docket_operator;

-- Rises with every change, in the order of commits, because whoever changes a secret holds this row until then: a notifier looks at
-- one number every second and reads the secrets again when it is another one.
CREATE TABLE notify.secrets_version (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE notify.secrets_version IS 'owner: notifier. Age: for ever, one row';
INSERT INTO notify.secrets_version DEFAULT VALUES;
GRANT SELECT ON notify.secrets_version TO docket_notifier, docket_operator;

CREATE FUNCTION notify.secrets_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE notify.secrets_version SET version = version + 1;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION notify.secrets_changed() FROM PUBLIC;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON notify.secrets FOR EACH STATEMENT EXECUTE FUNCTION notify.secrets_changed();

-- A page of the secrets of every tenant, sealed.
CREATE FUNCTION notify.load_secrets(after_tenant bigint, after_system text, after_kind text, after_place smallint, at_most integer)
RETURNS TABLE (tenant_id bigint, system text, kind text, place smallint, manner text, sealed bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.tenant_id, s.system, s.kind, s.place, s.manner, s.sealed FROM notify.secrets s
    WHERE (s.tenant_id, s.system, s.kind, s.place) > (after_tenant, after_system, after_kind, after_place)
    ORDER BY s.tenant_id, s.system, s.kind, s.place LIMIT at_most
$$;
REVOKE ALL ON FUNCTION notify.load_secrets(bigint, text, text, smallint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION notify.load_secrets(bigint, text, text, smallint, integer) TO docket_notifier;
