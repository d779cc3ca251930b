//! What is done with an order.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseConnection, DatabaseTransaction};
use vtask::{Attempt, job};

use crate::bank::Bank;
use crate::orders::{NewOrder, State, set_state};
use crate::parcels;

/// What the steps need to work; never saved.
pub struct PlaceOrder {
    pub bank: Bank,
    pub db: DatabaseConnection,
}

#[job(name = "place_order")]
impl PlaceOrder {
    /// Charges the customer. The process may die after the bank has done it: then it is asked again, with the same key.
    #[step(retry = always, period = "1s..1m", timeout = "30s")]
    async fn charge(&self, order: &NewOrder, attempt: &Attempt) -> anyhow::Result<String> {
        attempt.progress(0.0, "the bank is asked");
        self.bank.charge(attempt.idempotency_key(), &order.id, order.cents).await
    }

    /// Ships. The parcel, the new state of the order and the record of this step are one commit: there is nothing to
    /// recognize, because all that a killed attempt has written is gone.
    #[step(retry = always, period = "1s..1m")]
    async fn ship(&self, order: &NewOrder, charge: &String, tx: &DatabaseTransaction) -> anyhow::Result<i64> {
        let (order_id, receipt) = (Set(order.id.clone()), Set(charge.clone()));
        let parcel = parcels::ActiveModel { order_id, receipt, ..Default::default() }.insert(tx).await?;
        set_state(tx, &order.id, State::Shipped).await?;
        Ok(parcel.id)
    }

    /// The bank has said no, or somebody has cancelled the job: a real shop would then give back what was charged.
    #[on_failure(retry = always, period = "1s..1m")]
    async fn refuse(&self, order: &NewOrder) -> anyhow::Result<()> {
        set_state(&self.db, &order.id, State::Refused).await
    }
}
