//! A pretend bank. A real one is elsewhere, and it, too, knows a request that comes again by its key.

use std::time::Duration;

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, SqlErr};
use vtask::stop;

/// Its table: a request with a key of its own is one charge.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "charges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub request: String,
    pub order_id: String,
    pub cents: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub struct Bank {
    db: DatabaseConnection,
}

/// More than that it does not lend.
const LIMIT: i64 = 1_000_000;

impl Bank {
    pub fn new(db: &DatabaseConnection) -> Self {
        Self { db: db.clone() }
    }

    /// Takes the money, and gives a receipt.
    pub async fn charge(&self, request: &str, order_id: &str, cents: i64) -> anyhow::Result<String> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if cents > LIMIT {
            return Err(stop("the bank refuses the charge"));
        }
        let (request, order_id) = (request.to_owned(), order_id.to_owned());
        let receipt = format!("receipt-{}", &request[..8]);
        let charge = Model { request, order_id, cents }.into_active_model();
        match charge.insert(&self.db).await {
            Err(error) if !is_duplicate(&error) => Err(error.into()),
            _ => Ok(receipt),
        }
    }
}

/// Whether a row with that key is there already.
pub fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
