//! What is measured, a file for each section.

mod backlog;
mod framework;
mod idle;
mod latency;
mod memory;
mod processes;
mod queue;
mod throughput;

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use vtask::Client;

pub(crate) use self::framework::figures as framework;
use crate::options::Options;
use crate::rate::Span;
use crate::report::Figure;
use crate::sample::Sample;
use crate::scratch::{self, Kind, Scratch};
use crate::section::Section;
use crate::subject::Subject;
use crate::tables;

/// A database on which is measured.
pub(crate) struct On<'a> {
    pub(crate) scratch: &'a Scratch,
    pub(crate) options: &'a Options,
    /// For what is not measured.
    pub(crate) database: DatabaseConnection,
}

impl<'a> On<'a> {
    /// Makes the tables.
    pub(crate) async fn new(scratch: &'a Scratch, options: &'a Options) -> anyhow::Result<Self> {
        Client::connect(&scratch.url).await?;
        Client::builder(scratch.url.as_str()).table_prefix("bare_").connect().await?;
        Ok(Self { scratch, options, database: scratch::connect(&scratch.url).await? })
    }

    /// Measures a section.
    pub(crate) async fn measure(&self, section: Section) -> anyhow::Result<Vec<Figure>> {
        match section {
            Section::Throughput => throughput::figures(self).await,
            Section::Queue => queue::figures(self).await,
            Section::Latency => latency::figures(self).await,
            Section::Processes => processes::figures(self).await,
            Section::Memory => memory::figures(self).await,
            Section::Idle => idle::figures(self).await,
            Section::Backlog => backlog::figures(self).await,
            Section::Framework => framework(self.options).await,
        }
    }

    /// A client of its own for each measurement, so that a server has counted all that it did when it is dropped.
    async fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect(&self.scratch.url).await?)
    }

    async fn sample(&self, subject: Subject) -> anyhow::Result<Arc<Sample>> {
        Sample::of(subject, &self.client().await?, &self.database, self.options.payload).await
    }

    async fn empty(&self, table: &str) -> anyhow::Result<()> {
        tables::empty(&self.database, self.scratch.kind, table).await
    }

    /// The job that the command line asks for.
    fn subject(&self) -> Subject {
        Subject::of_steps(self.options.steps)
    }

    /// How many connections the bare limit uses: a SQLite file has one writer.
    fn connections(&self) -> usize {
        if self.scratch.kind == Kind::Sqlite { 1 } else { self.options.connections }
    }

    /// Whether throughput has a budget: with large data the bare statements are not the fastest that there could be.
    fn has_budget(&self) -> bool {
        self.options.payload == 0
    }

    fn span(&self) -> Span {
        Span { count: self.options.jobs as u64, window: self.options.window }
    }
}
