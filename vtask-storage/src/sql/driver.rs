//! What lies inside an error of sea-orm.

use sea_orm::{DbErr, RuntimeErr, sqlx};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::error::StorageError;

/// The driver's own error.
pub(crate) fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return None;
    };
    let RuntimeErr::SqlxError(error) = cause else { return None };
    Some(error)
}

/// The server's own error.
pub(crate) fn database_error(error: &DbErr) -> Option<&dyn sqlx::error::DatabaseError> {
    driver_error(error)?.as_database_error()
}

/// Whether what was answered is of another type or form than what was asked for: asked again, it would be so again.
#[cfg(feature = "sqlite")]
pub(crate) fn is_undecodable(error: &DbErr) -> bool {
    use sqlx::Error as Driver;

    matches!(
        driver_error(error),
        Some(
            Driver::Decode(_)
                | Driver::ColumnDecode { .. }
                | Driver::ColumnNotFound(_)
                | Driver::ColumnIndexOutOfBounds { .. }
                | Driver::TypeNotFound { .. }
        )
    )
}

/// Whether the server turned away a connection that a pool wanted to make: then nothing was sent.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn is_turned_away(error: &DbErr) -> bool {
    matches!(error, DbErr::Conn(_)) && database_error(error).is_some()
}

/// Whether no connection was to be had in time.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn has_no_connection(error: &DbErr) -> bool {
    matches!(error, DbErr::ConnectionAcquire(_)) || matches!(driver_error(error), Some(sqlx::Error::PoolTimedOut))
}

/// Sorts an error that the server did not make by its cure.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn without_code(error: DbErr) -> StorageError {
    use sqlx::Error as Driver;

    match driver_error(&error) {
        // No connection was to be had, so nothing was sent.
        Some(Driver::PoolTimedOut) => StorageError::Busy(error.into()),
        Some(
            Driver::Io(_)
            | Driver::Tls(_)
            | Driver::Protocol(_)
            | Driver::PoolClosed
            | Driver::WorkerCrashed
            | Driver::BeginFailed,
        ) => StorageError::Unavailable(error.into()),
        _ if matches!(error, DbErr::ConnectionAcquire(_)) => StorageError::Busy(error.into()),
        _ => StorageError::Refused(error.into()),
    }
}

/// What a driver's error is to sea-orm.
pub(crate) fn wrapped(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
