-- How far the references of a connection were read, by resource.
create table pull_progress (
    connection_id     uuid        not null,
    resource          text        not null,
    -- When the pull that is under way began; null when none is. It goes on behind the key of which these are the parts;
    -- they are null until its first page is stored.
    started_at        timestamptz,
    after_position    text collate "C",
    after_remote_id   text,
    after_stamp       text,
    -- When the last complete pull began: what the software had then is here.
    last_synced_at    timestamptz,
    -- Why the last attempt failed: a code for programs, a sentence for people. Null when it did not.
    error_code        text,
    error_detail      text,
    primary key (connection_id, resource),
    constraint pull_progress_key_is_whole
        check ((after_position is null) = (after_remote_id is null) and (after_position is null) = (after_stamp is null))
);
