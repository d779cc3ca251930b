//! Requests and answers that are lost on the wire: guards that what the server has committed is not done again, and that
//! what it never got is sent again.

use std::time::Duration;

use tokio::time::timeout;
use vtask::{Attempt, Client, HistoryEvent, JobCenter, JobRun, job};

use super::eventually;
use super::proxy::{Lost, Proxy, Trapped};
use crate::database::{Raw, TestDatabase, on_each_server};
use crate::log::Log;

/// Says words that nobody else says.
#[derive(Clone, Default)]
struct Speaks {
    log: Log,
}

#[job]
impl Speaks {
    #[step]
    async fn first(&self) -> anyhow::Result<String> {
        self.log.add("first");
        Ok("antelope".to_owned())
    }

    #[step(retry = 3, period = "10ms")]
    async fn second(&self, first: &String, attempt: &Attempt) -> anyhow::Result<String> {
        self.log.add(format!("second {}", attempt.number()));
        anyhow::ensure!(attempt.number() > 1, "buffalo");
        Ok(format!("{first} and chameleon"))
    }

    #[on_success]
    async fn thank(&self) -> anyhow::Result<()> {
        self.log.add("thank");
        Ok(())
    }
}

/// It takes longer only if the job is given up and claimed anew.
const SOON: Duration = Duration::from_secs(5);

/// A center behind a wire, and the eyes of the test, which look past that.
struct Stage {
    proxy: Proxy,
    client: Client,
    /// Invokes past the wire, so that the center has to claim.
    other: Client,
    job: Speaks,
    raw: Raw,
    _center: JobCenter,
}

impl Stage {
    async fn new(database: &TestDatabase) -> Self {
        let (proxy, job) = (Proxy::before(database).await, Speaks::default());
        let client = Client::connect(proxy.url()).await.expect("the wire is sound");
        let center = JobCenter::builder(&client).host("dromedary").register(job.clone()).start().await.unwrap();
        let (other, raw) = (database.client().await, database.raw().await);
        Self { proxy, client, other, job, raw, _center: center }
    }

    /// Cuts a trapped connection when the server has done what it was asked, as this condition on its row tells.
    async fn cut(&self, mut trapped: Trapped, done: &str) {
        trapped.sprung().await;
        let sql = format!("SELECT count(*) FROM task WHERE {done}");
        eventually(done, || async { self.raw.number(&sql).await == 1 }).await;
        trapped.cut();
    }

    /// Waits for the end of the only job, of which everything has to have happened once.
    async fn check(&self, run: &JobRun<Speaks>, told: &str) {
        let output = timeout(SOON, run.wait()).await.expect("a write that landed is not a lost lease").unwrap();
        assert_eq!(output, "antelope and chameleon", "{told}");
        let all = "SELECT count(*) FROM task WHERE work = 0";
        eventually("its end is called back", || async { self.raw.number(all).await == 1 }).await;
        assert_eq!(self.job.log.all(), ["first", "second 1", "second 2", "thank"], "{told}");
        let history = run.info().await.unwrap().history;
        let events: Vec<HistoryEvent> = history.iter().map(|entry| entry.event).collect();
        assert_eq!(
            events,
            [HistoryEvent::Recorded, HistoryEvent::Failed, HistoryEvent::Recorded, HistoryEvent::CalledBack],
            "{told}"
        );
        assert_eq!(self.raw.number("SELECT count(*) FROM task").await, 1, "{told}");
    }
}

/// What is looked for on the wire, and how the row shows that it has arrived: a record of the first step, a failed
/// attempt, the record of the last step, a claim.
const REQUESTS: [(&str, &str); 4] = [
    ("antelope", "responses LIKE '%antelope%'"),
    ("buffalo", "error LIKE '%buffalo%'"),
    ("chameleon", "responses LIKE '%chameleon%'"),
    ("dromedary", "host = 'dromedary'"),
];

on_each_server! {
    async fn commit_whose_answer_is_swallowed_is_not_run_again(database) {
        let stage = Stage::new(&database).await;
        for (word, done) in REQUESTS {
            let trapped = stage.proxy.trap(word, Lost::Answer);
            let run = SpeaksHandle::new(&stage.other).invoke(()).await.unwrap();
            stage.cut(trapped, done).await;
            stage.check(&run, word).await;
            stage.again().await;
        }
    }

    async fn request_that_is_cut_off_is_sent_again(database) {
        let stage = Stage::new(&database).await;
        for (word, _) in REQUESTS {
            let mut trapped = stage.proxy.trap(word, Lost::Request);
            let run = SpeaksHandle::new(&stage.other).invoke(()).await.unwrap();
            trapped.sprung().await;
            stage.check(&run, word).await;
            stage.again().await;
        }
    }

    async fn invoke_whose_answer_is_swallowed_has_created_one_job(database) {
        let stage = Stage::new(&database).await;
        for lost in [Lost::Answer, Lost::Request] {
            let mut trapped = stage.proxy.trap("elephant", lost);
            let handle = SpeaksHandle::new(&stage.client);
            let invoke = tokio::spawn(async move { handle.invoke(()).keyword("elephant").await });
            match lost {
                Lost::Answer => stage.cut(trapped, "uuid = 'elephant'").await,
                Lost::Request => trapped.sprung().await,
            }
            let run = invoke.await.unwrap().expect("it is saved");
            assert!(run.created(), "its own row is not somebody else's");
            stage.check(&run, "elephant").await;
            stage.again().await;
        }
    }
}

impl Stage {
    /// Begins anew, with nothing in the table.
    async fn again(&self) {
        self.raw.execute("DELETE FROM task").await;
        self.job.log.clear();
    }
}
