//! Claiming what is due: one claimer a node, never more than there is room for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::value::{Candidate, Claim, Claimed, DueJobs, JobId, JobRow, Wanted};

use super::leases::Hold;
use super::observe::Observer;
use super::runner::Runner;
use super::slots::Slot;
use super::strangers::Fate;
use super::suspects::is_alone;
use super::walk::Walks;
use super::{Engine, Phase};

/// Looks for other processes' jobs are this far apart, right after one was found and when none has come for long.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(1800));
/// A queue in which something was found stays busy for so long, and is looked at as often as this.
const BUSY: Duration = Duration::from_secs(2);
const POLL_BUSY: Duration = Duration::from_millis(40);
/// The longest of them vary by so much.
const POLL_SPREAD: Duration = Duration::from_millis(200);
/// New jobs may overtake those that wait for so long.
const OVERTAKEN: Duration = Duration::from_millis(50);
/// So long a claim waits for more slots when one is freed.
const MOMENT: Duration = Duration::from_millis(2);
/// The nodes are looked at so far apart, at least and at most, together with what is due.
const TICK: (Duration, Duration) = (Duration::from_millis(1500), Duration::from_millis(1900));
/// So many looks are made in a round, where they find only what is left to others.
const MOST_LOOKS: usize = 8;
/// So many bytes of payload are claimed at a time, or one job that has more.
const MOST_BYTES: usize = 32 << 20;

impl Engine {
    pub(super) async fn claim_until_stopped(self: &Arc<Self>) {
        let (mut poll, mut observer, mut look_at) = (Poll::default(), Observer::default(), Instant::now());
        let mut queue = Queue::default();
        while !self.phases.is(Phase::Stopping) {
            let watch = look_at <= Instant::now();
            let round = self.claim_round(watch.then_some(&mut observer), &mut queue).await;
            if watch {
                look_at = Instant::now() + TICK.0;
            }
            poll.advance(round.claimed > 0, self.hears.load(Ordering::Relaxed), *self.expects_until.borrow());
            if round.claimed == 0 {
                let latest_look = (look_at + (TICK.1 - TICK.0)).saturating_duration_since(Instant::now());
                let wait = round.next_in.map_or(poll.wait, |next| next.min(poll.wait));
                self.rest(wait, latest_look, &round).await;
            }
        }
    }

    /// Waits until something may be due and there may be room for it.
    async fn rest(&self, wait: Duration, latest_look: Duration, round: &Round) {
        // So that nodes which started together do not look together.
        let wait = if wait == POLL.1 { wait - POLL_SPREAD + self.env.jitter(POLL_SPREAD) } else { wait };
        let due = Instant::now() + wait.min(latest_look);
        let (has_room, has_backlog) = (self.slots.free() > 0, self.has_backlog.load(Ordering::Relaxed));
        let something_waits = has_backlog || round.is_left;
        tokio::select! {
            biased;
            () = self.phases.reach(Phase::Stopping) => {}
            // Without room a look only tells whether others wait, and while they do it tells nothing.
            () = self.poked.notified(), if has_room || !has_backlog => {}
            () = self.room_for_some(), if something_waits => {}
            () = self.slots.own_freed(), if round.lacks_own => {}
            () = self.room_at(due, has_room), if has_room || !something_waits => {}
            () = tokio::time::sleep(latest_look) => {}
        }
    }

    /// Waits until this moment, and until there is room.
    async fn room_at(&self, due: Instant, has_room: bool) {
        if !has_room {
            self.slots.freed().await;
        }
        tokio::time::sleep_until(due).await;
    }

    /// Waits for a slot, and a moment for others: a claim of many costs hardly more than a claim of one.
    async fn room_for_some(&self) {
        self.slots.freed().await;
        if self.slots.is_nearly_full() {
            tokio::time::sleep(MOMENT).await;
        }
    }

