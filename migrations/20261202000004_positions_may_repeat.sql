-- no-transaction
-- See the migration before this one.
drop index concurrently if exists reference_position;
