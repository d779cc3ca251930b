//! Comparing what this node holds by the database's account with what it holds by its own.

use std::sync::Arc;
use std::time::Duration;

use vtask_storage::is_mutant;
use vtask_storage::value::{
    Boot, Callback, Due, Held, JobId, JobSummary, JobWrite, Lease, Reason, Request, RequestGuard, RowError, Status,
};

use super::suspects::{is_poison, verdict};
use super::{Engine, Phase, record};
use crate::codec::fit;
use crate::history::{self, HistoryEntry, HistoryEvent};
use crate::job::plan::Stuck;
use crate::run::unchanged;

/// Requests are noticed within one of these.
const TICK: Duration = Duration::from_millis(1500);
/// A node that holds nothing looks at every so manieth tick only.
const IDLE_TICKS: u64 = 6;
/// What a node holds is read in slices of this size: each of them has the database go through all of it.
const HELD: u32 = 20_000;
/// Rows are freed in slices of this size.
const SLICE: usize = 500;

impl Engine {
    pub(super) async fn reconcile_until_ended(self: &Arc<Self>) {
        for tick in 0_u64.. {
            if self.phases.is(Phase::Ended) {
                return;
            }
            if !self.leases.is_empty() || tick.is_multiple_of(IDLE_TICKS) {
                self.reconcile_own().await;
            }
            tokio::select! {
                biased;
                () = self.phases.reach(Phase::Ended) => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Frees what lives hold that are over; again at each look, because a statement that one of them sent before it died may
    /// land after the last.
    pub(super) async fn sweep_until_ended(&self) {
        let mut orphaning = self.orphaning.subscribe();
        let mut swept = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = self.phases.reach(Phase::Ended) => return,
                _ = orphaning.changed() => {}
            }
            let nodes = orphaning.borrow_and_update().clone();
            for node in nodes {
                if is_mutant("one sweep a death") {
                    if swept.contains(&node.boot) {
                        continue;
                    }
                    swept.push(node.boot);
                }
                let held = self.held_by(node.boot).await;
                self.free(&held, node.accuses).await;
            }
        }
    }

    /// Brings requests, and frees rows of this node that it knows nothing of: those of a claim whose answer
    /// was lost, or of a runtime that ended.
    async fn reconcile_own(&self) {
        if is_mutant("no reconcile") {
            return;
        }
        let held = self.held_by(self.owner.boot).await;
        let asked = held.iter().filter(|held| held.request != Request::None);
        asked.for_each(|held| self.leases.request(held.id, held.request));
        let unknown: Vec<Held> = held.into_iter().filter(|held| !self.leases.knows(held.id, held.lease)).collect();
        self.free(&unknown, false).await;
    }

    /// What a life of a node holds: at most as much as it runs and has waiting for a retry.
    async fn held_by(&self, boot: Boot) -> Vec<Held> {
        let (storage, boots, mut all) = (&self.storage, [boot], Vec::new());
        loop {
            let after = all.last().map_or(JobId(i64::MIN), |held: &Held| held.id);
            let slice = self.repeat(|| storage.held(&boots, after, HELD)).await.unwrap_or_default();
            let is_last = slice.len() < HELD as usize;
            all.extend(slice);
            if is_last {
                return all;
            }
        }
    }

    /// Makes rows nobody's, each by the token it was seen with.
    async fn free(&self, held: &[Held], accuses: bool) {
        for held in held.chunks(SLICE) {
            let ids: Vec<JobId> = held.iter().map(|held| held.id).collect();
            let storage = &self.storage;
            let mut writes = Vec::with_capacity(held.len());
            for row in self.repeat_in_parts(&ids, |id| *id, |ids| storage.summaries(ids)).await {
                match row {
                    Ok(summary) => writes.extend(self.freed_as_seen(&summary, held, accuses)),
                    Err(error) => self.set_aside(held, &error).await,
                }
            }
            let writes: Vec<&JobWrite> = writes.iter().collect();
            self.repeat_in_parts(&writes, |write| write.id, |writes| storage.write(writes)).await;
            self.poke();
        }
    }

    fn freed_as_seen(&self, summary: &JobSummary, held: &[Held], accuses: bool) -> Option<JobWrite> {
        let is_seen = |held: &&Held| held.lease == summary.lease || is_mutant("sweep by id only");
        let seen = held.iter().filter(is_seen).find(|held| held.id == summary.id)?;
        Some(self.freed(summary, seen.is_due && accuses))
    }

    /// Pauses a row that cannot be read, so that it is in nobody's way.
    async fn set_aside(&self, held: &[Held], error: &RowError) {
        if let Some(seen) = held.iter().find(|held| held.id == error.id) {
            self.pause_unreadable(seen.id, seen.lease, error).await;
        }
    }

    pub(super) async fn pause_unreadable(&self, id: JobId, seen: Lease, error: &RowError) {
        let (message, next) = (fit(&error.to_string(), self.limits.error), self.env.lease_after(seen));
        tracing::error!(job.id = %id, error = message, "a row cannot be read; it is paused");
        self.repeat_unlocked(|| self.storage.pause_unreadable(id, seen, next, &message)).await;
    }

    fn freed(&self, summary: &JobSummary, crashed: bool) -> JobWrite {
        let mut write = unchanged(summary);
        write.lease = self.env.lease_after(summary.lease);
        write.request = RequestGuard::Keep;
        write.due = Due::Keep;
        write.state.boot = Boot::NOBODY;
        if crashed {
            let state = &mut write.state;
            state.crashes = state.crashes.saturating_add(1);
            if is_mutant("crash resets attempts") {
                state.attempt = 0;
            }
            let number = u32::try_from(state.attempt).unwrap_or(0).saturating_add(1);
            let entry =
                HistoryEntry::new(HistoryEvent::Crashed, &state.step_name).attempt(number, &state.host, Duration::ZERO);
            write.history = Some(history::push(&summary.history, entry));
            // One that is to be cancelled goes back: whoever takes it ends it, and runs nothing.
            if is_poison(state.crashes) && summary.request != Request::Cancel {
                self.condemn(summary, &mut write);
            }
        }
        write
    }

    /// Does not run again what killed processes; an outcome stands, and its callback is given up.
    fn condemn(&self, summary: &JobSummary, write: &mut JobWrite) {
        let (id, state) = (write.id, &mut write.state);
        let message =
            verdict(state.crashes, if state.step_name.is_empty() { "its callback" } else { &state.step_name });
        tracing::error!(job.id = %id, why = message, "the job kills the processes that run it; it is run no more");
        let entry = HistoryEntry::new(HistoryEvent::Paused, &state.step_name).error(&message);
        let history = write.history.as_deref().unwrap_or(&summary.history);
        write.history = Some(history::push(history, entry));
        // A request to cancel that comes meanwhile refuses the write, and the next look finds it.
        write.request = RequestGuard::MustBe(summary.request);
        if state.status == Status::Running {
            record::pause(write, &Stuck { reason: Reason::Poison, message });
        } else {
            state.callback = Callback::GivenUp;
        }
    }
}
