-- How a batch of payments is written on a node of Citus, with the events that announce them. It follows insert_payments_2
-- (20261201000020), which older servers call as long as they run.

create function insert_payments_3(
    uuid[], uuid[], timestamptz[], timestamptz[], uuid[], timestamptz[], smallint[], uuid[], uuid[], text[],
    text[], bigint[], text[], uuid[], uuid[], text[], text[], text[], text[], bytea[], uuid[], integer[],
    text[], bigint[], text[], text[], text[], timestamptz[], uuid[], timestamptz[], timestamptz[], bigint[],
    timestamptz[], smallint[], uuid[], text[], timestamptz, text[], uuid[], uuid[],
    out ids uuid[], out is_late boolean, out now timestamptz
) language plpgsql as $$
#variable_conflict use_column
begin
    with stored as (
        insert into payment (
            connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
            contact_id, account_id, currency, exchange_rate, total_amount, type, company_info_id,
            accounting_period_id, tracking_categories, field_mappings, warnings, idempotency_key, request_digest,
            remote_status
        )
        select
            unnest($1::uuid[]) as connection_id,
            unnest($2::uuid[]) as id,
            unnest($3::timestamptz[]) as created_at,
            unnest($4::timestamptz[]) as modified_at,
            unnest($5::uuid[]) as invoice_id,
            unnest($6::timestamptz[]) as transaction_date,
            unnest($7::smallint[]) as transaction_offset_minutes,
            unnest($8::uuid[]) as contact_id,
            unnest($9::uuid[]) as account_id,
            unnest($10::text[]) as currency,
            unnest($11::text[]) as exchange_rate,
            unnest($12::bigint[]) as total_amount,
            unnest($13::text[]) as type,
            unnest($14::uuid[]) as company_info_id,
            unnest($15::uuid[]) as accounting_period_id,
            unnest($16::text[])::uuid[] as tracking_categories,
            unnest($17::text[])::json as field_mappings,
            unnest($18::text[])::json as warnings,
            unnest($19::text[]) as idempotency_key,
            unnest($20::bytea[]) as request_digest,
            unnest($38::text[]) as remote_status
        where statement_timestamp() <= $37
        on conflict (connection_id, idempotency_key) where idempotency_key is not null do nothing
        returning id
    )
    select array_agg(stored.id) into ids from stored;

    insert into payment_line_item (
        connection_id, payment_id, position, name, value, type, parent_item, remote_id, remote_generated_at,
        company_info_id, created_at, modified_at, applied_amount, applied_date, applied_offset_minutes,
        related_object_id, related_object_type
    )
    select stored.connection_id, item.*
    from (
        select unnest($1) as connection_id, unnest($2) as id
    ) as stored
    join (
        select
            unnest($21::uuid[]) as payment_id,
            unnest($22::integer[]) as position,
            unnest($23::text[]) as name,
            unnest($24::bigint[]) as value,
            unnest($25::text[]) as type,
            unnest($26::text[]) as parent_item,
            unnest($27::text[]) as remote_id,
            unnest($28::timestamptz[]) as remote_generated_at,
            unnest($29::uuid[]) as company_info_id,
            unnest($30::timestamptz[]) as created_at,
            unnest($31::timestamptz[]) as modified_at,
            unnest($32::bigint[]) as applied_amount,
            unnest($33::timestamptz[]) as applied_date,
            unnest($34::smallint[]) as applied_offset_minutes,
            unnest($35::uuid[]) as related_object_id,
            unnest($36::text[]) as related_object_type
    ) as item on item.payment_id = stored.id
    where stored.id = any (ids);

    -- A batch without software costs what it did before.
    if array_remove($38, null) <> '{}' then
        insert into remote_write (connection_id, payment_id, state, attempts, due_at, created_at, modified_at)
        select begun.connection_id, begun.id, begun.remote_status, 0, begun.created_at, begun.created_at,
               begun.created_at
        from (
            select unnest($1) as connection_id, unnest($2) as id, unnest($3) as created_at, unnest($38) as remote_status
        ) as begun
        where begun.id = any (ids) and begun.remote_status is not null;
    end if;

    insert into event_outbox (project_id, connection_id, type, objects, created_at)
    select owner.project_id, stored.connection_id, 'accounting.payment.created', array_agg(stored.id), $3[1]
    from (
        select unnest($1) as connection_id, unnest($2) as id
    ) as stored
    join (
        select unnest($39) as connection_id, unnest($40) as project_id
    ) as owner on owner.connection_id = stored.connection_id
    where stored.id = any (ids)
    group by owner.project_id, stored.connection_id;

    is_late := statement_timestamp() > $37;
    now := clock_timestamp();
end
$$;
