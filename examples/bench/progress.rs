//! Says on stderr what is being done, so that nobody thinks that it hangs.

use std::fmt::Display;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Instant;

/// Says what comes now, and how long it took to get there.
pub(crate) fn say(what: impl Display) {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let elapsed = BEGUN.get_or_init(Instant::now).elapsed();
    // Whoever does not want to hear of it has closed it.
    let _ = writeln!(std::io::stderr(), "  [{:>3} s] {what}", elapsed.as_secs());
}
