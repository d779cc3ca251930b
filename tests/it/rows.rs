//! Rows that somebody else has written: paused with a reason, never failed, never in the way of others.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};
use vtask::{CancelOutcome, Client, JobContext, JobFilter, JobRun, Reason, Status, WaitError, job};

use crate::database::{TestDatabase, on_each_database};
use crate::jobs::Gated;
use crate::setup::center;

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Data {
    count: u32,
}

struct Counts;

#[job]
impl Counts {
    #[step]
    async fn one(&self, data: &mut Data) -> anyhow::Result<u32> {
        data.count += 1;
        Ok(data.count)
    }

    #[step(was = "zwei")]
    async fn two(&self, one: &u32, data: &mut Data) -> anyhow::Result<u32> {
        data.count += 10;
        Ok(one + data.count)
    }
}

/// Invokes a job, changes its row as `sql` says, starts a center, and waits.
async fn changed(database: &TestDatabase, sql: &str) -> (Client, JobRun<Counts>, Result<u32, WaitError>) {
    let client = database.client().await;
    let handle = CountsHandle::new(&client);
    let run = handle.invoke(Data { count: 0 }).keyword("bad").await.unwrap();
    let good = handle.invoke(Data { count: 0 }).keyword("good").await.unwrap();
    database.raw().await.execute(&format!("UPDATE task SET {sql} WHERE uuid = 'bad'")).await;
    let _center = center(&client).register(Counts).start().await.unwrap();
    let result = run.wait().await;
    assert_eq!(good.wait().await.unwrap(), 12, "a neighbour is not held up");
    (client, run, result)
}

#[track_caller]
fn check_paused(result: Result<u32, WaitError>, wanted: Reason, says: &str) {
    match result {
        Err(WaitError::Paused { reason, message, .. }) => {
            assert_eq!(reason, wanted, "{message}");
            assert!(message.contains(says), "{message}");
        }
        other => panic!("it has to be paused, not {other:?}"),
    }
}

on_each_database! {
    async fn input_that_does_not_decode_pauses_the_job_with_the_position(database) {
        let (_client, run, result) = changed(&database, r#"input = '{"count":"many"}'"#).await;
        check_paused(result, Reason::Undecodable, "invalid type: string \"many\", expected u32 at line 1 column 15");
        assert_eq!(run.info().await.unwrap().failed_attempts, 0);
    }
}

on_each_database! {
    async fn outputs_that_are_no_object_pause_the_job_and_stay_as_they_are(database) {
        let (_client, _run, result) = changed(&database, "responses = '[1, 2'").await;
        check_paused(result, Reason::Undecodable, "the recorded outputs are no JSON object");
        let sql = "SELECT responses FROM task WHERE uuid = 'bad'";
        let rows = database.raw().await.all(sql).await;
        assert_eq!(rows[0].try_get_by_index::<String>(0).unwrap(), "[1, 2");
    }
}

on_each_database! {
    async fn output_that_a_step_needs_and_the_row_lacks_pauses_the_job(database) {
        let (_client, _run, result) = changed(&database, "step = 2, step_name = 'two'").await;
        check_paused(result, Reason::UnknownStep, "restart the job at one");
    }
}

on_each_database! {
    async fn former_name_of_a_step_is_known(database) {
        let sql = r#"step = 2, step_name = 'zwei', responses = '{"one":5}', input = '{"count":5}'"#;
        let (_client, run, result) = changed(&database, sql).await;
        assert_eq!(result.unwrap(), 20);
        assert_eq!(run.output(Counts::TWO).await.unwrap(), Some(20));
    }
}

on_each_database! {
    async fn row_with_an_unknown_code_is_paused_and_can_be_listed(database) {
        let (client, _run, result) = changed(&database, "reason = 77, work = 1").await;
        // Whoever looks meanwhile is told; then the engine has paused the row.
        assert!(result.is_err());
        database.raw().await.execute("UPDATE task SET status = 9, work = 0 WHERE uuid = 'bad'").await;
        let page = client.list(&JobFilter::default()).await.unwrap();
        assert_eq!((page.jobs.len(), page.unreadable.len()), (1, 1));
        assert!(page.unreadable[0].to_string().contains("column status holds 9"), "{}", page.unreadable[0]);
        assert_eq!(page.jobs[0].status, Status::Succeeded);
    }
}

on_each_database! {
    async fn recorded_step_is_not_run_again_wherever_the_row_points(database) {
        let sql = r#"step = 1, step_name = 'one', responses = '{"one":5}', input = '{"count":5}'"#;
        let (_client, run, result) = changed(&database, sql).await;
        assert_eq!(result.unwrap(), 20);
        assert_eq!(run.output(Counts::ONE).await.unwrap(), Some(5));
    }
}

struct Waits {
    goes_on: bool,
}

#[job]
impl Waits {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        if !self.goes_on {
            std::future::pending::<()>().await;
        }
        Ok(1)
    }
}

