-- Events: what has changed, in an order that a reader can follow without gaps.
--
-- A change and its row in event_outbox are one transaction. Positions are given afterwards, to rows that are committed:
-- a transaction that commits late gets a later position, and no reader has passed it (docs/decisions/024).
do $$
begin
    -- Committed changes without a position yet. A row holds the objects of one kind of change that were written together.
    create table event_outbox (
        project_id    uuid        not null,
        connection_id uuid        not null,
        -- A transaction that begins after another one of the connection has committed gets a larger number.
        sequence      bigint      generated always as identity,
        type          text        not null,
        objects       uuid[]      not null,
        -- What the objects' rows do not keep of this moment; null when they keep all of it.
        state         json        constraint event_outbox_state_object check (json_typeof(state) = 'object'),
        created_at    timestamptz not null,
        primary key (project_id, sequence, connection_id)
    );
    -- The events of a project, in order. Its id is made of the project and the position (src/domain/events.rs).
    create table event (
        project_id    uuid        not null,
        position      bigint      not null constraint event_position_range check (position > 0),
        -- Null where a change concerns the project alone.
        connection_id uuid,
        type          text        not null,
        object_id     uuid        not null,
        state         json        constraint event_state_object check (json_typeof(state) = 'object'),
        -- When the change was written.
        created_at    timestamptz not null,
        primary key (project_id, position)
    );
    -- The feed of a connection.
    create index event_connection on event (project_id, connection_id, position) where connection_id is not null;
    -- The last position of each project. The row is locked while positions are given.
    create table event_feed (
        project_id    uuid        not null,
        last_position bigint      not null constraint event_feed_position_range check (last_position >= 0),
        primary key (project_id)
    );
end
$$;
