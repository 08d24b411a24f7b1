-- Who else is told of a ticket, and what was sent about one.

-- Customers in copy (Zendesk's email CCs) and staff who follow: only people set them, so those who store new tickets need not know.
ALTER TABLE ticket.tickets
    ADD COLUMN collaborator_ids bigint[] NOT NULL DEFAULT '{}', -- requesters, at most 48
    ADD COLUMN follower_ids     bigint[] NOT NULL DEFAULT '{}'; -- agents and other staff, at most 48

-- What was sent about a ticket, newest last, long after none of it waits: the desk shows it.
CREATE INDEX deliveries_of_ticket ON notify.deliveries (tenant_id, ticket_id, delivery_id) WHERE ticket_id IS NOT NULL;
