//! Whether jobs that are under way go on in the next version: what [`assert_plan!`](crate::assert_plan) calls.

mod change;
mod file;
mod jobs;
mod names;
mod saved;
mod steps;

use std::fmt::Write;
use std::path::Path;

pub use self::file::{Described, of};

use self::change::{Change, Verdict};
use self::file::PlanFile;

/// Has the file written anew, if no job is stranded by that.
const UPDATE: &str = "VTASK_UPDATE_PLANS";
/// Its value where that does not matter.
const ANYWAY: &str = "anyway";

/// Compares jobs, as this program has them, with a committed file that says how they were.
///
/// ```no_run
/// # use vtask::job;
/// # struct PlaceOrder;
/// # #[job]
/// # impl PlaceOrder {
/// #     #[step]
/// #     async fn charge(&self) -> anyhow::Result<()> { Ok(()) }
/// # }
/// #[test]
/// fn deploys_strand_no_job() {
///     vtask::testing::assert_plan!("tests/jobs.plan", PlaceOrder);
/// }
/// ```
///
/// The file is named from the folder of the package, and belongs into version control. `VTASK_UPDATE_PLANS=1 cargo test` writes
/// it, for the first time and after each change that is safe; `VTASK_UPDATE_PLANS=anyway` after any. It has for each job the steps in their order with their names, former names
/// and what they take and return, the fields of its data, and samples of what is saved, which still have to decode.
///
/// # Panics
///
/// If the file is not what the jobs are. The message says of each difference what becomes of jobs that are under way: that it
/// is safe, needs a former name (`was`), strands jobs at a step, or that what they have saved would not decode.
///
/// # Samples
///
/// Samples are made up from the types: integers 0 or the largest, texts empty, one for each variant, with and without what is
/// optional. So a type that has become narrower (`u64` to `u8`) would not decode, also where it is inside another one. Types that take only certain texts, or
/// are told apart by trying (`untagged`, `flatten`), have none; add a real one to `samples` in the file by hand. All that are in the file
/// stay there until they no longer decode, so that what two releases back was saved is tried as well. Whether an old program
/// reads what this one saves is not tried; while both run it has to.
#[macro_export]
macro_rules! assert_plan {
    ($file:literal, $($job:ty),+ $(,)?) => {
        $crate::testing::plan::check(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $file),
            &[$($crate::testing::plan::of::<$job>()),+],
        )
    };
}

/// Compares them, or writes the file.
///
/// # Panics
///
/// If they differ, unless the file is to be written.
#[track_caller]
pub fn check(path: impl AsRef<Path>, jobs: &[Described]) {
    let (path, update) = (path.as_ref(), std::env::var(UPDATE).ok());
    let present = PlanFile::of(jobs);
    let Some(former) = PlanFile::read(path) else {
        assert!(update.is_some(), "there is no plan {}: {UPDATE}=1 cargo test writes it", path.display());
        return present.write(path);
    };
    let mut changes = changes(&former, jobs);
    let next = present.with_samples_of(&former, jobs);
    if next == former && changes.is_empty() {
        return;
    }
    if changes.is_empty() {
        changes.push(Change::new(
            Verdict::Safe,
            "samples",
            "what is made up of the types is new, and all that is there decodes",
        ));
    }
    let may_be_written = is_safe(&changes) || update.as_deref() == Some(ANYWAY);
    assert!(update.is_some() && may_be_written, "{}", told(path, &changes));
    next.write(path);
}

/// Writes the file of these jobs.
///
/// # Panics
///
/// If it cannot be written.
pub fn write(path: impl AsRef<Path>, jobs: &[Described]) {
    PlanFile::of(jobs).write(path.as_ref());
}

/// What has changed, the worst first.
fn changes(former: &PlanFile, jobs: &[Described]) -> Vec<Change> {
    let mut changes = jobs::compare(former, jobs);
    changes.sort_by_key(|change| change.verdict);
    changes
}

fn is_safe(changes: &[Change]) -> bool {
    changes.iter().all(|change| change.verdict >= Verdict::Untried)
}

fn told(path: &Path, changes: &[Change]) -> String {
    let mut text = format!("the jobs are not those of {}:\n", path.display());
    for change in changes {
        writeln!(text, "  {change}").expect("a string takes all");
    }
    text + &if is_safe(changes) {
        format!("Jobs that are under way go on. {UPDATE}=1 cargo test writes the file anew.")
    } else {
        format!("Mend this; or wait until no such job is under way, and {UPDATE}={ANYWAY} cargo test writes the file.")
    }
}
