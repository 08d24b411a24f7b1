-- The desk's projection of the events: what lists, counts and exports are answered from. All of it can be rebuilt.
CREATE SCHEMA desk; -- owner: desk
GRANT USAGE ON SCHEMA desk TO docket_desk, docket_operator;
