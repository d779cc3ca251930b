//! The list of nodes, and what a new life learns of the former ones.

use super::declare_checks;
use super::sample::{NAME, alike, boot, job, node, owner, write_of};
use super::subject::{Subject, wanted_of};
use crate::value::{Boot, FormerNode, JobWrite, LivingNode, NewJob, NewNode, NodeState, Owner, Pulse, Status};

declare_checks![
    the_first_life_of_a_host_has_no_former_ones,
    join_tells_of_the_former_lives_of_that_host_only,
    a_host_is_compared_byte_for_byte,
    a_join_leaves_the_other_hosts_alive,
    a_dead_life_is_told_until_it_is_forgotten,
    a_life_learns_that_it_was_replaced,
    a_life_that_was_up_accuses_and_one_that_was_stopping_does_not,
    a_life_that_stops_after_its_death_still_accuses,
    joining_twice_with_the_same_boot_is_harmless,
    a_life_that_left_is_not_told,
    forgetting_leaves_the_others,
    a_heartbeat_shows,
    a_heartbeat_of_the_dead_is_told_so,
    only_the_heartbeat_that_was_seen_dies,
    declared_dead_accuses_unless_it_was_stopping,
    what_a_node_does_shows,
    who_is_stopping_or_dead_stays_so,
    a_life_that_dies_isolating_accuses,
    rows_of_the_dead_and_of_the_unknown_are_orphans,
    nodes_and_due_jobs_are_one_look,
];

pub(super) fn accusing(nodes: &[&NewNode]) -> Vec<FormerNode> {
    former(nodes.iter().map(|node| (node.boot, true)))
}

/// Former lives in the order in which the subject shows them.
fn former(lives: impl Iterator<Item = (Boot, bool)>) -> Vec<FormerNode> {
    let mut lives: Vec<FormerNode> = lives.map(|(boot, accuses)| FormerNode { boot, accuses }).collect();
    lives.sort_by_key(|life| life.boot);
    lives
}

async fn the_first_life_of_a_host_has_no_former_ones(subject: Subject) {
    assert!(subject.join(&node("10.0.0.1:80")).await.is_empty(), "a new host has no former lives");
}

async fn join_tells_of_the_former_lives_of_that_host_only(subject: Subject) {
    let (first, other, second) = (node("a"), node("b"), node("a"));
    subject.join(&first).await;
    assert!(subject.join(&other).await.is_empty(), "another host's life is none of its own");
    assert_eq!(subject.join(&second).await, accusing(&[&first]), "the former life of the host is told");
    let again = node("b");
    assert_eq!(subject.join(&again).await, accusing(&[&other]), "the other host lived on until its own next life");
}

/// Hosts that look alike.
const HOSTS: [&str; 9] = ["host", "Host", "host ", " host", "hóst", "ho\u{301}st", "hoſt", "ｈost", "host\u{200b}"];

async fn a_host_is_compared_byte_for_byte(subject: Subject) {
    for host in HOSTS {
        let (first, second) = (node(host), node(host));
        assert!(subject.join(&first).await.is_empty(), "no other host is {host:?}");
        assert_eq!(subject.join(&second).await, accusing(&[&first]), "{host:?} is the same host");
    }
}

async fn a_life_learns_that_it_was_replaced(subject: Subject) {
    let (first, other, second) = (node("a"), node("b"), node("a"));
    assert!(!subject.is_alive(first.boot).await, "a life that never joined");
    subject.join(&first).await;
    subject.join(&other).await;
    subject.stopping(other.boot).await;
    assert!(
        subject.is_alive(first.boot).await && subject.is_alive(other.boot).await,
        "both live, one of them stopping"
    );
    subject.join(&second).await;
    assert!(!subject.is_alive(first.boot).await, "the next life of its host has taken its place");
    assert!(subject.is_alive(second.boot).await && subject.is_alive(other.boot).await, "nobody else was");
    subject.forget(&[second.boot]).await;
    assert!(!subject.is_alive(second.boot).await, "a life that left");
}

async fn a_join_leaves_the_other_hosts_alive(subject: Subject) {
    let lives = HOSTS.map(node);
    for life in &lives {
        subject.join(life).await;
    }
    // A dead life cannot stop any more: one that was wrongly called dead would accuse.
    for life in &lives {
        subject.stopping(life.boot).await;
    }
    for life in &lives {
        let expected = former([(life.boot, false)].into_iter());
        let told = subject.join(&node(&life.host)).await;
        assert_eq!(told, expected, "the life of {:?} went on while others joined", life.host);
    }
}

async fn a_dead_life_is_told_until_it_is_forgotten(subject: Subject) {
    let lives = [node("a"), node("a"), node("a"), node("a")];
    subject.join(&lives[0]).await;
    subject.join(&lives[1]).await;
    let told = subject.join(&lives[2]).await;
    assert_eq!(told, accusing(&[&lives[0], &lives[1]]), "a life that was dead before is told again");
    subject.forget(&[lives[0].boot]).await;
    let told = subject.join(&lives[3]).await;
    assert_eq!(told, accusing(&[&lives[1], &lives[2]]), "a forgotten life is not");
}

