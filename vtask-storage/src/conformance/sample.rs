//! What the checks insert, claim and write.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::value::{
    Boot, Change, Claim, Due, Guard, JobSummary, JobWrite, Lease, NewJob, NewNode, Owner, Request, RequestGuard,
    Status, Timestamp,
};

/// Batches below, at and above the sizes at which an implementation may split them.
pub(super) const SIZES: [usize; 7] = [1, 2, 3, 255, 256, 257, 600];

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The name of the jobs that [`job`] makes.
pub(super) const NAME: &str = "place_order";

/// A number that no other call gives, spread over all bits: a storage that rounds tokens mixes them
/// up.
pub(super) fn token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bits = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

pub(super) fn lease() -> Lease {
    Lease::from_random(token())
}

pub(super) fn boot() -> Boot {
    Boot::from_random(token())
}

pub(super) fn owner(host: &str) -> Owner {
    Owner { boot: boot(), host: host.into() }
}

/// A job of nobody that is due at once.
pub(super) fn job(keyword: &str) -> NewJob {
    NewJob {
        keyword: keyword.to_owned(),
        is_keyword_drawn: false,
        name: NAME.to_owned(),
        input: r#"{"cents":1}"#.to_owned(),
        step_name: "charge".into(),
        steps: 3,
        plan: lease().0,
        generations: "{}".to_owned(),
        birth: lease().0,
        lease: lease(),
        due: Due::NOW,
        owner: None,
    }
}

/// A job that somebody holds from the start.
pub(super) fn held(keyword: &str) -> NewJob {
    NewJob { owner: Some(owner("holder")), ..job(keyword) }
}

/// So many jobs, each with a keyword, a name and an input of its own.
pub(super) fn jobs(count: usize) -> Vec<NewJob> {
    let numbered = |number| NewJob {
        name: format!("name-{number}"),
        input: format!(r#"{{"number":{number}}}"#),
        ..job(&format!("job-{number}"))
    };
    (0..count).map(numbered).collect()
}

/// So many jobs of one name.
pub(super) fn alike(count: usize) -> Vec<NewJob> {
    (0..count).map(|number| job(&format!("alike-{number}"))).collect()
}

/// An instant in the first second of 1970, which every clock has passed.
pub(super) fn past(micros: u32) -> Due {
    Due::At(Timestamp(i64::from(micros)))
}

/// A claim of the row as it was seen.
pub(super) fn claim_of(seen: &JobSummary) -> Claim {
    Claim { id: seen.id, seen: seen.lease, lease: lease() }
}

/// A write that passes its guard and changes nothing but the token.
pub(super) fn write_of(seen: &JobSummary) -> JobWrite {
    JobWrite {
        id: seen.id,
        guard: Guard { lease: seen.lease, status: seen.state.status, step: seen.state.step },
        lease: lease(),
        request: RequestGuard::MustBe(Request::None),
        change: Change::Any,
        state: seen.state.clone(),
        due: Due::Keep,
        error: seen.error.clone(),
        progress: seen.progress.clone(),
        input: None,
        outputs: None,
        history: None,
        generations: None,
    }
}

/// A write that fits no row as it is: every column differs from what [`job`] inserts.
pub(super) fn loud_write_of(seen: &JobSummary) -> JobWrite {
    let mut write = write_of(seen);
    write.state.step += 1;
    write.state.attempt += 1;
    write.due = Due::In(HOUR);
    write.error = Some("loud".to_owned());
    write.progress = Some(r#"{"loud":1}"#.to_owned());
    write.input = Some(r#"{"loud":2}"#.to_owned());
    write.outputs = Some(r#"{"loud":3}"#.to_owned());
    write.history = Some(r#"["loud"]"#.to_owned());
    write.generations = Some(r#"{"loud":4}"#.to_owned());
    write
}

/// A write that leaves the job to nobody in this status, with no callback.
pub(super) fn left_as(seen: &JobSummary, status: Status) -> JobWrite {
    let mut write = write_of(seen);
    write.state.status = status;
    write.state.boot = Boot::NOBODY;
    write
}

pub(super) fn node(host: &str) -> NewNode {
    NewNode {
        boot: boot(),
        host: host.to_owned(),
        lease_ms: 15_000,
        version: "0.1.0".to_owned(),
        plans: r#"{"place_order":1}"#.to_owned(),
    }
}
