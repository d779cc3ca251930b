//! Jobs that are saved in a transaction of the user's own.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, IsolationLevel, TransactionTrait};
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};
use vtask::storage::MemoryStorage;
use vtask::storage::value::Timestamp;
use vtask::{Client, InvokeError, JobContext, StorageError, job};

use crate::database::{TestDatabase, on_each_database};
use crate::jobs::OnceHandle;
use crate::setup::start;

const LONG: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Order {
    #[context(keyword)]
    id: u32,
    note: String,
}

fn order(id: u32) -> Order {
    Order { id, note: String::new() }
}

struct Ship;

#[job]
impl Ship {
    #[step]
    async fn ship(&self, order: &Order) -> anyhow::Result<u32> {
        Ok(order.id)
    }
}

/// A client, and a connection of the user's with a table of his own.
async fn shop(database: &TestDatabase) -> (Client, DatabaseConnection) {
    let client = database.client().await;
    let pool = database.raw().await.0;
    pool.execute_unprepared("CREATE TABLE orders (id INTEGER)").await.unwrap();
    (client, pool)
}

async fn take_order(tx: &DatabaseTransaction, id: u32) {
    tx.execute_unprepared(&format!("INSERT INTO orders VALUES ({id})")).await.unwrap();
}

on_each_database! {
    async fn job_is_there_when_its_transaction_commits_and_not_before(database) {
        let (client, pool) = shop(&database).await;
        let center = start(&client, Ship).await;
        let handle = ShipHandle::new(&client);
        for id in 1..=3 {
            let tx = pool.begin().await.unwrap();
            take_order(&tx, id).await;
            let run = handle.invoke(order(id)).within(&tx).await.unwrap();
            assert!(run.created());
            sleep(Duration::from_millis(100)).await;
            assert!(client.find(&format!("ship/{id}")).await.unwrap().is_none(), "nobody sees it yet");
            tx.commit().await.unwrap();
            assert_eq!(timeout(LONG, run.wait()).await.expect("it starts").unwrap(), id);
        }
        assert_eq!(database.raw().await.number("SELECT count(*) FROM orders").await, 3);
        center.shutdown().await.unwrap();
    }

    async fn job_of_a_transaction_that_is_rolled_back_is_not_there(database) {
        let (client, pool) = shop(&database).await;
        let handle = ShipHandle::new(&client);
        let tx = pool.begin().await.unwrap();
        take_order(&tx, 7).await;
        handle.invoke(order(7)).within(&tx).await.unwrap();
        let many = handle.invoke_many((8..600).map(order)).within(&tx).await;
        assert!(many.iter().all(|run| run.as_ref().is_ok_and(vtask::JobRun::created)));
        tx.rollback().await.unwrap();
        assert_eq!(database.raw().await.number("SELECT count(*) FROM task").await, 0);
        assert!(handle.invoke(order(7)).await.unwrap().created(), "the keyword is free");
    }

    async fn keyword_that_is_there_is_told_within_a_transaction_too(database) {
        let (client, pool) = shop(&database).await;
        let handle = ShipHandle::new(&client);
        let first = handle.invoke(order(7)).await.unwrap();
        OnceHandle::new(&client).invoke(()).keyword("ship/8").await.unwrap();
        let tx = pool.begin().await.unwrap();
        let again = handle.invoke(order(7)).within(&tx).await.unwrap();
        assert_eq!((again.id(), again.created(), again.same_input()), (first.id(), false, true));
        let other = Order { note: "other".to_owned(), ..order(7) };
        let refused = handle.invoke(other).reject_other_input().within(&tx).await.unwrap_err();
        assert!(matches!(refused, InvokeError::OtherInput { .. }), "{refused:?}");
        let taken = handle.invoke(order(8)).within(&tx).await.unwrap_err();
        assert!(matches!(taken, InvokeError::KeywordTaken { .. }), "{taken:?}");
        let twice = handle.invoke_many([order(9), order(9), order(7)]).within(&tx).await;
        let created: Vec<bool> = twice.iter().map(|run| run.as_ref().unwrap().created()).collect();
        assert_eq!(created, [true, false, false]);
        take_order(&tx, 9).await;
        tx.commit().await.unwrap();
        assert_eq!(database.raw().await.number("SELECT count(*) FROM task").await, 3, "the transaction was not harmed");
    }

    async fn transaction_may_have_any_isolation(database) {
        let (client, pool) = shop(&database).await;
        let handle = ShipHandle::new(&client);
        for (id, level) in [(1, IsolationLevel::RepeatableRead), (3, IsolationLevel::Serializable)] {
            let tx = pool.begin_with_config(Some(level), None).await.unwrap();
            // A snapshot is taken before others save the first of the two.
            tx.execute_unprepared("SELECT count(*) FROM orders").await.unwrap();
            if database.kind() != Kind::Sqlite {
                handle.invoke(order(id)).await.unwrap();
            }
            let new = handle.invoke(order(id + 1)).within(&tx).await.unwrap();
            assert!(new.created());
            match handle.invoke(order(id)).within(&tx).await {
                Ok(run) => {
                    assert_eq!(run.created(), database.kind() == Kind::Sqlite, "{level:?}");
                    tx.commit().await.unwrap();
                    assert!(client.find(&format!("ship/{}", id + 1)).await.unwrap().is_some());
                }
                // PostgreSQL tells that its snapshot is too old for an answer.
                Err(InvokeError::Storage { source: StorageError::Busy(_), .. }) if database.kind() == Kind::Postgres => {
                    tx.rollback().await.unwrap();
                }
                Err(error) => panic!("{level:?}: {error:?}"),
            }
        }
    }

    async fn error_of_the_transaction_goes_up_and_nothing_is_tried_again(database) {
        let (client, pool) = shop(&database).await;
        let handle = ShipHandle::new(&client);
        let tx = pool.begin().await.unwrap();
        take_order(&tx, 1).await;
        let large = Order { note: "x".repeat(2 << 20), ..order(1) };
        let refused = handle.invoke(large).within(&tx).await.unwrap_err();
        assert!(matches!(refused, InvokeError::TooLarge { .. }), "{refused:?}");
        handle.invoke(order(1)).within(&tx).await.unwrap();
        tx.commit().await.unwrap();
        assert!(client.find("ship/1").await.unwrap().is_some(), "what vtask refuses by itself harms nothing");

        let tx = pool.begin().await.unwrap();
        tx.execute_unprepared("DROP TABLE orders").await.unwrap();
        if database.kind() == Kind::Postgres {
            tx.execute_unprepared("SELECT nonsense").await.unwrap_err();
            let refused = handle.invoke(order(2)).within(&tx).await.unwrap_err();
            assert!(matches!(refused, InvokeError::Storage { source: StorageError::Unavailable(_), .. }), "{refused:?}");
        }
        tx.rollback().await.unwrap();
        assert!(client.find("ship/2").await.unwrap().is_none());
    }

    async fn transaction_of_another_kind_of_database_is_refused(database) {
        let (client, _pool) = shop(&database).await;
        let folder = tempfile::tempdir().unwrap();
        let other = sea_orm::Database::connect(format!("sqlite://{}/o.db?mode=rwc", folder.path().display())).await;
        let tx = other.unwrap().begin().await.unwrap();
        let answer = ShipHandle::new(&client).invoke(order(1)).within(&tx).await;
        let refused = matches!(answer, Err(InvokeError::Storage { source: StorageError::Refused(_), .. }));
        // On SQLite it is of the same kind, and there is no table.
        assert!(refused, "{answer:?}");
        let is_told = format!("{answer:?}").contains("transaction, and the jobs are in");
        assert_eq!(is_told, database.kind() != Kind::Sqlite, "{answer:?}");
    }
}

#[tokio::test]
async fn storage_without_transactions_says_so() {
    let client = Client::with_storage(MemoryStorage::with_clock(|| Timestamp(0)));
    let folder = tempfile::tempdir().unwrap();
    let other = sea_orm::Database::connect(format!("sqlite://{}/o.db?mode=rwc", folder.path().display())).await;
    let tx = other.unwrap().begin().await.unwrap();
    let handle = OnceHandle::new(&client);
    let refused = handle.invoke(()).within(&tx).await.unwrap_err();
    assert!(matches!(refused, InvokeError::NoTransactions), "{refused:?}");
    let refused = handle.invoke_many([(), ()]).within(&tx).await;
    assert!(refused.iter().all(|run| matches!(run, Err(InvokeError::NoTransactions))), "{refused:?}");
}
