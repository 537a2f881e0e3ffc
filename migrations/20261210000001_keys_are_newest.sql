-- To Postgres all indexes of a small table are alike, and of those that fit a statement it takes the newest one. A plan is
-- kept until the table is analyzed. So in a new database, foreign keys and reads by id looked through all rows of a
-- connection. Here the keys become the newest indexes. A filled table is analyzed already, and is left as it is.
do $$
begin
    if exists (select from payment) or exists (select from reference)
            or exists (select from pg_extension where extname = 'citus') then
        return;
    end if;
    lock table payment, payment_line_item, reference in access exclusive mode;
    if exists (select from payment) or exists (select from reference) then
        return;
    end if;
    alter table payment_line_item drop constraint payment_line_item_payment;
    alter table payment drop constraint payment_pkey;
    alter table payment add constraint payment_pkey primary key (connection_id, id);
    alter table payment_line_item
        add constraint payment_line_item_payment foreign key (connection_id, payment_id) references payment (connection_id, id);
    alter table reference drop constraint reference_pkey;
    alter table reference add constraint reference_pkey primary key (connection_id, id);
end
$$;
