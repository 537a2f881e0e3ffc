#!/bin/sh
# Runs the tests of the API and of deliveries, and `make chaos`, on a database that Citus distributes over a coordinator
# and two workers. It is skipped where the extension is not installed for this Postgres.
set -eu
cd "$(dirname "$0")/.."

available="select name from pg_available_extensions where name = 'citus'"
if [ -z "$(sh scripts/with-schema.sh sh -c 'psql -XAtqc "$0" "$DATABASE_URL"' "$available")" ]; then
    echo "skipped: Citus is not installed for this Postgres"
    exit 0
fi

# These change the tables in a way that Citus refuses (a trigger, several statements at once, a plan of an insert), look
# at scans of a table that only its shards have, or are about notifications, which a distributed database does not send.
set -- \
    accounting::payments::body_faults::refusal_by_a_constraint_is_a_fault_of_the_client \
    accounting::payments::distinct_values::every_member_is_stored_in_its_own_column \
    accounting::payments::group_commit::batches_of_two_servers_with_equal_keys_do_not_deadlock \
    accounting::payments::group_commit::payments_that_wait_for_a_commit_share_one_statement \
    accounting::payments::group_commit::refused_payment_does_not_fail_its_batch \
    accounting::payments::new_database \
    accounting::payments::orders::list_by_modified_at_ends_with_the_latest_change \
    accounting::payments::plans \
    database_failures::cut_create_is_retryable_only_with_a_key \
    database_failures::refused_line_item_leaves_no_payment_and_no_key \
    database_failures::statement_timeout_is_a_retryable_503 \
    database_failures::stricter_constraint_is_a_fault_of_its_member \
    revocation::cached_caller_expires_at_the_exact_time \
    revocation::flush_of_last_uses_notifies_no_server \
    revocation::listener_that_was_cut_off_reconnects_and_clears_the_cache \
    revocation::revoked_key_is_refused_by_every_server \
    revocation::scopes_that_are_taken_away_by_hand_are_noticed_at_once
skip=
for test in "$@"; do skip="$skip --skip $test"; done

export UNIBOOKS_TEST_CITUS=1
# shellcheck disable=SC2086
cargo test --locked --test api -- $skip
cargo test --locked --test deliveries
cargo test --locked --test citus -- --ignored
cargo test --locked --test chaos -- --citus --runs "${RUNS:-100}"
