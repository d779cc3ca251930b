//! What SQLite's result codes mean.

use sea_orm::DbErr;

use crate::error::StorageError;
use crate::sql::driver::{database_error, is_undecodable};

const ERROR: i32 = 1;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const FULL: i32 = 13;
const PROTOCOL: i32 = 15;
pub(super) const CANTOPEN: i32 = 14;
pub(super) const NOTADB: i32 = 26;

/// Sorts an error by its cure.
pub(super) fn classify(error: DbErr) -> StorageError {
    match result_code(&error) {
        Some(BUSY | LOCKED | NOMEM | INTERRUPT | PROTOCOL) => StorageError::Busy(error.into()),
        Some(READONLY) => StorageError::ReadOnly(error.into()),
        // A full disk shows as either, depending on which write met it.
        Some(FULL | IOERR) => StorageError::Full(error.into()),
        Some(CANTOPEN) => StorageError::Unavailable(error.into()),
        Some(_) => StorageError::Refused(error.into()),
        None => classify_without_code(error),
    }
}

fn classify_without_code(error: DbErr) -> StorageError {
    match &error {
        _ if is_undecodable(&error) => StorageError::Refused(error.into()),
        // No connection was to be had, so nothing was sent.
        DbErr::ConnectionAcquire(_) => StorageError::Busy(error.into()),
        DbErr::Conn(_) | DbErr::Exec(_) | DbErr::Query(_) => StorageError::Unavailable(error.into()),
        _ => StorageError::Refused(error.into()),
    }
}

/// Whether there is no such savepoint; SQLite has no code of its own for that.
pub(super) fn is_gone(error: &DbErr) -> bool {
    result_code(error) == Some(ERROR)
}

/// The primary result code, without the bits that refine it.
pub(super) fn result_code(error: &DbErr) -> Option<i32> {
    database_error(error)?.code()?.parse::<i32>().ok().map(|extended| extended & 0xff)
}
