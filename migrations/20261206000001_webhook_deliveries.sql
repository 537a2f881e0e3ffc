-- Deliveries: how far each webhook endpoint is in the feed of its project, what is sent again, and what was tried.
do $$
begin
    create table webhook_delivery (
        project_id      uuid        not null,
        endpoint_id     uuid        not null,
        -- Every event up to here that the endpoint wants was delivered or given up, or is in webhook_retry.
        position        bigint      not null constraint webhook_delivery_position_range check (position >= 0),
        -- Earlier events are sent only when somebody asks for them.
        begins_at       timestamptz not null,
        -- The endpoint is not called before; null: it may be called now.
        due_at          timestamptz,
        -- Who sends. Only the holder of the lease stores what became of it.
        lease_id        uuid,
        lease_until     timestamptz,
        -- Calls that failed since the last one that succeeded, and the time of the first of them.
        failures        integer     not null constraint webhook_delivery_failures_range check (failures >= 0),
        failing_since   timestamptz,
        last_success_at timestamptz,
        primary key (project_id, endpoint_id),
        constraint webhook_delivery_lease_ends check ((lease_id is null) = (lease_until is null)),
        constraint webhook_delivery_failing_with_time check ((failures = 0) = (failing_since is null))
    );
    -- Events that are sent by themselves, beside the order of the feed.
    create table webhook_retry (
        project_id  uuid        not null,
        endpoint_id uuid        not null,
        position    bigint      not null,
        attempts    smallint    not null constraint webhook_retry_attempts_range check (attempts between 0 and 9),
        due_at      timestamptz not null,
        primary key (project_id, endpoint_id, position)
    );
    create index webhook_retry_due on webhook_retry (project_id, endpoint_id, due_at);
    -- Calls of an endpoint. The id holds the time.
    create table webhook_attempt (
        project_id  uuid        not null,
        endpoint_id uuid        not null,
        id          uuid        not null,
        position    bigint      not null,
        type        text        not null,
        number      smallint    not null constraint webhook_attempt_number_range check (number > 0),
        started_at  timestamptz not null,
        duration_ms integer     not null constraint webhook_attempt_duration_range check (duration_ms >= 0),
        -- The status of the answer, and the beginning of its body; or why there is none.
        status      smallint,
        answer      text,
        error       text,
        primary key (project_id, id),
        constraint webhook_attempt_answer_or_error
            check ((status is null) = (answer is null) and (status is null) <> (error is null))
    );
    create index webhook_attempt_endpoint on webhook_attempt (project_id, endpoint_id, id);
    create index webhook_attempt_position on webhook_attempt (project_id, endpoint_id, position);
    -- Requests to send earlier events again. They become rows of webhook_retry step by step.
    create table webhook_replay (
        project_id     uuid        not null,
        endpoint_id    uuid        not null,
        id             uuid        not null,
        -- What was looked at so far, and where it ends.
        position       bigint      not null,
        until_position bigint      not null,
        since          timestamptz not null,
        until          timestamptz not null,
        -- Names of events, as in webhook_endpoint.
        event_types    text[]      not null,
        selection      text        not null constraint webhook_replay_selection_known
            check (selection in ('failed', 'missing', 'all')),
        created_at     timestamptz not null,
        primary key (project_id, endpoint_id, id)
    );
end
$$;
