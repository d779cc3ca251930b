//! What is offered to claimers: due work of nobody, the oldest first.

use std::time::Duration;

use super::declare_checks;
use super::sample::{HOUR, NAME, alike, claim_of, job, left_as, owner, past, write_of};
use super::subject::{Subject, wanted_of};
use crate::value::{Boot, Callback, Candidate, Due, JobId, JobSummary, NewJob, Status, Timestamp, Wanted};

declare_checks![
    due_shows_only_the_asked_names,
    due_shows_the_oldest_first_within_a_name,
    due_keeps_the_limit_of_each_name,
    due_looks_at_hundreds_of_names,
    due_shows_the_present_token,
    due_passes_over_what_more_processes_died_of,
    due_goes_on_after_a_row,
    due_tells_the_step_that_is_to_run,
    due_counts_bytes_and_not_characters,
    due_hides_what_somebody_holds,
    due_hides_jobs_without_work,
    due_shows_an_outstanding_callback_until_it_is_done,
    due_shows_what_was_given_back,
    due_tells_when_the_next_one_comes,
    due_waits_for_nothing_that_is_held_or_over,
];

fn named(name: &str, keyword: &str, due: Due) -> NewJob {
    NewJob { name: name.to_owned(), due, ..job(keyword) }
}

async fn due_shows_only_the_asked_names(subject: Subject) {
    let jobs = [named("a", "1", Due::NOW), named("b", "2", Due::NOW), named("c", "3", Due::NOW)];
    let rows = subject.add_all(&jobs).await;
    assert_eq!(subject.due_ids("b").await, [rows[1].id], "only the asked name is shown");
    assert!(subject.due_ids("d").await.is_empty(), "an unknown name has nothing due");
    let mut both = ids(&subject.due(&[("c", 9), ("a", 9), ("d", 9)]).await.candidates);
    both.sort();
    assert_eq!(both, [rows[0].id, rows[2].id], "each asked name is shown");
}

async fn due_passes_over_what_more_processes_died_of(subject: Subject) {
    let jobs: Vec<NewJob> = (0..6).map(|number| named(NAME, &number.to_string(), past(number))).collect();
    let mut by_crashes = Vec::new();
    for (row, crashes) in subject.add_all(&jobs).await.iter().zip([7, 1, 0, 2, 0, 1]) {
        let mut write = write_of(row);
        write.state.crashes = crashes;
        by_crashes.push((subject.must_write(&write).await.id, crashes));
    }
    for most_crashes in [0, 1, 6, 7, i32::MAX] {
        let expected: Vec<_> = by_crashes.iter().copied().filter(|(_, crashes)| *crashes <= most_crashes).collect();
        let due = subject.look(&[Wanted { most_crashes, ..wanted_of(NAME, 9) }]).await;
        let shown: Vec<_> = due.candidates.iter().map(|found| (found.id, found.crashes)).collect();
        assert_eq!(shown, expected, "those of at most {most_crashes} crashes, and how many each has");
        let first = subject.look(&[Wanted { most_crashes, ..wanted_of(NAME, 1) }]).await.candidates;
        assert_eq!(ids(&first), [expected[0].0], "the limit counts those that are shown");
    }
}

async fn due_goes_on_after_a_row(subject: Subject) {
    // Some of one instant, because ids decide among those.
    let jobs: Vec<NewJob> =
        [3, 1, 2, 2, 2, 2, 1, 5].iter().zip(0..).map(|(at, key)| named(NAME, &format!("{key}"), past(*at))).collect();
    let mut rows = subject.add_all(&jobs).await;
    rows.sort_by_key(|row| (row.wake_at, row.id));
    for limit in [1, 2, 3, 99] {
        let (mut shown, mut after) = (Vec::new(), None);
        loop {
            let found = subject.look(&[Wanted { after, ..wanted_of(NAME, limit) }]).await.candidates;
            let Some(last) = found.last() else { break };
            after = Some((last.wake_at, last.id));
            shown.extend(ids(&found));
            assert!(shown.len() <= rows.len(), "looks of {limit} come to an end");
        }
        let expected: Vec<JobId> = rows.iter().map(|row| row.id).collect();
        assert_eq!(shown, expected, "looks of {limit}, each after the last row of the one before, show all once");
    }
    let later = Wanted { after: Some((Timestamp(i64::MAX), JobId(i64::MAX))), ..wanted_of(NAME, 9) };
    assert!(subject.look(&[later]).await.candidates.is_empty(), "nothing comes after the last instant");
}

