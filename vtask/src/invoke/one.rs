//! Saving one job.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use sea_orm::DatabaseTransaction;
use vtask_storage::value::{Inserted, NewJob};

use super::{InvokeError, InvokeWithin, Order, Start, new_job, order_settings};
use crate::context::{JobContext, TakesKeyword};
use crate::handle::JobHandle;
use crate::job::Job;
use crate::keyword;
use crate::run::JobRun;

/// An invocation that is saved when it is awaited.
///
/// # Cancel safety
///
/// A future that is dropped after its first poll may have saved the job all the same.
#[must_use = "nothing is saved until the invocation is awaited"]
pub struct Invoke<J: Job> {
    pub(super) handle: JobHandle<J>,
    data: J::Data,
    keyword: Option<String>,
    pub(super) order: Order,
}

impl<J: Job> fmt::Debug for Invoke<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoke").field("job", &self.handle.plan.name).finish_non_exhaustive()
    }
}

impl<J: Job> Invoke<J> {
    pub(crate) fn new(handle: JobHandle<J>, data: J::Data) -> Self {
        Self { handle, data, keyword: None, order: Order::default() }
    }

    /// Gives the job this identity, stored as it is: 1 to 255 bytes, no NUL. Without it the job gets a UUIDv7.
    ///
    /// Keywords are compared byte for byte; a service that shares its table with others had better put its name before.
    pub fn keyword(mut self, keyword: impl Into<String>) -> Self
    where
        <J::Data as JobContext>::Keyword: TakesKeyword,
    {
        self.keyword = Some(keyword.into());
        self
    }

    order_settings!();

    /// Saves the job in this transaction of yours: it is there if and when that commits.
    ///
    /// The transaction is one of sea-orm's on the database that the client is connected to. vtask neither tries anything
    /// again in it nor rolls it back: after an error, roll it back. Until it commits nobody sees the job, also not the
    /// [`JobRun`] that this gives. If it commits within 5 s, the job starts within 50 ms where this process runs it; else
    /// within 2 s.
    ///
    /// ```
    /// use sea_orm::{ConnectionTrait, Database, TransactionTrait};
    /// use vtask::{Client, job};
    ///
    /// struct Ship;
    ///
    /// #[job]
    /// impl Ship {
    ///     #[step]
    ///     async fn ship(&self) -> anyhow::Result<()> { Ok(()) }
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> anyhow::Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let url = format!("sqlite://{}/shop.db?mode=rwc", folder.path().display());
    /// let database = Database::connect(url).await?;
    /// let client = Client::from_connection(&database).await?;
    /// database.execute_unprepared("CREATE TABLE orders (id INTEGER)").await?;
    ///
    /// let tx = database.begin().await?;
    /// tx.execute_unprepared("INSERT INTO orders VALUES (7)").await?;
    /// ShipHandle::new(&client).invoke(()).keyword("ship/7").within(&tx).await?;
    /// tx.commit().await?; // both, or none
    /// assert!(client.find("ship/7").await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(self, transaction: &DatabaseTransaction) -> InvokeWithin<'_, J> {
        InvokeWithin::new(self, transaction)
    }

    async fn save(self) -> Result<JobRun<J>, InvokeError> {
        let job = self.prepare()?;
        let Self { handle, order, .. } = self;
        let (job, inserted) = handle.client.insert(job).await?;
        settle(&handle, &order, job, inserted)
    }

    /// Encodes and checks it.
    pub(super) fn prepare(&self) -> Result<NewJob, InvokeError> {
        prepare(&self.handle, &self.data, self.keyword.clone(), &self.order)
    }
}

impl<J: Job> IntoFuture for Invoke<J> {
    type Output = Result<JobRun<J>, InvokeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}

/// What the insert says to the caller.
pub(super) fn settle<J: Job>(
    handle: &JobHandle<J>,
    order: &Order,
    job: NewJob,
    inserted: Inserted,
) -> Result<JobRun<J>, InvokeError> {
    let names: Vec<&str> = handle.plan.names().collect();
    order.settle(&handle.client, &names, job, inserted)
}

/// Encodes and checks an invocation.
pub(super) fn prepare<J: Job>(
    handle: &JobHandle<J>,
    data: &J::Data,
    keyword: Option<String>,
    order: &Order,
) -> Result<NewJob, InvokeError> {
    let plan = &handle.plan;
    let input = serde_json::to_string(data)
        .map_err(|source| InvokeError::InvalidData { name: plan.name.to_owned(), source })?;
    let parts = data.keyword_parts();
    keyword::check_parts(&parts)?;
    let given = keyword.or_else(|| keyword::declared(plan.oldest_name(), &parts));
    let is_keyword_drawn = given.is_none();
    let keyword = given.unwrap_or_else(|| handle.client.0.env.uuid().to_string());
    let job = new_job(&handle.client, plan.name, Start::of(plan), keyword, input, order)?;
    Ok(NewJob { is_keyword_drawn, ..job })
}
