//! Hints by `NOTIFY`. It takes a lock on the whole database when it commits, so callers put several into one.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{DatabaseConnection, sqlx};

use crate::error::StorageError;
use crate::sql::SqlStorage;
use crate::sql::driver::wrapped;
use crate::storage::{Announcements, Listener};

pub(super) fn announcements(storage: &SqlStorage) -> Arc<dyn Announcements> {
    Arc::new(Channel(storage.clone()))
}

/// Gives a hint, when the transaction around it commits.
pub(super) const NOTIFY: &str = "SELECT pg_notify('{prefix}task', '')";

/// A channel of the database. Tables of one prefix in two schemas share it: then a hint is one look too many.
struct Channel(SqlStorage);

#[async_trait]
impl Announcements for Channel {
    async fn announce(&self) -> Result<(), StorageError> {
        let sql = &self.0.sql;
        sql.execute(&self.0.writer().await?, sql.statement(NOTIFY, [])).await.map(drop)
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, StorageError> {
        let connection = self.0.connections.one_more().ok_or_else(|| StorageError::Refused("no server".into()))?;
        let classify = |error| (self.0.sql.dialect.classify)(wrapped(error));
        let mut listener =
            PgListener::connect_with(connection.get_postgres_connection_pool()).await.map_err(classify)?;
        listener.listen(&self.0.sql.names.fill("{prefix}task")).await.map_err(classify)?;
        Ok(Box::new(Listens { listener, classify: self.0.sql.dialect.classify, _pool: connection }))
    }
}

struct Listens {
    listener: PgListener,
    classify: fn(sea_orm::DbErr) -> StorageError,
    /// Which the listener connects again from when its connection is lost.
    _pool: DatabaseConnection,
}

#[async_trait]
impl Listener for Listens {
    async fn heard(&mut self) -> Result<(), StorageError> {
        let heard: Result<_, sqlx::Error> = self.listener.try_recv().await;
        heard.map(drop).map_err(|error| (self.classify)(wrapped(error)))
    }
}
