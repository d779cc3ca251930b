//! A storage whose calls a test delays, loses and refuses.

use std::any::Any;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use vtask::StorageError;
use vtask::storage::value::{
    Beat, Boot, Bounds, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobId, JobRow, JobSummary, JobWrite,
    Lease, Limits, ListFilter, LivingNode, NewJob, NewNode, NodeState, Overview, Owner, Pulse, Purge, Purged, Request,
    RowError, Wanted, Written,
};
use vtask::storage::{Announcements, JobStorage, MemoryStorage, ReadJobs, WriteJobs, WriteNodes};

use crate::setup::paused_storage;

type Result<T> = std::result::Result<T, StorageError>;
type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// A memory storage with a hook around every call; clones share both.
#[derive(Clone)]
pub(crate) struct Hooked {
    pub(crate) inner: MemoryStorage,
    hook: Arc<dyn Fn(Call) -> Pending<Answer> + Send + Sync>,
    /// Whether a call that is never answered may be given up.
    pub(crate) gives_up: bool,
    pub(crate) announcements: Option<Arc<dyn Announcements>>,
}

/// One call on its way to the storage, which it reaches only if the hook has it [`go`](Call::go).
pub(crate) struct Call {
    pub(crate) name: &'static str,
    inner: MemoryStorage,
    /// Has a storage carry it out.
    pub(crate) run: Box<dyn FnOnce(MemoryStorage) -> Pending<Answer> + Send>,
}

/// What the caller is told.
pub(crate) struct Answer(pub(crate) Box<dyn Any + Send>);

impl Call {
    /// Has its own storage carry it out.
    pub(crate) async fn go(self) -> Result<Answer> {
        (self.run)(self.inner).await
    }
}

impl Answer {
    /// Another answer than the storage's, of the type that the call has.
    pub(crate) fn new<T: Send + 'static>(answer: T) -> Self {
        Self(Box::new(answer))
    }
}

/// The error of a connection that is gone.
pub(crate) fn cut() -> StorageError {
    StorageError::Unavailable("the connection is cut".into())
}

/// The error of a storage that does not take what it is given.
pub(crate) fn refused() -> StorageError {
    StorageError::Refused("a row that this storage does not take".into())
}

