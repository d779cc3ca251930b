//! Crashes at every point.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use vtask::testing::{Outcome, crash_matrix};
use vtask::{Attempt, Status, job};

use super::panic_of;

/// The world outside: who was charged how often, by request.
#[derive(Default)]
struct Bank {
    charges: Mutex<BTreeMap<String, u32>>,
    thanks: Mutex<u32>,
}

struct Pay {
    bank: Arc<Bank>,
    /// Whether the bank can tell a repeated request.
    has_key: bool,
}

#[job]
impl Pay {
    #[step(retry = 2, period = "1m")]
    async fn charge(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        sleep(Duration::from_millis(10)).await;
        anyhow::ensure!(attempt.number() > 1, "closed");
        {
            let mut charges = self.bank.charges.lock().unwrap();
            let key = if self.has_key { attempt.idempotency_key().to_owned() } else { charges.len().to_string() };
            charges.insert(key, 1);
        }
        sleep(Duration::from_millis(10)).await;
        Ok(1)
    }

    #[step]
    fn count(&self, charge: &u32) -> anyhow::Result<u32> {
        Ok(charge + 1)
    }

    #[on_success]
    async fn thank(&self, count: &u32) -> anyhow::Result<()> {
        assert_eq!(*count, 2);
        *self.bank.thanks.lock().unwrap() += 1;
        Ok(())
    }
}

fn tried(has_key: bool, check: impl Fn(&Arc<Bank>, &Outcome<Pay>)) -> usize {
    crash_matrix(Arc::<Bank>::default, |bank, _| Pay { bank: bank.clone(), has_key }, || (), check)
}

/// `charge` twice, with a wait in the first attempt and two in the second, `count`, `thank`, and the end.
const POINTS: usize = (1 + 1 + 1) + (1 + 2 + 1) + 2 + 2 + 1;

#[test]
fn job_that_repeats_nothing_passes_at_every_point() {
    let outcomes = Mutex::new(Vec::new());
    let crashes = tried(true, |bank, outcome| {
        assert_eq!((outcome.status(), *outcome.output()), (Status::Succeeded, 2));
        assert_eq!(bank.charges.lock().unwrap().len(), 1);
        assert!((1..=2).contains(&*bank.thanks.lock().unwrap()), "a callback runs at least once");
        let attempts = (outcome.attempts(Pay::CHARGE), outcome.attempts(Pay::COUNT), outcome.callbacks());
        outcomes.lock().unwrap().push((attempts, outcome.info().history.iter().any(|entry| entry.error.is_some())));
    });
    assert_eq!(crashes, POINTS);
    let outcomes = outcomes.into_inner().unwrap();
    assert_eq!(outcomes.len(), POINTS + 1, "and once without a crash");
    let all: Vec<_> = outcomes.iter().map(|(attempts, _)| *attempts).collect();
    for repeated in [(3, 1, 1), (2, 2, 1), (2, 1, 2), (2, 1, 1)] {
        assert!(all.contains(&repeated), "no crash has come to {repeated:?}: {all:?}");
    }
}

#[test]
fn job_that_charges_twice_is_caught_and_the_point_named() {
    let message =
        panic_of(|| tried(false, |bank, _| assert_eq!(bank.charges.lock().unwrap().len(), 1, "charged twice")));
    assert!(message.contains(&format!("of {POINTS} crashes break job pay")), "{message}");
    for point in ["inside charge, at wait 2, attempt 2", "after charge, not recorded, attempt 2"] {
        assert!(message.contains(&format!("{point}: ")), "{message}");
        assert!(message.contains(&format!("VTASK_CRASH_POINT='{point}'")), "{message}");
    }
    assert!(!message.contains("before charge") && !message.contains("count"), "{message}");
    assert!(message.contains("charged twice"), "{message}");
}

#[test]
fn check_that_fails_without_a_crash_is_told_as_such() {
    assert_eq!(panic_of(|| tried(true, |_, _| panic!("always"))), "always");
}