async fn a_life_that_was_up_accuses_and_one_that_was_stopping_does_not(subject: Subject) {
    let (up, stopping) = (node("a"), node("a"));
    subject.join(&up).await;
    subject.join(&stopping).await;
    subject.stopping(stopping.boot).await;
    let expected = former([(up.boot, true), (stopping.boot, false)].into_iter());
    for _ in 0..2 {
        let next = node("a");
        assert_eq!(subject.join(&next).await, expected, "a life that was stopping says nothing of its jobs");
        subject.forget(&[next.boot]).await;
    }
}

async fn a_life_that_stops_after_its_death_still_accuses(subject: Subject) {
    let (first, second) = (node("a"), node("a"));
    subject.join(&first).await;
    subject.join(&second).await;
    subject.stopping(first.boot).await;
    subject.stopping(boot()).await;
    assert_eq!(subject.join(&node("a")).await, accusing(&[&first, &second]), "a death is not taken back");
}

async fn joining_twice_with_the_same_boot_is_harmless(subject: Subject) {
    let (first, second) = (node("a"), node("a"));
    subject.join(&first).await;
    assert!(subject.join(&first).await.is_empty(), "a life is not its own former one");
    let told = subject.join(&second).await;
    assert_eq!(told, accusing(&[&first]), "the former life is told once");
    assert_eq!(subject.join(&second).await, told, "a join sent again answers as it did before");
    assert_eq!(subject.join(&node("a")).await, accusing(&[&first, &second]), "and the life went on as one");
}

async fn a_life_that_left_is_not_told(subject: Subject) {
    let first = node("a");
    subject.join(&first).await;
    subject.stopping(first.boot).await;
    subject.forget(&[first.boot]).await;
    assert!(subject.join(&node("a")).await.is_empty(), "a node that left in order is not among the dead");
}

async fn forgetting_leaves_the_others(subject: Subject) {
    let lives: Vec<NewNode> = (0..6).map(|_| node("a")).collect();
    for life in &lives {
        subject.join(life).await;
    }
    subject.forget(&[lives[1].boot, lives[3].boot, boot()]).await;
    subject.forget(&[lives[1].boot]).await;
    let expected = accusing(&[&lives[0], &lives[2], &lives[4], &lives[5]]);
    assert_eq!(subject.join(&node("a")).await, expected, "only the named lives are forgotten");
}

/// A node as it shows before its first heartbeat, and after the one of this number.
fn seen(node: &NewNode, beat: i64) -> LivingNode {
    LivingNode { boot: node.boot, beat, lease_ms: node.lease_ms, state: NodeState::Up }
}

async fn a_heartbeat_shows(subject: Subject) {
    let (first, second) = (node("a"), NewNode { lease_ms: 1234, ..node("b") });
    subject.join(&first).await;
    subject.join(&second).await;
    assert_eq!(subject.beat(first.boot, i64::MAX).await, Pulse::Alive, "a node on the list lives");
    assert_eq!(subject.beat(second.boot, 7).await, Pulse::Alive, "a node on the list lives");
    assert_eq!(subject.beat(second.boot, 8).await, Pulse::Alive, "a node on the list lives");
    subject.stopping(first.boot).await;
    assert_eq!(
        subject.beat(first.boot, i64::MAX).await,
        Pulse::Alive,
        "one that is stopping lives, and may say the same"
    );
    let mut expected = [LivingNode { state: NodeState::Stopping, ..seen(&first, i64::MAX) }, seen(&second, 8)];
    expected.sort_by_key(|node| node.boot);
    assert_eq!(subject.nodes().await.living, expected, "the last heartbeats and the leases show");
}

async fn a_heartbeat_of_the_dead_is_told_so(subject: Subject) {
    let (lone, first, second) = (node("lone"), node("a"), node("a"));
    assert_eq!(subject.beat(lone.boot, 1).await, Pulse::Dead, "who never joined");
    for node in [&lone, &first, &second] {
        subject.join(node).await;
    }
    assert_eq!(subject.beat(first.boot, 1).await, Pulse::Replaced, "another life of its host is on the list");
    subject.declare_dead(&[seen(&lone, 0)]).await;
    assert_eq!(subject.beat(lone.boot, 1).await, Pulse::Dead, "nobody took its place");
    subject.forget(&[second.boot]).await;
    assert_eq!(subject.beat(first.boot, 1).await, Pulse::Dead, "who took its place has left");
    assert!(subject.nodes().await.living.is_empty(), "no heartbeat wakes the dead");
}

async fn only_the_heartbeat_that_was_seen_dies(subject: Subject) {
    let lives = [node("a"), node("b"), node("c")];
    for life in &lives {
        subject.join(life).await;
    }
    subject.beat(lives[1].boot, 5).await;
    let stale = lives.iter().map(|life| seen(life, 0)).collect::<Vec<_>>();
    subject.declare_dead(&stale[..2]).await;
    assert!(!subject.is_alive(lives[0].boot).await, "its heartbeat was still the one that was seen");
    assert!(subject.is_alive(lives[1].boot).await, "it has given another one since");
    assert!(subject.is_alive(lives[2].boot).await, "it was not named");
    subject.declare_dead(&[]).await;
}

