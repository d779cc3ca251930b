//! Jobs that are inserted already leased, by a process that runs them: they start without a claim.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::OwnedSemaphorePermit;
use vtask_storage::value::{Due, JobId, Lease, NewJob};

use super::leases::Expected;
use super::runner::Runner;
use super::slots::Slot;
use super::{Engine, Phase};
use crate::env;
use crate::job::erased::AnyJob;

/// A slot for a job that is being inserted, or its place in the queue for one.
pub(crate) struct Birth {
    engine: Arc<Engine>,
    job: Arc<dyn AnyJob>,
    /// `None` for one of the few that wait for the next slot instead.
    slot: Option<Slot>,
    queued: Option<OwnedSemaphorePermit>,
    expected: Expected,
}

impl Engine {
    /// Makes the new job this node's, if it can start at once; not while others wait longer.
    pub(crate) fn adopt(self: &Arc<Self>, new: &mut NewJob) -> Option<Birth> {
        let job = self.jobs.get(new.name.as_str()).filter(|_| new.due == Due::NOW)?;
        if self.has_backlog.load(Ordering::Relaxed) || !self.life.is_sure() {
            return None;
        }
        let slot = self.slots.try_take(job.plan().name, 0);
        let queued = if slot.is_none() { self.slots.try_queue(job.plan().name) } else { None };
        if slot.is_none() && queued.is_none() {
            // What is inserted now is there to be claimed.
            self.has_backlog.store(true, Ordering::Relaxed);
            return None;
        }
        let birth = self.birth(job, slot, queued, new.lease)?;
        new.owner = Some(self.owner.clone());
        Some(birth)
    }

    /// On the list first: whoever stops looks at the list after he has said so.
    fn birth(
        self: &Arc<Self>,
        job: &Arc<dyn AnyJob>,
        slot: Option<Slot>,
        queued: Option<OwnedSemaphorePermit>,
        lease: Lease,
    ) -> Option<Birth> {
        let expected = self.leases.expect(lease);
        let birth = Birth { engine: Arc::clone(self), job: Arc::clone(job), slot, queued, expected };
        (!self.phases.is(Phase::Stopping)).then_some(birth)
    }
}

impl Birth {
    /// Starts the job, once it is in the database.
    pub(crate) fn start(self, new: &NewJob, id: JobId) {
        let Self { engine, job, slot, queued, expected } = self;
        let row = new.row(id, env::wall().into());
        Runner::new(engine, job, row, expected.hold(id), slot).start(queued);
    }
}
