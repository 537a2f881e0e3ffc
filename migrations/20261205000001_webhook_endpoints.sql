-- Webhook endpoints: where the events of a project are sent.
create table webhook_endpoint (
    project_id            uuid        not null,
    id                    uuid        not null,
    url                   text        not null,
    description           text,
    -- Names of events, or beginnings of names that end in `*`.
    event_types           text[]      not null constraint webhook_endpoint_event_types_not_empty
        check (event_types <> '{}' and array_position(event_types, null) is null),
    -- Only the events of this connection; null for all of the project.
    connection_id         uuid,
    payload_format        text        not null constraint webhook_endpoint_payload_format_known
        check (payload_format in ('standard', 'panora')),
    signature_scheme      text        not null constraint webhook_endpoint_signature_scheme_known
        check (signature_scheme in ('v1', 'v1a')),
    -- Sealed, with the endpoint's id bound in. The previous one still signs until its end.
    secret                bytea       not null,
    previous_secret       bytea,
    previous_secret_until timestamptz,
    -- Null while it is active; else why it gets no events: `paused`, `gone` (it answered 410) or `failing`.
    disabled_reason       text        constraint webhook_endpoint_disabled_reason_known
        check (disabled_reason in ('paused', 'gone', 'failing')),
    disabled_at           timestamptz,
    created_at            timestamptz not null,
    modified_at           timestamptz not null,
    primary key (project_id, id),
    constraint webhook_endpoint_previous_secret_ends check ((previous_secret is null) = (previous_secret_until is null)),
    constraint webhook_endpoint_disabled_with_time check ((disabled_reason is null) = (disabled_at is null))
);