on_each_database! {
    async fn unreadable_row_of_a_dead_process_does_not_hold_up_its_neighbours(database) {
        let client = database.client().await;
        let first = center(&client).host("one").register(Waits { goes_on: false }).start().await.unwrap();
        let handle = WaitsHandle::new(&client);
        let bad = handle.invoke(()).keyword("bad").await.unwrap();
        let good = handle.invoke(()).keyword("good").await.unwrap();
        while !(bad.info().await.unwrap().is_held && good.info().await.unwrap().is_held) {
            tokio::task::yield_now().await;
        }
        drop(first);
        database.raw().await.execute("UPDATE task SET callback = 9 WHERE uuid = 'bad'").await;
        let _second = center(&client).host("one").register(Waits { goes_on: true }).start().await.unwrap();
        assert_eq!(good.wait().await.unwrap(), 1);
        let (reason, message) = pause_of(&bad).await;
        assert_eq!(reason, Reason::Undecodable);
        assert!(message.contains("column callback holds 9"), "{message}");
    }
}

/// Waits until the engine has paused a row that cannot be read before: the column that could not is set anew by that.
async fn pause_of<J: vtask::Job>(run: &JobRun<J>) -> (Reason, String) {
    loop {
        match run.wait().await.map(drop) {
            Err(WaitError::Paused { reason, message, .. }) => return (reason, message),
            Err(WaitError::Storage(_)) => tokio::task::yield_now().await,
            other => panic!("it has to be paused, not {other:?}"),
        }
    }
}

/// Waits in its first step.
struct Holds {
    gated: Gated,
}

#[job]
impl Holds {
    #[step]
    async fn first(&self) -> anyhow::Result<u32> {
        self.gated.only().await
    }

    #[step]
    async fn second(&self, first: &u32) -> anyhow::Result<u32> {
        Ok(first + 1)
    }
}

on_each_database! {
    async fn request_of_a_newer_version_pauses_the_job(database) {
        let (client, gated) = (database.client().await, Gated::closed());
        let handle = HoldsHandle::new(&client);
        let waits = handle.invoke(()).keyword("waits").await.unwrap();
        let raw = database.raw().await;
        raw.execute("UPDATE task SET request = 7 WHERE uuid = 'waits'").await;
        let _center = center(&client).register(Holds { gated: gated.clone() }).start().await.unwrap();
        let runs = handle.invoke(()).keyword("runs").await.unwrap();
        while gated.log.all().is_empty() {
            tokio::task::yield_now().await;
        }
        raw.execute("UPDATE task SET request = 7 WHERE uuid = 'runs'").await;
        gated.gate.add_permits(10);
        for run in [waits, runs] {
            let (reason, message) = pause_of(&run).await;
            assert_eq!(reason, Reason::Undecodable);
            assert!(message.contains("column request holds 7, which this version does not know"), "{message}");
            run.resume().await.unwrap();
            assert_eq!(run.wait().await.unwrap(), 2);
        }
    }
}

mod before {
    pub(super) struct Renamed;

    #[vtask::job(name = "renamed")]
    impl Renamed {
        #[step]
        async fn charge(&self, attempt: &vtask::Attempt) -> anyhow::Result<String> {
            Ok(attempt.idempotency_key().to_owned())
        }
    }
}

mod after {
    pub(super) struct Renamed;

    #[vtask::job(name = "renamed")]
    impl Renamed {
        #[step(was = "charge")]
        pub(super) async fn pay(&self, attempt: &vtask::Attempt) -> anyhow::Result<String> {
            Ok(attempt.idempotency_key().to_owned())
        }
    }
}

#[tokio::test]
async fn renamed_step_keeps_its_key_until_a_restart_drops_its_output() {
    let client = Client::in_memory();
    let first = center(&client).register(before::Renamed).start().await.unwrap();
    let run = before::RenamedHandle::new(&client).invoke(()).keyword("k").await.unwrap();
    let mut keys = vec![run.wait().await.unwrap()];
    first.shutdown().await.unwrap();
    let fresh = after::RenamedHandle::new(&client).invoke(()).keyword("other").await.unwrap();
    let _second = center(&client).register(after::Renamed).start().await.unwrap();
    fresh.wait().await.unwrap();
    let run = after::RenamedHandle::new(&client).find("k").await.unwrap().unwrap();
    assert_eq!(run.wait().await.unwrap(), keys[0], "the output of a step counts under its new name");
    client.restart("k", "charge").await.unwrap();
    keys.push(run.wait().await.unwrap());
    run.restart(after::Renamed::PAY).await.unwrap();
    keys.push(run.wait().await.unwrap());
    client.restart("k", "pay").await.unwrap();
    keys.push(run.wait().await.unwrap());
    assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{keys:?}");
}

on_each_database! {
    async fn cancelled_job_whose_outputs_are_no_object_stays_cancelled(database) {
        let (client, run, result) = changed(&database, "responses = '[1, 2'").await;
        check_paused(result, Reason::Undecodable, "the recorded outputs are no JSON object");
        assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Cancelled);
        let _center = center(&client).register(Counts).start().await.unwrap();
        let raw = database.raw().await;
        let is_over = async {
            while raw.number("SELECT count(*) FROM task WHERE uuid = 'bad' AND work = 0").await == 0 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(10), is_over).await.expect("nothing is left to do");
        let info = run.info().await.unwrap();
        assert_eq!((info.status, info.is_held), (Status::Cancelled, false), "{info:#?}");
        assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
    }
}
