//! Distributes the tables over the nodes of Citus.
//!
//! A table whose primary key has `connection_id` is distributed by it; so all rows of a connection are on one node, and a
//! payment is stored with the change that announces it. A table whose primary key begins with `project_id` is distributed
//! by that. The other tables are small and are copied to every node: they are read before the connection is known, and
//! foreign keys lead to them.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::db::progress::with_progress;
use crate::db::tables::TABLES;

/// Distributes every table that is not distributed yet, with its rows: all in one transaction, or none. Reads and
/// writes wait for it.
///
/// # Errors
/// When the database has no Citus or is not its coordinator, or when it fails.
pub(in crate::db) async fn distribute(session: &mut PgConnection) -> anyhow::Result<()> {
    anyhow::ensure!(
        has_citus(session).await?,
        "the database has no Citus; install it on every node and run `create extension citus` there (docs/scaling.md)"
    );
    let is_coordinator: bool =
        sqlx::query_scalar("select groupid = 0 from pg_dist_local_group").fetch_one(&mut *session).await?;
    anyhow::ensure!(is_coordinator, "DATABASE_URL leads to a worker node of Citus, not to its coordinator");
    Ok(run(session).await?)
}

/// Distributes the tables of a new migration, if the older ones are distributed.
///
/// # Errors
/// When the database fails.
pub(in crate::db) async fn distribute_new_tables(session: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_distributed = "select exists (select from pg_dist_partition
                                         where logicalrelid = to_regclass('payment') and partmethod = 'h')";
    if has_citus(session).await? && sqlx::query_scalar(is_distributed).fetch_one(&mut *session).await? {
        return run(session).await;
    }
    Ok(())
}

async fn has_citus(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let query = "select exists (select from pg_extension where extname = 'citus')";
    sqlx::query_scalar(query).fetch_one(session).await
}

/// Each node has numbers of its own for `sequence`, so the sequencer takes rows of the outbox in the order of their times
/// (`src/events/store/sequence_on_nodes.rs`).
const OUTBOX_BY_TIME: &str = "create index if not exists event_outbox_by_time
                              on event_outbox (project_id, created_at, sequence, connection_id)";

async fn run(session: &mut PgConnection) -> Result<(), sqlx::Error> {
    let commands = Commands::of_missing(session).await?;
    if commands.distribute.is_empty() {
        return execute(session, OUTBOX_BY_TIME).await;
    }
    let mut transaction = session.begin().await?;
    // A table that is copied to every node changes together with those that refer to it.
    execute(&mut transaction, "set local citus.multi_shard_modify_mode = 'sequential'").await?;
    for command in commands.drop_triggers.iter().chain(&commands.drop_foreign_keys) {
        execute(&mut transaction, command).await?;
    }
    for (table, command) in &commands.distribute {
        tracing::info!(table, "a table is being distributed");
        let log = |seconds| tracing::info!(table, seconds, "the rows of a table are being distributed");
        let (done, elapsed) = with_progress(log, execute(&mut transaction, command)).await;
        done?;
        tracing::info!(table, duration_ms = elapsed.as_millis(), "a table is distributed");
    }
    for command in commands.add_foreign_keys.iter().chain(&commands.truncate) {
        execute(&mut transaction, command).await?;
    }
    // Later functions are created on every node by Citus itself.
    let functions = "select create_distributed_function(oid::regprocedure) from pg_proc
                     where pronamespace = current_schema()::regnamespace and proname like 'insert\\_payments\\_%'";
    execute(&mut transaction, functions).await?;
    execute(&mut transaction, OUTBOX_BY_TIME).await?;
    transaction.commit().await
}

async fn execute(session: &mut PgConnection, command: &str) -> Result<(), sqlx::Error> {
    // Made of names that Postgres has quoted.
    sqlx::raw_sql(AssertSqlSafe(command.to_owned())).execute(session).await.map(drop)
}

/// The commands that distribute tables, in the order in which they run.
struct Commands {
    /// Citus accepts no trigger on a table that is on several nodes.
    drop_triggers: Vec<String>,
    /// A table cannot be distributed while one that is not refers to it.
    drop_foreign_keys: Vec<String>,
    /// With the name of the table. Tables to which others refer come first.
    distribute: Vec<(String, String)>,
    add_foreign_keys: Vec<String>,
    /// Citus copies the rows to the shards, and leaves them in the local table.
    truncate: Vec<String>,
}

impl Commands {
    /// The commands for the tables that exist and are not distributed yet.
    async fn of_missing(session: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let known: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
        // In pg_dist_partition, `h` is distributed by hash, and `t` is copied to every node.
        let missing: Vec<(String, Option<String>)> = sqlx::query_as(
            "select c.relname::text,
                    (select a.attname::text
                     from pg_index i
                     cross join unnest(i.indkey) with ordinality as k (attnum, place)
                     join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
                     where i.indrelid = c.oid and i.indisprimary
                           and (a.attname = 'connection_id' or a.attname = 'project_id' and k.place = 1)
                     order by a.attname limit 1) as distributed_by
             from pg_class c
             where c.oid = any (array(select to_regclass(name) from unnest($1::text[]) name))
                 and not exists (select from pg_dist_partition
                                 where logicalrelid = c.oid and (partmethod = 'h' or repmodel = 't'))
             order by distributed_by nulls first, c.relname <> 'payment',
                      (select count(*) from pg_constraint f where f.contype = 'f' and f.conrelid = c.oid), 1",
        )
        .bind(&known)
        .fetch_all(&mut *session)
        .await?;
        let names: Vec<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
        let large: Vec<&str> = missing.iter().filter(|(_, key)| key.is_some()).map(|(name, _)| &**name).collect();
        let triggers = "select format('drop trigger %I on %s', tgname, tgrelid::regclass)
             from pg_trigger where not tgisinternal and tgrelid = any ($1::text[]::regclass[])";
        let foreign_keys: Vec<(String, String)> = sqlx::query_as(
            "select format('alter table %s drop constraint %I', conrelid::regclass, conname),
                    format('alter table %s add constraint %I %s', conrelid::regclass, conname,
                           pg_get_constraintdef(oid))
             from pg_constraint
             where contype = 'f' and conrelid = any ($1::text[]::regclass[]) and confrelid = any ($1::text[]::regclass[])",
        )
        .bind(&large)
        .fetch_all(&mut *session)
        .await?;
        let (drop_foreign_keys, add_foreign_keys) = foreign_keys.into_iter().unzip();
        let command = |(name, key): &(String, Option<String>)| match key {
            None => format!("select create_reference_table('{name}')"),
            Some(key) if name == "payment" || key == "project_id" => {
                format!("select create_distributed_table('{name}', '{key}')")
            }
            Some(key) => format!("select create_distributed_table('{name}', '{key}', colocate_with => 'payment')"),
        };
        Ok(Self {
            drop_triggers: sqlx::query_scalar(triggers).bind(&names).fetch_all(&mut *session).await?,
            drop_foreign_keys,
            distribute: missing.iter().map(|table| (table.0.clone(), command(table))).collect(),
            add_foreign_keys,
            // A table is emptied together with those that refer to it.
            truncate: names
                .iter()
                .map(|name| format!("select truncate_local_data_after_distributing_table('{name}')"))
                .collect(),
        })
    }
}
