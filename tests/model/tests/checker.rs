//! The same search by stateright's own checker, which shares no code with this crate's but the model.

use stateright::{Checker, Model};
use vtask_model::{Bounds, Protocol, Rule, explore};

fn small() -> Protocol {
    Protocol::new(Bounds { crashes: 1, failures: 1, cancels: 1, ..Bounds::default() })
}

#[test]
fn other_checker_finds_the_same_states_and_no_flaw() {
    let checker = small().checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert_eq!(checker.unique_state_count(), explore(&small()).states);
}

#[test]
fn other_checker_finds_a_flaw_where_a_rule_is_left_out() {
    let checker = small().without(Rule::RequestGuard).checker().spawn_bfs().join();
    assert!(checker.discovery("a cancel stands").is_some());
}
