//! Claiming what is due: one claimer a node, never more than there is room for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::value::{Candidate, Claim, Claimed, DueJobs, JobId, Wanted};

use super::leases::Hold;
use super::observe::Observer;
use super::runner::Runner;
use super::{Engine, Phase};

/// Looks for other processes' jobs are this far apart, right after one was found and when none has come for long.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(1800));
/// The longest of them vary by so much.
const POLL_SPREAD: Duration = Duration::from_millis(200);
/// The nodes are looked at so far apart, at least and at most, together with what is due.
const TICK: (Duration, Duration) = (Duration::from_millis(1500), Duration::from_millis(1900));
/// So many bytes of payload are claimed at a time, or one job that has more.
const MOST_BYTES: usize = 32 << 20;

impl Engine {
    pub(super) async fn claim_until_stopped(self: &Arc<Self>) {
        let (mut poll, mut observer, mut look_at) = (POLL.0, Observer::default(), Instant::now());
        while !self.phases.is(Phase::Stopping) {
            let watch = look_at <= Instant::now();
            let round = self.claim_round(watch.then_some(&mut observer)).await;
            if watch {
                look_at = Instant::now() + TICK.0;
            }
            poll = if round.claimed > 0 { POLL.0 } else { (poll * 2).min(POLL.1) };
            if !round.is_full {
                let latest_look = (look_at + (TICK.1 - TICK.0)).saturating_duration_since(Instant::now());
                let wait = round.next_in.map_or(poll, |next| next.min(poll));
                self.rest(wait, latest_look).await;
            }
        }
    }

    /// Waits until something may be due and there may be room for it.
    async fn rest(&self, wait: Duration, latest_look: Duration) {
        // So that nodes which started together do not look together.
        let wait = if wait == POLL.1 { wait - POLL_SPREAD + self.env.jitter(POLL_SPREAD) } else { wait };
        let wait = wait.min(latest_look);
        let has_room = self.slots.free() > 0;
        tokio::select! {
            biased;
            () = self.phases.reach(Phase::Stopping) => {}
            () = self.poked.notified(), if has_room => {}
            () = self.slots.freed() => {}
            () = tokio::time::sleep(if has_room { wait } else { latest_look }) => {}
        }
    }

    async fn claim_round(self: &Arc<Self>, observer: Option<&mut Observer>) -> Round {
        let wanted = self.wanted();
        if wanted.is_empty() && observer.is_none() {
            return Round::default();
        }
        let _round = self.life.round();
        let (storage, watch) = (&self.storage, observer.is_some());
        let Some(due) = self.repeat(|| storage.due(&wanted, watch)).await else { return Round::default() };
        let DueJobs { candidates, next_in, nodes } = due;
        if let (Some(observer), Some(nodes)) = (observer, nodes) {
            self.see(observer, nodes).await;
        }
        let chosen = self.choose(candidates);
        let (claims, mut holds) = self.prepare(&chosen);
        if claims.is_empty() {
            return Round { next_in, ..Round::default() };
        }
        let Some(rows) = self.repeat(|| storage.claim(&self.owner, &claims)).await else {
            return Round::default();
        };
        let claimed = rows.len();
        for row in rows {
            self.start(row, &claims, &mut holds);
        }
        Round { claimed, is_full: claimed > 0, next_in }
    }

    /// What there is room for, by name.
    fn wanted(&self) -> Vec<Wanted> {
        let room = |(name, job): (&&'static str, &Arc<dyn crate::job::erased::AnyJob>)| {
            let limit = self.slots.free_for(job.plan().name);
            (limit > 0).then(|| Wanted { name: (*name).to_owned(), limit })
        };
        self.jobs.iter().filter_map(room).collect()
    }

    /// Takes as many as there is room for, of all names alike.
    fn choose(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        let room = self.slots.free();
        if candidates.len() > room {
            self.env.shuffle(&mut candidates);
            candidates.truncate(room);
        }
        let mut bytes = 0;
        let fits = |candidate: &Candidate| {
            let is_first = bytes == 0;
            bytes += candidate.bytes.max(1);
            is_first || bytes <= MOST_BYTES
        };
        candidates.into_iter().take_while(fits).collect()
    }

    /// Draws the tokens and puts them on the list before they are sent. A job whose former self has not left the list is
    /// left for the next round.
    fn prepare(&self, chosen: &[Candidate]) -> (Vec<Claim>, Vec<(JobId, Hold)>) {
        let free = chosen.iter().filter(|candidate| !self.leases.holds(candidate.id));
        let prepare = |candidate: &Candidate| {
            let Candidate { id, lease: seen, .. } = *candidate;
            (Claim { id, seen, lease: self.env.lease() }, (id, self.leases.hold(id)))
        };
        free.map(prepare).unzip()
    }

    /// Starts a claimed row, or sees to it that somebody else can.
    fn start(self: &Arc<Self>, claimed: Claimed, claims: &[Claim], holds: &mut Vec<(JobId, Hold)>) {
        let Some(position) = holds.iter().position(|(id, _)| *id == claimed.id) else { return };
        let (id, hold) = holds.swap_remove(position);
        match claimed.row {
            Ok(row) => self.start_row(row, hold),
            Err(error) => {
                let seen = claims.iter().find(|claim| claim.id == id).map(|claim| claim.lease);
                let engine = Arc::clone(self);
                tokio::spawn(async move {
                    if let Some(seen) = seen {
                        engine.pause_unreadable(id, seen, &error).await;
                    }
                    drop(hold);
                });
            }
        }
    }

    fn start_row(self: &Arc<Self>, row: vtask_storage::value::JobRow, hold: Hold) {
        let Some(job) = self.jobs.get(row.summary.name.as_str()) else { return };
        let slot = self.slots.try_take(job.plan().name);
        let runner = Runner::new(Arc::clone(self), Arc::clone(job), row, hold, slot);
        self.user_runtime.spawn(runner.run());
    }
}

/// What a round of the claimer came to.
#[derive(Debug, Default)]
struct Round {
    claimed: usize,
    /// Whether there may be more.
    is_full: bool,
    next_in: Option<Duration>,
}
