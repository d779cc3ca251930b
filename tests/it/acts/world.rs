//! Three processes that share a database, and jobs in every state.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use vtask::{Client, JobCenter, JobId, JobInfo, Request, RunError, Status};

use super::errand::{Data, Deed, Errand, ErrandHandle, Orphan, OrphanHandle, Work};
use crate::jobs::Once;
use crate::log::Log;
use crate::setup::center;

/// The longest that a living node takes to hear what is asked of it, and somewhat for a busy machine.
const HEARS: Duration = Duration::from_secs(6);
/// The longest that the rest takes.
const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody's, and no node runs such jobs.
    Due,
    Delayed,
    /// For a retry that is hours away.
    WaitsInNobodysHands,
    /// For a retry that is a minute away.
    WaitsInMemory,
    Executing,
    /// By a node whose death nobody has noticed.
    HeldByTheDead,
    PauseRequested,
    CancelRequested,
    /// Nobody's, because the node that was asked has died.
    PauseLeftByTheDead,
    CancelLeftByTheDead,
    CallbackDue,
    CallbackRuns,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    /// Whether a job has come as far by itself as it has to come for this state.
    fn is_close(self, info: &JobInfo, log: &str) -> bool {
        use State::*;
        match self {
            Due | Delayed | HeldByTheDead | CallbackDue | Cancelled | Paused => true,
            Executing | PauseRequested | CancelRequested | PauseLeftByTheDead | CancelLeftByTheDead => log == "first",
            WaitsInMemory => info.failed_attempts == 1 && info.is_held,
            WaitsInNobodysHands => info.failed_attempts == 1 && !info.is_held,
            CallbackRuns => log.ends_with("thank") && info.is_held,
            Succeeded => log.ends_with("thank") && !info.is_held,
            Failed => log.ends_with("undo") && !info.is_held,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Cancel,
    Pause,
    Resume,
    Restart,
}

/// The answer, how the job is soon, how it is in the end, and what has run.
pub(super) type Cell = [&'static str; 4];

/// Who acts: the process that runs the job, another node, a mere client.
const CALLERS: [&str; 3] = ["owner", "other", "mere"];

pub(super) struct World {
    /// Those of the callers.
    clients: [Client; 3],
    /// That of the node that dies.
    doomed: Client,
    work: Work,
}

/// One cell of the table, from one caller.
struct Trial {
    state: State,
    act: Act,
    caller: usize,
    cell: Cell,
    id: OnceLock<JobId>,
}

impl Trial {
    fn name(&self) -> String {
        format!("{:?}-{:?}-{}", self.state, self.act, CALLERS[self.caller])
    }

    fn belongs_to_orphans(&self) -> bool {
        use State::{CallbackDue, CancelLeftByTheDead, Due, PauseLeftByTheDead};
        matches!(self.state, Due | CallbackDue | PauseLeftByTheDead | CancelLeftByTheDead)
    }

    fn keyword(&self) -> String {
        format!("{}/{}", if self.belongs_to_orphans() { "orphan" } else { "errand" }, self.name())
    }

    /// Whether the node that dies runs it.
    fn is_doomed(&self) -> bool {
        matches!(self.state, State::HeldByTheDead | State::PauseLeftByTheDead | State::CancelLeftByTheDead)
    }

    fn deed(&self) -> Deed {
        match self.state {
            State::WaitsInNobodysHands => Deed::Retries(7200),
            State::WaitsInMemory => Deed::Retries(59),
            State::CallbackRuns => Deed::CallsBack,
            State::Succeeded => Deed::Passes,
            State::Failed => Deed::Stops,
            _ => Deed::Waits,
        }
    }

    fn delay(&self) -> Duration {
        match self.state {
            State::Delayed | State::Paused | State::Cancelled => HOUR,
            _ => Duration::ZERO,
        }
    }
}

/// Tries every cell of the table from every caller, and tells all that is not as the table says.
pub(super) async fn check(table: &[(State, [(Act, Cell); 4])], world: World) {
    let trials = |(state, acts): &(State, [(Act, Cell); 4])| {
        let (state, acts) = (*state, *acts);
        let of_act = move |(act, cell)| {
            (0..CALLERS.len()).map(move |caller| Trial { state, act, caller, cell, id: OnceLock::new() })
        };
        acts.into_iter().flat_map(of_act).collect::<Vec<_>>()
    };
    let trials: Vec<Trial> = table.iter().flat_map(trials).collect();
    let trials: Vec<&Trial> = trials.iter().collect();
    let (doomed, living): (Vec<&Trial>, Vec<&Trial>) = trials.iter().partition(|trial| trial.is_doomed());
    let node = world.let_one_die(&doomed).await;
    let _living = world.start_living().await;
    // No node may run these before the end, so that they begin when the one is dead.
    let (unrun, run): (Vec<&Trial>, Vec<&Trial>) = living.iter().partition(|trial| trial.belongs_to_orphans());
    world.invoke(&run).await;
    world.prepare(&[&doomed[..], &run[..]].concat()).await;
    drop(node);
    let (left, unnoticed): (Vec<&Trial>, Vec<&Trial>) = doomed.iter().partition(|trial| trial.belongs_to_orphans());
    let mut wrong = world.act(&unnoticed).await;
    world.reach(&left, |_, info, _| !info.is_held).await;
    world.invoke(&unrun).await;
    world.prepare(&unrun).await;
    wrong.extend(world.act(&[left, run, unrun].concat()).await);
    let _late = world.let_all_go_on().await;
    wrong.extend(world.ends(&trials).await);
    wrong.extend(world.resumed(&trials).await);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), trials.len(), wrong.join("\n"));
}

