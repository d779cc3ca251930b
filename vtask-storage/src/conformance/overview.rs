//! How the jobs are getting on, told within bounds.

use std::time::Duration;

use super::declare_checks;
use super::sample::{HOUR, claim_of, job, left_as, node, owner, past, write_of};
use super::subject::Subject;
use crate::value::{Boot, Callback, Due, NewJob, NewNode, Overview, Paused, Reason, Status, Timestamp};

declare_checks![
    an_overview_of_nothing_is_empty,
    an_overview_shows_each_name_with_due_work_once,
    an_overview_tells_names_apart_by_bytes,
    an_overview_tells_how_long_the_oldest_is_due,
    an_overview_bears_any_due_time,
    an_overview_passes_over_what_waits_for_its_time,
    an_overview_passes_over_what_is_held_or_over,
    an_overview_shows_an_outstanding_callback,
    an_overview_keeps_the_bound_of_names,
    an_overview_counts_the_paused_by_reason,
    an_overview_counts_the_newest_of_the_paused,
    an_overview_shows_what_the_nodes_at_work_can_run,
];

fn named(name: &str, due: Due) -> NewJob {
    NewJob { name: name.to_owned(), due, ..job(name) }
}

fn names(overview: &Overview) -> Vec<&str> {
    overview.waiting.iter().map(|waiting| waiting.name.as_str()).collect()
}

async fn an_overview_of_nothing_is_empty(subject: Subject) {
    assert_eq!(subject.overview(9, 9).await, Overview::default(), "there is nothing to tell, and nothing is cut");
}

async fn an_overview_shows_each_name_with_due_work_once(subject: Subject) {
    let mut jobs: Vec<NewJob> = ["c", "a", "b"].map(|name| named(name, Due::NOW)).into();
    jobs.extend((0..300).map(|number| NewJob { name: "b".to_owned(), ..job(&format!("b{number}")) }));
    subject.add_all(&jobs).await;
    let overview = subject.overview(9, 9).await;
    assert_eq!(names(&overview), ["a", "b", "c"], "each name is shown, and once");
    assert!(!overview.names_are_cut, "there are no others");
}

async fn an_overview_tells_names_apart_by_bytes(subject: Subject) {
    let different = ["Order", "order", "order2", "ordér", "órder"];
    subject.add_all(&different.map(|name| named(name, Due::NOW))).await;
    assert_eq!(names(&subject.overview(9, 9).await), different, "names that look alike are different names");
}

async fn an_overview_tells_how_long_the_oldest_is_due(subject: Subject) {
    let jobs = [past(500), past(30), past(400), Due::NOW, Due::In(HOUR)];
    let jobs: Vec<NewJob> = jobs.iter().zip("12345".chars()).map(|(due, key)| of_one_name(*due, key)).collect();
    let rows = subject.add_all(&jobs).await;
    let at_least = rows[0].created.since(rows[1].wake_at);
    let waiting = subject.overview(9, 9).await.waiting;
    assert_eq!(waiting.len(), 1, "they have one name");
    let due_for = waiting[0].due_for;
    let is_near = due_for >= at_least && due_for < at_least + Duration::from_secs(60);
    assert!(is_near, "the oldest has been due for {at_least:?}, not {due_for:?}");
}

fn of_one_name(due: Due, keyword: char) -> NewJob {
    NewJob { due, ..job(&keyword.to_string()) }
}

async fn an_overview_bears_any_due_time(subject: Subject) {
    let jobs = [named("first", Due::At(Timestamp(-i64::MAX))), named("last", Due::At(Timestamp(i64::MAX)))];
    subject.add_all(&jobs).await;
    assert_eq!(names(&subject.overview(9, 9).await), ["first"], "what a time type holds can be told");
}

async fn an_overview_passes_over_what_waits_for_its_time(subject: Subject) {
    let jobs = [named("a", Due::In(HOUR)), named("b", Due::NOW), named("c", Due::In(HOUR)), named("d", Due::NOW)];
    subject.add_all(&jobs).await;
    assert_eq!(names(&subject.overview(9, 9).await), ["b", "d"], "what is not due does not wait for a node");
}

