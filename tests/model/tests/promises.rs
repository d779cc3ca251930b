//! The whole protocol, in worlds that are hard on it in different ways.
//!
//! `VTASK_MODEL_DEPTH=1` lets one more of everything go wrong in each, for a search of minutes or hours; `0` adds what takes
//! minutes as it is.

use std::time::Instant;

use vtask_model::{Bounds, Event, Protocol, explore};

fn depth() -> Option<u8> {
    Some(std::env::var("VTASK_MODEL_DEPTH").ok()?.parse().expect("a number"))
}

/// Visits every state, and asks that no promise is broken, that each state can come to an end, and that what makes the
/// search worth while was met.
#[track_caller]
fn check(name: &str, bounds: Bounds, events: &[Event]) {
    let began = Instant::now();
    let search = explore(&Protocol::new(bounds.enlarged(depth().unwrap_or(0))));
    println!("{name}: {} states in {:.1?}", search.states, began.elapsed());
    let flaw = search.verdict().err().map(ToString::to_string);
    assert!(flaw.is_none(), "{name}: {}", flaw.unwrap_or_default());
    let missing: Vec<&Event> = events.iter().filter(|event| !search.events.has(**event)).collect();
    assert!(missing.is_empty(), "{name} never met {missing:?}");
}

#[test]
fn process_may_die_and_its_statements_land_late() {
    let bounds = Bounds { crashes: 1, failures: 1, repeats: 1, give_ups: 1, ..Bounds::default() };
    let events = [
        Event::LandedAfterDeath,
        Event::LateClaim,
        Event::LateRefused,
        Event::AnswerLost,
        Event::FoundLanded,
        Event::TakenOver,
        Event::Reconciled,
        Event::BornLeased,
        Event::InsertedTwice,
        Event::Recorded,
        Event::Succeeded,
        Event::Retried,
        Event::CalledBack,
    ];
    check("crashes and late statements", bounds, &events);
}

#[test]
fn steps_and_callbacks_may_fail_for_good() {
    let bounds = Bounds { crashes: 1, failures: 3, reports: 1, ..Bounds::default() };
    let events = [Event::Retried, Event::Failed, Event::CallbackGivenUp, Event::TakenOver, Event::Reported];
    check("failures", bounds, &events);
}

#[test]
fn process_may_hand_over_what_it_holds() {
    let bounds = Bounds { hand_overs: 2, crashes: 1, repeats: 1, cancels: 1, ..Bounds::default() };
    check("hand-overs", bounds, &[Event::LateRefused, Event::TakenOver, Event::CancelServed, Event::FreedWithRequest]);
}

#[test]
fn process_that_lives_may_be_called_dead() {
    let bounds = Bounds { false_deaths: 1, repeats: 1, give_ups: 1, ..Bounds::default() };
    let events = [Event::LeaseLost, Event::StrangerBegan, Event::RoseAgain, Event::LateRefused, Event::TakenOver];
    check("false death", bounds, &events);
}

#[test]
fn process_may_start_under_the_name_of_another() {
    let bounds = Bounds { twins: 1, repeats: 1, ..Bounds::default() };
    check("twins", bounds, &[Event::Renamed, Event::StrangerBegan, Event::LeaseLost, Event::LateClaim]);
}

#[test]
fn keyword_may_be_invoked_twice() {
    let bounds = Bounds { inserts: 2, crashes: 1, failures: 1, ..Bounds::default() };
    check("one keyword, two callers", bounds, &[Event::KeywordTaken, Event::BornLeased, Event::TakenOver]);
}

#[test]
fn two_jobs_are_not_in_each_others_way() {
    let bounds = Bounds { keywords: 2, inserts: 2, crashes: 1, ..Bounds::default() };
    check("two jobs", bounds, &[Event::BornLeased, Event::TakenOver, Event::LateClaim]);
}

#[test]
fn database_may_forget_its_last_commits() {
    let bounds = Bounds { roll_backs: 1, false_deaths: 1, ..Bounds::default() };
    let events = [Event::RowForgotten, Event::StepForgotten, Event::LandedAgain, Event::LeaseLost, Event::RoseAgain];
    check("roll-back", bounds, &events);
}

#[test]
fn id_that_was_forgotten_may_become_another_jobs() {
    let bounds = Bounds { keywords: 2, inserts: 2, roll_backs: 1, wire: 1, ..Bounds::default() };
    check("roll-back under two keywords", bounds, &[Event::RowForgotten, Event::LeaseLost]);
}

#[test]
fn cancel_of_a_job_that_was_forgotten_reaches_no_other() {
    if depth().is_none() {
        println!("left out: sixteen million states; VTASK_MODEL_DEPTH=0 visits them");
        return;
    }
    let bounds = Bounds { keywords: 2, inserts: 2, roll_backs: 1, cancels: 1, wire: 1, ..Bounds::default() };
    let events = [Event::RowForgotten, Event::LeaseLost, Event::CancelServed];
    check("roll-back and cancel under two keywords", bounds, &events);
}

#[test]
fn operators_may_cancel_and_restart() {
    let bounds = Bounds { cancels: 1, restarts: 1, crashes: 1, repeats: 1, ..Bounds::default() };
    let events = [
        Event::CancelledDirectly,
        Event::CancelServed,
        Event::RecordedAndCancelled,
        Event::Restarted,
        Event::FreedWithRequest,
        Event::RequestOutlivedRun,
    ];
    check("cancel and restart", bounds, &events);
}

#[test]
fn operators_may_change_their_minds() {
    let bounds = Bounds { cancels: 1, pauses: 1, resumes: 1, restarts: 1, reports: 1, ..Bounds::default() };
    let events = [Event::PauseServed, Event::Resumed, Event::CancelServed, Event::Restarted];
    check("cancel, pause, resume, restart", bounds, &events);
}

/// A write that a pause has refused is sent anew under another lease. If the pause is taken back, a repeat of the refused
/// one may land after all, and its sender has to know it for his own.
#[test]
fn pause_may_be_taken_back_while_what_it_refused_is_under_way() {
    let bounds = Bounds { pauses: 1, resumes: 2, repeats: 1, crashes: 1, cancels: 1, ..Bounds::default() };
    let events = [Event::FormerLanded, Event::LeaseLost, Event::PauseServed, Event::Resumed, Event::CancelServed];
    check("pause that is taken back", bounds, &events);
}

/// He looks for his own in vain, and must not go on as if he had found it.
#[test]
fn holder_of_a_refused_write_may_be_called_dead() {
    let bounds = Bounds { pauses: 1, resumes: 1, repeats: 1, false_deaths: 1, ..Bounds::default() };
    let events = [Event::FormerLanded, Event::LeaseLost, Event::TakenOver, Event::RoseAgain, Event::PauseServed];
    check("pause and false death", bounds, &events);
}

#[test]
fn transactional_step_may_be_in_doubt() {
    let bounds = Bounds { transactional: true, crashes: 1, false_deaths: 1, ..Bounds::default() };
    let events = [Event::DoubtLanded, Event::DoubtFenced, Event::LandedAfterDeath, Event::LeaseLost];
    check("transactional step", bounds, &events);
}

#[test]
fn transactional_step_may_fail_and_be_cancelled() {
    let bounds = Bounds { transactional: true, crashes: 1, cancels: 1, failures: 1, give_ups: 1, ..Bounds::default() };
    let events = [Event::DoubtLanded, Event::DoubtFenced, Event::RecordedAndCancelled, Event::Retried];
    check("transactional step and cancel", bounds, &events);
}
