-- The accounting software behind a connection is named by the registry of the connectors (src/connectors/registry.rs),
-- the one place that knows which there are. Here only the form of the name is checked.
alter table connection
    drop constraint connection_provider_known,
    add constraint connection_provider_form check (provider ~ '^[a-z][a-z0-9_]{0,39}$');
