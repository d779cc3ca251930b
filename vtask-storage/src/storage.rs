//! The seam between the runtime and whatever keeps its state.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::error::StorageError;
use crate::transactions::Transactions;
use crate::value::{
    Beat, Boot, Bounds, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobId, JobRow, JobSummary, JobWrite,
    Lease, Limits, ListFilter, LivingNode, NewJob, NewNode, NodeState, Overview, Owner, Pulse, Purge, Purged, Request,
    RowError, Wanted, Written,
};

/// Looks at jobs.
///
/// A read sees every write that was acknowledged before it began.
#[async_trait]
pub trait ReadJobs: Send + Sync + 'static {
    /// How large the parts of a job may be here.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// The job under this keyword's hash.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails, [`StorageError::Row`] if the row cannot be read.
    async fn find(&self, keyword: &Hash) -> Result<Option<JobSummary>, StorageError>;

    /// The jobs of these ids without their payloads, in any order; ids that are not there are left out.
    /// A row that cannot be read stands in the list as its error.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn summaries(&self, ids: &[JobId]) -> Result<Vec<Result<JobSummary, RowError>>, StorageError>;

    /// One whole job.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    async fn row(&self, id: JobId) -> Result<Option<JobRow>, StorageError>;

    /// One page of jobs, newest first. A row that cannot be read stands in the page as its error.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn list(&self, filter: &ListFilter) -> Result<Vec<Result<JobSummary, RowError>>, StorageError>;

    /// What nobody holds and is due of these names, oldest first within a name, by id where the time is the same; and, where they are asked for, the nodes.
    ///
    /// Both are one look, because an idle node looks often.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Result<DueJobs, StorageError>;

    /// The rows with outstanding work that these lives of nodes hold, at most `limit` with an id above `after`, by id.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Result<Vec<Held>, StorageError>;

    /// What is due and in nobody's hands, what is paused, and what the nodes can run.
    ///
    /// It is called every few seconds, however large the table is: it counts no further than `bounds`.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn overview(&self, bounds: Bounds) -> Result<Overview, StorageError>;
}

/// Changes jobs. Each method is one transaction: it happens whole or not at all.
///
/// Every method may be called again with the same arguments when its first call's end is not known; the second call
/// then answers as the first one would have; only [`purge`](Self::purge) does not count again what it has deleted.
#[async_trait]
pub trait WriteJobs: Send + Sync + 'static {
    /// Inserts jobs and answers one [`Inserted`] for each, in order.
    ///
    /// A keyword that is there already, from before or from earlier in the same call, answers with the job that has it.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if nothing was inserted, or if that is not known ([`StorageError::Unavailable`]).
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError>;

    /// Leases rows of nobody that are due and still have the token that the candidate had; leaves out the others, and
    /// those that an open transaction has locked.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError>;

    /// Carries out guarded writes of different rows and answers one [`Written`] for each, in order.
    ///
    /// A write that its guard refuses changes nothing and does not touch its neighbours.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    async fn write(&self, writes: &[&JobWrite]) -> Result<Vec<Written>, StorageError>;

    /// Pauses a row that cannot be read, without interpreting it; nobody holds it afterwards, and nothing is asked of
    /// anybody. An outcome stands, and its callback is given up.
    ///
    /// Answers whether the row still had the token `seen`.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Result<bool, StorageError>;

    /// Asks the holder of a running job to cancel or to pause it, or with [`Request::None`] for nothing any more; answers
    /// whether somebody holds such a job, and the row now says so.
    ///
    /// A request to cancel stands: it replaces a request to pause, and no other replaces it. A job that nobody holds is
    /// not asked: whoever cancels or pauses it writes that himself.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Result<bool, StorageError>;

    /// Deletes, of the next ended jobs by id, those that are old enough and whose callback is not outstanding.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    async fn purge(&self, purge: &Purge) -> Result<Purged, StorageError>;
}

