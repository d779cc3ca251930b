//! The storage under test, as the checks call it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use crate::error::StorageError;
use crate::storage::JobStorage;
use crate::value::{
    Beat, Boot, Bounds, Claim, DueJobs, FormerNode, Hash, Held, Inserted, JobId, JobRow, JobSummary, JobWrite, Lease,
    Limits, ListFilter, LivingNode, NewJob, NewNode, NodeState, Nodes, Overview, Owner, Pulse, Purge, Purged, Reason,
    Request, Wanted, Written,
};

/// A storage whose calls succeed, or the check fails.
pub(super) struct Subject {
    storage: Arc<dyn JobStorage>,
}

impl Subject {
    pub(super) fn new(storage: Arc<dyn JobStorage>) -> Self {
        Self { storage }
    }

    pub(super) fn limits(&self) -> Limits {
        self.storage.limits()
    }

    pub(super) async fn insert(&self, jobs: &[NewJob]) -> Vec<Inserted> {
        let answers = patiently("insert", || self.storage.insert(jobs)).await;
        assert_eq!(answers.len(), jobs.len(), "insert answers once for each job");
        answers
    }

    /// Inserts jobs whose keywords are new, and reads them back in that order.
    pub(super) async fn add_all(&self, jobs: &[NewJob]) -> Vec<JobSummary> {
        let inserted = self.insert(jobs).await;
        assert!(inserted.iter().all(|answer| answer.created), "jobs with new keywords are created");
        let ids: Vec<JobId> = inserted.iter().map(|answer| answer.id).collect();
        self.ordered(&ids).await
    }

    pub(super) async fn add(&self, job: NewJob) -> JobSummary {
        self.add_all(&[job]).await.remove(0)
    }

    /// The summaries of rows that are there, in the order of their ids in `ids`.
    pub(super) async fn ordered(&self, ids: &[JobId]) -> Vec<JobSummary> {
        let found = self.summaries(ids).await;
        let of = |id: &JobId| found.iter().find(|summary| summary.id == *id).cloned();
        ids.iter().map(|id| of(id).expect("summaries shows every row that is there")).collect()
    }

    pub(super) async fn find(&self, keyword: &str) -> Option<JobSummary> {
        let hash = Hash::of(keyword);
        patiently("find", || self.storage.find(&hash)).await
    }

    pub(super) async fn summaries(&self, ids: &[JobId]) -> Vec<JobSummary> {
        let rows = patiently("summaries", || self.storage.summaries(ids)).await;
        rows.into_iter().map(|row| row.expect("every row of the suite can be read")).collect()
    }

    pub(super) async fn row_if_there(&self, id: JobId) -> Option<JobRow> {
        patiently("row", || self.storage.row(id)).await
    }

    pub(super) async fn row(&self, id: JobId) -> JobRow {
        self.row_if_there(id).await.expect("a row that was inserted is there")
    }

    pub(super) async fn summary(&self, id: JobId) -> JobSummary {
        self.row(id).await.summary
    }

    /// Asserts that the row is, to the last column, what it was.
    pub(super) async fn assert_unchanged(&self, before: &JobRow, why: &str) {
        assert_eq!(self.row(before.summary.id).await, *before, "{why}: the row is as it was");
    }

    pub(super) async fn list(&self, filter: &ListFilter) -> Vec<JobSummary> {
        let page = patiently("list", || self.storage.list(filter)).await;
        page.into_iter().map(|row| row.expect("every row of the list can be read")).collect()
    }

    pub(super) async fn due(&self, wanted: &[(&str, usize)]) -> DueJobs {
        let wanted: Vec<Wanted> = wanted.iter().map(|(name, limit)| wanted_of(name, *limit)).collect();
        let due = patiently("due", || self.storage.due(&wanted, false)).await;
        assert_eq!(due.nodes, None, "nodes are shown where they were asked for");
        due
    }

    /// What is due together with the nodes.
    pub(super) async fn look(&self, wanted: &[Wanted]) -> DueJobs {
        patiently("due", || self.storage.due(wanted, true)).await
    }

    /// The nodes, each list in the order of boots.
    pub(super) async fn nodes(&self) -> Nodes {
        let due = patiently("due", || self.storage.due(&[], true)).await;
        let mut nodes = due.nodes.expect("nodes are shown where they are asked for");
        nodes.living.sort_by_key(|node| node.boot);
        nodes.orphaning.sort_by_key(|node| node.boot);
        nodes
    }

    /// The ids of what is due of one name, in the order of the answer.
    pub(super) async fn due_ids(&self, name: &str) -> Vec<JobId> {
        self.due(&[(name, 10_000)]).await.candidates.iter().map(|candidate| candidate.id).collect()
    }

