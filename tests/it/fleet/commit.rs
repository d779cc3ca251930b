//! The commit of a transactional step that is lost on the wire, or whose answer is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use tokio::time::timeout;
use vtask::{Attempt, Client, HistoryEvent, JobCenter, job};

use super::eventually;
use super::proxy::{Lost, Proxy, Trapped};
use crate::database::on_each_server;
use crate::log::Log;

const LONG: Duration = Duration::from_secs(30);

/// Sets a trap for the commit of its own first run.
#[derive(Clone)]
struct Ships {
    proxy: Arc<Proxy>,
    lost: Lost,
    trapped: Arc<Mutex<Option<Trapped>>>,
    log: Log,
}

#[job]
impl Ships {
    #[step]
    async fn ship(&self, tx: &DatabaseTransaction, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add(format!("ship {}", attempt.number()));
        tx.execute_unprepared("INSERT INTO parcels VALUES (1)").await?;
        if self.log.all().len() == 1 {
            *self.trapped.lock().unwrap() = Some(self.proxy.trap("COMMIT", self.lost));
        }
        Ok(7)
    }
}

impl Ships {
    /// The trap, once the step has set it.
    async fn trapped(&self) -> Trapped {
        loop {
            if let Some(trapped) = self.trapped.lock().unwrap().take() {
                return trapped;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

on_each_server! {
    async fn commit_of_a_step_is_made_once_whatever_is_lost_of_it(database) {
        let raw = database.raw().await;
        raw.execute("CREATE TABLE parcels (id INTEGER PRIMARY KEY)").await;
        for (lost, runs) in [(Lost::Answer, 1), (Lost::Request, 2)] {
            let proxy = Arc::new(Proxy::before(&database).await);
            let client = Client::connect(proxy.url()).await.unwrap();
            let job = Ships { proxy, lost, trapped: Arc::default(), log: Log::default() };
            let center = JobCenter::builder(&client).register(job.clone()).start().await.unwrap();
            let run = ShipsHandle::new(&client).invoke(()).await.unwrap();
            let mut trapped = job.trapped().await;
            trapped.sprung().await;
            if lost == Lost::Answer {
                eventually("the server has committed", || async {
                    raw.number("SELECT count(*) FROM parcels").await == 1
                }).await;
                trapped.cut();
            }
            assert_eq!(timeout(LONG, run.wait()).await.expect("it ends").unwrap(), 7, "{lost:?}");
            let history = run.info().await.unwrap().history;
            assert_eq!(history.iter().map(|entry| entry.event).collect::<Vec<_>>(), [HistoryEvent::Recorded], "{lost:?}");
            assert_eq!(raw.execute("DELETE FROM parcels").await, 1, "{lost:?}");
            let whole = "SELECT count(*) FROM task WHERE status = 2 AND generations LIKE '%order%'";
            assert_eq!(raw.number(whole).await, if lost == Lost::Answer { 1 } else { 2 }, "{lost:?}");
            center.shutdown().await.unwrap();
            assert_eq!(job.log.all(), vec!["ship 1"; runs], "no attempt is spent: {lost:?}");
        }
    }
}
