-- no-transaction
-- The order of `GET /events`, which shows when the connections of a project were made and nothing else.
create index concurrently if not exists event_connection_created on event (project_id, position)
    where type = 'connection.created';
