//! Going past rows at the head of a queue that are left to others, so that they hold up nothing behind them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::value::{Candidate, JobId, Timestamp, Wanted};

use super::strangers::Fate;

/// Where rows are left alone, so many are looked at at a time.
const WINDOW: usize = 1000;
/// Who is past them looks at them again after this, or after [`SHARE`] times as long as it took.
const REST: Duration = Duration::from_secs(5);
const SHARE: u32 = 8;

/// How far the claimer has gone, by name.
#[derive(Debug, Default)]
pub(super) struct Walks(BTreeMap<String, Walk>);

/// How far the claimer has gone past rows of one name that it leaves alone.
#[derive(Debug, Default)]
struct Walk {
    after: Option<(Timestamp, JobId)>,
    began: Option<Instant>,
    /// When it was past all of them.
    ended: Option<Instant>,
    /// Whether the last look found nothing for this node, and there was more behind it.
    goes_on: bool,
}

impl Walks {
    /// The look that is to be made, of the one that there is room for.
    pub(super) fn look(&self, room: &Wanted) -> Wanted {
        match self.0.get(&room.name) {
            Some(walk) => Wanted { limit: room.limit.max(WINDOW), after: walk.after, ..room.clone() },
            None => room.clone(),
        }
    }

    /// Takes in what a look has found, of which so many are for this node.
    pub(super) fn saw<'a>(&mut self, look: &Wanted, found: impl Iterator<Item = &'a Candidate> + Clone, ours: usize) {
        let is_left = found.clone().count() > ours;
        if !is_left && look.after.is_none() {
            self.0.remove(&look.name);
        } else if is_left || self.0.contains_key(&look.name) {
            self.0.entry(look.name.clone()).or_default().saw(look, found, ours);
        }
    }

    /// Whether something was or is left alone.
    pub(super) fn are_needed(&self, fates: &[Fate]) -> bool {
        !self.0.is_empty() || fates.contains(&Fate::Left)
    }

    /// Whether there is more behind what was left alone of these names.
    pub(super) fn go_on(&self, wanted: &[Wanted]) -> bool {
        wanted.iter().filter_map(|wanted| self.0.get(&wanted.name)).any(|walk| walk.goes_on)
    }
}

impl Walk {
    fn saw<'a>(&mut self, look: &Wanted, found: impl Iterator<Item = &'a Candidate> + Clone, ours: usize) {
        let now = Instant::now();
        self.goes_on = ours == 0 && found.clone().count() >= look.limit;
        if self.goes_on {
            self.after = found.last().map(|last| (last.wake_at, last.id));
            self.began.get_or_insert(now);
        } else if let Some(began) = self.began {
            let ended = *self.ended.get_or_insert(now);
            // A row that was given back may have come before the place.
            if now - ended >= REST.max((ended - began) * SHARE) {
                *self = Self::default();
            }
        }
    }
}
