//! The rows of events.

pub const EVENTS: &str = "
    insert into event_outbox (project_id, connection_id, sequence, type, objects, state, created_at)
    overriding system value
    values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000003', 9,
            'accounting.payment.applied', '{00000000-0000-0000-0000-000000000006}', '{\"remote_id\": \"15\"}',
            '2026-12-23Z');
    insert into event
    values ('00000000-0000-0000-0000-000000000001', 8, '00000000-0000-0000-0000-000000000003',
            'accounting.payment.updated', '00000000-0000-0000-0000-000000000006', '{\"remote_id\": \"16\"}',
            '2026-12-24Z');
    insert into event_feed values ('00000000-0000-0000-0000-000000000001', 8);
";

pub const ENDPOINTS: &str = "
    insert into webhook_endpoint
    values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', 'https://example.com/hook',
            'Books', '{accounting.payment.*}', '00000000-0000-0000-0000-000000000003', 'panora', 'v1a', 'sealed', 'older',
            '2026-12-25Z', 'failing', '2026-12-26Z', '2026-12-27Z', '2026-12-28Z');
";

pub const DELIVERIES: &str = "
    insert into webhook_delivery
    values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', 7, '2026-12-25Z',
            '2026-12-29Z', gen_random_uuid(), '2026-12-29Z', 3, '2026-12-28Z', '2026-12-27Z');
    insert into webhook_retry
    values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', 6, 9, '2026-12-30Z');
    insert into webhook_attempt
    values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', gen_random_uuid(), 6,
            'accounting.payment.updated', 9, '2026-12-29Z', 15, 500, 'No', null),
           ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', gen_random_uuid(), 6,
            'accounting.payment.updated', 8, '2026-12-28Z', 15000, null, null, 'timeout');
    insert into webhook_replay
    values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', gen_random_uuid(), 2, 8,
            '2026-12-23Z', '2026-12-26Z', '{accounting.*}', 'missing', '2026-12-29Z');
";
