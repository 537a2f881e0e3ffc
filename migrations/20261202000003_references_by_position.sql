-- no-transaction
-- The order in which the software's keys are compared with what is stored. It takes the place of `reference_position`,
-- which was unique: an object that is renamed in the software has another id here and the old position.
create index concurrently if not exists reference_sweep on reference (connection_id, resource, position, id);
