-- The write of a payment into the accounting software: a state machine (src/sync/state.rs). The row is written by the
-- statement that stores the payment, so it needs no foreign key; neither is ever deleted.
--
-- An open write has a `due_at`: when its next step may be taken. The index of open writes is partial, so that finding
-- work costs as little with a billion payments as with none.
do $$
begin
    create table remote_write (
        connection_id uuid        not null,
        payment_id    uuid        not null,
        state         text        not null constraint remote_write_state_known check (state in
            ('pending', 'sending', 'unknown', 'applied', 'rejected', 'needs_attention', 'voided')),
        -- Our name of the payment in the software (src/domain/write_key.rs), and the exact bytes to send under it. Both
        -- are committed before the first byte is sent and never change.
        write_key     text,
        prepared      bytea,
        -- The software's ids of the invoices that it pays: one write at a time for each.
        invoices      text[],
        attempts      integer     not null,
        due_at        timestamptz,
        -- Who takes the next step, and until when nobody else does.
        lease_id      uuid,
        lease_until   timestamptz,
        -- When the last attempt to send began; null while nothing was ever sent.
        sent_at       timestamptz,
        -- Why it was rejected or needs attention, or why the last attempt failed: an array of {code, detail, pointer}.
        errors        json        constraint remote_write_errors_array check (json_typeof(errors) = 'array'),
        created_at    timestamptz not null,
        modified_at   timestamptz not null,
        primary key (connection_id, payment_id),
        constraint remote_write_prepared_with_key check ((write_key is null) = (prepared is null)),
        constraint remote_write_sent_is_prepared check (sent_at is null or prepared is not null)
    );
    create unique index remote_write_key on remote_write (connection_id, write_key) where write_key is not null;
    create index remote_write_due on remote_write (connection_id, due_at) where due_at is not null;
    create index remote_write_under_way on remote_write (connection_id) where state in ('sending', 'unknown');
end
$$;