impl World {
    /// The clients of the owner, another node, a mere client, and the node that dies.
    pub(super) fn new([owner, other, mere, doomed]: [Client; 4]) -> Self {
        let work = Work { log: Log::default(), gate: watch::Sender::new(false) };
        Self { clients: [owner, other, mere], doomed, work }
    }

    fn mere(&self) -> &Client {
        &self.clients[2]
    }

    /// Starts the node that will die, alone, so that it gets its jobs, and with room for no others.
    async fn let_one_die(&self, trials: &[&Trial]) -> JobCenter {
        let doomed = center(&self.doomed).lease(Duration::from_secs(5)).concurrency(trials.len());
        let doomed = doomed.register(Errand(self.work.clone())).register(Orphan(self.work.clone()));
        let doomed = doomed.start().await.expect("the doomed node starts");
        self.invoke(trials).await;
        self.reach(trials, |_, _, log| log == "first").await;
        doomed
    }

    async fn start_living(&self) -> [JobCenter; 2] {
        let owner = center(&self.clients[0]).grace(HOUR).register(Errand(self.work.clone())).start().await;
        let other = center(&self.clients[1]).register(Once::default()).start().await;
        [owner.expect("the owner starts"), other.expect("the other node starts")]
    }

    async fn invoke(&self, trials: &[&Trial]) {
        for trial in trials {
            let (data, delay) = (Data { keyword: trial.name(), deed: trial.deed() }, trial.delay());
            let id = match trial.belongs_to_orphans() {
                true => OrphanHandle::new(self.mere()).invoke(data).delay(delay).await.expect("it is saved").id(),
                false => ErrandHandle::new(self.mere()).invoke(data).delay(delay).await.expect("it is saved").id(),
            };
            trial.id.set(id).expect("it is invoked once");
        }
    }

    /// Brings each job into its state.
    async fn prepare(&self, trials: &[&Trial]) {
        self.reach(trials, |trial, info, log| trial.state.is_close(info, log)).await;
        for trial in trials {
            self.take_last_step(trial).await;
        }
        self.reach(trials, |trial, info, log| trial.state != State::Cancelled || (log == "undo" && !info.is_held))
            .await;
    }

    /// Does to a job what its state demands.
    async fn take_last_step(&self, trial: &Trial) {
        let (client, keyword) = (self.mere(), &trial.keyword());
        match trial.state {
            State::PauseRequested | State::PauseLeftByTheDead => {
                assert_eq!(client.pause(keyword).await.expect("it can be asked"), vtask::PauseOutcome::Requested);
            }
            State::CancelRequested | State::CancelLeftByTheDead => {
                assert_eq!(client.cancel(keyword).await.expect("it can be asked"), vtask::CancelOutcome::Requested);
            }
            State::CallbackDue | State::Cancelled => {
                assert_eq!(client.cancel(keyword).await.expect("it is there"), vtask::CancelOutcome::Cancelled);
            }
            State::Paused => assert_eq!(client.pause(keyword).await.expect("it is there"), vtask::PauseOutcome::Paused),
            _ => {}
        }
    }

    /// Acts, and tells where the answer or what soon comes of it is wrong.
    async fn act(&self, trials: &[&Trial]) -> Vec<String> {
        let mut wrong = Vec::new();
        for trial in trials {
            let (answer, wanted) = (self.answer(trial).await, trial.cell[0]);
            if answer != wanted {
                wrong.push(format!("{}: answers {answer}, not {wanted}", trial.name()));
            }
        }
        wrong.extend(self.compare(trials, HEARS, |info, _| told(info), |trial| trial.cell[1].to_owned()).await);
        wrong
    }

    async fn answer(&self, trial: &Trial) -> String {
        let (client, keyword) = (&self.clients[trial.caller], &trial.keyword());
        let unit = |answer: Result<(), RunError>| match answer {
            Ok(()) => "Ok".to_owned(),
            Err(RunError::NotPaused { .. }) => "NotPaused".to_owned(),
            Err(RunError::Held { .. }) => "Running".to_owned(),
            Err(error) => error.to_string(),
        };
        match trial.act {
            Act::Cancel => format!("{:?}", client.cancel(keyword).await.expect("it is there")),
            Act::Pause => format!("{:?}", client.pause(keyword).await.expect("it is there")),
            Act::Resume => unit(client.resume(keyword).await),
            Act::Restart => unit(client.restart(keyword, "first").await),
        }
    }

