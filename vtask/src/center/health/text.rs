//! A health as people read it.

use std::fmt;
use std::time::Duration;

use super::{BOUNDS, EngineState, Health};

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the engine {}", self.engine)?;
        if let Some(due) = self.oldest_due() {
            write!(f, "; the oldest job that nobody holds has been due for {}", coarse(due))?;
        }
        for waiting in self.due.iter().filter(|waiting| !waiting.has_runner) {
            write!(f, "\nno living node runs {:?}: jobs have been due for {}", waiting.name, coarse(waiting.due_for))?;
        }
        if self.more_due {
            write!(
                f,
                "\njobs of at least {} names are in nobody's hands; further names were not looked at",
                BOUNDS.names
            )?;
        }
        for paused in &self.paused {
            let (jobs, at_least) = (paused.count, if self.more_paused { "at least " } else { "" });
            match paused.reason {
                Some(reason) => write!(f, "\n{at_least}{jobs} paused: {reason:?}")?,
                None => write!(f, "\n{at_least}{jobs} paused for a reason that a newer version has set")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for EngineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Working => "works",
            Self::Unsure => "is unsure whether others have called it dead, and begins no step",
            Self::Stopping => "is stopping, and takes no more jobs",
            Self::Ended => "has ended",
        })
    }
}

/// The duration in one unit, as people tell it.
fn coarse(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_told_in_one_unit() {
        let told = [(0, "0 ms"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_800, "2 days")];
        for (seconds, text) in told {
            assert_eq!(coarse(Duration::from_secs(seconds)), text);
        }
    }
}
