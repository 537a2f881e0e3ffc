-- Payments and their line items.
--
-- Every key leads with connection_id. It keeps one tenant's rows together, makes a query without a tenant visibly
-- wrong, and is what a Postgres-compatible distributed engine shards by (docs/scaling.md): no constraint here
-- reaches across connections.

create table payment (
    connection_id              uuid        not null references connection (id),
    -- UUIDv7, made by the server.
    id                         uuid        not null,
    created_at                 timestamptz not null,
    modified_at                timestamptz not null,

    invoice_id                 uuid,
    -- An accounting date: the instant to search by, and the offset that the client wrote, so that the calendar date
    -- that it meant comes back.
    transaction_date           timestamptz,
    transaction_offset_minutes smallint
        constraint payment_transaction_offset_range check (transaction_offset_minutes between -1439 and 1439),
    contact_id                 uuid,
    account_id                 uuid,
    currency                   text        constraint payment_currency_code check (currency ~ '^[A-Z]{3}$'),
    -- Text, because "1.20" must come back as "1.20"; the pattern keeps it castable to numeric.
    exchange_rate              text        constraint payment_exchange_rate_decimal
        check (exchange_rate ~ '^[0-9]{1,28}(\.[0-9]{1,28})?$'),
    -- Minor units of the currency. The bound is 2^53 - 1: what every JSON reader holds exactly.
    total_amount               bigint      constraint payment_total_amount_range
        check (total_amount between -9007199254740991 and 9007199254740991),
    type                       text,
    company_info_id            uuid,
    accounting_period_id       uuid,
    tracking_categories        uuid[],
    -- `json`, not `jsonb`: numbers inside keep their digits.
    field_mappings             json        constraint payment_field_mappings_object
        check (json_typeof(field_mappings) = 'object'),

    -- What the connected accounting software says of it; null while the provider is `none`.
    remote_id                  text,
    remote_updated_at          timestamptz,
    remote_data                json        constraint payment_remote_data_object
        check (json_typeof(remote_data) = 'object'),

    -- What the answer to the create call warned of, so that a replay is the same to the byte.
    warnings                   json        constraint payment_warnings_array check (json_typeof(warnings) = 'array'),

    -- The idempotency record lies on the payment's own row: it commits with it, lives as long, and cannot be lost
    -- before it. `request_digest` is the SHA-256 of what the request meant.
    idempotency_key            text        constraint payment_idempotency_key_length
        check (char_length(idempotency_key) between 1 and 255),
    request_digest             bytea       constraint payment_request_digest_length
        check (octet_length(request_digest) = 32),

    primary key (connection_id, id),
    constraint payment_transaction_date_offset
        check ((transaction_date is null) = (transaction_offset_minutes is null)),
    constraint payment_idempotency_digest check ((idempotency_key is null) = (request_digest is null))
);

-- Twins of one request, on whatever server, meet here: the second waits until the first has committed or not.
create unique index payment_idempotency_key on payment (connection_id, idempotency_key)
    where idempotency_key is not null;

-- The order of every list. `id` breaks ties, so that a page boundary is always one exact place.
create index payment_list on payment (connection_id, created_at, id);

-- Selective filters get the list's order behind their own column, so that a page of them is one short range. They
-- are partial: a payment without the member costs nothing. `currency`, `type` and `account_id` have few values a
-- connection; they are filtered along payment_list.
create index payment_invoice on payment (connection_id, invoice_id, created_at, id) where invoice_id is not null;
create index payment_contact on payment (connection_id, contact_id, created_at, id) where contact_id is not null;
create index payment_remote on payment (connection_id, remote_id, created_at, id) where remote_id is not null;

create table payment_line_item (
    connection_id          uuid     not null,
    payment_id             uuid     not null,
    -- The place in the array that the client sent, from 0.
    position               integer  not null constraint payment_line_item_position_range check (position >= 0),

    name                   text,
    value                  bigint   constraint payment_line_item_value_range
        check (value between -9007199254740991 and 9007199254740991),
    type                   text,
    parent_item            text,
    remote_id              text,
    remote_generated_at    timestamptz,
    company_info_id        uuid,
    -- The client's own when it sent them, else the payment's.
    created_at             timestamptz not null,
    modified_at            timestamptz not null,

    applied_amount         bigint   constraint payment_line_item_applied_amount_range
        check (applied_amount between -9007199254740991 and 9007199254740991),
    applied_date           timestamptz,
    applied_offset_minutes smallint
        constraint payment_line_item_applied_offset_range check (applied_offset_minutes between -1439 and 1439),
    related_object_id      uuid,
    related_object_type    text,

    primary key (connection_id, payment_id, position),
    constraint payment_line_item_payment foreign key (connection_id, payment_id) references payment (connection_id, id),
    constraint payment_line_item_applied_date_offset
        check ((applied_date is null) = (applied_offset_minutes is null))
);
