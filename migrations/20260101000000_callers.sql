-- Who may call, and for whom: projects, their API keys, their connections.
-- These tables are small and read on every request; the payments are in the next migration.

create table project (
    id         uuid        not null primary key,
    name       text        not null constraint project_name_length check (char_length(name) between 1 and 200),
    created_at timestamptz not null
);

-- A key is shown once. At rest there is only its SHA-256: 190 random bits need no salt and no slow hash, and a
-- unique index over the digest is the whole look-up.
create table api_key (
    id           uuid        not null primary key,
    project_id   uuid        not null references project (id),
    name         text        not null constraint api_key_name_length check (char_length(name) between 1 and 200),
    secret_hash  bytea       not null constraint api_key_secret_hash_length check (octet_length(secret_hash) = 32),
    -- The last four characters, so that a person can tell which key a list means.
    hint         text        not null,
    read_only    boolean     not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    -- Written in batches (auth/last_used), therefore up to a minute late.
    last_used_at timestamptz
);
create unique index api_key_secret_hash on api_key (secret_hash);
create index api_key_project on api_key (project_id, id);

-- A connection is one set of books: the tenant. `provider` names the accounting software behind it; `none` means
-- that this server is the book of record.
create table connection (
    id           uuid        not null primary key,
    project_id   uuid        not null references project (id),
    label        text        not null constraint connection_label_length check (char_length(label) between 1 and 200),
    provider     text        not null constraint connection_provider_known check (provider in ('none')),
    secret_hash  bytea       not null constraint connection_secret_hash_length check (octet_length(secret_hash) = 32),
    hint         text        not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
create unique index connection_secret_hash on connection (secret_hash);
create index connection_project on connection (project_id, id);
