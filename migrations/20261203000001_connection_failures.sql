-- The circuit of a connection, shared by all servers: after failures in a row no call to the software is made until
-- `retry_at`, and then one at a time. A pause that the software asks for is kept in the same place.
alter table connection_software
    add column failures integer     not null default 0,
    add column retry_at timestamptz;