async fn due_tells_the_step_that_is_to_run(subject: Subject) {
    let rows = subject.add_all(&alike(3)).await;
    let mut next = write_of(&rows[1]);
    (next.state.step_name, next.state.plan) = ("ship".into(), -7);
    subject.must_write(&next).await;
    let mut ended = left_as(&rows[2], Status::Failed);
    ended.state.callback = Callback::Due;
    subject.must_write(&ended).await;
    let mut shown = subject.due(&[(NAME, 9)]).await.candidates;
    shown.sort_by_key(|found| found.id);
    let told: Vec<_> = shown.iter().map(|found| (found.step.as_deref(), found.plan)).collect();
    let expected = [(Some("charge"), rows[0].state.plan), (Some("ship"), -7), (None, rows[2].state.plan)];
    assert_eq!(told, expected, "the step and the program of each, and no step of a callback");
    let same = shown.iter().zip(&rows).all(|(found, row)| (&found.name, found.wake_at) == (&row.name, row.wake_at));
    assert!(same, "a candidate has its name and its time");
}

fn ids(candidates: &[Candidate]) -> Vec<JobId> {
    candidates.iter().map(|candidate| candidate.id).collect()
}

async fn due_shows_the_oldest_first_within_a_name(subject: Subject) {
    let order = [30, 10, 50, 20, 40];
    let jobs: Vec<NewJob> = order.map(|micros| named(NAME, &micros.to_string(), past(micros))).into();
    let mut rows = subject.add_all(&jobs).await;
    rows.push(subject.add(named(NAME, "before 1970", Due::At(Timestamp(-7)))).await);
    rows.push(subject.add(named(NAME, "now", Due::NOW)).await);
    rows.sort_by_key(|row| row.wake_at);
    let expected: Vec<JobId> = rows.iter().map(|row| row.id).collect();
    assert_eq!(subject.due_ids(NAME).await, expected, "who has waited longest comes first");
    let first = subject.due(&[(NAME, 3)]).await.candidates;
    assert_eq!(ids(&first), expected[..3], "a limit keeps the oldest");
}

async fn due_keeps_the_limit_of_each_name(subject: Subject) {
    for name in ["a", "b"] {
        let jobs: Vec<NewJob> = (0..5).map(|number| named(name, &format!("{name}{number}"), past(number))).collect();
        subject.add_all(&jobs).await;
    }
    for (a, b) in [(0, 0), (0, 2), (3, 1), (5, 5), (9, 4)] {
        let shown = ids(&subject.due(&[("a", a), ("b", b)]).await.candidates);
        let rows = subject.ordered(&shown).await;
        let count = |name: &str| rows.iter().filter(|row| row.name == name).count();
        assert_eq!((count("a"), count("b")), (a.min(5), b.min(5)), "limits of {a} and {b} hold for each name alone");
    }
}

async fn due_looks_at_hundreds_of_names(subject: Subject) {
    let names: Vec<String> = (0..450).map(|number| format!("many-{number}")).collect();
    let jobs: Vec<NewJob> = names.iter().map(|name| named(name, name, Due::NOW)).collect();
    let rows = subject.add_all(&jobs).await;
    for count in [1, 2, 199, 200, 201, 450] {
        let wanted: Vec<(&str, usize)> = names[..count].iter().map(|name| (name.as_str(), 1)).collect();
        let mut shown = ids(&subject.due(&wanted).await.candidates);
        let mut expected: Vec<JobId> = rows[..count].iter().map(|row| row.id).collect();
        shown.sort();
        expected.sort();
        assert_eq!(shown, expected, "each of {count} names shows its job");
    }
}

async fn due_shows_the_present_token(subject: Subject) {
    let row = subject.add(job("token")).await;
    let row = subject.must_write(&write_of(&row)).await;
    let candidates = subject.due(&[(NAME, 9)]).await.candidates;
    assert_eq!((candidates[0].id, candidates[0].lease), (row.id, row.lease), "a candidate has the row's last token");
}

async fn due_counts_bytes_and_not_characters(subject: Subject) {
    let input = r#"{"name":"Łukasz 🦀"}"#;
    let outputs = r#"{"charge":"€"}"#;
    let row = subject.add(NewJob { input: input.to_owned(), ..job("bytes") }).await;
    let mut write = write_of(&row);
    write.outputs = Some(outputs.to_owned());
    subject.must_write(&write).await;
    let candidates = subject.due(&[(NAME, 9)]).await.candidates;
    assert_eq!(candidates[0].bytes, input.len() + outputs.len(), "input and outputs are counted in bytes");
}

