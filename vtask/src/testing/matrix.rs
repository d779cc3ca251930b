//! A crash at every point of a job.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::job_test::{End, JobTest, World, on_a_thread};
use super::outcome::Outcome;
use super::stage::{Moment, Seen};
use crate::client::Client;
use crate::flow::panic_message;
use crate::job::Job;

/// Names one point, so that no other is played.
const ONLY: &str = "VTASK_CRASH_POINT";
/// So many waits of one body are struck.
const MOST_WAITS: u32 = 64;

/// Runs a job to its end again and again, and has its process die once each time: before, inside and after every step and
/// callback. A new process goes on, and `check` judges what has come of it. Answers how many crashes there were.
///
/// A step is repeated if the process dies after its effect and before its record. So a check that counts the effects finds
/// the step that is not idempotent:
///
/// ```
/// use std::collections::BTreeSet;
/// use std::sync::{Arc, Mutex};
///
/// use vtask::testing::crash_matrix;
/// use vtask::{Attempt, job};
///
/// /// Knows a repeated request by its key.
/// #[derive(Default)]
/// struct Bank {
///     charged: Mutex<BTreeSet<String>>,
/// }
///
/// struct Pay {
///     bank: Arc<Bank>,
/// }
///
/// #[job]
/// impl Pay {
///     #[step]
///     async fn charge(&self, attempt: &Attempt) -> anyhow::Result<()> {
///         self.bank.charged.lock().unwrap().insert(attempt.idempotency_key().to_owned());
///         Ok(())
///     }
///
///     #[step]
///     async fn ship(&self) -> anyhow::Result<()> {
///         Ok(())
///     }
/// }
///
/// let crashes = crash_matrix(
///     Arc::<Bank>::default,                           // the world outside: made anew for each crash
///     |bank, _client| Pay { bank: Arc::clone(bank) }, // the job in it: made anew in each process
///     || (),                                          // its data
///     |bank, outcome| {
///         outcome.output();
///         assert_eq!(bank.charged.lock().unwrap().len(), 1);
///     },
/// );
/// assert_eq!(crashes, 5); // before and after each of the two steps, and after the end
/// ```
///
/// The points are those of a run without a crash: each attempt of a step or callback that begins there is struck before it
/// begins, each time it waits, and after it has ended and before that is recorded; in the end the process dies after
/// everything is recorded. The record of a step is one commit, so a crash before the next step is one after it.
///
/// # Panics
///
/// If `check` panics: at once if there was no crash, else after all others have been tried, with a list of the points that
/// broke it. The environment variable `VTASK_CRASH_POINT` plays one of them alone, and none where a job has no such point. And
/// as [`JobTest::run`].
#[track_caller]
pub fn crash_matrix<W: Sync, J: Job>(
    world: impl Fn() -> W,
    job: impl Fn(&W, &Client) -> J + Send + Sync,
    data: impl Fn() -> J::Data,
    check: impl Fn(&W, &Outcome<J>),
) -> usize {
    let outside = world();
    let (bodies, outcome) = play(&outside, &job, data(), None);
    check(&outside, &outcome);
    let only = std::env::var(ONLY).ok();
    let points = Point::all(&bodies).into_iter();
    let points: Vec<Point> =
        points.filter(|point| only.as_ref().is_none_or(|only| *only == point.to_string())).collect();
    if points.is_empty() {
        println!("no crash is tried here: {ONLY}={:?} is none of {}", only.unwrap_or_default(), list(&bodies));
    }
    let broken: Vec<String> = points
        .iter()
        .filter_map(|point| {
            let outside = world();
            let tried = catch_unwind(AssertUnwindSafe(|| {
                let (_, outcome) = play(&outside, &job, data(), Some(point));
                check(&outside, &outcome);
            }));
            let panic = tried.err()?;
            Some(format!("\n  {point}: {}\n    to play it alone: {ONLY}='{point}'", panic_message(&*panic)))
        })
        .collect();
    let (count, name) = (points.len(), J::TABLE.name);
    assert!(broken.is_empty(), "{} of {count} crashes break job {name}:{}", broken.len(), broken.concat());
    count
}

fn list(bodies: &[Seen]) -> String {
    Point::all(bodies).iter().map(|point| format!("\n  {point}")).collect()
}

/// A moment at which the process dies.
struct Point {
    body: usize,
    moment: Option<Moment>,
    name: &'static str,
    /// Which attempt of that method it is, from 1.
    attempt: usize,
}

impl Point {
    fn all(bodies: &[Seen]) -> Vec<Self> {
        let mut points = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            let attempt = bodies[..=number].iter().filter(|other| other.method == body.method).count();
            let waits = (1..=body.waits.min(MOST_WAITS)).map(Moment::Inside);
            let moments = std::iter::once(Moment::Before).chain(waits).chain([Moment::Unrecorded]);
            points.extend(moments.map(|moment| Self { body: number, moment: Some(moment), name: body.name, attempt }));
        }
        points.push(Self { body: bodies.len(), moment: None, name: "", attempt: 0 });
        points
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, attempt, .. } = self;
        match self.moment {
            None => return f.write_str("after the end"),
            Some(Moment::Before) => write!(f, "before {name}")?,
            Some(Moment::Inside(wait)) => write!(f, "inside {name}, at wait {wait}")?,
            Some(Moment::Unrecorded) => write!(f, "after {name}, not recorded")?,
        }
        if *attempt > 1 { write!(f, ", attempt {attempt}") } else { Ok(()) }
    }
}

/// Runs the job to its end, over a crash at this point if there is one.
fn play<W: Sync, J: Job>(
    outside: &W,
    job: &(impl Fn(&W, &Client) -> J + Send + Sync),
    data: J::Data,
    point: Option<&Point>,
) -> (Vec<Seen>, Outcome<J>) {
    let test = JobTest::new(|client| job(outside, client));
    let mut world = World::default();
    if let Some(Point { body, moment: Some(moment), .. }) = point {
        world.script.strike_at(*body, *moment);
    }
    let dies_in_the_end = point.is_some_and(|point| point.moment.is_none());
    on_a_thread(move || {
        let mut end = test.live(&mut world, Some(data));
        if end == End::Died || dies_in_the_end {
            end = test.live(&mut world, None);
        }
        assert_eq!(end, End::Done, "a process dies once");
        let bodies = world.script.bodies();
        (bodies, Outcome::look(world))
    })
}
