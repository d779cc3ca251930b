//! A transaction that SQLite ends by itself.

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use tokio::time::timeout;
use vtask::{Attempt, Client, job};

use super::LONG;
use crate::database::Raw;
use crate::setup::{Sqlite, start};

/// Its first attempt passes an error over that ends the transaction, and goes on.
struct Counts;

#[job]
impl Counts {
    #[step(retry = 1, period = "10ms")]
    async fn count(&self, tx: &DatabaseTransaction, attempt: &Attempt) -> anyhow::Result<()> {
        if attempt.number() == 1 {
            tx.execute_unprepared("INSERT INTO stock VALUES (1, 10)").await.unwrap_err();
        }
        // No transaction is there any more: it would be a commit of its own.
        let counted = tx.execute_unprepared("UPDATE stock SET pieces = pieces - 1").await;
        if attempt.number() > 1 {
            counted?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_a_step_writes_after_its_transaction_has_ended_is_taken_back() {
    let file = Sqlite::new();
    let (client, raw) = (Client::connect(file.url()).await.unwrap(), Raw::connect(&file.url()).await);
    raw.execute("CREATE TABLE stock (id INTEGER UNIQUE ON CONFLICT ROLLBACK, pieces INTEGER)").await;
    raw.execute("INSERT INTO stock VALUES (1, 5)").await;
    let center = start(&client, Counts).await;
    let run = CountsHandle::new(&client).invoke(()).await.unwrap();
    timeout(LONG, run.wait()).await.expect("it ends").unwrap();
    assert_eq!(run.info().await.unwrap().history.len(), 2, "an attempt has failed, and one has not");
    assert_eq!(raw.number("SELECT pieces FROM stock").await, 4, "it was counted once");
    center.shutdown().await.unwrap();
}
