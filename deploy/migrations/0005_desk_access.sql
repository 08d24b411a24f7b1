-- Who may sign in to the desk, and what they did there that is no ticket's business.

-- Whatever the documents name and others refer to keeps its number, as groups and agents do.
ALTER TABLE config.names DROP CONSTRAINT names_kind_check,
    ADD CONSTRAINT names_kind_check CHECK (kind IN ('group', 'agent', 'field', 'form', 'view', 'role', 'organization'));
