-- no-transaction
-- The order of lists that are filtered by modified_at: a reader that follows changes goes on where it stopped.
create index concurrently if not exists payment_modified_at on payment (connection_id, modified_at, id);
