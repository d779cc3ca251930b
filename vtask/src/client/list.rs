//! Lists of jobs.

use vtask_storage::StorageError;
use vtask_storage::value::{JobId, JobSummary, ListFilter, Reason, RowError, Status};

use super::Client;
use crate::info::JobInfo;

/// The longest page.
const MOST: u32 = 1000;

/// Which jobs a list shows; all of them by default, newest first, 100 a page.
///
/// ```
/// use vtask::{JobFilter, Status};
///
/// let failed = JobFilter::default().name("place_order").status(Status::Failed).limit(20);
/// # let _ = failed;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct JobFilter(ListFilter);

impl Default for JobFilter {
    fn default() -> Self {
        Self(ListFilter { name: None, status: None, reason: None, before: None, limit: 100 })
    }
}

impl JobFilter {
    /// Only jobs of this name; former names of the job are other names.
    ///
    /// There is no index for it: a page reads the rows of other names in between, and a status narrows them.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// Only jobs in this status.
    pub fn status(mut self, status: Status) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Only jobs that are in their status for this reason, such as those that are paused for [`Reason::Poison`].
    ///
    /// There is no index for it: a status narrows the rows that are read.
    pub fn reason(mut self, reason: Reason) -> Self {
        self.0.reason = Some(reason);
        self
    }

    /// Only jobs older than this one: what [`JobPage::next`] said.
    pub fn before(mut self, id: JobId) -> Self {
        self.0.before = Some(id);
        self
    }

    /// At most so many a page, from 1 to 1000; a number outside is taken for the nearest.
    pub fn limit(mut self, limit: u32) -> Self {
        self.0.limit = limit.clamp(1, MOST);
        self
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobPage {
    /// The jobs, newest first.
    pub jobs: Vec<JobInfo>,
    /// Rows that this version cannot read.
    pub unreadable: Vec<RowError>,
    /// Where the next page begins, for [`JobFilter::before`]; `None` after the last.
    pub next: Option<JobId>,
}

impl JobPage {
    pub(super) fn of(rows: impl IntoIterator<Item = Result<JobSummary, RowError>>, next: Option<JobId>) -> Self {
        let mut page = Self { jobs: Vec::new(), unreadable: Vec::new(), next };
        for row in rows {
            match row {
                Ok(summary) => page.jobs.push(JobInfo::new(&summary)),
                Err(error) => page.unreadable.push(error),
            }
        }
        page
    }
}

impl Client {
    /// One page of jobs, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    pub async fn list(&self, filter: &JobFilter) -> Result<JobPage, StorageError> {
        let filter = filter.0.clone();
        let limit = filter.limit as usize;
        let rows = self.call(move |storage| {
            let filter = filter.clone();
            async move { storage.list(&filter).await }
        });
        Ok(page(rows.await?, limit))
    }
}

fn page(rows: Vec<Result<JobSummary, RowError>>, limit: usize) -> JobPage {
    let last = rows.last().map(|row| row.as_ref().map_or_else(|error| error.id, |row| row.id));
    let next = last.filter(|_| rows.len() == limit);
    JobPage::of(rows, next)
}