async fn due_hides_what_somebody_holds(subject: Subject) {
    let rows = subject.add_all(&alike(3)).await;
    subject.claim(&owner("host"), &[claim_of(&rows[1])]).await;
    let mut shown = subject.due_ids(NAME).await;
    shown.sort();
    assert_eq!(shown, [rows[0].id, rows[2].id], "a claimed row is offered to nobody else");
}

async fn due_hides_jobs_without_work(subject: Subject) {
    for status in [Status::Failed, Status::Succeeded, Status::Cancelled, Status::Paused] {
        let row = subject.add(job(&format!("{status:?}"))).await;
        for callback in [Callback::None, Callback::Done, Callback::GivenUp] {
            let mut write = left_as(&subject.summary(row.id).await, status);
            write.state.callback = callback;
            subject.must_write(&write).await;
            let due = subject.due(&[(NAME, 9)]).await;
            assert!(due.candidates.is_empty(), "{status:?} with callback {callback:?} leaves nothing to do");
        }
    }
}

async fn due_shows_an_outstanding_callback_until_it_is_done(subject: Subject) {
    for status in [Status::Failed, Status::Succeeded, Status::Cancelled] {
        let name = format!("{status:?}");
        let row = subject.add(named(&name, &name, Due::NOW)).await;
        let mut end = left_as(&row, status);
        end.state.callback = Callback::Due;
        let row = subject.must_write(&end).await;
        assert_eq!(subject.due_ids(&name).await, [row.id], "a {name} job is due while its callback is");
        let mut done = write_of(&row);
        done.state.callback = Callback::Done;
        subject.must_write(&done).await;
        assert!(subject.due_ids(&name).await.is_empty(), "a {name} job with a done callback is over");
    }
}

async fn due_shows_what_was_given_back(subject: Subject) {
    let row = subject.add(job("back")).await;
    let claimed = subject.claim(&owner("host"), &[claim_of(&row)]).await.remove(0).summary;
    subject.must_write(&left_as(&claimed, Status::Running)).await;
    assert_eq!(subject.due_ids(NAME).await, [row.id], "a row that its owner gave back is due again");
}

async fn due_tells_when_the_next_one_comes(subject: Subject) {
    let jobs = [named("a", "a", Due::In(2 * HOUR)), named("b", "b", Due::In(HOUR)), named("b", "b now", Due::NOW)];
    subject.add_all(&jobs).await;
    assert_eq!(subject.due(&[("c", 9)]).await.next_in, None, "nothing of this name waits");
    assert_next(&subject, &[("a", 9)], 2 * HOUR).await;
    assert_next(&subject, &[("b", 9)], HOUR).await;
    for wanted in [[("a", 9), ("b", 9), ("c", 9)], [("c", 9), ("b", 9), ("a", 9)]] {
        assert_next(&subject, &wanted, HOUR).await;
    }
    let due = subject.due(&[("a", 9), ("b", 9)]).await;
    assert_eq!(due.candidates.len(), 1, "what waits is not offered");
}

async fn assert_next(subject: &Subject, wanted: &[(&str, usize)], expected: Duration) {
    let next = subject.due(wanted).await.next_in.expect("a later job is announced");
    let is_near = next <= expected && next > expected - Duration::from_secs(60);
    assert!(is_near, "the next of {wanted:?} is due in {expected:?}, not {next:?}");
}

async fn due_waits_for_nothing_that_is_held_or_over(subject: Subject) {
    let later = |keyword| NewJob { due: Due::In(HOUR), ..job(keyword) };
    let held = NewJob { owner: Some(owner("host")), ..later("held") };
    let rows = subject.add_all(&[held, later("failed"), later("paused")]).await;
    let writes = [left_as(&rows[1], Status::Failed), left_as(&rows[2], Status::Paused)];
    subject.write(&writes).await;
    assert_eq!(subject.due(&[(NAME, 9)]).await, Default::default(), "neither is there anything now, nor later");
    let mut back = write_of(&rows[0]);
    back.state.boot = Boot::NOBODY;
    let back: JobSummary = subject.must_write(&back).await;
    assert_eq!(back.wake_at, rows[0].wake_at, "giving a row back keeps its time");
    assert_next(&subject, &[(NAME, 9)], HOUR).await;
}
