//! A row for a storage that is asked directly.

use vtask::storage::value::{Due, Lease, NewJob};

/// A job of nobody that is due at once.
pub(super) fn new_job(keyword: &str) -> NewJob {
    NewJob {
        keyword: keyword.to_owned(),
        is_keyword_drawn: false,
        name: "once".to_owned(),
        input: "null".to_owned(),
        step_name: "only".into(),
        steps: 1,
        plan: 1,
        generations: "{}".to_owned(),
        birth: 1,
        lease: Lease(1),
        due: Due::NOW,
        owner: None,
    }
}
