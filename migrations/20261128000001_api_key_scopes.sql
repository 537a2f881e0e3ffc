-- What an API key may do: names of scopes, like `payments:read`. Later versions add names, so none is checked here; a
-- server ignores a name that it does not know.
--
-- Servers of the version before this one read and write `read_only` alone. It stays, in step with `scopes`, until a
-- later migration drops it. Keys that exist, and those that such a server creates, keep what they could do, no more.

alter table api_key add column scopes text[] not null default '{payments:read,payments:write}';

update api_key set scopes = '{payments:read}' where read_only;

alter table api_key
    alter column scopes drop default,
    add constraint api_key_scopes_given check (cardinality(scopes) > 0 and array_position(scopes, null) is null),
    add constraint api_key_read_only_agrees check (read_only <> ('payments:write' = any (scopes)));

create function api_key_scopes_of_read_only() returns trigger language plpgsql as $$
begin
    new.scopes = case when new.read_only then '{payments:read}' else '{payments:read,payments:write}' end;
    return new;
end
$$;

create trigger api_key_without_scopes
    before insert on api_key
    for each row when (new.scopes is null) execute function api_key_scopes_of_read_only();

-- Servers keep for a moment what a key may do, so a change of it is notified, too (20261125000001).
drop trigger api_key_changed on api_key;

create trigger api_key_changed
    after update of secret_hash, project_id, scopes, read_only, expires_at, revoked_at or delete or truncate on api_key
    for each statement execute function notify_callers();
