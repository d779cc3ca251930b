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

/// A job that is being inserted for this node.
pub(crate) struct Birth {
    engine: Arc<Engine>,
    job: Arc<dyn AnyJob>,
    room: Room,
    expected: Expected,
}

/// What there is for a new job.
enum Room {
    Slot(Slot),
    /// The right to wait for the next slot, which few have.
    Queue(OwnedSemaphorePermit),
}

impl Engine {
    /// Makes the new job this node's, if it can start at once; not while others wait longer.
    pub(crate) fn adopt(self: &Arc<Self>, new: &mut NewJob) -> Option<Birth> {
        let job = self.jobs.get(new.name.as_str()).filter(|_| new.due == Due::NOW)?;
        if self.has_backlog.load(Ordering::Relaxed) || !self.life.is_sure() {
            return None;
        }
        let name = job.plan().name;
        let slot = self.slots.try_take(name, 0).map(Room::Slot);
        let Some(room) = slot.or_else(|| self.slots.try_queue(name).map(Room::Queue)) else {
            // What is inserted now is there to be claimed.
            self.has_backlog.store(true, Ordering::Relaxed);
            return None;
        };
        let birth = self.birth(job, room, new.lease)?;
        new.owner = Some(self.owner.clone());
        Some(birth)
    }

    /// On the list first: whoever stops looks at the list after he has said so.
    fn birth(self: &Arc<Self>, job: &Arc<dyn AnyJob>, room: Room, lease: Lease) -> Option<Birth> {
        let expected = self.leases.expect(lease);
        let birth = Birth { engine: Arc::clone(self), job: Arc::clone(job), room, expected };
        (!self.phases.is(Phase::Stopping)).then_some(birth)
    }
}

impl Birth {
    /// Starts the job, once it is in the database.
    pub(crate) fn start(self, new: &NewJob, id: JobId) {
        let Self { engine, job, room, expected } = self;
        let (slot, queued) = match room {
            Room::Slot(slot) => (Some(slot), None),
            Room::Queue(place) => (None, Some(place)),
        };
        let row = new.row(id, env::wall().into());
        Runner::new(engine, job, row, expected.hold(id), slot).start(queued);
    }
}
