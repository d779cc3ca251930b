//! The way in: connects, invokes and looks; runs nothing.

mod announce;
mod builder;
pub(crate) mod hub;
mod json;
mod list;
mod operate;
mod purge;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use vtask_storage::value::{Inserted, JobId, JobSummary, Limits, NewJob};
use vtask_storage::{ConnectError, Database, JobStorage, MemoryStorage, StorageError};

pub(crate) use self::announce::Announcer;
pub use self::builder::ClientBuilder;
use self::hub::Hub;
pub use self::json::InvokeJson;
pub use self::list::{JobFilter, JobPage};
use crate::answer::answer;
use crate::engine::{Birth, writes_alone};
use crate::env::{Backoff, Env};
use crate::group::{Batch, Group};
use crate::invoke::InvokeError;

/// How long a storage that fails for a while is waited for before a call gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the database that holds the jobs: invokes, looks, and changes what waits. Cheap to clone.
///
/// It runs nothing: a process that only invokes, such as a web server, needs no more. A [`JobCenter`](crate::JobCenter)
/// on a client runs jobs. Its calls need a tokio runtime around them, and what one runtime has begun, connections and
/// batches of calls, serves the callers on others: so let it run as long as the client is used. A call that meets a storage which fails for a
/// while is tried again for 30 s, and then fails with [`StorageError`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anyhow::Result<()> {
/// let folder = tempfile::tempdir()?;
/// let client = vtask::Client::connect(format!("sqlite://{}/jobs.db", folder.path().display())).await?;
/// assert!(client.find("order/7").await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn JobStorage>,
    pub(crate) limits: Limits,
    pub(crate) env: Env,
    pub(crate) hub: Arc<Hub>,
    pub(crate) announcer: Arc<Announcer>,
    inserts: Group<Inserts>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the database that `url` names, and makes or updates its tables.
    ///
    /// `sqlite://jobs.db` is a file beside the process, made where it is missing; `sqlite:///var/lib/jobs.db` an
    /// absolute path. `postgres://user:password@host/jobs` and `mysql://user:password@host/jobs` are databases on a
    /// server, each with the feature of its name; MariaDB is `mysql` too. A cluster has several hosts in one URL, as in
    /// `mysql://user:password@db1:3306,db2,db3/jobs`: they are tried in turn, 3 s each, also when a connection is lost.
    ///
    /// A client holds at most two connections to a server, a center on it three more, and
    /// [one for each step](crate::JobCenterBuilder::transactions) that works in a transaction.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what is wrong with the URL, the database or the tables; a password is never in it.
    pub async fn connect(url: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder(url.into()).connect().await
    }

    /// Connects to the database of a sea-orm connection, with connections of its own beside the user's.
    ///
    /// They are opened with the options of that pool, its user, its TLS and its schema; what its `after_connect` sets does
    /// not reach them. A pool of a database in memory, or of a MySQL session whose
    /// `sql_mode` cuts values that do not fit, is refused; settings that risk the user's own writes are warned of.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn from_connection(connection: &DatabaseConnection) -> Result<Self, ConnectError> {
        Self::builder(connection).connect().await
    }

    /// Connects with settings, to a URL or a sea-orm connection.
    pub fn builder(database: impl Into<Database>) -> ClientBuilder {
        ClientBuilder::new(database.into())
    }

    /// Keeps the jobs in the memory of this process, for tests, and for work that may be lost with it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::with_storage(MemoryStorage::default())
    }

    /// Keeps the jobs in a storage of one's own, which should pass the suite in [`storage`](crate::storage).
    pub fn with_storage(storage: impl JobStorage) -> Self {
        Self::new(Arc::new(storage), Env::default())
    }

    /// As [`with_storage`](Self::with_storage), with every random choice drawn from `seed`, so that a run repeats.
    ///
    /// For tests: two clients of one seed draw the same tokens, which two clients of one database must not.
    #[cfg(any(test, feature = "testing"))]
    pub fn with_seed(storage: impl JobStorage, seed: u64) -> Self {
        Self::new(Arc::new(storage), Env::seeded(seed))
    }

    fn new(storage: Arc<dyn JobStorage>, env: Env) -> Self {
        let inserts = Inserts(Arc::clone(&storage));
        let inserts = Group::new(inserts, storage.lanes(), env.clone(), None, Some(PATIENCE));
        let (limits, announcer) = (storage.limits(), Announcer::new(Arc::clone(&storage)));
        Self(Arc::new(Shared { storage, limits, env, hub: Arc::default(), announcer, inserts }))
    }

    /// Inserts a job together with whatever else is being inserted.
    ///
    /// An engine of this client that has room has it leased from the start.
    pub(crate) async fn insert(&self, job: NewJob) -> Result<(NewJob, Inserted), InvokeError> {
        let keyword = job.keyword.clone();
        self.insert_one(job).await.map_err(InvokeError::storage(keyword))
    }

    async fn insert_one(&self, mut job: NewJob) -> Result<(NewJob, Inserted), StorageError> {
        self.check_may_write()?;
        let birth = self.0.hub.adopt(&mut job);
        let (job, inserted) = self.0.inserts.submit(job, birth).await?;
        if inserted.created && job.owner.is_none() {
            self.announce();
        }
        Ok((job, inserted))
    }

    /// Inserts jobs in one transaction, on a task of its own: what is born leased has to be started also if nobody waits for
    /// the answer.
    pub(crate) async fn insert_many(&self, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, StorageError> {
        self.check_may_write()?;
        let client = self.clone();
        join(tokio::spawn(async move { client.insert_all(jobs).await })).await
    }

    /// An engine of this client that has room has them leased from the start.
    async fn insert_all(&self, mut jobs: Vec<NewJob>) -> Result<Vec<Inserted>, StorageError> {
        let births: Vec<Option<Birth>> = jobs.iter_mut().map(|job| self.0.hub.adopt(job)).collect();
        let storage = &self.0.storage;
        let inserted = match answer(&**storage, storage.insert(&jobs)).await {
            Ok(inserted) => {
                let born = births.into_iter().zip(jobs.iter().zip(&inserted));
                born.for_each(|(birth, (job, inserted))| start(birth, job, inserted));
                inserted
            }
            Err(error) if error.is_transient() => {
                // Slots do not wait until the storage is there again, or somebody's transaction ends. What is saved all
                // the same with this engine's name is freed.
                drop(births);
                jobs.iter_mut().for_each(|job| job.owner = None);
                self.insert_of_nobody(&jobs).await?
            }
            Err(error) => return Err(error),
        };
        if jobs.iter().zip(&inserted).any(|(job, inserted)| inserted.created && job.owner.is_none()) {
            self.announce();
        }
        Ok(inserted)
    }

    async fn insert_of_nobody(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
        let jobs: Arc<[NewJob]> = jobs.into();
        let insert = move |storage: Arc<dyn JobStorage>| {
            let jobs = Arc::clone(&jobs);
            async move { storage.insert(&jobs).await }
        };
        self.call(insert).await
    }

    /// Refuses what a step would wait for for ever, because its own transaction is in the way.
    pub(crate) fn check_may_write(&self) -> Result<(), StorageError> {
        if writes_alone(&self.0.hub) { Err(StorageError::OwnTransaction) } else { Ok(()) }
    }

    /// Something may be due now: the engines of this client are told, and other processes.
    pub(crate) fn announce(&self) {
        self.0.hub.poke();
        self.0.announcer.announce();
    }

    /// The job of an id without its payloads.
    pub(crate) async fn summary(&self, id: JobId) -> Result<Option<JobSummary>, StorageError> {
        let found = self.call(move |storage| async move { storage.summaries(&[id]).await }).await?;
        Ok(found.into_iter().next().transpose()?)
    }

    /// Makes a storage call on a task of its own, because drivers do not bear a dropped future, and makes it again
    /// while the storage fails for a while.
    pub(crate) async fn call<T, F, Fut>(&self, call: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: Fn(Arc<dyn JobStorage>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, StorageError>> + Send,
    {
        self.call_for(PATIENCE, call).await
    }

    /// As [`call`](Self::call), for those who want to know that the storage fails.
    pub(crate) async fn call_once<T, F, Fut>(&self, call: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: Fn(Arc<dyn JobStorage>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, StorageError>> + Send,
    {
        self.call_for(Duration::ZERO, call).await
    }

    async fn call_for<T, F, Fut>(&self, patience: Duration, call: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: Fn(Arc<dyn JobStorage>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, StorageError>> + Send,
    {
        let (storage, env) = (Arc::clone(&self.0.storage), self.0.env.clone());
        let task = tokio::spawn(async move {
            let (begun, mut backoff) = (Instant::now(), Backoff::default());
            loop {
                match answer(&*storage, call(Arc::clone(&storage))).await {
                    Err(error) if error.is_transient() && begun.elapsed() < patience => backoff.wait(&env).await,
                    answer => return answer,
                }
            }
        });
        join(task).await
    }
}

/// Waits for a call on a task of its own.
async fn join<T>(task: JoinHandle<Result<T, StorageError>>) -> Result<T, StorageError> {
    match task.await {
        Ok(answer) => answer,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(StorageError::Unavailable(error.into())),
    }
}

/// Starts a job that was to be born leased, if its insert made the row.
fn start(birth: Option<Birth>, job: &NewJob, inserted: &Inserted) {
    if let Some(birth) = birth.filter(|_| inserted.created) {
        birth.start(job, inserted.id);
    }
}

/// The call that inserts.
struct Inserts(Arc<dyn JobStorage>);

impl Batch for Inserts {
    type Item = NewJob;
    type Answer = Inserted;
    type Tag = Option<Birth>;

    fn bytes(job: &NewJob) -> usize {
        job.bytes()
    }

    async fn send(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
        answer(&*self.0, self.0.insert(jobs)).await
    }

    /// Slots do not wait until somebody's transaction ends.
    fn set_aside(&self, job: &mut NewJob, birth: &mut Option<Birth>) {
        *birth = None;
        job.owner = None;
    }

    fn answered(&self, job: &NewJob, inserted: &Inserted, birth: Option<Birth>) {
        start(birth, job, inserted);
    }
}