    async fn claim_round(self: &Arc<Self>, observer: Option<&mut Observer>, queue: &mut Queue) -> Round {
        let wanted = self.wanted(observer.is_some());
        let lacks_own = wanted.len() < self.jobs.len();
        let _round = self.life.round();
        let Some(due) = self.due(&wanted, observer.is_some(), &mut queue.walks).await else { return Round::default() };
        let DueJobs { mut candidates, next_in, nodes } = due;
        let goes_on = queue.walks.go_on(&wanted);
        let has_all = is_short(&candidates, &wanted) && !goes_on;
        let hides = self.left_out.pass_over(&mut candidates) && candidates.is_empty() && !has_all;
        let is_left = candidates.len() > self.slots.free();
        let waits = queue.left_since.tell(is_left);
        let has_backlog = !has_all || self.slots.are_exceeded_by(candidates.len()) || waits >= OVERTAKEN;
        self.has_backlog.store(has_backlog, Ordering::Relaxed);
        let (alone, candidates): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|found| is_alone(found.crashes));
        if let (Some(observer), Some(nodes)) = (observer, nodes) {
            self.isolate_one(&alone, &nodes);
            self.see(observer, nodes).await;
        }
        // One that the others may have called dead would only be accused of what it claims.
        let chosen = if self.life.is_sure() { self.choose(candidates) } else { Vec::new() };
        // What is behind rows that are left alone is looked for at once, and what finds no room soon.
        let next_in = if goes_on || hides {
            Some(Duration::ZERO)
        } else if is_left {
            Some(POLL.0)
        } else {
            next_in
        };
        Round { claimed: self.claim(&chosen, None).await, next_in, is_left, lacks_own }
    }

    /// What is due and not left to others; where it has to go past much of that, for some looks at most.
    async fn due(&self, wanted: &[Wanted], watch: bool, walks: &mut Walks) -> Option<DueJobs> {
        let mut due = self.look(wanted, watch, walks).await?;
        for _ in 1..MOST_LOOKS {
            if !due.candidates.is_empty() || !walks.go_on(wanted) {
                break;
            }
            due.candidates = self.look(wanted, false, walks).await?.candidates;
        }
        self.ask_for_strangers().await;
        Some(due)
    }

    async fn look(&self, wanted: &[Wanted], watch: bool, walks: &mut Walks) -> Option<DueJobs> {
        let looks: Vec<Wanted> = wanted.iter().map(|room| walks.look(room)).collect();
        let mut due = self.repeat(|| self.storage.due(&looks, watch)).await?;
        let fates: Vec<Fate> = due.candidates.iter_mut().map(|found| self.fate_of(found)).collect();
        if !walks.are_needed(&fates) {
            return Some(due);
        }
        let found: Vec<(Candidate, Fate)> = std::mem::take(&mut due.candidates).into_iter().zip(fates).collect();
        for (look, room) in looks.iter().zip(wanted) {
            let of_name = || found.iter().filter(|(found, _)| found.name == look.name);
            let ours: Vec<&Candidate> =
                of_name().filter_map(|(found, fate)| (*fate != Fate::Left).then_some(found)).collect();
            walks.saw(look, of_name().map(|(found, _)| found), ours.len());
            due.candidates.extend(ours.into_iter().take(room.limit).cloned());
        }
        Some(due)
    }

    /// One that nobody knows is claimed to be paused, and not to run: then it is no suspect.
    fn fate_of(&self, candidate: &mut Candidate) -> Fate {
        let Some(job) = self.jobs.get(candidate.name.as_str()) else { return Fate::Left };
        let fate = self.strangers.fate_of(candidate, job.plan());
        if fate == Fate::Condemned {
            candidate.crashes = 0;
        }
        fate
    }

    /// Claims, and answers how many rows it got. The first runs in the slot that is given.
    pub(super) async fn claim(self: &Arc<Self>, chosen: &[Candidate], mut slot: Option<Slot>) -> usize {
        let (claims, mut holds) = self.prepare(chosen);
        if claims.is_empty() {
            return 0;
        }
        let storage = &self.storage;
        // What is locked as a whole is left for some seconds: whoever waits for it in here shows no life.
        let rows = self.repeat_in_parts(&claims, |claim| claim.id, |claims| storage.claim(&self.owner, claims)).await;
        self.left_out.add(&claims, &rows);
        let claimed = rows.len();
        for row in rows {
            self.start(row, &claims, &mut holds, slot.take());
        }
        claimed
    }

    /// What there is room for, by name, and some more: they tell whether many wait; past those that are locked. Jobs that have to run alone are looked for
    /// together with the nodes.
    fn wanted(&self, alone: bool) -> Vec<Wanted> {
        let most_crashes = if alone { i32::MAX } else { self.slots.most_crashes() };
        let room = |(name, job): (&&'static str, &Arc<dyn crate::job::erased::AnyJob>)| {
            let limit = self.slots.worth_a_look(job.plan().name) + self.left_out.in_the_way(name);
            let may_run = self.slots.has_own(job.plan().name);
            may_run.then(|| Wanted { name: (*name).to_owned(), limit, most_crashes, after: None })
        };
        self.jobs.iter().filter_map(room).collect()
    }

    /// Takes as many as there is room for, of all names alike.
    fn choose(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        let mut room = self.slots.room();
        if candidates.len() > self.slots.free() {
            candidates = self.in_turn(candidates);
        }
        let mut own = BTreeMap::new();
        let mut has_own = |candidate: &Candidate| {
            let name = self.jobs.get(candidate.name.as_str())?.plan().name;
            let left: &mut usize = own.entry(name).or_insert_with(|| self.slots.free_for(name));
            *left = left.checked_sub(1)?;
            Some(())
        };
        candidates.retain(|candidate| has_own(candidate).is_some() && room.take(candidate.crashes));
        let mut bytes = 0;
        let fits = |candidate: &Candidate| {
            let is_first = bytes == 0;
            bytes += candidate.bytes.max(1);
            is_first || bytes <= MOST_BYTES
        };
        candidates.into_iter().take_while(fits).collect()
    }

    /// One of each name in turn, each name's oldest first: no name waits behind the backlog of another.
    fn in_turn(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let mut names: BTreeMap<String, VecDeque<Candidate>> = BTreeMap::new();
        for candidate in candidates {
            names.entry(candidate.name.clone()).or_default().push_back(candidate);
        }
        let mut names: Vec<VecDeque<Candidate>> = names.into_values().collect();
        // Where there is room for one, it is not always of the same name.
        self.env.shuffle(&mut names);
        let longest = names.iter().map(VecDeque::len).max().unwrap_or(0);
        (0..longest).flat_map(|_| names.iter_mut().filter_map(VecDeque::pop_front).collect::<Vec<_>>()).collect()
    }

    /// Draws the tokens and puts them on the list before they are sent. A job whose former self has not left the list is
    /// left for the next round.
    fn prepare(&self, chosen: &[Candidate]) -> (Vec<Claim>, Vec<(JobId, Hold)>) {
        let free = chosen.iter().filter(|candidate| !self.leases.holds(candidate.id));
        let prepare = |candidate: &Candidate| {
            let (id, seen) = (candidate.id, candidate.lease);
            (Claim { id, seen, lease: self.env.lease_after(seen) }, (id, self.leases.hold(id)))
        };
        free.map(prepare).unzip()
    }

    /// Starts a claimed row, or sees to it that somebody else can.
    fn start(self: &Arc<Self>, claimed: Claimed, claims: &[Claim], holds: &mut Vec<(JobId, Hold)>, slot: Option<Slot>) {
        let Some(position) = holds.iter().position(|(id, _)| *id == claimed.id) else { return };
        let (id, hold) = holds.swap_remove(position);
        match claimed.row {
            Ok(row) => self.start_row(row, hold, slot),
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

    fn start_row(self: &Arc<Self>, row: JobRow, hold: Hold, slot: Option<Slot>) {
        let Some(job) = self.jobs.get(row.summary.name.as_str()) else { return };
        let slot = slot.or_else(|| self.slots.try_take(job.plan().name, row.summary.state.crashes));
        Runner::new(Arc::clone(self), Arc::clone(job), row, hold, slot).start(None);
    }
}

/// Whether all that is due was found.
fn is_short(found: &[Candidate], wanted: &[Wanted]) -> bool {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    found.iter().for_each(|found| *count.entry(&found.name).or_default() += 1);
    wanted.iter().all(|wanted| count.get(wanted.name.as_str()).is_none_or(|count| *count < wanted.limit))
}

/// What the claimer knows of what is due.
#[derive(Debug, Default)]
struct Queue {
    walks: Walks,
    left_since: LeftSince,
}

/// Since when looks find what there is no room for.
#[derive(Debug, Default)]
struct LeftSince(Option<Instant>);

impl LeftSince {
    /// Takes over what a look found, and answers how long that has been so.
    fn tell(&mut self, is_left: bool) -> Duration {
        let now = Instant::now();
        self.0 = is_left.then(|| self.0.unwrap_or(now));
        self.0.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// What a round of the claimer came to.
#[derive(Debug, Default)]
struct Round {
    claimed: usize,
    next_in: Option<Duration>,
    /// Whether it found what there is no room for.
    is_left: bool,
    /// Whether it looked for no jobs of a name whose own limit was in the way.
    lacks_own: bool,
}

/// How long to wait for what other processes insert.
#[derive(Debug)]
struct Poll {
    wait: Duration,
    /// Until when more is expected.
    busy_until: Option<Instant>,
}

impl Default for Poll {
    fn default() -> Self {
        Self { wait: POLL.0, busy_until: None }
    }
}

impl Poll {
    fn advance(&mut self, has_found: bool, hears: bool, expected: Option<Instant>) {
        let now = Instant::now();
        if !hears {
            self.busy_until = self.busy_until.max(expected);
        }
        if has_found {
            let busy_until = (!hears).then(|| now + BUSY).max(self.busy_until);
            *self = Self { wait: POLL.0, busy_until };
            return;
        }
        let is_busy = self.busy_until.is_some_and(|until| now < until);
        self.wait = (self.wait * 2).min(if is_busy { POLL_BUSY } else { POLL.1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits of an idle node, in milliseconds, with something expected until so many seconds from now.
    fn waits(expected: Option<u64>, hears: bool) -> Vec<u128> {
        let until = expected.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut poll = Poll { wait: POLL.1, busy_until: None };
        let mut wait = || {
            poll.advance(false, hears, until);
            poll.wait.as_millis()
        };
        (0..3).map(|_| wait()).collect()
    }

    #[test]
    fn transaction_that_may_commit_is_looked_for_often() {
        assert_eq!(waits(Some(60), false), [40, 40, 40]);
        assert_eq!(waits(Some(60), true), [1800, 1800, 1800], "who hears of it need not look");
        assert_eq!(waits(Some(0), false), [1800, 1800, 1800], "that was long ago");
        assert_eq!(waits(None, false), [1800, 1800, 1800]);
    }
}
