//! What the error numbers of MySQL and MariaDB mean.

use sea_orm::DbErr;
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::mysql::MySqlDatabaseError;

use crate::error::StorageError;
use crate::sql::driver::{database_error, is_turned_away, without_code};
use crate::sql::server::Refusal;

/// Sorts an error by its cure.
pub(super) fn classify(error: DbErr) -> StorageError {
    match number(&error) {
        None => without_code(error),
        // A trigger of the user's says no, by whatever number.
        Some(_) if is_signalled(&error) => StorageError::Refused(error.into()),
        Some(_) if is_turned_away(&error) => StorageError::Busy(error.into()),
        Some(1205) => StorageError::Locked(error.into()),
        // A deadlock, a conflict on a cluster, tables that were changed meanwhile; a wait or a deadlock of MariaDB for the
        // next id; a member of a replication group that has dropped out of it, or waits for the others.
        Some(1213 | 1206 | 1020 | 1412 | 1467 | 3100 | 3101 | 3781..=3783 | 3796..=3799) => {
            StorageError::Busy(error.into())
        }
        // A server that is not ready, or has no room for one more connection, thread or statement, or no memory; a statement that
        // took too long.
        Some(5 | 1037 | 1038 | 1040 | 1041 | 1135 | 1203 | 1226 | 1243 | 1461 | 1615 | 1969 | 3024 | 3032) => {
            StorageError::Busy(error.into())
        }
        // The connection went, or the server, or a commit failed: whether it went through before is not known.
        // So it is where a proxy answers with a client's number, but of too large a packet, or one of its own.
        Some(1053 | 1180 | 1152 | 1158..=1161 | 1317 | 1927 | 2000..=2018 | 2021..=2999 | 4031 | 9000..=9999) => {
            StorageError::Unavailable(error.into())
        }
        // Among them a server of a cluster that has lost the others, or is about to join them.
        Some(1047 | 1290 | 1792 | 1836) => StorageError::ReadOnly(error.into()),
        Some(3 | 1021 | 1026 | 1030 | 1114) => StorageError::Full(error.into()),
        Some(_) => StorageError::Refused(error.into()),
    }
}

pub(super) fn refusal(error: &DbErr) -> Option<Refusal> {
    match number(error)? {
        1045 | 1130 | 1698 => Some(Refusal::Login),
        1049 => Some(Refusal::NoDatabase),
        1044 | 1142 | 1143 | 1227 | 1370 => Some(Refusal::NoRights),
        _ => None,
    }
}

/// Whether a statement of a migration says that there is nothing left to do: the table, the column or the key is there,
/// or gone.
pub(super) fn is_already_done(error: &DbErr) -> bool {
    matches!(number(error), Some(1050 | 1060 | 1061 | 1091))
}

/// Whether there is no such savepoint: its transaction was rolled back, or a statement committed it.
pub(super) fn is_gone(error: &DbErr) -> bool {
    number(error) == Some(1305)
}

/// Whether a program in the database raised it.
fn is_signalled(error: &DbErr) -> bool {
    database_error(error).and_then(DatabaseError::code).is_some_and(|state| state == "45000")
}

/// The error's own number; its SQLSTATE is shared by many.
fn number(error: &DbErr) -> Option<u16> {
    Some(database_error(error)?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}
