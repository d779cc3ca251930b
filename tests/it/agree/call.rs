//! Operations as they are drawn, and the calls that they come to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use vtask::storage::value::{
    Boot, Callback, Change, Due, Guard, JobState, JobSummary, Lease, LivingNode, NewJob, NewNode, NodeState, Owner,
    Reason, Request, RequestGuard, Status,
};

use super::KEYS;

const HOUR: Duration = Duration::from_secs(3600);
/// As many as a case has `beats`.
const BOOTS: i64 = 3;

/// Which token a caller shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen {
    Present,
    Former,
    Nonsense,
}

/// What a write is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim {
    Record,
    Retry,
    Release,
    Succeed,
    Fail,
    CallBack,
    Pause,
    Resume,
    Nothing,
}

/// An operation, by numbers of keywords, boots and hosts.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Insert(Vec<(usize, bool, Option<i64>)>),
    Claim(i64, Vec<(usize, Seen)>),
    Write(Vec<(usize, Seen, Aim, RequestGuard)>),
    Request(usize, Request, bool),
    PauseUnreadable(usize, Seen),
    Join(i64, i64),
    Beat(i64),
    DeclareDead(i64, bool),
    Enter(i64, NodeState),
    Forget(i64),
    /// The last call once more.
    Again,
}

pub(super) fn any_op() -> impl Strategy<Value = Op> {
    let seen = || prop_oneof![6 => Just(Seen::Present), 1 => Just(Seen::Former), 1 => Just(Seen::Nonsense)];
    let aim = prop_oneof![
        5 => Just(Aim::Record),
        2 => Just(Aim::Retry),
        1 => Just(Aim::Release),
        2 => Just(Aim::Succeed),
        1 => Just(Aim::Fail),
        2 => Just(Aim::CallBack),
        1 => Just(Aim::Pause),
        1 => Just(Aim::Resume),
        1 => Just(Aim::Nothing),
    ];
    let request = || prop_oneof![Just(Request::None), Just(Request::Cancel), Just(Request::Pause)];
    let guard = prop_oneof![
        3 => request().prop_map(RequestGuard::MustBe),
        2 => Just(RequestGuard::Keep),
        1 => Just(RequestGuard::Clear),
    ];
    let (key, boot) = (|| 0..KEYS, || 0..BOOTS);
    let state = prop_oneof![Just(NodeState::Stopping), Just(NodeState::Isolating), Just(NodeState::Up)];
    prop_oneof![
        4 => prop::collection::vec((key(), prop::bool::weighted(0.2), prop::option::of(boot())), 1..4).prop_map(Op::Insert),
        5 => (boot(), prop::collection::vec((key(), seen()), 1..4)).prop_map(|(boot, jobs)| Op::Claim(boot, jobs)),
        9 => prop::collection::vec((key(), seen(), aim, guard), 1..4).prop_map(Op::Write),
        2 => (key(), request(), prop::bool::weighted(0.1)).prop_map(|(key, request, other)| Op::Request(key, request, other)),
        1 => (key(), seen()).prop_map(|(key, seen)| Op::PauseUnreadable(key, seen)),
        1 => (boot(), 0..2_i64).prop_map(|(boot, host)| Op::Join(boot, host)),
        1 => boot().prop_map(Op::Beat),
        1 => (boot(), any::<bool>()).prop_map(|(boot, is_stale)| Op::DeclareDead(boot, is_stale)),
        1 => (boot(), state).prop_map(|(boot, state)| Op::Enter(boot, state)),
        1 => boot().prop_map(Op::Forget),
        3 => Just(Op::Again),
    ]
}

/// Names that no other case uses.
pub(super) struct Case {
    number: i64,
    token: AtomicI64,
    beats: [AtomicI64; 3],
}

impl Case {
    pub(super) fn new(number: i64) -> Self {
        Self { number, token: AtomicI64::new(number << 32), beats: Default::default() }
    }

    pub(super) fn name(&self) -> String {
        format!("case-{}", self.number)
    }

    pub(super) fn keyword(&self, key: usize) -> String {
        format!("case-{}/{key}", self.number)
    }

    pub(super) fn boot(&self, boot: i64) -> Boot {
        Boot(self.number * BOOTS + boot + 1)
    }

    pub(super) fn boots(&self) -> Vec<Boot> {
        (0..BOOTS).map(|boot| self.boot(boot)).collect()
    }

    fn owner(&self, boot: i64) -> Owner {
        Owner { boot: self.boot(boot), host: format!("host-{boot}").into() }
    }

    fn token(&self) -> Lease {
        Lease(self.token.fetch_add(1, Ordering::Relaxed))
    }
}

/// A guarded write, but for the id of its row.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) key: usize,
    pub(super) guard: Guard,
    pub(super) lease: Lease,
    pub(super) request: RequestGuard,
    pub(super) change: Change,
    pub(super) state: JobState,
    pub(super) due: Due,
    pub(super) text: Option<String>,
    pub(super) outputs: Option<String>,
}

/// A call, by numbers of keywords instead of ids.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Insert(Vec<NewJob>),
    Claim(Owner, Vec<(usize, Lease, Lease)>),
    Write(Vec<Write>),
    Request(usize, usize, Request),
    PauseUnreadable(usize, Lease, Lease),
    Join(NewNode),
    Beat(Boot, i64),
    DeclareDead(LivingNode),
    Enter(Boot, NodeState),
    Forget(Boot),
}

type Summaries = BTreeMap<usize, JobSummary>;

