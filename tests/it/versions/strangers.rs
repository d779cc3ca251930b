//! Rows that a program does not know: left to whoever knows them, and paused where nobody does.

use std::time::Duration;

use tokio::time::sleep;
use vtask::storage::value::{Boot, Callback, JobSummary, NewNode};
use vtask::storage::{MemoryStorage, ReadJobs, WriteNodes};
use vtask::{Client, JobCenter, JobRun, Reason, Status, Untyped, WaitError};

use super::upgrade::inserted;
use super::{Program, Shared, old, program};
use crate::setup::paused_storage;

program!(needy, (name = "parcel"): [] a() [] x() [] b(x) [] c());
program!(thanks, (name = "parcel"): [] a(); on_success thank());
program!(asks, (name = "parcel"): [] a() [] x(); on_success thank(x));
program!(plain, (name = "parcel"): [] a());

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A job that one program has left in a step, another program at work, and maybe a node that knows the job.
struct Scene {
    storage: MemoryStorage,
    client: Client,
    shared: Shared,
    run: JobRun<Untyped>,
    /// The row as the first program left it.
    left: JobSummary,
    center: JobCenter,
}

const OTHER: Boot = Boot(7);

impl Scene {
    async fn new(
        first: Program,
        step: &'static str,
        then: Program,
        other: impl FnOnce(&JobSummary) -> Option<String>,
    ) -> Self {
        let (storage, shared) = (paused_storage(), Shared::default());
        let client = Client::with_seed(storage.clone(), 1);
        let run = first.run_until(&client, &shared, step).await;
        let left = summary(&storage, &run).await;
        if let Some(plans) = other(&left) {
            let (host, version) = ("other".to_owned(), "99".to_owned());
            storage.join(&NewNode { boot: OTHER, host, lease_ms: i64::MAX, version, plans }).await.unwrap();
        }
        let center = then.start(&client, &shared).await;
        Self { storage, client, shared, run, left, center }
    }

    async fn now(&self) -> JobSummary {
        summary(&self.storage, &self.run).await
    }

    /// Asserts that nobody has touched the job but to give it back.
    async fn assert_left(&self, why: &str) {
        let now = self.now().await;
        let state = &now.state;
        let mut expected = self.left.state.clone();
        (expected.boot, expected.host) = (state.boot, state.host.clone());
        assert_eq!((state, state.boot, &now.history), (&expected, Boot::NOBODY, &self.left.history), "{why}");
    }

    /// Asserts that the job is paused, with all that tells who knows it, and says what to do.
    async fn assert_paused(&self, says: &str) {
        let state = self.now().await.state;
        assert_eq!((state.status, state.reason, state.boot), (Status::Paused, Reason::UnknownStep, Boot::NOBODY));
        let (now, left) = (&state, &self.left.state);
        assert_eq!((now.plan, now.steps, &now.step_name), (left.plan, left.steps, &left.step_name));
        assert_eq!((now.attempt, now.crashes), (left.attempt, left.crashes));
        let Err(WaitError::Paused { message, .. }) = self.run.wait().await else { panic!("it is paused") };
        assert!(message.contains(says), "{message}");
    }
}

async fn summary(storage: &MemoryStorage, run: &JobRun<Untyped>) -> JobSummary {
    storage.summaries(&[run.id()]).await.unwrap().remove(0).unwrap()
}

