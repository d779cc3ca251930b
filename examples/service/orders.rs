//! The shop's table of orders.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, IntoActiveModel};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vtask::JobContext;

/// What a customer sends: the content of the row, and the data of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JobContext)]
pub struct NewOrder {
    /// The keyword is `place_order/7`: order 7 is one job.
    #[context(keyword)]
    #[serde(default = "new_id")]
    pub id: String,
    pub item: String,
    pub cents: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub item: String,
    pub cents: i64,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, EnumIter, DeriveActiveEnum)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(10))", rename_all = "snake_case")]
pub enum State {
    Placed,
    Shipped,
    Refused,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Ids that the service gives are in the order of time.
fn new_id() -> String {
    Uuid::now_v7().to_string()
}

impl NewOrder {
    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), &'static str> {
        // No capital letters: MySQL would take `A` and `a` for one id, and vtask would not.
        let in_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match self {
            Self { id, .. } if !(1..=50).contains(&id.len()) || !id.chars().all(in_id) => {
                Err("id: 1 to 50 of a to z, 0 to 9 and -")
            }
            Self { item, .. } if !(1..=200).contains(&item.len()) || item.contains(char::is_control) => {
                Err("item: 1 to 200 bytes of text in one line")
            }
            Self { cents, .. } if *cents < 1 => Err("cents: at least 1"),
            _ => Ok(()),
        }
    }

    pub fn into_row(self) -> ActiveModel {
        let Self { id, item, cents } = self;
        Model { id, item, cents, state: State::Placed }.into_active_model()
    }

    pub fn is_in(&self, row: &Model) -> bool {
        (&self.id, &self.item, self.cents) == (&row.id, &row.item, row.cents)
    }
}

/// Changes the state of an order, on the pool or in a transaction.
pub async fn set_state(db: &impl ConnectionTrait, id: &str, state: State) -> anyhow::Result<()> {
    let change = ActiveModel { state: Set(state), ..Default::default() };
    Entity::update_many().set(change).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}
