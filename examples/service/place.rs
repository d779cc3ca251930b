//! Taking an order.

use sea_orm::{ActiveModelTrait, DatabaseConnection, TransactionTrait};

use crate::bank::is_duplicate;
use crate::job::PlaceOrderHandle;
use crate::orders::NewOrder;

/// Saves the order and its job, both or neither; false if there is an order of this id already.
///
/// After an error either may be the case: the same order may be sent again.
pub async fn place(db: &DatabaseConnection, jobs: &PlaceOrderHandle, order: NewOrder) -> anyhow::Result<bool> {
    let tx = db.begin().await?;
    // The row first: whoever else sends this id waits here for our commit, and nothing has to be undone.
    if let Err(error) = order.clone().into_row().insert(&tx).await {
        tx.rollback().await?;
        return if is_duplicate(&error) { Ok(false) } else { Err(error.into()) };
    }
    jobs.invoke(order).within(&tx).await?;
    tx.commit().await?;
    Ok(true)
}
