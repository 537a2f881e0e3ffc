-- Adds payments to a migrated database until a given number is stored, for measurements on tables of a known size.
--
--   psql -v payments=10000000 -v connection=UUID -f bench/fill.sql
--
-- `payments` is the total number; `connection` is an existing connection, which gets a tenth of them. The others are
-- distributed over 999 further connections of its project roughly by Zipf's law: each has fewer than the one before,
-- and the last has some hundreds in a million. A second run with a larger number adds the missing payments.
--
-- There is one payment every 6.3 seconds since 2024. Each is like the example of the API documentation and has one line
-- item. The values that lists filter by vary: an invoice has two payments, a connection has 5,000 contacts and 20
-- accounts, and some currencies, types and remote ids are rare.

\set ON_ERROR_STOP on
set synchronous_commit = off;
-- Disables the checks of foreign keys, which hold by construction. Needs a superuser.
set session_replication_role = replica;
set client_min_messages = warning;

insert into connection (id, project_id, label, provider, secret_hash, hint, created_at)
select gen_random_uuid(), project_id, 'Bench ' || rank, 'none', sha256(gen_random_uuid()::text::bytea), 'none', now()
from connection, generate_series(2, 1000) rank
where id = :'connection'
  and not exists (select from connection where label = 'Bench 2');

-- The connections by rank.
select array_agg(id order by id <> :'connection', split_part(label, ' ', 2)) as connections
from connection
where id = :'connection' or label like 'Bench %'
\gset

-- One statement for each hundred thousand payments: a single one would keep all rows in memory.
select format($sql$
    with spread as (
        select n, rank, (%2$L::uuid[])[rank] as connection_id, 1704067200000 + n * 6300 as milliseconds,
               timestamptz '2024-01-01 00:00:00+00' + n * interval '6.3 seconds' as created_at
        from generate_series(%3$s::bigint, %4$s) n,
             -- Both payments of an invoice have one connection. A rank has the probability log1001(1 + 1 / rank).
             lateral (
                 select floor(power(1001::float8, abs(hashint8(n / 2)::float8) / 2147483649))::integer as rank offset 0
             ) rank
        offset 0
    ), stored as (
        insert into payment (
            connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
            contact_id, account_id, currency, exchange_rate, total_amount, type, company_info_id,
            accounting_period_id, tracking_categories, field_mappings, remote_id, idempotency_key, request_digest
        )
        select connection_id,
               -- A UUIDv7: milliseconds, no fraction of a millisecond, then random bits.
               (lpad(to_hex(milliseconds), 12, '0') || '7000' || substr(gen_random_uuid()::text, 20))::uuid,
               created_at, created_at, md5('invoice' || n / 2)::uuid,
               date_trunc('day', created_at) - n %% 30 * interval '1 day', n %% 3 * 60,
               md5('contact' || rank || ':' || n / 2 %% 5000)::uuid, md5('account' || rank || ':' || n / 2 %% 20)::uuid,
               case when n %% 1000000 = 7 then 'XAF' when n %% 1000 = 3 then 'CHF' when n %% 10 < 3 then 'EUR' else 'USD' end,
               '1.2', n, case when n %% 10000 = 5 then 'Cheque' when n %% 10 < 3 then 'Bank Transfer' else 'Credit Card' end,
               '801f9ede-c698-4e66-a7fc-48d19eebaa4f', '801f9ede-c698-4e66-a7fc-48d19eebaa4f',
               '{801f9ede-c698-4e66-a7fc-48d19eebaa4f}', '{"custom_field_1":"value1","custom_field_2":"value2"}',
               case when n %% 10 = 0 then 'payment_' || n end, gen_random_uuid()::text, sha256(n::text::bytea)
        from spread
        returning connection_id, id, created_at
    )
    insert into payment_line_item (
        connection_id, payment_id, position, name, value, type, parent_item, remote_id, remote_generated_at,
        company_info_id, created_at, modified_at
    )
    select connection_id, id, 0, 'Net Income', 100000, 'Operating Activities', '801f9ede-c698-4e66-a7fc-48d19eebaa4f',
           'report_item_1234', created_at, '801f9ede-c698-4e66-a7fc-48d19eebaa4f', created_at, created_at
    from stored
    $sql$, :'connection', :'connections', first, least(first + 99999, :payments))
from generate_series((select count(*) + 1 from payment), :payments, 100000) first
\gexec

vacuum (analyze) payment, payment_line_item, connection;
