//! Steps that work in a transaction: what they write and their record are there together, or not at all.

mod cut_off;
mod deadlock;
mod nested;
mod races;
mod rolled_back;
mod sessions;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use vtask::{
    Attempt, Client, HistoryEvent, InvokeError, JobContext, JobRun, StartError, StorageError, WaitError, job, stop,
};

use crate::database::{Raw, TestDatabase, on_each_database};
use crate::jobs::{Once, OnceHandle};
use crate::log::Log;
use crate::setup::{center, paused_client};

const LONG: Duration = Duration::from_secs(30);

/// What goes wrong in the first attempt, after the parcel was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Fault {
    None,
    Error,
    Stop,
    Panic,
    Hang,
    /// A statement fails, and the step does not mind.
    PassedOver,
    /// The step ends its own transaction, and goes on writing.
    RolledBack,
    /// The step waits for the gate.
    Wait,
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Sale {
    #[context(keyword)]
    id: u32,
    fault: Fault,
}

fn sale(id: u32, fault: Fault) -> Sale {
    Sale { id, fault }
}

/// Writes a parcel beside its record.
#[derive(Clone)]
struct Sell {
    log: Log,
    began: Arc<Notify>,
    gate: Arc<Semaphore>,
    at_work: Gauge,
}

/// Counts how many are at work at a time.
#[derive(Clone, Default)]
struct Gauge {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gauge {
    /// Counts until the answer is dropped.
    fn enter(&self) -> impl Sized + use<> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Left(Arc::clone(&self.now))
    }
}

