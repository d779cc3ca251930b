//! Jobs on a PostgreSQL server.

mod announce;
mod error;
mod open;
mod settings;

use sea_orm::{ConnectionTrait, DbBackend, TransactionOptions};

pub(crate) use self::open::open;
use crate::sql::arrays::Arrays;
use crate::sql::dialect::{Dialect, OWNERS_BY_MINIMUM};
use crate::sql::migrate::Migration;

pub(crate) static DIALECT: Dialect = Dialect {
    backend: DbBackend::Postgres,
    // Of the statement's begin: a clock that moves while the statement runs could not be looked up in an index.
    now: "(extract(epoch from statement_timestamp()) * 1000000)::bigint",
    form: &Arrays,
    payload: "(octet_length(input) + octet_length(responses))::bigint",
    same_name: "name = ?",
    name_binds: 1,
    use_work_index: "",
    use_key_index: "",
    owners: OWNERS_BY_MINIMUM,
    of_status_after: "(status, id) > ({status}, ?) AND status <= {status}",
    of_status_before: "(status, id) < ({status}, ?) AND status >= {status}",
    delete_tasks: "DELETE FROM {prefix}task",
    unindexed_id: "id + 0",
    // It waits for nobody who writes the row; it is there to reach the primary through a proxy that sends reads elsewhere.
    lock: " FOR KEY SHARE",
    unlocked: Some(" FOR NO KEY UPDATE SKIP LOCKED"),
    or_keep: "ON CONFLICT ({key}) DO NOTHING",
    inserts_new: true,
    returns_inserts: true,
    lock_host: Some(
        "SELECT 1 FROM pg_advisory_xact_lock(hashtextextended('{prefix}task_node'::regclass::oid || '.' || encode(?, 'hex'), 0))",
    ),
    table_options: "",
    // The table of all tables is looked at, because `to_regclass` alone may go on answering what it answered before.
    has_table: "SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass(quote_ident(?))",
    migrations: &[Migration { version: 1, readable_from: 1, sql: include_str!("migrations/0001_task.sql") }],
    lock_schema: |transaction, names| {
        Box::pin(async move {
            // To build an index over a large table may take longer than any other statement.
            let lock = format!(
                "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0; SELECT \
                 pg_advisory_xact_lock(hashtext('vtask'), hashtext(current_schema() || '.{names}'))"
            );
            transaction.execute_unprepared(&lock).await.map(drop)
        })
    },
    unlock_schema: None,
    is_already_done: |_| false,
    // To draw a number would leave a gap in the ids at each start.
    try_also: Some(
        "DO $$ BEGIN IF NOT has_sequence_privilege('{prefix}task_id_seq', 'USAGE, UPDATE') THEN RAISE insufficient_privilege USING \
         MESSAGE = 'permission denied for sequence {prefix}task_id_seq'; END IF; END $$",
    ),
    classify: error::classify,
    transaction: TransactionOptions::default,
    save: "SET TRANSACTION READ WRITE; SAVEPOINT vtask",
    take_back: &["ROLLBACK"],
    is_gone: error::is_gone,
    announcements: Some(announce::announcements),
    announce_within: Some(announce::NOTIFY),
};