    /// Opens the gate, and starts a node for the jobs that had none.
    async fn let_all_go_on(&self) -> JobCenter {
        self.work.gate.send_replace(true);
        let late = center(&self.doomed).register(Orphan(self.work.clone())).start().await;
        late.expect("the late node starts")
    }

    async fn ends(&self, trials: &[&Trial]) -> Vec<String> {
        self.compare(trials, PATIENCE, ended, |trial| format!("{}: {}", trial.cell[2], trial.cell[3])).await
    }

    /// Resumes what is paused in the end: it goes on, and repeats no recorded step.
    async fn resumed(&self, trials: &[&Trial]) -> Vec<String> {
        let paused: Vec<&Trial> = trials.iter().copied().filter(|trial| trial.cell[2] == "paused").collect();
        let mut wanted = BTreeMap::new();
        for trial in &paused {
            let run = self.mere().find(&trial.keyword()).await.expect("the storage answers").expect("it is there");
            let is_recorded = run.output("first").await.expect("it decodes").is_some();
            // What is not paused is told already.
            let _ = run.resume().await;
            let log = format!("{} {}second thank", trial.cell[3], if is_recorded { "" } else { "first " });
            wanted.insert(trial.name(), format!("succeeded: {}", log.trim_start()));
        }
        self.compare(&paused, PATIENCE, ended, |trial| wanted[&trial.name()].clone()).await
    }

    /// Waits for each until what is seen is what is wanted, and tells where it does not come to that.
    async fn compare(
        &self,
        trials: &[&Trial],
        limit: Duration,
        seen: fn(&JobInfo, &str) -> String,
        wanted: impl Fn(&Trial) -> String,
    ) -> Vec<String> {
        let left = self.settle(trials, limit, |trial, info, log| seen(info, log) == wanted(trial)).await;
        let wrong = |(trial, info, log): &(&Trial, JobInfo, String)| {
            format!("{}: is {:?}, not {:?}", trial.name(), seen(info, log), wanted(trial))
        };
        left.iter().map(wrong).collect()
    }

    async fn reach(&self, trials: &[&Trial], holds: impl Fn(&Trial, &JobInfo, &str) -> bool) {
        let left = self.settle(trials, PATIENCE, holds).await;
        let names: Vec<_> = left.iter().map(|(trial, info, log)| (trial.name(), log, told(info))).collect();
        assert!(left.is_empty(), "these do not get into their states: {names:?}");
    }

    /// Looks at jobs until all are as is wanted; answers those that are not after so long.
    async fn settle<'a>(
        &self,
        trials: &[&'a Trial],
        limit: Duration,
        holds: impl Fn(&Trial, &JobInfo, &str) -> bool,
    ) -> Vec<(&'a Trial, JobInfo, String)> {
        let (until, mut left) = (Instant::now() + limit, trials.to_vec());
        loop {
            let mut seen = self.look(&left).await;
            seen.retain(|(trial, info, log)| !holds(trial, info, log));
            if seen.is_empty() || until < Instant::now() {
                return seen;
            }
            left = seen.into_iter().map(|(trial, ..)| trial).collect();
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The jobs, and what has run of them.
    async fn look<'a>(&self, trials: &[&'a Trial]) -> Vec<(&'a Trial, JobInfo, String)> {
        let id = |trial: &&Trial| *trial.id.get().expect("it is invoked");
        let infos =
            self.mere().get_many(&trials.iter().map(id).collect::<Vec<_>>()).await.expect("they can be read").jobs;
        let log = self.work.log.all();
        let log_of = |trial: &Trial| {
            let name = format!("{} ", trial.name());
            log.iter().filter_map(|entry| entry.strip_prefix(&name)).collect::<Vec<_>>().join(" ")
        };
        trials.iter().zip(infos).map(|(trial, info)| (*trial, info, log_of(trial))).collect()
    }
}

/// How a job is, and what has run of it.
fn ended(info: &JobInfo, log: &str) -> String {
    format!("{}: {log}", told(info))
}

fn told(info: &JobInfo) -> String {
    let status = match info.status {
        Status::Running => "running",
        Status::Failed => "failed",
        Status::Succeeded => "succeeded",
        Status::Cancelled => "cancelled",
        Status::Paused => "paused",
        _ => "unknown",
    };
    match info.request {
        Request::None => status.to_owned(),
        Request::Cancel => format!("{status}, to cancel"),
        Request::Pause => format!("{status}, to pause"),
        _ => "unknown".to_owned(),
    }
}
