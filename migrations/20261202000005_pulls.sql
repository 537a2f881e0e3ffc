-- When the references of a connection with software are read next, and who reads them now. There is one row for each
-- connection; the server makes it when it first sees the connection.
do $$
begin
    create table pull (
        connection_id uuid        not null primary key references connection (id),
        due_at        timestamptz not null,
        -- When somebody last asked for a pull out of turn.
        requested_at  timestamptz,
        -- Who reads, and until when nobody else does.
        lease_id      uuid,
        lease_until   timestamptz,
        created_at    timestamptz not null
    );
    create index pull_due on pull (due_at);
end
$$;