async fn an_overview_passes_over_what_is_held_or_over(subject: Subject) {
    let statuses = [Status::Failed, Status::Succeeded, Status::Cancelled, Status::Paused];
    for status in statuses {
        let row = subject.add(named(&format!("{status:?}"), Due::NOW)).await;
        subject.must_write(&left_as(&row, status)).await;
    }
    let row = subject.add(named("held", Due::NOW)).await;
    let held = subject.claim(&owner("host"), &[claim_of(&row)]).await.remove(0).summary;
    assert_eq!(subject.overview(9, 9).await.waiting, [], "nothing waits for a node");
    subject.must_write(&left_as(&held, Status::Running)).await;
    assert_eq!(names(&subject.overview(9, 9).await), ["held"], "what its owner gave back waits again");
}

async fn an_overview_shows_an_outstanding_callback(subject: Subject) {
    let row = subject.add(named("ended", Due::NOW)).await;
    let mut end = left_as(&row, Status::Succeeded);
    end.state.callback = Callback::Due;
    subject.must_write(&end).await;
    assert_eq!(names(&subject.overview(9, 9).await), ["ended"], "a callback waits for a node as a step does");
}

async fn an_overview_keeps_the_bound_of_names(subject: Subject) {
    subject.add_all(&["a", "b", "c"].map(|name| named(name, Due::NOW))).await;
    for (bound, shown, is_cut) in [(0, 0, true), (2, 2, true), (4, 3, false)] {
        let overview = subject.overview(bound, 9).await;
        assert_eq!(overview.waiting.len(), shown, "of three names, so many are within a bound of {bound}");
        assert_eq!(overview.names_are_cut, is_cut, "whether a bound of {bound} cuts is told");
    }
}

async fn an_overview_counts_the_paused_by_reason(subject: Subject) {
    let reasons = [Reason::Operator, Reason::Undecodable, Reason::Operator, Reason::Operator];
    pause(&subject, &reasons).await;
    let failed = subject.add(job("failed")).await;
    let mut write = left_as(&failed, Status::Failed);
    write.state.reason = Reason::Exhausted;
    subject.must_write(&write).await;
    let overview = subject.overview(9, 9).await;
    let expected = [paused(Reason::Undecodable, 1), paused(Reason::Operator, 3)];
    assert_eq!(overview.paused, expected, "each reason is counted, and what is paused only");
    assert!(!overview.paused_are_cut, "there are no others");
}

fn paused(reason: Reason, count: u32) -> Paused {
    Paused { reason: Some(reason), count }
}

/// Pauses a job for each reason, in the order of ids.
async fn pause(subject: &Subject, reasons: &[Reason]) {
    for (number, reason) in reasons.iter().enumerate() {
        let row = subject.add(job(&format!("paused-{number}"))).await;
        let mut write = write_of(&row);
        (write.state.status, write.state.reason, write.state.boot) = (Status::Paused, *reason, Boot::NOBODY);
        subject.must_write(&write).await;
    }
}

async fn an_overview_counts_the_newest_of_the_paused(subject: Subject) {
    pause(&subject, &[Reason::Operator, Reason::Operator, Reason::UnknownStep, Reason::Undecodable]).await;
    let overview = subject.overview(9, 2).await;
    let expected = [paused(Reason::Undecodable, 1), paused(Reason::UnknownStep, 1)];
    assert_eq!(overview.paused, expected, "a bound keeps the newest");
    assert!(overview.paused_are_cut, "that there are others is told");
    assert!(!subject.overview(9, 5).await.paused_are_cut, "a bound that was not reached cuts nothing");
}

async fn an_overview_shows_what_the_nodes_at_work_can_run(subject: Subject) {
    let with = |host: &str| NewNode { plans: format!("{{\"{host}\":1}}"), ..node(host) };
    let nodes = ["a", "b", "stops", "left", "died"].map(with);
    for node in &nodes {
        subject.join(node).await;
    }
    subject.stopping(nodes[2].boot).await;
    subject.forget(&[nodes[3].boot]).await;
    let died = subject.nodes().await.living.into_iter().find(|node| node.boot == nodes[4].boot);
    subject.declare_dead(&[died.expect("it lives")]).await;
    let expected = [nodes[0].plans.as_str(), nodes[1].plans.as_str()];
    assert_eq!(subject.overview(9, 9).await.plans, expected, "only those that take jobs are shown");
    let next = NewNode { plans: "not JSON".to_owned(), ..node("a") };
    subject.join(&next).await;
    let expected = [next.plans.as_str(), nodes[1].plans.as_str()];
    let mut shown = subject.overview(9, 9).await.plans;
    shown.sort_by_key(|plans| plans.starts_with('{'));
    assert_eq!(shown, expected, "a next life takes the place of the former, and the text comes as it went");
}