fn knows(name: &str, hash: i64, step: &str, callback: bool) -> String {
    format!(r#"{{"{name}":{{"hash":{hash},"steps":["{step}"],"on_success":{callback},"on_failure":false}}}}"#)
}

#[tokio::test(start_paused = true)]
async fn unknown_step_is_paused_after_ten_minutes_and_not_before() {
    let scene = Scene::new(inserted::PROGRAM, "x", old::PROGRAM, |_| None).await;
    sleep(9 * MINUTE).await;
    scene.assert_left("the new program may come back").await;
    sleep(2 * MINUTE).await;
    scene.assert_paused("job parcel has no step x: run a program that has it, or that names the step it became with `was = \"x\"`; then the job goes on by itself").await;
    assert!(scene.shared.log.all().is_empty(), "nothing ran: {:?}", scene.shared.log.all());
}

#[tokio::test(start_paused = true)]
async fn unknown_step_is_left_alone_while_a_living_node_knows_it() {
    let knows_it = |_: &JobSummary| Some(knows("parcel", 1, "x", false));
    let scene = Scene::new(inserted::PROGRAM, "x", old::PROGRAM, knows_it).await;
    sleep(3 * HOUR).await;
    scene.assert_left("a node knows it").await;
    scene.storage.forget(&[OTHER]).await.unwrap();
    sleep(9 * MINUTE).await;
    scene.assert_left("the ten minutes begin when the node has left").await;
    sleep(2 * MINUTE).await;
    scene.assert_paused("has no step x").await;
}

#[tokio::test(start_paused = true)]
async fn node_that_knows_another_job_or_step_does_not_count() {
    for plans in [knows("parcel", 1, "y", false), knows("letter", 1, "x", false), "{}".to_owned()] {
        let scene = Scene::new(inserted::PROGRAM, "x", old::PROGRAM, |_| Some(plans)).await;
        sleep(11 * MINUTE).await;
        scene.assert_paused("has no step x").await;
    }
}

#[tokio::test(start_paused = true)]
async fn node_that_does_not_say_what_it_knows_may_know_the_step() {
    let scene =
        Scene::new(inserted::PROGRAM, "x", old::PROGRAM, |_| Some("as of now in another form".to_owned())).await;
    sleep(3 * HOUR).await;
    scene.assert_left("a node may know it").await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_job_of_an_unknown_step_ends_at_once() {
    let scene = Scene::new(inserted::PROGRAM, "x", old::PROGRAM, |_| None).await;
    sleep(MINUTE).await;
    scene.run.cancel().await.unwrap();
    assert!(matches!(scene.run.wait().await, Err(WaitError::Cancelled { .. })));
}

#[tokio::test(start_paused = true)]
async fn job_whose_output_is_missing_is_given_back_while_a_node_has_its_plan() {
    let has_plan = |left: &JobSummary| Some(knows("parcel", left.state.plan, "", false));
    let scene = Scene::new(old::PROGRAM, "b", needy::PROGRAM, has_plan).await;
    sleep(3 * HOUR).await;
    scene.assert_left("a node has its plan").await;
    scene.storage.forget(&[OTHER]).await.unwrap();
    sleep(9 * MINUTE).await;
    scene.assert_left("the node may come back").await;
    sleep(2 * MINUTE).await;
    let says = "b of job parcel takes the output of step x, which is not recorded: restart the job at x, or run the program that was running it";
    scene.assert_paused(says).await;
}

#[tokio::test(start_paused = true)]
async fn job_whose_output_is_missing_goes_on_by_itself_under_its_old_program() {
    let scene = Scene::new(old::PROGRAM, "b", needy::PROGRAM, |_| None).await;
    sleep(11 * MINUTE).await;
    scene.assert_paused("restart the job at x").await;
    let history = scene.now().await.history;
    sleep(HOUR).await;
    assert_eq!(scene.now().await.history, history, "a program that lacks the output lets it be");
    scene.center.shutdown().await.unwrap();
    let _old = old::PROGRAM.start(&scene.client, &scene.shared).await;
    sleep(Duration::from_secs(5)).await;
    scene.run.wait().await.unwrap();
    assert_eq!(scene.shared.log.all(), ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn callback_that_only_another_program_has_is_left_to_it() {
    let has_callback = |_: &JobSummary| Some(knows("parcel", 1, "", true));
    let scene = Scene::new(thanks::PROGRAM, "thank", plain::PROGRAM, has_callback).await;
    assert_eq!(scene.left.state.callback, Callback::Due);
    sleep(3 * HOUR).await;
    assert_eq!(scene.now().await.state.callback, Callback::Due, "it is not taken for one that there is not");
    let _thanks = thanks::PROGRAM.start(&scene.client, &scene.shared).await;
    sleep(MINUTE).await;
    assert_eq!((scene.now().await.state.callback, scene.shared.log.all()), (Callback::Done, vec!["thank".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn callback_that_nobody_has_is_over_after_ten_minutes() {
    let scene = Scene::new(thanks::PROGRAM, "thank", plain::PROGRAM, |_| None).await;
    sleep(9 * MINUTE).await;
    assert_eq!(scene.now().await.state.callback, Callback::Due);
    sleep(2 * MINUTE).await;
    let state = scene.now().await.state;
    assert_eq!((state.status, state.callback, state.boot), (Status::Succeeded, Callback::None, Boot::NOBODY));
}

#[tokio::test(start_paused = true)]
async fn callback_whose_output_is_missing_is_given_up_after_ten_minutes() {
    let scene = Scene::new(thanks::PROGRAM, "thank", asks::PROGRAM, |_| None).await;
    sleep(9 * MINUTE).await;
    assert_eq!(scene.now().await.state.callback, Callback::Due);
    sleep(2 * MINUTE).await;
    let state = scene.now().await.state;
    assert_eq!((state.status, state.callback), (Status::Succeeded, Callback::GivenUp));
}

/// Its step fails for good, and its callback for as long as it is told to.
mod refunds {
    use vtask::{Attempt, job, stop};

    use crate::versions::Shared;

    pub(super) struct Parcel(pub(super) Shared);

    #[job(name = "parcel")]
    impl Parcel {
        #[step]
        async fn a(&self) -> anyhow::Result<String> {
            Err(stop("never"))
        }

        #[on_failure(retry = always, period = "61s")]
        async fn refund(&self, attempt: &Attempt) -> anyhow::Result<()> {
            self.0.run("refund", attempt).await.map(drop)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn callback_of_a_failure_is_left_to_the_program_that_has_it_whoever_invoked_the_job() {
    let (storage, shared) = (paused_storage(), Shared::default());
    let client = Client::with_seed(storage.clone(), 1);
    let run = plain::PROGRAM.invoke(&client, "k").await;
    *shared.fails_at.lock().unwrap() = Some("refund");
    let first = crate::setup::start(&client, refunds::Parcel(shared.clone())).await;
    assert!(matches!(run.wait().await, Err(WaitError::Failed { .. })));
    sleep(Duration::from_secs(5)).await;
    first.shutdown().await.unwrap();
    let plans = knows("parcel", 1, "", false).replace(r#""on_failure":false"#, r#""on_failure":true"#);
    let (host, version) = ("other".to_owned(), "99".to_owned());
    storage.join(&NewNode { boot: OTHER, host, lease_ms: i64::MAX, version, plans }).await.unwrap();
    let _plain = plain::PROGRAM.start(&client, &shared).await;
    sleep(HOUR).await;
    assert_eq!(
        summary(&storage, &run).await.state.callback,
        Callback::Due,
        "it is not taken for one that there is not"
    );
    *shared.fails_at.lock().unwrap() = None;
    let _refunds = crate::setup::start(&client, refunds::Parcel(shared.clone())).await;
    sleep(2 * MINUTE).await;
    assert_eq!(
        (summary(&storage, &run).await.state.callback, shared.log.all()),
        (Callback::Done, vec!["refund".to_owned()])
    );
}

/// Two programs of one job, the outputs of whose first step have nothing in common.
mod torn {
    use vtask::job;

    use crate::log::Log;

    #[derive(Clone, Default)]
    pub(super) struct New(pub(super) Log);

    #[job(name = "torn")]
    impl New {
        #[step]
        async fn a(&self) -> anyhow::Result<String> {
            Ok("text".to_owned())
        }

        #[step]
        async fn stay(&self) -> anyhow::Result<()> {
            self.0.add("stay");
            std::future::pending().await
        }

        #[on_failure]
        async fn undo(&self, a: Option<&String>) -> anyhow::Result<()> {
            self.0.add(format!("undo {a:?}"));
            Ok(())
        }
    }

    pub(super) struct Old;

    #[job(name = "torn")]
    impl Old {
        #[step]
        async fn a(&self) -> anyhow::Result<u32> {
            Ok(1)
        }

        #[step]
        async fn stay(&self) -> anyhow::Result<()> {
            Ok(())
        }

        #[step]
        async fn last(&self) -> anyhow::Result<()> {
            Ok(())
        }

        #[on_failure]
        async fn undo(&self, a: Option<&u32>) -> anyhow::Result<()> {
            anyhow::bail!("nothing to undo of {a:?}")
        }
    }
}

#[tokio::test(start_paused = true)]
async fn callback_of_a_cancel_is_left_to_the_program_that_can_read_what_it_takes() {
    let (storage, job) = (paused_storage(), torn::New::default());
    let client = Client::with_seed(storage.clone(), 1);
    let first = crate::setup::start(&client, job.clone()).await;
    torn::NewHandle::new(&client).invoke(()).keyword("k").await.unwrap();
    while job.0.all().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    let run = Client::with_seed(storage.clone(), 2).find("k").await.unwrap().unwrap();
    run.cancel().await.unwrap();
    // It dies before it hears of it.
    drop(first);
    let _old = crate::setup::start(&Client::with_seed(storage.clone(), 3), torn::Old).await;
    assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
    sleep(5 * MINUTE).await;
    assert_eq!(summary(&storage, &run).await.state.callback, Callback::Due);
    let _new = crate::setup::start(&Client::with_seed(storage.clone(), 4), job.clone()).await;
    sleep(5 * MINUTE).await;
    assert_eq!(summary(&storage, &run).await.state.callback, Callback::Done);
    assert_eq!(job.0.all(), ["stay", r#"undo Some("text")"#]);
}
