-- Files that people attach to what they write, and who is on duty by the desk.

CREATE TABLE desk.files (
    tenant_id     bigint NOT NULL,
    file_id       bigint GENERATED ALWAYS AS IDENTITY,
    token_hash    bytea NOT NULL CHECK (length(token_hash) = 32), -- SHA-256 of the upload's token; an upload may hold several files
    uploader_id   bigint NOT NULL,         -- user; 0: a program
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 255), -- a label, never a path
    declared_type text NOT NULL,           -- as it was sent
    detected_type text NOT NULL,           -- as its bytes say
    size          bigint NOT NULL CHECK (size > 0),
    sha256        bytea NOT NULL CHECK (length(sha256) = 32),
    class         text NOT NULL DEFAULT '', -- as evidence: 审批截图
    complete      boolean NOT NULL,        -- all its chunks are there: what is not does not exist for anybody
    ticket_id     bigint,                  -- NULL: not attached yet
    bound_seq     integer,                 -- row of that ticket's ledger: its comment says who may see it
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, file_id),
    CHECK ((ticket_id IS NULL) = (bound_seq IS NULL))
);
COMMENT ON TABLE desk.files IS 'owner: desk, bound to a ticket by libcommon/store. Age: as long as its ticket; 60 minutes while attached to none. Job: desk.sweep_files(), every minute by each desk';
CALL docket.fence('desk.files');
CREATE INDEX files_unattached ON desk.files (tenant_id, token_hash) WHERE ticket_id IS NULL;
CREATE INDEX files_unattached_of ON desk.files (tenant_id, uploader_id) INCLUDE (size) WHERE ticket_id IS NULL;
CREATE INDEX files_unattached_age ON desk.files (created_at) WHERE ticket_id IS NULL;
CREATE INDEX files_of_ticket ON desk.files (tenant_id, ticket_id) WHERE ticket_id IS NOT NULL;

CREATE TABLE desk.file_chunks (
    tenant_id bigint NOT NULL,
    file_id   bigint NOT NULL,
    n         integer NOT NULL CHECK (n >= 0),
    bytes     bytea NOT NULL CHECK (length(bytes) BETWEEN 1 AND 262144), -- 256 KiB but for the last
    PRIMARY KEY (tenant_id, file_id, n),
    FOREIGN KEY (tenant_id, file_id) REFERENCES desk.files ON DELETE CASCADE
);
COMMENT ON TABLE desk.file_chunks IS 'owner: desk. Age: as long as its file. Job: desk.sweep_files(), every minute by each desk';
ALTER TABLE desk.file_chunks ALTER bytes SET STORAGE EXTERNAL; -- what is large is compressed already
CALL docket.fence('desk.file_chunks');
REVOKE SELECT ON desk.file_chunks FROM docket_operator; -- reads every tenant, but nobody's papers

GRANT SELECT, INSERT, DELETE, UPDATE (complete, ticket_id, bound_seq) ON desk.files TO docket_desk;
GRANT SELECT, INSERT ON desk.file_chunks TO docket_desk;

-- Uploads that nobody has attached in time, of every tenant. How many went.
CREATE FUNCTION desk.sweep_files(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM desk.files f
        USING (SELECT o.tenant_id, o.file_id FROM desk.files o
               WHERE o.ticket_id IS NULL AND o.created_at < now() - interval '60 minutes' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE f.tenant_id = old.tenant_id AND f.file_id = old.file_id RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION desk.sweep_files(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION desk.sweep_files(integer) TO docket_desk;

-- Who put an agent on or off duty: 'operator' (documents, docket agents), 'desk' (herself, or somebody else at the desk), or
-- 'silence'. Only whom the desk put on duty is taken off by silence: others may never have used it.
ALTER TABLE ticket.agents ADD COLUMN duty_by text NOT NULL DEFAULT 'operator' CHECK (duty_by IN ('operator', 'desk', 'silence'));
CREATE INDEX agents_by_desk ON ticket.agents (tenant_id, agent_id) WHERE duty_by <> 'operator';

-- Of every tenant: who is on duty by the desk, and who was taken off it by silence not long ago, whose tickets may still have to
-- go back to the queue.
CREATE FUNCTION desk.people_on_duty() RETURNS TABLE (tenant_id bigint, agent_id bigint, on_duty boolean, changed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT a.tenant_id, a.agent_id, a.on_duty, a.changed_at FROM ticket.agents a
    WHERE (a.on_duty AND a.duty_by = 'desk') OR (a.duty_by = 'silence' AND NOT a.on_duty AND a.changed_at > now() - interval '1 day')
    ORDER BY 1, 2
$$;
REVOKE ALL ON FUNCTION desk.people_on_duty() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION desk.people_on_duty() TO docket_desk;