    /// Claims, and answers the rows by id.
    pub(super) async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Vec<JobRow> {
        let claimed = patiently("claim", || self.storage.claim(owner, claims)).await;
        let mut rows: Vec<JobRow> =
            claimed.into_iter().map(|claimed| claimed.row.expect("a claimed row can be read")).collect();
        rows.sort_by_key(|row| row.summary.id);
        rows
    }

    pub(super) async fn write(&self, writes: &[JobWrite]) -> Vec<Written> {
        let writes: Vec<&JobWrite> = writes.iter().collect();
        let answers = patiently("write", || self.storage.write(&writes)).await;
        assert_eq!(answers.len(), writes.len(), "write answers once for each write");
        answers
    }

    pub(super) async fn write_one(&self, write: &JobWrite) -> Written {
        self.write(std::slice::from_ref(write)).await[0]
    }

    /// Carries out a write whose guard holds, and reads the row back.
    pub(super) async fn must_write(&self, write: &JobWrite) -> JobSummary {
        assert_eq!(self.write_one(write).await, Written::Done, "a write whose guard holds lands");
        self.summary(write.id).await
    }

    pub(super) async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> bool {
        patiently("pause_unreadable", || self.storage.pause_unreadable(id, seen, lease, error)).await
    }

    pub(super) async fn request(&self, id: JobId, keyword: &str, request: Request) -> bool {
        let hash = Hash::of(keyword);
        patiently("request", || self.storage.request(id, &hash, request)).await
    }

    /// Asks the holder of a running job, of whom nobody has asked to cancel it.
    pub(super) async fn must_request(&self, job: &JobSummary, request: Request) {
        let answer = self.request(job.id, &job.keyword, request).await;
        assert!(answer, "the holder of a running job can be asked ({request:?})");
    }

    pub(super) async fn purge(&self, purge: &Purge) -> Purged {
        patiently("purge", || self.storage.purge(purge)).await
    }

    pub(super) async fn held_page(&self, boots: &[Boot], after: JobId, limit: u32) -> Vec<Held> {
        patiently("held", || self.storage.held(boots, after, limit)).await
    }

    pub(super) async fn held_ids(&self, boots: &[Boot]) -> Vec<JobId> {
        self.held_page(boots, JobId(0), 10_000).await.iter().map(|held| held.id).collect()
    }

    /// An overview, its lists in the order of names, of codes and of texts.
    pub(super) async fn overview(&self, names: u32, paused: u32) -> Overview {
        let mut overview = patiently("overview", || self.storage.overview(Bounds { names, paused })).await;
        overview.waiting.sort_by(|one, other| one.name.cmp(&other.name));
        overview.paused.sort_by_key(|paused| paused.reason.map(Reason::code));
        overview.plans.sort();
        overview
    }

    /// Joins, and answers the former lives by their boots.
    pub(super) async fn join(&self, node: &NewNode) -> Vec<FormerNode> {
        let mut former = patiently("join", || self.storage.join(node)).await;
        former.sort_by_key(|life| life.boot);
        former
    }

    pub(super) async fn is_alive(&self, boot: Boot) -> bool {
        self.nodes().await.living.iter().any(|node| node.boot == boot)
    }

    pub(super) async fn beat(&self, boot: Boot, number: i64) -> Pulse {
        let beat = Beat { boot, number, running: 3 };
        patiently("beat", || self.storage.beat(&beat)).await
    }

    pub(super) async fn declare_dead(&self, seen: &[LivingNode]) {
        patiently("declare_dead", || self.storage.declare_dead(seen)).await;
    }

    pub(super) async fn enter(&self, boot: Boot, state: NodeState) {
        patiently("enter", || self.storage.enter(boot, state)).await;
    }

    pub(super) async fn stopping(&self, boot: Boot) {
        self.enter(boot, NodeState::Stopping).await;
    }

    pub(super) async fn forget(&self, boots: &[Boot]) {
        patiently("forget", || self.storage.forget(boots)).await;
    }
}

/// Jobs of a name, however many processes died of them.
pub(super) fn wanted_of(name: &str, limit: usize) -> Wanted {
    Wanted { name: name.to_owned(), limit, most_crashes: i32::MAX, after: None }
}

/// Repeats a call that found another writer in its way, as the runtime does.
async fn patiently<T, Call>(name: &str, call: impl Fn() -> Call) -> T
where
    Call: Future<Output = Result<T, StorageError>>,
{
    const TRIES: usize = 10_000;
    for _ in 0..TRIES {
        match call().await {
            Ok(answer) => return answer,
            Err(StorageError::Busy(_)) => let_others_go_on().await,
            Err(error) => panic!("{name} was expected to succeed, but: {error}: {error:?}"),
        }
    }
    panic!("{name} was expected to succeed, but was busy {TRIES} times in a row")
}

async fn let_others_go_on() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
