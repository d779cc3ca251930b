//! Columns that hold one of a few codes.

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants are stored as small integers.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// The integer that the column holds.
            #[must_use]
            pub fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The value of a column, or `None` for a code that this version does not know.
            #[must_use]
            pub fn from_code(code: i32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// How far a job is; 0 to 2 are the codes of the original framework.
    #[non_exhaustive]
    Status {
        /// A step is running, due, or waits for its time.
        Running = 0,
        /// A step failed for good.
        Failed = 1,
        /// Every step is recorded.
        Succeeded = 2,
        /// Somebody cancelled it.
        Cancelled = 3,
        /// It waits for a human or for another program; `reason` says why.
        Paused = 4,
    }
}

impl Status {
    /// Whether the job has an outcome that only a restart takes back.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Failed | Self::Succeeded | Self::Cancelled)
    }
}

codes! {
    /// Whether the callback of a job's outcome has run.
    #[non_exhaustive]
    Callback {
        /// There is no outcome yet, or no callback for it.
        None = 0,
        /// It is to run, or running.
        Due = 1,
        /// It has run.
        Done = 2,
        /// It failed in all its attempts; the outcome stands.
        GivenUp = 3,
    }
}

codes! {
    /// Why a job failed, was cancelled, or is paused.
    #[non_exhaustive]
    Reason {
        /// Nothing is wrong.
        None = 0,
        /// A step said `stop`.
        Stopped = 1,
        /// A step failed in its last attempt.
        Exhausted = 2,
        /// A step's last attempt took longer than its timeout.
        TimedOut = 3,
        /// What is stored does not decode as this program's types.
        Undecodable = 4,
        /// The row's next step, or an output that it needs, is unknown to the programs that run.
        UnknownStep = 5,
        /// Three processes died while they ran it and nothing else, after five that ran it beside others.
        Poison = 6,
        /// A human did it.
        Operator = 7,
        /// An input, output or row is larger than the limits allow.
        TooLarge = 8,
        /// The storage refused to record what a step did.
        Refused = 9,
    }
}

codes! {
    /// What somebody asked the holder of a job to do with it.
    #[derive(Default)]
    #[non_exhaustive]
    Request {
        /// Nothing.
        #[default]
        None = 0,
        /// To cancel it.
        Cancel = 1,
        /// To pause it after the step that runs.
        Pause = 2,
    }
}

impl Request {
    /// Whether it may take the place of another one: a request to cancel stands.
    #[must_use]
    pub fn replaces(self, present: Self) -> bool {
        self == Self::Cancel || present != Self::Cancel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_as_they_went() {
        for code in 0..=4 {
            assert_eq!(Status::from_code(code).map(Status::code), Some(code));
        }
        for code in 0..=3 {
            assert_eq!(Callback::from_code(code).map(Callback::code), Some(code));
        }
        for code in 0..=9 {
            assert_eq!(Reason::from_code(code).map(Reason::code), Some(code));
        }
        for code in 0..=2 {
            assert_eq!(Request::from_code(code).map(Request::code), Some(code));
        }
        assert_eq!(Status::from_code(5), None);
    }
}
