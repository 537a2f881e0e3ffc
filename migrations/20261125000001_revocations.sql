-- Servers keep for a moment what a key and a token lead to (src/auth/cache.rs). Whatever changes whether they open the
-- gate is told to all of them. Triggers, so that a change by hand is told as well; with their columns named, because
-- last_used_at is written all the time and changes nothing.

create function notify_callers() returns trigger language plpgsql as $$
begin
    perform pg_notify('unibooks_callers', '');
    return null;
end
$$;

create trigger api_key_changed
    after update of secret_hash, project_id, read_only, expires_at, revoked_at or delete or truncate on api_key
    for each statement execute function notify_callers();

create trigger connection_changed
    after update of secret_hash, project_id, expires_at, revoked_at or delete or truncate on connection
    for each statement execute function notify_callers();
