//! The list of nodes, and what a new life learns of the former ones.

use super::declare_checks;
use super::sample::{boot, node};
use super::subject::Subject;
use crate::value::{Boot, FormerNode, NewNode};

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
