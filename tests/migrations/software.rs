//! The rows of connections with accounting software.

pub const NOTHING: &str = "";

pub const CONNECTION: &str = "
    insert into connection_software
    values ('00000000-0000-0000-0000-000000000003', 'https://books.example', 'acct', '1', 'unified', 'sealed', '8.0.12',
            'Dunder Mifflin', 'USD', '2026-12-01Z', 'paused', 'by_operator', 'migration', '2026-12-02Z', '2026-12-03Z',
            '2026-12-04Z');
";

pub const STATUS: &str = "
    insert into payment (connection_id, id, created_at, modified_at, remote_status)
    values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000006', '2026-12-05Z',
            '2026-12-06Z', 'needs_attention');
";

pub const WRITES: &str = "
    insert into remote_write
    values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000006', 'needs_attention', 'uabc',
            'bytes', '{INV-1,INV-2}', 3, '2026-12-07Z', '00000000-0000-0000-0000-000000000007', '2026-12-08Z',
            '2026-12-09Z', '[{\"code\": \"found_twice\", \"pointer\": \"\", \"detail\": \"2 payments\"}]',
            '2026-12-10Z', '2026-12-11Z');
";

pub const ATTEMPTS: &str = "
    insert into remote_attempt
    values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000006', 1, 'settle', 'Ann', 'booked',
            '2026-12-12Z', '2026-12-13Z', 'applied', 'UserError', 'a text');
";

pub const REFERENCES: &str = "
    insert into reference
    values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000008', 'invoice', '15', '0015',
            '1795390340.25', '{\"status\": \"Open\", \"total_amount\": 100}', '{\"id\": 15}', '2026-12-14Z', true,
            '2026-12-15Z', '2026-12-16Z');
";

pub const PULLS: &str = "
    insert into pull
    values ('00000000-0000-0000-0000-000000000003', '2026-12-17Z', '2026-12-18Z',
            '00000000-0000-0000-0000-000000000009', '2026-12-19Z', '2026-12-20Z');
";

pub const PULL_PROGRESS: &str = "
    insert into pull_progress
    values ('00000000-0000-0000-0000-000000000003', 'invoice', '2026-12-21Z', '0015', '15', '1795390340.25',
            '2026-12-22Z', 'unavailable', 'the software cannot be reached');
";

pub const FAILURES: &str = "
    update connection_software set failures = 3, retry_at = '2026-12-17Z';
";

pub const RETRIED: &str = "update remote_write set retried_at = '2026-12-18Z';";

pub const REMOTE_PAYMENTS: &str = "
    insert into remote_payment
    values ('00000000-0000-0000-0000-000000000003', '0000000000000000015', '15', 'uabc',
            '00000000-0000-0000-0000-000000000006', '1795390340.25', true);
";
