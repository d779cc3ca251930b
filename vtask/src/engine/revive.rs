//! Paused jobs that lacked a program which knows them: one that does lets them go on.

use std::sync::Arc;
use std::time::Duration;

use vtask_storage::StorageError;
use vtask_storage::value::{
    Due, JobId, JobRow, JobSummary, JobWrite, ListFilter, Reason, Request, RequestGuard, Status, Written,
};

use super::record::Record;
use super::{Engine, Phase};
use crate::history::{self, HistoryEntry, HistoryEvent};
use crate::job::erased::AnyJob;
use crate::job::plan::Plan;
use crate::run::unchanged;

/// All such jobs are looked at when the engine starts, and again so long after the last of them was.
const PERIOD: Duration = Duration::from_secs(60);
/// They are looked at so many at a time; after the first time, with this pause in between.
const SLICE: u32 = 200;
const PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    pub(super) async fn revive_until_stopped(self: &Arc<Self>) {
        self.revive_all(Duration::ZERO).await;
        while !self.phases.is(Phase::Stopping) {
            self.rest_from_reviving(self.env.jitter(PERIOD)).await;
            self.revive_all(PAUSE).await;
        }
    }

    async fn rest_from_reviving(&self, pause: Duration) {
        tokio::select! {
            biased;
            () = self.phases.reach(Phase::Stopping) => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    async fn revive_all(self: &Arc<Self>, pause: Duration) {
        let mut before = None;
        while !self.phases.is(Phase::Stopping) {
            let Some((last, revived)) = self.revive_slice(before).await else { return };
            if revived > 0 {
                self.hub.poke();
                self.announcer.announce();
            }
            before = Some(last);
            self.rest_from_reviving(pause).await;
        }
    }

    /// Answers the last that was looked at, unless there are no more, and how many go on.
    async fn revive_slice(self: &Arc<Self>, before: Option<JobId>) -> Option<(JobId, usize)> {
        let (status, reason) = (Some(Status::Paused), Some(Reason::UnknownStep));
        let filter = ListFilter { name: None, status, reason, before, limit: SLICE };
        let slice = self.repeat(|| self.storage.list(&filter)).await?;
        let last = slice.last().map(|row| row.as_ref().map_or_else(|error| error.id, |row| row.id))?;
        let mut revived = 0;
        for summary in slice.iter().flatten() {
            revived += usize::from(self.revive(summary).await.is_some());
        }
        Some((last, revived))
    }

    async fn revive(self: &Arc<Self>, summary: &JobSummary) -> Option<()> {
        let job = self.jobs.get(summary.name.as_str())?;
        // The whole row is read only where it may be worth it.
        job.plan().place_of(&summary.state).ok()?;
        let row = self.repeat(|| self.storage.row(summary.id)).await?.filter(|row| is_seen(row, summary))?;
        if !self.can_run(job, row).await {
            return None;
        }
        let write = self.revived(summary);
        let written = self.repeat_unlocked(|| self.write_one(&write)).await?;
        if written != Written::Done {
            return None;
        }
        tracing::info!(job.id = %summary.id, step = &*summary.state.step_name, "a paused job goes on: this program knows its step");
        self.hub.changed(summary.id);
        Some(())
    }

    async fn write_one(&self, write: &JobWrite) -> Result<Written, StorageError> {
        let written = self.storage.write(&[write]).await?;
        Ok(written.first().copied().unwrap_or(Written::LeaseLost))
    }

    /// Whether this program has the step of the row, and the row the outputs that the step takes. It is judged where the
    /// user's code runs, because it may call that.
    async fn can_run(&self, job: &Arc<dyn AnyJob>, row: JobRow) -> bool {
        let job = Arc::clone(job);
        let judged = self.user_runtime.spawn(async move { is_runnable(job.plan(), row) });
        judged.await.unwrap_or(false)
    }

    fn revived(&self, summary: &JobSummary) -> JobWrite {
        let mut write = unchanged(summary);
        write.lease = self.env.lease_after(summary.lease);
        write.request = RequestGuard::MustBe(Request::None);
        write.due = Due::NOW;
        write.error = None;
        (write.state.status, write.state.reason) = (Status::Running, Reason::None);
        let entry = HistoryEntry::new(HistoryEvent::Resumed, &summary.state.step_name).host(&self.owner.host);
        write.history = Some(history::push(&summary.history, entry));
        write
    }
}

fn is_seen(row: &JobRow, summary: &JobSummary) -> bool {
    row.summary.lease == summary.lease
}

fn is_runnable(plan: &Plan, row: JobRow) -> bool {
    let (mut record, stuck) = Record::read(row, plan);
    if stuck.is_some() || record.mend(plan).is_err() {
        return false;
    }
    let next = plan.present_step(&record.summary.state, &record.outputs, &record.generations);
    next.is_ok_and(|step| step.is_none_or(|step| plan.has_needs(step, &record.outputs)))
}
