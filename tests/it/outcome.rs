//! How a job comes to its end: the scenarios of the original framework, and what was added to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vtask::{FailureKind, JobContext, Reason, Status, WaitError, job, stop};

use crate::database::on_each_database;
use crate::setup::{paused_client, start};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Text {
    text: String,
}

fn text() -> Text {
    Text { text: String::new() }
}

struct TwoSteps;

#[job]
impl TwoSteps {
    #[step]
    async fn first(&self, text: &mut Text) -> anyhow::Result<u32> {
        text.text += "hello";
        Ok(1)
    }

    #[step]
    async fn second(&self, text: &mut Text, first: &u32) -> anyhow::Result<String> {
        text.text += " world";
        Ok(format!("{} {}", text.text, first + 1))
    }
}

on_each_database! {
    async fn two_step_job_ends_succeeded_with_step_3(database) {
        let client = database.client().await;
        let _center = start(&client, TwoSteps).await;
        let run = TwoStepsHandle::new(&client).invoke(text()).keyword("uuid1").await.unwrap();
        assert!(run.created());
        assert_eq!(run.wait().await.unwrap(), "hello world 2");
        let info = run.info().await.unwrap();
        assert_eq!((info.status, info.step_number, info.step_count), (Status::Succeeded, 3, 2));
        let context = run.context().await.unwrap();
        assert_eq!(context.data.text, "hello world");
        assert_eq!((context.first, context.second.as_deref()), (Some(1), Some("hello world 2")));
        assert_eq!(run.output(TwoSteps::FIRST).await.unwrap(), Some(1));
    }
}

on_each_database! {
    async fn second_invoke_of_a_keyword_answers_with_the_first_job(database) {
        let client = database.client().await;
        let handle = TwoStepsHandle::new(&client);
        let first = handle.invoke(text()).keyword("uuid1").await.unwrap();
        let second = handle.invoke(Text { text: "other".to_owned() }).keyword("uuid1").await.unwrap();
        assert_eq!((first.keyword(), second.keyword()), ("uuid1", "uuid1"));
        assert_eq!(first.id(), second.id());
        assert_eq!((first.created(), second.created()), (true, false));
        assert_eq!((first.same_input(), second.same_input()), (true, false));
    }
}

struct Stops;

#[job]
impl Stops {
    #[step]
    async fn first(&self, text: &mut Text) -> anyhow::Result<()> {
        text.text += "1";
        Ok(())
    }

    #[step(retry = always, period = "1s")]
    async fn second(&self, text: &mut Text) -> anyhow::Result<()> {
        text.text += "2";
        Err(stop("no more"))
    }
}

#[tokio::test(start_paused = true)]
async fn stop_fails_the_job_at_once_and_saves_what_the_step_changed() {
    let client = paused_client();
    let _center = start(&client, Stops).await;
    let run = StopsHandle::new(&client).invoke(text()).await.unwrap();
    let WaitError::Failed { failure, .. } = run.wait().await.unwrap_err() else { panic!("the job has to fail") };
    assert_eq!((failure.kind(), failure.step(), failure.attempts()), (FailureKind::Stopped, "second", 1));
    assert_eq!(failure.message(), "no more");
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.step_number, info.reason), (Status::Failed, 2, Some(Reason::Stopped)));
    assert_eq!(run.context().await.unwrap().data.text, "12");
}

#[derive(Default)]
struct Fails {
    attempts: Arc<AtomicU32>,
}

#[job]
impl Fails {
    #[step(retry = always, period = "1s")]
    async fn only(&self, text: &mut Text) -> anyhow::Result<()> {
        text.text += "changed";
        self.attempts.fetch_add(1, Ordering::Relaxed);
        anyhow::bail!("not yet ({:?})", text.text)
    }
}

#[tokio::test(start_paused = true)]
async fn always_retried_step_leaves_the_job_running_at_step_1() {
    let client = paused_client();
    let job = Fails::default();
    let attempts = Arc::clone(&job.attempts);
    let _center = start(&client, job).await;
    let run = FailsHandle::new(&client).invoke(text()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert_eq!(attempts.load(Ordering::Relaxed), 11);
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.step_number, info.failed_attempts), (Status::Running, 1, 11));
    assert_eq!(info.error.as_deref(), Some("not yet (\"changed\")"));
    assert_eq!(run.context().await.unwrap().data.text, "");
}
