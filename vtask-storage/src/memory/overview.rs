//! How the jobs are getting on.

use super::table::Table;
use crate::value::{Bounds, Overview, Paused, Reason, Timestamp, Waiting};

impl Table {
    /// All of an overview but the nodes.
    pub(super) fn overview(&self, bounds: Bounds, now: Timestamp) -> Overview {
        let names: Vec<(&str, Timestamp)> = self.names().take(bounds.names as usize).collect();
        let reasons: Vec<Reason> = self.paused().take(bounds.paused as usize).collect();
        let due = names.iter().filter(|(_, oldest)| *oldest <= now);
        Overview {
            names_are_cut: names.len() >= bounds.names as usize,
            waiting: due
                .map(|(name, oldest)| Waiting { name: (*name).to_owned(), due_for: now.since(*oldest) })
                .collect(),
            paused_are_cut: reasons.len() >= bounds.paused as usize,
            paused: counted(reasons),
            plans: Vec::new(),
        }
    }
}

fn counted(mut reasons: Vec<Reason>) -> Vec<Paused> {
    reasons.sort_unstable_by_key(|reason| reason.code());
    let same = reasons.chunk_by(|one, other| one == other);
    let count = |same: &[Reason]| u32::try_from(same.len()).unwrap_or(u32::MAX);
    same.map(|same| Paused { reason: same.first().copied(), count: count(same) }).collect()
}
