//! The name of a job or a step, and its former ones.

use serde::{Deserialize, Serialize};

use super::change::{Change, Verdict};

/// A stored name with the former names, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Names {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) was: Vec<String>,
}

impl Names {
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.was.iter().map(String::as_str))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }

    fn oldest(&self) -> &str {
        self.was.first().unwrap_or(&self.name)
    }

    /// What has changed since `old`. The texts say what becomes of rows under a former name that is lost, and what is made of
    /// the oldest one.
    pub(super) fn compare(&self, old: &Self, place: &str, lost: &str, oldest: &str, changes: &mut Vec<Change>) {
        if self.name != old.name {
            changes.push(Change::new(Verdict::Safe, place, format!("it was called {}, which `was` says", old.name)));
        }
        let (kept, gone): (Vec<&String>, Vec<&String>) = old.was.iter().partition(|former| self.has(former));
        for former in gone {
            let text = format!("its former name {former} is gone from `was`{lost}");
            changes.push(Change::new(Verdict::Strands, place, text));
        }
        if self.oldest() != old.oldest() && kept.len() == old.was.len() {
            let text = format!("{:?} has to stay the first in `was`: {oldest}", old.oldest());
            changes.push(Change::new(Verdict::NeedsWas, place, text));
        }
    }
}
