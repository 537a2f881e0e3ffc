-- How to reach the accounting software of a connection, and whether it can be reached. A connection whose provider is
-- `none` has no row.
create table connection_software (
    connection_id uuid        not null primary key references connection (id),
    url           text        not null,
    -- The software's own names: which of its databases, which of its companies. Null where the software has only one.
    database      text,
    company       text,
    login         text,
    -- The password or API key, sealed with the connection's id bound in (src/sealed).
    sealed_secret bytea       not null,

    -- What the last check found.
    version       text,
    company_name  text,
    base_currency text        constraint connection_software_currency_code check (base_currency ~ '^[A-Z]{3}$'),
    checked_at    timestamptz,

    status        text        not null
        constraint connection_software_status_known check (status in ('valid', 'needs_reauth', 'paused')),
    -- Why the status is not `valid`: a code for programs, a sentence for people.
    status_reason text,
    status_detail text,
    status_since  timestamptz not null,

    created_at    timestamptz not null,
    modified_at   timestamptz not null
);
