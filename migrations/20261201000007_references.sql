-- What payments refer to, as read from the accounting software: contacts, invoices, accounts, and so on. Only sync
-- writes it.
do $$
begin
    create table reference (
        connection_id      uuid        not null,
        -- Made of the connection, the resource and the remote id (src/domain/references), so that the same object always
        -- has the same id.
        id                 uuid        not null,
        resource           text        not null,
        remote_id          text        not null,
        -- The order of the software's own keys, so that both sides can be compared page by page.
        position           text collate "C" not null,
        -- Changes when the object may have changed in the software; compared, never ordered.
        stamp              text        not null,
        -- The members as they are answered. `json`, not `jsonb`: numbers keep their digits.
        fields             json        not null constraint reference_fields_object check (json_typeof(fields) = 'object'),
        -- The software's own record.
        remote_data        json        not null
            constraint reference_remote_data_object check (json_typeof(remote_data) = 'object'),
        remote_updated_at  timestamptz,
        remote_was_deleted boolean     not null,
        created_at         timestamptz not null,
        modified_at        timestamptz not null,
        primary key (connection_id, id)
    );
    create unique index reference_position on reference (connection_id, resource, position);
    create index reference_list on reference (connection_id, resource, created_at, id);
    create index reference_modified_at on reference (connection_id, resource, modified_at, id);
    create index reference_invoice_status on reference (connection_id, (fields ->> 'status'), created_at, id)
        where resource = 'invoice';
end
$$;