impl Call {
    /// `None` where there is nothing that it could be about.
    pub(super) fn of(
        op: &Op,
        case: &Case,
        present: &Summaries,
        former: &Summaries,
        last: Option<&Self>,
    ) -> Option<Self> {
        let seen = |key: usize, seen: Seen| match seen {
            Seen::Present => present.get(&key).cloned(),
            Seen::Former => former.get(&key).cloned(),
            Seen::Nonsense => present.get(&key).map(|row| JobSummary { lease: Lease(7), ..row.clone() }),
        };
        Some(match op {
            Op::Insert(jobs) => Self::Insert(jobs.iter().map(|job| new_job(case, job)).collect()),
            Op::Claim(boot, jobs) => {
                let mut keys = BTreeSet::new();
                let once = jobs.iter().filter(|(key, _)| keys.insert(*key));
                let claims: Vec<_> =
                    once.filter_map(|(key, shown)| Some((*key, seen(*key, *shown)?.lease, case.token()))).collect();
                Self::Claim(case.owner(*boot), some(claims)?)
            }
            Op::Write(writes) => {
                let mut keys = BTreeSet::new();
                let once = writes.iter().filter(|(key, ..)| keys.insert(*key));
                let write = |(key, shown, aim, request): &(usize, Seen, Aim, RequestGuard)| {
                    let row = seen(*key, *shown)?;
                    let may_be_small = matches!(shown, Seen::Present);
                    Some(write(case, *key, &row, *aim, *request, may_be_small))
                };
                Self::Write(some(once.filter_map(write).collect())?)
            }
            Op::Request(key, request, is_other) => {
                present.get(key)?;
                Self::Request(*key, if *is_other { key + 1 } else { *key }, *request)
            }
            Op::PauseUnreadable(key, shown) => Self::PauseUnreadable(*key, seen(*key, *shown)?.lease, case.token()),
            Op::Join(boot, host) => Self::Join(NewNode {
                boot: case.boot(*boot),
                host: format!("{}-host-{host}", case.name()),
                lease_ms: 15_000,
                version: "1".to_owned(),
                plans: "{}".to_owned(),
            }),
            Op::Beat(boot) => {
                let number = case.token().0;
                case.beats[usize::try_from(*boot).ok()?].store(number, Ordering::Relaxed);
                Self::Beat(case.boot(*boot), number)
            }
            Op::DeclareDead(boot, is_stale) => {
                let beat = case.beats[usize::try_from(*boot).ok()?].load(Ordering::Relaxed) + i64::from(*is_stale);
                Self::DeclareDead(LivingNode { boot: case.boot(*boot), beat, lease_ms: 15_000, state: NodeState::Up })
            }
            Op::Enter(boot, state) => Self::Enter(case.boot(*boot), *state),
            Op::Forget(boot) => Self::Forget(case.boot(*boot)),
            Op::Again => last?.clone(),
        })
    }
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn new_job(case: &Case, (key, is_later, owner): &(usize, bool, Option<i64>)) -> NewJob {
    NewJob {
        keyword: case.keyword(*key),
        // Where it is not true, it does no harm.
        is_keyword_drawn: *key % 2 == 1,
        name: case.name(),
        input: format!("{{\"key\":{key}}}"),
        step_name: "first".into(),
        steps: 3,
        plan: 5,
        generations: "{}".to_owned(),
        birth: case.token().0,
        lease: case.token(),
        due: if *is_later { Due::In(HOUR) } else { Due::NOW },
        owner: owner.map(|boot| case.owner(boot)),
    }
}

fn write(case: &Case, key: usize, row: &JobSummary, aim: Aim, request: RequestGuard, may_be_small: bool) -> Write {
    let guard = Guard { lease: row.lease, status: row.state.status, step: row.state.step };
    let mut state = row.state.clone();
    let lease = case.token();
    let (mut due, mut text, mut outputs) = (Due::Keep, None, None);
    let is_clean = (state.attempt, state.crashes, state.callback_attempt, state.reason) == (0, 0, 0, Reason::None)
        && state.status == Status::Running
        && row.error.is_none();
    let mut change = Change::Any;
    match aim {
        Aim::Record => {
            state.step += 1;
            (state.step_name, state.attempt, state.crashes) = (format!("step-{}", state.step).into(), 0, 0);
            outputs = Some(format!("{{\"output\":{}}}", lease.0));
            // What a small write says of requests is given.
            if is_clean && may_be_small && request == RequestGuard::MustBe(Request::None) && state.boot != Boot::NOBODY
            {
                change = Change::Step;
            }
        }
        Aim::Retry => {
            state.attempt += 1;
            due = Due::In(HOUR);
            text = Some(format!("attempt {}", state.attempt));
        }
        Aim::Release => state.boot = Boot::NOBODY,
        Aim::Succeed => {
            (state.status, state.callback) = (Status::Succeeded, Callback::Due);
            due = Due::NOW;
        }
        Aim::Fail => {
            (state.status, state.reason, state.boot) = (Status::Failed, Reason::Exhausted, Boot::NOBODY);
            state.callback = Callback::None;
        }
        Aim::CallBack => (state.callback, state.boot) = (Callback::Done, Boot::NOBODY),
        Aim::Pause => (state.status, state.reason, state.boot) = (Status::Paused, Reason::Operator, Boot::NOBODY),
        Aim::Resume => (state.status, state.reason) = (Status::Running, Reason::None),
        Aim::Nothing => {}
    }
    Write { key, guard, lease, request, change, state, due, text, outputs }
}