impl Hooked {
    /// The hook is called before each call, and awaited in its place.
    pub(crate) fn new<F>(inner: MemoryStorage, hook: impl Fn(Call) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Answer>> + Send + 'static,
    {
        let hook = Arc::new(move |call| -> Pending<Answer> { Box::pin(hook(call)) });
        Self { inner, hook, gives_up: false, announcements: None }
    }

    async fn call<T, F>(&self, name: &'static str, run: impl FnOnce(MemoryStorage) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let run = |storage| -> Pending<Answer> {
            let run = run(storage);
            Box::pin(async { run.await.map(Answer::new) })
        };
        let answer = (self.hook)(Call { name, inner: self.inner.clone(), run: Box::new(run) }).await?;
        Ok(*answer.0.downcast().expect("a hook answers with the type of the call"))
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not reach the storage.
    Before,
    /// It is carried out, and its answer is lost.
    After,
    /// It is refused.
    Refuse,
    /// A claim is carried out, and says that it got nothing.
    Swallow,
}

/// A storage on the paused clock, for whose inserts and engine calls a fault is drawn.
pub(crate) fn faulty(draw: impl FnMut(&'static str) -> Option<Fault> + Send + 'static) -> Hooked {
    let draw = Mutex::new(draw);
    Hooked::new(paused_storage(), move |call| {
        let fails = matches!(call.name, "due" | "held" | "insert" | "claim" | "write");
        let fault = if fails { (draw.lock().unwrap())(call.name) } else { None };
        meet(call, fault)
    })
}

async fn meet(call: Call, fault: Option<Fault>) -> Result<Answer> {
    let is_claim = call.name == "claim";
    match fault {
        None => call.go().await,
        Some(Fault::Before) => Err(cut()),
        Some(Fault::Refuse) => Err(refused()),
        Some(Fault::Swallow) if is_claim => call.go().await.map(|_| Answer::new(Vec::<Claimed>::new())),
        Some(Fault::After | Fault::Swallow) => call.go().await.and(Err(cut())),
    }
}

impl JobStorage for Hooked {
    fn give_up(&self, _begun: std::time::Instant) -> bool {
        self.gives_up
    }

    fn announcements(&self) -> Option<Arc<dyn Announcements>> {
        self.announcements.clone()
    }
}

#[async_trait::async_trait]
impl ReadJobs for Hooked {
    fn limits(&self) -> Limits {
        self.inner.limits()
    }
    async fn find(&self, keyword: &Hash) -> Result<Option<JobSummary>> {
        let keyword = *keyword;
        self.call("find", move |inner| async move { inner.find(&keyword).await }).await
    }
    async fn summaries(&self, ids: &[JobId]) -> Result<Vec<std::result::Result<JobSummary, RowError>>> {
        let ids = ids.to_vec();
        self.call("summaries", move |inner| async move { inner.summaries(&ids).await }).await
    }
    async fn row(&self, id: JobId) -> Result<Option<JobRow>> {
        self.call("row", move |inner| async move { inner.row(id).await }).await
    }
    async fn list(&self, filter: &ListFilter) -> Result<Vec<std::result::Result<JobSummary, RowError>>> {
        let filter = filter.clone();
        self.call("list", move |inner| async move { inner.list(&filter).await }).await
    }
    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Result<DueJobs> {
        let wanted = wanted.to_vec();
        self.call("due", move |inner| async move { inner.due(&wanted, nodes).await }).await
    }
    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Result<Vec<Held>> {
        let boots = boots.to_vec();
        self.call("held", move |inner| async move { inner.held(&boots, after, limit).await }).await
    }
    async fn overview(&self, bounds: Bounds) -> Result<Overview> {
        self.call("overview", move |inner| async move { inner.overview(bounds).await }).await
    }
}

#[async_trait::async_trait]
impl WriteJobs for Hooked {
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>> {
        let jobs = jobs.to_vec();
        self.call("insert", move |inner| async move { inner.insert(&jobs).await }).await
    }
    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let (owner, claims) = (owner.clone(), claims.to_vec());
        self.call("claim", move |inner| async move { inner.claim(&owner, &claims).await }).await
    }
    async fn write(&self, writes: &[&JobWrite]) -> Result<Vec<Written>> {
        let writes: Vec<JobWrite> = writes.iter().copied().cloned().collect();
        self.call("write", move |inner| async move { inner.write(&writes.iter().collect::<Vec<_>>()).await }).await
    }
    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Result<bool> {
        let error = error.to_owned();
        self.call("pause", move |inner| async move { inner.pause_unreadable(id, seen, lease, &error).await }).await
    }
    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Result<bool> {
        let keyword = *keyword;
        self.call("request", move |inner| async move { inner.request(id, &keyword, request).await }).await
    }

    async fn purge(&self, purge: &Purge) -> Result<Purged> {
        let purge = *purge;
        self.call("purge", move |inner| async move { inner.purge(&purge).await }).await
    }
}

#[async_trait::async_trait]
impl WriteNodes for Hooked {
    async fn join(&self, node: &NewNode) -> Result<Vec<FormerNode>> {
        let node = node.clone();
        self.call("join", move |inner| async move { inner.join(&node).await }).await
    }
    async fn beat(&self, beat: &Beat) -> Result<Pulse> {
        let beat = *beat;
        self.call("beat", move |inner| async move { inner.beat(&beat).await }).await
    }

    async fn declare_dead(&self, seen: &[LivingNode]) -> Result<()> {
        let seen = seen.to_vec();
        self.call("declare_dead", move |inner| async move { inner.declare_dead(&seen).await }).await
    }
    async fn enter(&self, boot: Boot, state: NodeState) -> Result<()> {
        self.call("enter", move |inner| async move { inner.enter(boot, state).await }).await
    }
    async fn forget(&self, boots: &[Boot]) -> Result<()> {
        let boots = boots.to_vec();
        self.call("forget", move |inner| async move { inner.forget(&boots).await }).await
    }
}
