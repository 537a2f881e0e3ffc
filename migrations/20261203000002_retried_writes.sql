-- When a person last asked for a write to be sent. An old write is not sent by itself; its age counts from here.
alter table remote_write add column retried_at timestamptz;
