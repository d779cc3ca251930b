//! From a URL to the storage behind it.

use std::sync::Arc;

use crate::error::ConnectError;
use crate::storage::JobStorage;

/// Opens the database that `url` names; see the `open` of its storage.
///
/// # Errors
///
/// [`ConnectError::Scheme`], [`ConnectError::Driver`] or [`ConnectError::NotYet`] if the URL names no database that can
/// be used, and whatever that database's storage says.
pub async fn open(url: &str, migrate: bool) -> Result<Arc<dyn JobStorage>, ConnectError> {
    match scheme(url) {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Arc::new(crate::SqliteStorage::open(url, migrate).await?)),
        other => {
            let _ = migrate;
            Err(unusable(other))
        }
    }
}

/// The statements that make the tables in the database that `url` names.
///
/// # Errors
///
/// [`ConnectError::Scheme`], [`ConnectError::Driver`] or [`ConnectError::NotYet`] if the URL names no database that can
/// be used.
pub fn schema_sql(url: &str) -> Result<String, ConnectError> {
    match scheme(url) {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(crate::SqliteStorage::schema_sql()),
        other => Err(unusable(other)),
    }
}

fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

fn unusable(scheme: &str) -> ConnectError {
    let scheme = scheme.to_owned();
    match scheme.as_str() {
        "sqlite" => ConnectError::Driver { scheme, feature: "sqlite" },
        "mysql" | "mariadb" | "postgres" | "postgresql" => ConnectError::NotYet { scheme },
        _ => ConnectError::Scheme { scheme },
    }
}
