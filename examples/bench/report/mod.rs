//! What is printed: tables for people as they are done, or one JSON object in the end.

mod figure;
mod spread;
mod table;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) use self::figure::Figure;
pub(crate) use self::spread::{median, millis};
use crate::facts;
use crate::options::Options;
use crate::section::Section;

/// All that was measured so far.
pub(crate) struct Report<'a> {
    options: &'a Options,
    databases: Vec<Database>,
}

/// What was measured on a database.
#[derive(Serialize)]
struct Database {
    name: String,
    facts: String,
    sections: Map<String, Value>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        if !options.json {
            let Options { rounds, jobs, window, .. } = options;
            println!("{}; {rounds} rounds of {window:?} or {jobs} jobs", facts::machine());
        }
        Self { options, databases: Vec::new() }
    }

    /// What follows was measured there.
    pub(crate) fn on(&mut self, name: String, facts: String) {
        if !self.options.json {
            println!("\n{name}\n  {facts}");
        }
        self.databases.push(Database { name, facts, sections: Map::new() });
    }

    /// Takes in the figures of a section.
    pub(crate) fn add(&mut self, section: Section, figures: &[Figure]) -> anyhow::Result<()> {
        if !self.options.json {
            table::print(&section.title(self.options), figures);
        }
        if let Some(database) = self.databases.last_mut() {
            database.sections.insert(section.to_string(), serde_json::to_value(figures)?);
        }
        Ok(())
    }

    /// Prints what is printed in the end.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        if self.options.json {
            let mut options = serde_json::to_value(self.options)?;
            options["seconds"] = self.options.window.as_secs_f64().into();
            println!("{}", json!({ "machine": facts::machine(), "options": options, "databases": self.databases }));
        }
        Ok(())
    }
}
