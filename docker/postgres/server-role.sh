#!/bin/sh
# Read by the image's entrypoint once, when the volume is new.

# The server migrates, so it owns its database; beyond that it may do nothing.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
create role unibooks login nosuperuser nocreatedb nocreaterole noreplication;
create database unibooks owner unibooks;
revoke connect on database unibooks, postgres from public;
SQL

# No passwords: who reaches the socket's volume, the two containers, is the server; the superuser is who is the user
# postgres inside this container. There is no line for the network.
cat > "$PGDATA/pg_hba.conf" <<'HBA'
local  unibooks  unibooks  trust
local  all       postgres  peer
HBA
