-- no-transaction
-- The order of lists that are filtered by remote_status. Payments without software cost nothing.
create index concurrently if not exists payment_remote_status on payment (connection_id, remote_status, id)
    where remote_status is not null;
