//! How much may happen in one history.

/// How much may happen in one history: each number is how often at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bounds {
    /// Different keywords, at most two.
    pub keywords: u8,
    /// Invocations, of all keywords together.
    pub inserts: u8,
    /// Processes die.
    pub crashes: u8,
    /// A process that lives is called dead.
    pub false_deaths: u8,
    /// A process starts under the host of one that lives.
    pub twins: u8,
    /// A runner vanishes from a process that lives, or gives up on a storage that does not answer.
    pub give_ups: u8,
    /// A statement is sent again while the first is under way.
    pub repeats: u8,
    /// A body fails.
    pub failures: u8,
    /// A body reports how far it is.
    pub reports: u8,
    /// A process hands over what it holds, as it does when it stops.
    pub hand_overs: u8,
    /// Operators cancel.
    pub cancels: u8,
    /// Operators pause.
    pub pauses: u8,
    /// Operators resume.
    pub resumes: u8,
    /// Operators restart.
    pub restarts: u8,
    /// The database forgets its last commits.
    pub roll_backs: u8,
    /// Statements under way at a time.
    pub wire: u8,
    /// Attempts after the first.
    pub retries: u8,
    /// Whether the first step works in a transaction.
    pub transactional: bool,
}

impl Default for Bounds {
    /// One job, and nothing that goes wrong but that answers and statements are lost.
    fn default() -> Self {
        Self {
            keywords: 1,
            inserts: 1,
            crashes: 0,
            false_deaths: 0,
            twins: 0,
            give_ups: 0,
            repeats: 0,
            failures: 0,
            reports: 0,
            hand_overs: 0,
            cancels: 0,
            pauses: 0,
            resumes: 0,
            restarts: 0,
            roll_backs: 0,
            wire: 2,
            retries: 1,
            transactional: false,
        }
    }
}

impl Bounds {
    /// The same with more of everything that is in it, for a longer search.
    #[must_use]
    pub fn enlarged(self, by: u8) -> Self {
        let more = |number: u8| if number == 0 { 0 } else { number + by };
        Self {
            crashes: more(self.crashes),
            false_deaths: more(self.false_deaths),
            give_ups: more(self.give_ups),
            failures: more(self.failures),
            wire: more(self.wire),
            ..self
        }
    }
}
