//! Paused jobs go on by themselves when a program comes that knows them.

use std::time::Duration;

use tokio::time::sleep;
use vtask::{Client, HistoryEvent, JobRun, Reason, Status, Untyped};

use super::upgrade::{inserted, renamed};
use super::{Shared, old};
use crate::database::on_each_database;
use crate::setup::{paused_client, start};

const MINUTE: Duration = Duration::from_secs(60);

/// A job at the step `x`, which the program at work does not know: paused.
async fn paused_at_x(client: &Client, shared: &Shared) -> JobRun<Untyped> {
    let run = inserted::PROGRAM.run_until(client, shared, "x").await;
    let center = old::PROGRAM.start(client, shared).await;
    sleep(11 * MINUTE).await;
    assert_eq!(run.info().await.unwrap().reason, Some(Reason::UnknownStep));
    center.shutdown().await.unwrap();
    run
}

async fn events(run: &JobRun<Untyped>) -> Vec<(HistoryEvent, String)> {
    let history = run.info().await.unwrap().history;
    history.into_iter().map(|entry| (entry.event, entry.step)).collect()
}

#[tokio::test(start_paused = true)]
async fn program_that_knows_the_step_lets_the_job_go_on_when_it_starts() {
    let (client, shared) = (paused_client(), Shared::default());
    let run = paused_at_x(&client, &shared).await;
    let center = inserted::PROGRAM.start(&client, &shared).await;
    sleep(Duration::from_secs(3)).await;
    run.wait().await.unwrap();
    assert_eq!(shared.log.all(), ["x", "b", "c"]);
    let info = run.info().await.unwrap();
    let resumed: Vec<_> = info.history.iter().filter(|entry| entry.event == HistoryEvent::Resumed).collect();
    assert_eq!(resumed.len(), 1, "{:?}", info.history);
    assert_eq!((resumed[0].step.as_str(), resumed[0].host.as_str()), ("x", center.host()), "the node did it");
    assert_eq!(info.error, None);
}

#[tokio::test(start_paused = true)]
async fn program_that_was_there_before_the_pause_lets_the_job_go_on_within_two_minutes() {
    let (client, shared) = (paused_client(), Shared::default());
    let run = paused_at_x(&client, &shared).await;
    let other = renamed::PROGRAM.start(&client, &shared).await;
    sleep(5 * MINUTE).await;
    assert_eq!(events(&run).await.last().unwrap().0, HistoryEvent::Paused, "it does not know the step either");
    let _center = inserted::PROGRAM.start(&client, &shared).await;
    run.wait().await.ok();
    sleep(2 * MINUTE).await;
    run.wait().await.unwrap();
    other.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn job_that_others_paused_for_another_reason_stays_paused() {
    let (client, shared) = (paused_client(), Shared::default());
    let run = client.invoke_json("parcel", "7", "k").await.unwrap();
    let _center = old::PROGRAM.start(&client, &shared).await;
    sleep(5 * MINUTE).await;
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.reason, info.history.len()), (Status::Paused, Some(Reason::Undecodable), 1));
}

#[tokio::test(start_paused = true)]
async fn attempts_of_a_job_that_goes_on_are_as_they_were() {
    use crate::versions::returns::tries::{FailingHandle, Tries};
    let client = paused_client();
    let center = start(&client, tries::Failing).await;
    let run = FailingHandle::new(&client).invoke(()).keyword("k").await.unwrap();
    sleep(3 * MINUTE).await;
    center.shutdown().await.unwrap();
    let failed = run.info().await.unwrap().failed_attempts;
    assert!(failed >= 1);
    let stranger = start(&client, Tries).await;
    sleep(20 * MINUTE).await;
    stranger.shutdown().await.unwrap();
    assert_eq!(run.info().await.unwrap().reason, Some(Reason::UnknownStep));
    let _center = start(&client, tries::Failing).await;
    sleep(Duration::from_secs(3)).await;
    let info = run.info().await.unwrap();
    assert_eq!(info.status, Status::Running, "it goes on");
    assert!(info.failed_attempts >= failed, "{} of {failed}", info.failed_attempts);
}

mod tries {
    use vtask::job;

    /// Fails for ever, with long waits in between.
    pub(super) struct Failing;

    #[job(name = "tries")]
    impl Failing {
        #[step(retry = always, period = "2m")]
        async fn first(&self) -> anyhow::Result<()> {
            anyhow::bail!("not yet")
        }
    }

    /// Does not know that step.
    pub(super) struct Tries;

    #[job(name = "tries")]
    impl Tries {
        #[step]
        async fn second(&self) -> anyhow::Result<()> {
            Ok(())
        }
    }
}

on_each_database! {
    async fn rows_of_any_database_go_on(database) {
        let (client, shared) = (database.client().await, Shared::default());
        let run = inserted::PROGRAM.run_until(&client, &shared, "x").await;
        // As a program leaves it that has waited ten minutes; and one that an operator paused.
        let raw = database.raw().await;
        raw.execute("UPDATE task SET status = 4, reason = 5, work = 0, error = 'no step x', attempt = 3, crashes = 1").await;
        let waits = {
            let run = run.clone();
            tokio::spawn(async move { run.wait().await })
        };
        waits.await.unwrap().unwrap_err();
        let other = old::PROGRAM.start(&client, &shared).await;
        sleep(Duration::from_millis(500)).await;
        assert_eq!(run.info().await.unwrap().status, Status::Paused, "it does not know the step");
        shared.stop_at(Some("x"));
        let _center = inserted::PROGRAM.start(&client, &shared).await;
        while shared.log.count("stays at x") == 0 {
            sleep(Duration::from_millis(20)).await;
        }
        let info = run.info().await.unwrap();
        assert_eq!((info.failed_attempts, info.crashes), (3, 1));
        other.shutdown().await.unwrap();
    }
}
