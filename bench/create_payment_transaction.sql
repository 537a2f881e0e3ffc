-- The rows of create_payment.sql as programs usually write them: in a transaction of four round trips.
begin;
insert into payment (
    connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
    contact_id, account_id, currency, exchange_rate, total_amount, type, company_info_id, accounting_period_id,
    tracking_categories, field_mappings, idempotency_key, request_digest
)
values (
    :connection,
    encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                    from 1 for 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid,
    now(), now(), '801f9ede-c698-4e66-a7fc-48d19eebaa4f', '2024-06-15T12:00:00Z', 0,
    '801f9ede-c698-4e66-a7fc-48d19eebaa4f', '801f9ede-c698-4e66-a7fc-48d19eebaa4f', 'USD', '1.2', 10000,
    'Credit Card', '801f9ede-c698-4e66-a7fc-48d19eebaa4f', '801f9ede-c698-4e66-a7fc-48d19eebaa4f',
    '{801f9ede-c698-4e66-a7fc-48d19eebaa4f}', '{"custom_field_1":"value1","custom_field_2":"value2"}',
    gen_random_uuid()::text, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
)
returning id \gset
insert into payment_line_item (
    connection_id, payment_id, position, name, value, type, parent_item, remote_id, remote_generated_at,
    company_info_id, created_at, modified_at
)
values (:connection, :id, 0, 'Net Income', 100000, 'Operating Activities', '801f9ede-c698-4e66-a7fc-48d19eebaa4f',
        'report_item_1234', '2024-07-01T12:00:00Z', '801f9ede-c698-4e66-a7fc-48d19eebaa4f', '2024-06-15T12:00:00Z',
        '2024-06-15T12:00:00Z');
commit;
