-- The payments that the accounting software has, as they were last read: ours, and those that were made in the software
-- itself. Only pulls write it.
do $$
begin
    create table remote_payment (
        connection_id      uuid        not null,
        -- The order of the software's own keys, so that both sides can be compared page by page. It names a payment for
        -- ever; some software gives the id of a deleted payment to the next.
        position           text collate "C" not null,
        remote_id          text        not null,
        -- The text that holds our key, if the payment is ours.
        write_key          text,
        payment_id         uuid        not null,
        -- Changes when the payment may have changed in the software. Empty when it must be read again in any case.
        stamp              text        not null,
        remote_was_deleted boolean     not null,
        primary key (connection_id, position)
    );
    create unique index remote_payment_of_payment on remote_payment (connection_id, payment_id);
end
$$;
