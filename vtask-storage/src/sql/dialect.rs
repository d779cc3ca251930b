//! What differs from database to database in the statements that all of them share.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sea_orm::{DatabaseTransaction, DbBackend, DbErr, TransactionOptions};

use super::batch::Form;
use super::migrate::Migration;
use super::{Names, SqlStorage};
use crate::error::StorageError;
use crate::storage::Announcements;

/// A database's way to say things.
pub(crate) struct Dialect {
    pub(crate) backend: DbBackend,
    /// The clock of the database, in microseconds since 1970.
    pub(crate) now: &'static str,
    /// How the rows of a batch reach a statement.
    pub(crate) form: &'static dyn Form,
    /// The length in bytes of the data and the outputs.
    pub(crate) payload: &'static str,
    /// Whether a name is this one, byte for byte; the name is bound [`name_binds`](Self::name_binds) times.
    pub(crate) same_name: &'static str,
    pub(crate) name_binds: usize,
    /// Stands behind `task` where the index of the engine has to serve.
    pub(crate) use_work_index: &'static str,
    /// Likewise, where that of the keywords has to.
    pub(crate) use_key_index: &'static str,
    /// Finds who holds rows with work, `held (boot)`, by going from one to the next in the engine's index: as many steps
    /// as there are owners, however many rows they hold.
    pub(crate) owners: &'static str,
    /// The rows of status `{status}` behind the id that is bound, so that the index of status and id serves, and is entered
    /// there, also where few rows are left out.
    pub(crate) of_status_after: &'static str,
    /// Likewise those before it.
    pub(crate) of_status_before: &'static str,
    /// Begins a statement that deletes tasks by their ids, and looks at no other.
    pub(crate) delete_tasks: &'static str,
    /// The primary key, where its index must not serve.
    pub(crate) unindexed_id: &'static str,
    /// Ends a read-back, so that it sees what is committed now: past a snapshot, and past a replica.
    pub(crate) lock: &'static str,
    /// Ends a look at rows that passes over those which a transaction has locked; `None` where rows are not locked.
    pub(crate) unlocked: Option<&'static str>,
    /// Ends an insert into `{table}` that leaves the row that has its `{key}` as it is.
    pub(crate) or_keep: &'static str,
    /// Whether an insert is cheaper where it need not look for such a row.
    pub(crate) inserts_new: bool,
    /// Whether an insert answers the rows that it leaves.
    pub(crate) returns_inserts: bool,
    /// Begins a transaction in which lives of one host join one after the other, where the insert does not see to that.
    /// Other hosts do not wait for it.
    pub(crate) lock_host: Option<&'static str>,
    /// Ends a statement that makes a table.
    pub(crate) table_options: &'static str,
    /// Answers a row if there is a table or view of the bound name.
    pub(crate) has_table: &'static str,
    pub(crate) migrations: &'static [Migration],
    /// Keeps others from migrating until the transaction ends.
    pub(crate) lock_schema: LockSchema,
    /// Lets them, where the end of the transaction does not.
    pub(crate) unlock_schema: Option<&'static str>,
    /// Whether a statement of a migration failed because it had already been carried out.
    pub(crate) is_already_done: fn(&DbErr) -> bool,
    /// What else has to be allowed for jobs to be written.
    pub(crate) try_also: Option<&'static str>,
    /// Sorts an error by its cure.
    pub(crate) classify: fn(DbErr) -> StorageError,
    pub(crate) transaction: fn() -> TransactionOptions,
    /// Makes the savepoint `vtask` in the transaction of a step, which may write from then on.
    pub(crate) save: &'static str,
    /// Rolls it back, and sees to it that nothing more is written on its connection.
    pub(crate) take_back: &'static [&'static str],
    /// Whether a savepoint could not be released because its transaction is gone, or takes nothing more.
    pub(crate) is_gone: fn(&DbErr) -> bool,
    /// How processes tell each other that jobs may be due, where the database passes such hints on.
    pub(crate) announcements: Option<Announce>,
    /// Gives such a hint when the transaction commits.
    pub(crate) announce_within: Option<&'static str>,
}

/// [`owners`](Dialect::owners) where a minimum is looked up in the index.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) const OWNERS_BY_MINIMUM: &str = "WITH RECURSIVE held (boot) AS (SELECT min(boot) FROM {prefix}task WHERE work = 1 AND boot > 0 UNION ALL SELECT \
     (SELECT min(t.boot) FROM {prefix}task AS t WHERE t.work = 1 AND t.boot > held.boot) FROM held WHERE held.boot IS NOT \
     NULL)";

impl Dialect {
    /// [`or_keep`](Self::or_keep) of a table and its key.
    pub(crate) fn or_keep(&self, table: &str, key: &str) -> String {
        self.or_keep.replace("{table}", table).replace("{key}", key)
    }

    /// Begins a transaction that writes.
    pub(crate) fn begin(&self) -> &'static str {
        if self.backend == DbBackend::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" }
    }

    /// Whether an update can answer the rows that it has written. Neither MySQL nor MariaDB can.
    pub(crate) fn returns_rows(&self) -> bool {
        self.backend != DbBackend::MySql
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backend.fmt(f)
    }
}

/// The hints of a storage.
pub(crate) type Announce = fn(&SqlStorage) -> Arc<dyn Announcements>;

/// Waits for whoever else migrates these tables.
pub(crate) type LockSchema =
    for<'a> fn(&'a DatabaseTransaction, &'a Names) -> Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>;
