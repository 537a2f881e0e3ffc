-- no-transaction
-- The order of lists that are filtered by accounting date: the calendar date as the client wrote it, which is the
-- instant at its own offset, then the id. Payments without a date cost nothing. Lists write the same expression
-- (src/accounting/payments/store/scan.rs).
create index concurrently if not exists payment_accounting_date
    on payment (
        connection_id,
        (((transaction_date at time zone 'UTC') + transaction_offset_minutes * interval '1 minute')::date),
        id
    )
    where transaction_date is not null;
