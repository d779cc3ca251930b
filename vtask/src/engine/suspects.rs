//! Jobs of which processes died.
//!
//! A death raises the crashes of all that ran in it, guilty or not. Each one more lets a job run beside fewer others,
//! among which is whoever did it; who records a step is a suspect no longer. Who is left in the end runs alone, on one
//! node of the fleet, and after three deaths alone it is known.

/// With so many crashes a job still runs beside others.
pub(super) const MOST_SHARED: i32 = 4;
/// So many deaths of a job that ran alone prove it.
const PROOFS: i32 = 3;

/// How many jobs of at least so many crashes run at a time on a node.
pub(super) fn share(concurrency: usize, crashes: i32) -> usize {
    (concurrency >> (2 * crashes)).max(1)
}

/// Whether a job of so many crashes runs with nothing beside it.
pub(super) fn is_alone(crashes: i32) -> bool {
    crashes > MOST_SHARED
}

/// Whether a job of so many crashes is not run again.
pub(super) fn is_poison(crashes: i32) -> bool {
    crashes >= MOST_SHARED + 1 + PROOFS
}

/// Why it is not, for whoever has to decide what comes next.
pub(super) fn verdict(crashes: i32, step: &str) -> String {
    format!(
        "{crashes} processes died while they ran {step}, the last {PROOFS} while they ran nothing else; the history says \
         where and when: mend the step or the data, then resume the job"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspects_get_ever_fewer_slots_and_always_one() {
        let shares = |concurrency| (0..=MOST_SHARED).map(|crashes| share(concurrency, crashes)).collect::<Vec<_>>();
        assert_eq!(shares(256), [256, 64, 16, 4, 1]);
        assert_eq!(shares(10), [10, 2, 1, 1, 1]);
        assert_eq!(shares(1), [1, 1, 1, 1, 1]);
    }

    #[test]
    fn poison_is_proved_by_three_deaths_alone() {
        let alone: Vec<i32> = (0..20).filter(|crashes| is_alone(*crashes) && !is_poison(*crashes)).collect();
        assert_eq!(alone, [5, 6, 7]);
        assert!(is_poison(8));
    }
}
