//! Settings of PostgreSQL that cost something.

use crate::sql::settings::Setting;

/// All that is looked at, as it is for the user and the database.
pub(super) const ASK: &str =
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')";

pub(super) const CHECKS: &[Setting] = &[
    Setting {
        name: "fsync",
        safe: "on",
        is_safe: |value| value == "on",
        only_if: None,
        risk: "the server does not wait for its disk: when the machine fails, acknowledged jobs and steps may be lost",
    },
    Setting {
        name: "full_page_writes",
        safe: "on",
        is_safe: |value| value == "on",
        only_if: None,
        risk: "when the machine fails in the middle of a write, the database may be damaged",
    },
    Setting {
        name: "synchronous_commit",
        safe: "on",
        is_safe: |value| value != "off",
        only_if: None,
        risk: "what your own transactions have committed, such as a job saved `within` one, may be lost when the machine \
               fails; vtask puts it on for its own sessions",
    },
];
