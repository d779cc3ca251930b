//! What the attempts of a job wrote down of themselves, held against what was recorded of it in the end.

use std::collections::BTreeSet;

/// The steps of such a job; its callback comes after them.
pub(super) const STEPS: usize = 5;

/// An attempt, as it wrote itself down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) process: u32,
    pub(super) job: u32,
    pub(super) step: usize,
    pub(super) own: u64,
    pub(super) given: Vec<u64>,
}

/// What is recorded of a job.
pub(super) struct Recorded {
    pub(super) outputs: Vec<u64>,
    pub(super) crashes: usize,
}

impl Attempt {
    pub(super) fn read(line: &str) -> Self {
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
        let number = |index: usize| u32::try_from(numbers[index]).unwrap();
        let (process, job, step) = (number(0), number(1), usize::try_from(numbers[2]).unwrap());
        Self { process, job, step, own: numbers[3], given: numbers[4..].to_vec() }
    }
}

/// Checks the attempts of one job, in the order in which they began, against what was recorded in the end.
///
/// A process that learnt of its record just before it was frozen begins the next step when it thaws, whatever its
/// replacement has done meanwhile; it cannot record that.
pub(super) fn check(attempts: &[Attempt], recorded: &[u64], stale: &BTreeSet<u32>) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {attempts:#?}, recorded {recorded:?}"));
    let (mut latest, mut seen) = (0, BTreeSet::new());
    for attempt in attempts {
        if attempt.step < latest && !stale.contains(&attempt.process) {
            return wrong("a step ran again after a later one had begun");
        }
        if attempt.step > latest + 1 {
            return wrong("a step was left out");
        }
        if recorded.get(..attempt.step - 1) != Some(&attempt.given) {
            return wrong("a step was given what is not recorded");
        }
        latest = latest.max(attempt.step);
        seen.insert((attempt.step, attempt.own));
    }
    if latest != STEPS + 1 {
        return wrong("its end was not called back");
    }
    let unknown = recorded.iter().enumerate().find(|(index, output)| !seen.contains(&(index + 1, **output)));
    match unknown {
        Some(_) => wrong("nobody has returned what is recorded"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attempts of processes at steps, with their own number each; what they are given is recorded.
    fn attempts(told: &[(u32, usize, u64)]) -> Vec<Attempt> {
        let attempt = |(process, step, own): &(u32, usize, u64)| Attempt {
            process: *process,
            job: 7,
            step: *step,
            own: *own,
            given: RECORDED[..step - 1].to_vec(),
        };
        told.iter().map(attempt).collect()
    }

    const RECORDED: [u64; STEPS] = [11, 22, 33, 44, 55];
    const GOOD: [(u32, usize, u64); 6] = [(1, 1, 11), (1, 2, 22), (1, 3, 33), (1, 4, 44), (1, 5, 55), (1, 6, 66)];

    #[track_caller]
    fn refuses(attempts: &[Attempt], recorded: &[u64], what: &str) {
        let wrong = check(attempts, recorded, &BTreeSet::new()).expect_err("it is a bad history");
        assert!(wrong.starts_with(what), "{wrong}");
    }

    #[test]
    fn histories_that_may_be_are_passed() {
        check(&attempts(&GOOD), &RECORDED, &BTreeSet::new()).unwrap();
        let mut struck = GOOD.to_vec();
        struck.insert(1, (9, 2, 99));
        check(&attempts(&struck), &RECORDED, &BTreeSet::new()).unwrap();
        let mut thawed = GOOD.to_vec();
        thawed.insert(3, (9, 2, 99));
        check(&attempts(&thawed), &RECORDED, &BTreeSet::from([9])).unwrap();
    }

    #[test]
    fn bad_histories_are_refused() {
        let mut again = GOOD.to_vec();
        again.insert(3, (2, 2, 99));
        refuses(&attempts(&again), &RECORDED, "a step ran again after a later one");
        let mut left_out = GOOD.to_vec();
        left_out.remove(2);
        refuses(&attempts(&left_out), &RECORDED, "a step was left out");
        refuses(&attempts(&GOOD[..5]), &RECORDED, "its end was not called back");
        refuses(&attempts(&GOOD), &[11, 22, 99, 44, 55], "a step was given what is not recorded");
        refuses(&attempts(&GOOD), &[11, 22, 33, 44, 99], "a step was given what is not recorded");
        let mut invented = attempts(&GOOD);
        invented[4].own = 98;
        refuses(&invented, &RECORDED, "nobody has returned what is recorded");
        refuses(&[], &RECORDED, "its end was not called back");
    }
}
