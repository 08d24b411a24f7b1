-- Changes of many tickets at once, worked off in the background.

CREATE TABLE desk.jobs (
    tenant_id   bigint NOT NULL REFERENCES docket.tenants,
    job_id      uuid NOT NULL,             -- also the cause of every change it makes; the step is the item's place
    kind        text NOT NULL CHECK (kind IN ('update_many', 'destroy_many')),
    asker       text NOT NULL,             -- 'agent:1012' 'token:1033': who may look at it
    subject     jsonb NOT NULL,            -- what the asker might do when she asked: nobody gains by waiting
    work        bytea NOT NULL,            -- {"ids":[...],"ticket":{...}} or {"tickets":[...]}, sealed: people write into it
    total       integer NOT NULL CHECK (total BETWEEN 1 AND 100),
    done        integer NOT NULL DEFAULT 0,
    results     jsonb NOT NULL DEFAULT '[]', -- one object an item done
    status      text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'working', 'completed', 'failed')),
    lease_by    text NOT NULL DEFAULT '',  -- the desk that works on it
    lease_until timestamptz,               -- past it, another desk goes on behind `done`
    created_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    PRIMARY KEY (tenant_id, job_id)
);
COMMENT ON TABLE desk.jobs IS 'owner: desk. Age: 7 days after it ended. Job: desk.sweep_jobs(), every minute by each desk';
CALL docket.fence('desk.jobs');
CREATE INDEX jobs_to_do ON desk.jobs (created_at) WHERE ended_at IS NULL;
CREATE INDEX jobs_of ON desk.jobs (tenant_id, asker, created_at);
GRANT SELECT, INSERT, UPDATE ON desk.jobs TO docket_desk;

-- Jobs that nobody works on, of every tenant, oldest first: for half a minute they are the asking desk's, which says so again
-- with every item. Of one tenant at most two at a time, so that one does not keep the others waiting.
CREATE FUNCTION desk.take_jobs(desk text, at_most integer)
RETURNS TABLE (tenant_id bigint, job_id uuid, kind text, asker text, subject jsonb, work bytea, total integer, done integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE desk.jobs j SET status = 'working', lease_by = take_jobs.desk, lease_until = clock_timestamp() + interval '30 seconds'
    FROM (SELECT o.tenant_id, o.job_id FROM desk.jobs o
          WHERE o.ended_at IS NULL AND (o.lease_until IS NULL OR o.lease_until < clock_timestamp())
            AND (SELECT count(*) FROM desk.jobs b WHERE b.tenant_id = o.tenant_id AND b.ended_at IS NULL
                 AND b.lease_until >= clock_timestamp()) < 2
          ORDER BY o.created_at LIMIT at_most FOR UPDATE SKIP LOCKED) due
    WHERE j.tenant_id = due.tenant_id AND j.job_id = due.job_id
    RETURNING j.tenant_id, j.job_id, j.kind, j.asker, j.subject, j.work, j.total, j.done
$$;
REVOKE ALL ON FUNCTION desk.take_jobs(text, integer) FROM PUBLIC;

CREATE FUNCTION desk.sweep_jobs(at_most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM desk.jobs j
        USING (SELECT o.tenant_id, o.job_id FROM desk.jobs o
               WHERE o.ended_at < now() - interval '7 days' LIMIT at_most FOR UPDATE SKIP LOCKED) old
        WHERE j.tenant_id = old.tenant_id AND j.job_id = old.job_id RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION desk.sweep_jobs(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION desk.take_jobs(text, integer), desk.sweep_jobs(integer) TO docket_desk;
