//! What PostgreSQL's error codes mean.

use sea_orm::DbErr;

use crate::error::StorageError;
use crate::sql::driver::{database_error, is_turned_away, without_code};
use crate::sql::server::Refusal;

/// Sorts an error by its cure.
pub(super) fn classify(error: DbErr) -> StorageError {
    let Some(code) = code(&error) else { return without_code(error) };
    match code.as_str() {
        "25006" => StorageError::ReadOnly(error.into()),
        _ if is_turned_away(&error) => StorageError::Busy(error.into()),
        "55P03" => StorageError::Locked(error.into()),
        // A conflict, a statement that took too long, no room for one more connection, a
        // prepared statement that is gone, or prepared for tables as they were.
        "40000" | "40001" | "40P01" | "57014" | "53000" | "53200" | "53300" | "53400" | "26000" | "42P05" | "0A000" => {
            StorageError::Busy(error.into())
        }
        "53100" | "58030" => StorageError::Full(error.into()),
        // The server went down, or the session did: whether a commit went through before is not known.
        "40003" | "57000" | "58000" | "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P02" | "25P03" | "25P04" => {
            StorageError::Unavailable(error.into())
        }
        code if code.starts_with("08") => StorageError::Unavailable(error.into()),
        _ => StorageError::Refused(error.into()),
    }
}

pub(super) fn refusal(error: &DbErr) -> Option<Refusal> {
    match code(error)?.as_str() {
        "28P01" | "28000" => Some(Refusal::Login),
        "3D000" => Some(Refusal::NoDatabase),
        "42501" => Some(Refusal::NoRights),
        _ => None,
    }
}

/// Whether there is no such savepoint, no transaction, or one that an error has ended.
pub(super) fn is_gone(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("3B001" | "25P01" | "25P02"))
}

fn code(error: &DbErr) -> Option<String> {
    Some(database_error(error)?.code()?.into_owned())
}
