-- What was tried for a remote write, by the server and by people, in order. Nothing secret is in it.
create table remote_attempt (
    connection_id uuid        not null,
    payment_id    uuid        not null,
    -- From 1.
    number        integer     not null,
    -- `send`, `look_up`, or what a person did: `retry`, `settle`, `cancel`.
    action        text        not null,
    -- Who did it and why, when it was a person.
    actor         text,
    reason        text,
    started_at    timestamptz not null,
    ended_at      timestamptz,
    -- The state after it; null while it is under way, and for one that was cut off.
    outcome       text,
    -- The software's own code and text, at most 1,000 characters.
    code          text,
    detail        text,
    primary key (connection_id, payment_id, number)
);
