-- no-transaction
-- Counts the writes that wait for a person, for the metrics.
create index concurrently if not exists remote_write_attention on remote_write (connection_id)
    where state = 'needs_attention';