struct Left(Arc<AtomicUsize>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sell {
    fn new() -> Self {
        Self {
            log: Log::default(),
            began: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            at_work: Gauge::default(),
        }
    }
}

#[job]
impl Sell {
    #[step(retry = 1, period = "10ms", timeout = "1s")]
    async fn ship(&self, sale: &Sale, tx: &DatabaseTransaction, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add(format!("ship {}", sale.id));
        let _at_work = self.at_work.enter();
        tx.execute_unprepared(&format!("INSERT INTO parcels VALUES ({})", sale.id)).await?;
        if attempt.number() > 1 {
            return Ok(sale.id);
        }
        match sale.fault {
            Fault::None => {
                // A report that waited for the step's own transaction would never be saved.
                attempt.progress(0.5, "wrapped");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Fault::Error => anyhow::bail!("the label is torn"),
            Fault::Stop => return Err(stop("no such street")),
            Fault::Panic => panic!("the label burns"),
            Fault::Hang => std::future::pending().await,
            Fault::PassedOver => drop(tx.execute_unprepared("INSERT INTO nowhere VALUES (1)").await),
            Fault::RolledBack => {
                tx.execute_unprepared("ROLLBACK").await?;
                // By now it would be a commit of its own.
                drop(tx.execute_unprepared(&format!("INSERT INTO parcels VALUES (1000 + {})", sale.id)).await);
            }
            Fault::Wait => {
                self.began.notify_one();
                self.gate.acquire().await?.forget();
            }
        }
        Ok(sale.id)
    }

    #[step]
    async fn mail(&self, sale: &Sale) -> anyhow::Result<u32> {
        Ok(sale.id)
    }
}

/// A client, and a connection of the user's with a table of his own.
async fn shop(database: &TestDatabase) -> (Client, Raw) {
    let (client, raw) = (database.client().await, database.raw().await);
    raw.execute("CREATE TABLE parcels (id INTEGER PRIMARY KEY)").await;
    (client, raw)
}

async fn parcels(raw: &Raw) -> i64 {
    raw.number("SELECT count(*) FROM parcels").await
}

async fn events(run: &JobRun<Sell>) -> Vec<HistoryEvent> {
    run.info().await.unwrap().history.iter().map(|entry| entry.event).collect()
}

async fn ended(run: &JobRun<Sell>) -> Result<u32, WaitError> {
    timeout(LONG, run.wait()).await.expect("it ends")
}

on_each_database! {
    async fn failed_attempt_leaves_nothing_and_the_next_one_all(database) {
        let (client, raw) = shop(&database).await;
        let job = Sell::new();
        let center = center(&client).register(job.clone()).start().await.unwrap();
        let handle = SellHandle::new(&client);
        for (id, fault) in (1..).zip([Fault::Error, Fault::Panic, Fault::Hang, Fault::RolledBack]) {
            let run = handle.invoke(sale(id, fault)).await.unwrap();
            assert_eq!(ended(&run).await.unwrap(), id, "{fault:?}");
            assert_eq!(events(&run).await, [HistoryEvent::Failed, HistoryEvent::Recorded, HistoryEvent::Recorded], "{fault:?}");
            // The parcel of the first attempt would have been in the way of the second.
            assert_eq!(parcels(&raw).await, i64::from(id), "{fault:?}");
            assert_eq!(job.log.count(&format!("ship {id}")), 2, "{fault:?}");
        }
        center.shutdown().await.unwrap();
    }

    async fn stop_rolls_back_what_the_step_wrote(database) {
        let (client, raw) = shop(&database).await;
        let center = center(&client).register(Sell::new()).start().await.unwrap();
        let run = SellHandle::new(&client).invoke(sale(1, Fault::Stop)).await.unwrap();
        assert!(matches!(ended(&run).await, Err(WaitError::Failed { .. })));
        assert_eq!(parcels(&raw).await, 0);
        center.shutdown().await.unwrap();
    }

    async fn error_that_was_passed_over_is_found_where_it_ends_the_transaction(database) {
        let (client, raw) = shop(&database).await;
        let center = center(&client).register(Sell::new()).start().await.unwrap();
        let run = SellHandle::new(&client).invoke(sale(1, Fault::PassedOver)).await.unwrap();
        assert_eq!(ended(&run).await.unwrap(), 1);
        // The others take a statement back that fails, and no more.
        let expected: &[HistoryEvent] = match database.kind() {
            Kind::Postgres => &[HistoryEvent::Failed, HistoryEvent::Recorded, HistoryEvent::Recorded],
            _ => &[HistoryEvent::Recorded, HistoryEvent::Recorded],
        };
        assert_eq!(events(&run).await, expected);
        assert_eq!(parcels(&raw).await, 1);
        center.shutdown().await.unwrap();
    }

    async fn many_run_beside_others(database) {
        let (client, raw) = shop(&database).await;
        let job = Sell::new();
        let center = center(&client).transactions(3).register(job.clone()).register(Once::default());
        let center = center.start().await.unwrap();
        let sales = SellHandle::new(&client).invoke_many((1..=40).map(|id| sale(id, Fault::None))).await;
        let others = OnceHandle::new(&client).invoke_many((1..=40).map(|_| ())).await;
        for (run, other) in sales.into_iter().zip(others) {
            ended(&run.unwrap()).await.unwrap();
            timeout(LONG, other.unwrap().wait()).await.expect("it ends").unwrap();
        }
        assert_eq!(parcels(&raw).await, 40);
        assert_eq!(job.log.all().len(), 40, "each ran once");
        let most = job.at_work.most.load(Ordering::SeqCst);
        assert!(most <= if database.kind() == Kind::Sqlite { 1 } else { 3 }, "{most} at a time");
        center.shutdown().await.unwrap();
    }
}

/// Invokes another job from its transactional step, within the transaction and beside it.
struct Order {
    client: Client,
    log: Log,
}

#[job]
impl Order {
    #[step(timeout = "20s")]
    async fn place(&self, tx: &DatabaseTransaction) -> anyhow::Result<()> {
        let handle = OnceHandle::new(&self.client);
        let inner = handle.invoke(()).keyword("inside").within(tx).await?;
        assert!(self.client.find("inside").await?.is_none(), "nobody sees it yet");
        let told = match handle.invoke(()).keyword("beside").await {
            Ok(_) => "saved",
            Err(InvokeError::Storage { source: StorageError::OwnTransaction, .. }) => "refused",
            Err(error) => return Err(error.into()),
        };
        self.log.add(told);
        let many = handle.invoke_many([()]).await;
        assert_eq!(told == "saved", many[0].is_ok());
        if told == "refused" {
            let before = self.client.find("before").await?.expect("the test has saved it");
            assert!(matches!(before.wait().await, Err(WaitError::Storage(StorageError::OwnTransaction))));
            assert!(before.cancel().await.is_err());
            assert!(matches!(self.client.purge(std::time::UNIX_EPOCH).await, Err(StorageError::OwnTransaction)));
        }
        drop(inner);
        Ok(())
    }
}

on_each_database! {
    async fn what_would_wait_for_the_step_itself_is_refused(database) {
        let (client, _raw) = shop(&database).await;
        let log = Log::default();
        OnceHandle::new(&client).invoke(()).keyword("before").delay(LONG * 100).await.unwrap();
        let job = Order { client: client.clone(), log: log.clone() };
        let center = center(&client).register(job).register(Once::default()).start().await.unwrap();
        let run = OrderHandle::new(&client).invoke(()).await.unwrap();
        timeout(LONG, run.wait()).await.expect("it ends").unwrap();
        assert_eq!(log.all(), [if database.kind() == Kind::Sqlite { "refused" } else { "saved" }]);
        let inner = OnceHandle::new(&client).find("inside").await.unwrap().expect("it was committed");
        assert_eq!(timeout(LONG, inner.wait()).await.expect("it ends").unwrap(), 1);
        center.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn storage_without_transactions_refuses_the_job_at_start() {
    let client = paused_client();
    let refused = center(&client).register(Sell::new()).start().await.unwrap_err();
    assert!(matches!(refused, StartError::Transactional { job: "sell", step: "ship" }), "{refused:?}");
    let refused = center(&client).register(Once::default()).transactions(0).start().await.unwrap_err();
    assert!(matches!(refused, StartError::NoTransactions), "{refused:?}");
}
