//! What breaks where a rule is left out.

use vtask_model::{Bounds, Promise, Protocol, Rule, explore};

/// What a rule keeps from happening.
#[derive(Debug, Clone, Copy)]
enum Harm {
    /// A promise is broken.
    Breaks(Promise),
    /// All promises are kept, and a job never comes to its end.
    NeverEnds,
    /// Nothing, for other rules see to it as well.
    None,
}

/// Leaves rules out, and looks for that harm only: others may come before it.
#[track_caller]
fn check(rules: &[Rule], bounds: Bounds, harm: Harm) {
    let protocol = rules.iter().fold(Protocol::new(bounds), |protocol, rule| protocol.without(*rule));
    let protocol = match harm {
        Harm::Breaks(promise) => protocol.watching(&[promise]),
        Harm::NeverEnds => protocol.watching(&[]),
        Harm::None => protocol,
    };
    let search = explore(&protocol);
    println!("without {rules:?}: {} states", search.states);
    let is_as_expected = match (search.verdict(), harm) {
        (Ok(()), Harm::None) => true,
        (Err(flaw), Harm::Breaks(promise)) => flaw.broken.has(promise),
        (Err(flaw), Harm::NeverEnds) => flaw.is_stuck(),
        _ => false,
    };
    let found = search.verdict().map_or_else(ToString::to_string, |()| "no flaw".to_owned());
    assert!(is_as_expected, "without {rules:?} in {bounds:?} not {harm:?} but {found}");
}

/// Where each rule is needed, and what for.
fn need(rule: Rule) -> (Bounds, Harm) {
    let plain = Bounds::default();
    match rule {
        Rule::GuardByLease => (Bounds { false_deaths: 1, ..plain }, Harm::Breaks(Promise::OneLease)),
        Rule::GuardClaims => {
            let bounds = Bounds { false_deaths: 1, repeats: 1, hand_overs: 1, ..plain };
            (bounds, Harm::Breaks(Promise::AttemptsCount))
        }
        Rule::GuardByPlace => (Bounds { false_deaths: 1, repeats: 1, ..plain }, Harm::None),
        Rule::NewLease => (plain, Harm::Breaks(Promise::LostMeansLost)),
        Rule::RandomLease => (Bounds { roll_backs: 1, ..plain }, Harm::Breaks(Promise::RecordedStays)),
        Rule::AbsoluteValues => (Bounds { repeats: 1, failures: 2, ..plain }, Harm::None),
        Rule::AnswerAfterCommit => (plain, Harm::Breaks(Promise::StepsInOrder)),
        Rule::RepeatedSweep => (Bounds { crashes: 1, ..plain }, Harm::NeverEnds),
        Rule::Reconcile => (Bounds { give_ups: 1, ..plain }, Harm::NeverEnds),
        Rule::KnownBeforeSent => (plain, Harm::Breaks(Promise::LivingKeeps)),
        Rule::CallbackWithOutcome => (Bounds { crashes: 1, ..plain }, Harm::NeverEnds),
        Rule::CallbackIsWork => (Bounds { crashes: 1, ..plain }, Harm::NeverEnds),
        Rule::UniqueKeyword => (Bounds { inserts: 2, ..plain }, Harm::Breaks(Promise::OneKeyword)),
        Rule::RequestGuard => (Bounds { cancels: 1, ..plain }, Harm::Breaks(Promise::CancelStands)),
        Rule::LooksForFormerForm => {
            (Bounds { pauses: 1, resumes: 1, repeats: 1, ..plain }, Harm::Breaks(Promise::LivingKeeps))
        }
        Rule::FreeKeepsRequest => (Bounds { cancels: 1, crashes: 1, ..plain }, Harm::Breaks(Promise::CancelStands)),
        Rule::AskTheHolder => (Bounds { cancels: 1, ..plain }, Harm::Breaks(Promise::LivingKeeps)),
        Rule::RequestNamesKeyword => {
            let bounds = Bounds { keywords: 2, inserts: 2, cancels: 1, roll_backs: 1, ..plain };
            (bounds, Harm::Breaks(Promise::CancelStands))
        }
        Rule::RestartWaitsForCallback => {
            (Bounds { restarts: 1, crashes: 1, ..plain }, Harm::Breaks(Promise::OneOutcome))
        }
        Rule::EffectWithRecord => {
            (Bounds { transactional: true, crashes: 1, ..plain }, Harm::Breaks(Promise::EffectOnce))
        }
        Rule::UndecidedRunsAgain => (Bounds { transactional: true, ..plain }, Harm::Breaks(Promise::StepsInOrder)),
        Rule::FenceSettles => (Bounds { transactional: true, ..plain }, Harm::Breaks(Promise::LivingKeeps)),
        Rule::TwinTakesOtherName => (Bounds { twins: 1, ..plain }, Harm::Breaks(Promise::TwinsPart)),
    }
}

#[test]
fn each_rule_is_needed_or_known_to_be_a_second_line() {
    for rule in Rule::ALL {
        let (bounds, harm) = need(rule);
        check(&[rule], bounds, harm);
        // Two jobs that are forgotten are many states, and have a test of their own.
        if !matches!(harm, Harm::None) && bounds.keywords == 1 {
            let search = explore(&Protocol::new(bounds));
            assert!(search.verdict().is_ok(), "with {rule:?} the same world is safe");
        }
    }
}

/// A lease is new with each write, so a row with the lease that a write shows has the status and the step, too.
#[test]
fn status_and_step_stand_in_for_a_lease_that_is_not_asked_for() {
    let bounds = Bounds { false_deaths: 1, ..Bounds::default() };
    check(&[Rule::GuardByLease, Rule::GuardByPlace], bounds, Harm::Breaks(Promise::RecordedStays));
}

/// A write that has landed finds its own lease, and does not add a second time.
#[test]
fn absolute_values_stand_in_for_a_lease_that_stays() {
    let bounds = Bounds { failures: 2, ..Bounds::default() };
    check(&[Rule::NewLease, Rule::AbsoluteValues], bounds, Harm::Breaks(Promise::AttemptsCount));
}
