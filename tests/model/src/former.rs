//! What a holder keeps of a write that was refused.

use crate::statement::Write;
use crate::token::Lease;

/// So many forms of one write may be refused, and still be under way: one for each repeat, and one that is forgotten soon.
const MOST_FORMER: usize = 3;

/// The forms of a write that were refused, and of which a copy may have landed since, or may yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Former([Option<Write>; MOST_FORMER]);

impl Former {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Write> {
        self.0.iter().flatten()
    }

    /// The one that leaves this token.
    #[must_use]
    pub fn that_leaves(&self, lease: Lease) -> Option<&Write> {
        self.iter().find(|form| form.after.lease == lease)
    }

    pub(crate) fn add(&mut self, form: Write) {
        let free = self.0.iter_mut().find(|place| place.is_none());
        *free.expect("the others have been forgotten, and the bounds allow few repeats") = Some(form);
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Write> {
        self.0.iter_mut().flatten()
    }

    pub(crate) fn retain(&mut self, may_count: impl Fn(&Write) -> bool) {
        self.0.iter_mut().for_each(|place| *place = place.filter(&may_count));
        // In one order, whichever was forgotten.
        self.0.sort_unstable_by_key(Option::is_none);
    }
}