async fn declared_dead_accuses_unless_it_was_stopping(subject: Subject) {
    let (up, stopping) = (node("a"), node("b"));
    for life in [&up, &stopping] {
        subject.join(life).await;
        subject.insert(&[owned(&Owner { boot: life.boot, host: life.host.as_str().into() })]).await;
    }
    subject.stopping(stopping.boot).await;
    for _ in 0..2 {
        subject.declare_dead(&[seen(&up, 0), seen(&stopping, 0)]).await;
        let expected = former([(up.boot, true), (stopping.boot, false)].into_iter());
        assert_eq!(subject.nodes().await.orphaning, expected, "who was stopping says nothing of its jobs");
    }
}

async fn what_a_node_does_shows(subject: Subject) {
    let (one, other) = (node("a"), node("b"));
    subject.join(&one).await;
    subject.join(&other).await;
    for state in [NodeState::Isolating, NodeState::Up, NodeState::Isolating, NodeState::Stopping] {
        subject.enter(one.boot, state).await;
        assert_eq!(shown(&subject, &one).await, Some(state), "what it said last");
        assert_eq!(shown(&subject, &other).await, Some(NodeState::Up), "the other one said nothing");
    }
    subject.enter(boot(), NodeState::Isolating).await;
    assert_eq!(subject.nodes().await.living.len(), 2, "who is not on the list does not come onto it");
}

async fn shown(subject: &Subject, node: &NewNode) -> Option<NodeState> {
    subject.nodes().await.living.iter().find(|seen| seen.boot == node.boot).map(|seen| seen.state)
}

async fn who_is_stopping_or_dead_stays_so(subject: Subject) {
    let (stopping, dead) = (node("a"), node("b"));
    for life in [&stopping, &dead] {
        subject.join(life).await;
    }
    subject.stopping(stopping.boot).await;
    subject.declare_dead(&[seen(&dead, 0)]).await;
    for state in [NodeState::Up, NodeState::Isolating] {
        subject.enter(stopping.boot, state).await;
        subject.enter(dead.boot, state).await;
        assert_eq!(shown(&subject, &stopping).await, Some(NodeState::Stopping), "it takes nothing more");
        assert_eq!(shown(&subject, &dead).await, None, "nobody rises by what he says");
    }
}

async fn a_life_that_dies_isolating_accuses(subject: Subject) {
    let (declared, replaced) = (node("a"), node("b"));
    for life in [&declared, &replaced] {
        subject.join(life).await;
        subject.enter(life.boot, NodeState::Isolating).await;
    }
    // What it does is no part of the heartbeat by which it is known.
    subject.declare_dead(&[seen(&declared, 0)]).await;
    assert_eq!(subject.join(&node("a")).await, accusing(&[&declared]), "it died of what it ran");
    assert_eq!(subject.join(&node("b")).await, accusing(&[&replaced]), "it died of what it ran");
}

fn owned(owner: &Owner) -> NewJob {
    NewJob { owner: Some(owner.clone()), ..job(&format!("of {}", owner.boot.0)) }
}

async fn rows_of_the_dead_and_of_the_unknown_are_orphans(subject: Subject) {
    let (dead, living, unknown) = (node("a"), node("b"), owner("nobody knows me"));
    for life in [&dead, &living] {
        subject.join(life).await;
        subject.insert(&[owned(&Owner { boot: life.boot, host: life.host.as_str().into() })]).await;
    }
    subject.insert(&alike(3)).await;
    assert!(subject.nodes().await.orphaning.is_empty(), "rows of nobody and of the living are no orphans");
    let row = subject.add(owned(&unknown)).await;
    subject.insert(&[NewJob { owner: Some(unknown.clone()), ..job("another") }]).await;
    subject.declare_dead(&[seen(&dead, 0)]).await;
    let expected = former([(dead.boot, true), (unknown.boot, false)].into_iter());
    assert_eq!(subject.nodes().await.orphaning, expected, "each owner is told once, however much it holds");
    let mut ended = JobWrite { ..write_of(&row) };
    ended.state.status = Status::Succeeded;
    subject.must_write(&ended).await;
    assert_eq!(subject.nodes().await.orphaning, expected, "one of its rows still has work");
    subject.forget(&[dead.boot]).await;
    let expected = former([(dead.boot, false), (unknown.boot, false)].into_iter());
    assert_eq!(subject.nodes().await.orphaning, expected, "who left the list accuses nobody");
}

async fn nodes_and_due_jobs_are_one_look(subject: Subject) {
    let node = node("a");
    subject.join(&node).await;
    let rows = subject.add_all(&alike(2)).await;
    let due = subject.look(&[wanted_of(NAME, 9), wanted_of("b", 9)]).await;
    assert_eq!(due.nodes.expect("they were asked for").living, [seen(&node, 0)], "the node shows");
    assert_eq!(
        due.candidates.iter().map(|found| found.id).collect::<Vec<_>>(),
        [rows[0].id, rows[1].id],
        "so do the jobs"
    );
}