/// Keeps the list of nodes. Each method is one transaction, and may be called again as those of [`WriteJobs`].
#[async_trait]
pub trait WriteNodes: Send + Sync + 'static {
    /// Adds a node and declares its former lives, those of the same host, dead.
    ///
    /// Answers all dead lives of that host, also those that were dead before.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn join(&self, node: &NewNode) -> Result<Vec<FormerNode>, StorageError>;

    /// Leaves a heartbeat, unless the node was declared dead.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn beat(&self, beat: &Beat) -> Result<Pulse, StorageError>;

    /// Declares nodes dead whose last heartbeat still is the one that was seen.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn declare_dead(&self, seen: &[LivingNode]) -> Result<(), StorageError>;

    /// Says what the node does from now on; one that was declared dead or is stopping stays so.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn enter(&self, boot: Boot, state: NodeState) -> Result<(), StorageError>;

    /// Takes nodes off the list: this one when it leaves, dead ones when nothing is left of them.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn forget(&self, boots: &[Boot]) -> Result<(), StorageError>;
}

/// Where jobs are kept.
///
/// Write one of your own to keep jobs elsewhere, and run the suite in `conformance` (a feature) over it. What a storage
/// without a network has no need of is provided. One in front of another storage passes all of that on, too, and
/// [`limits`](ReadJobs::limits): the suite cannot tell, but without it an engine shares the client's connections, and neither
/// a silent server nor a second address is noticed.
pub trait JobStorage: ReadJobs + WriteJobs + WriteNodes {
    /// The same jobs through connections of their own, for an engine: it calls from a thread that user code cannot block,
    /// and a connection may hang on the one that opened it. `None` where that makes no difference.
    fn for_engine(&self) -> Option<Arc<dyn JobStorage>> {
        None
    }

    /// How many calls of [`WriteJobs`] are made at a time; one unless a storage says otherwise.
    fn lanes(&self) -> Lanes {
        Lanes { most: 1, worth: 1 }
    }

    /// Gives up the connections that calls which began at `begun` may wait on, because one has not answered for long,
    /// and opens others as they are needed. A call never shares a connection with one that was given up.
    ///
    /// Answers whether the futures of those calls may be dropped; where not, they are waited for.
    fn give_up(&self, begun: Instant) -> bool {
        let _ = begun;
        false
    }

    /// Hears of a call, begun at that time, which failed. Whoever can be reached at several addresses goes on to the next one
    /// if the connection is what failed.
    fn look_elsewhere(&self, begun: Instant, error: &StorageError) {
        let _ = (begun, error);
    }

    /// How processes tell each other at once that jobs may be due; where there is no such way, they look often.
    fn announcements(&self) -> Option<Arc<dyn Announcements>> {
        None
    }

    /// What is done in transactions that the user's code sees; where there are none, jobs cannot be saved within one, and
    /// steps cannot work in one.
    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        None
    }
}

/// How many calls that write a storage carries out at a time. Jobs whose records come while so many calls are under way go
/// into the next one together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// At most so many. More than one pays where one call works while another waits for the disk.
    pub most: usize,
    /// A further call beside one that is under way is made only for so many jobs at least, because it costs a commit;
    /// unless that one takes longer than 50 ms.
    pub worth: usize,
}

/// Hints between processes that jobs may be due. One may be lost: nothing depends on it but time.
#[async_trait]
pub trait Announcements: Send + Sync + 'static {
    /// Tells all who listen.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn announce(&self) -> Result<(), StorageError>;

    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    async fn listen(&self) -> Result<Box<dyn Listener>, StorageError>;
}

/// One who listens.
#[async_trait]
pub trait Listener: Send {
    /// Waits for the next announcement; also answers when some may have been lost.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the connection is lost; then listen anew.
    ///
    /// # Cancel safety
    ///
    /// A dropped future ends the listener's use: drop the listener too.
    async fn heard(&mut self) -> Result<(), StorageError>;
}
