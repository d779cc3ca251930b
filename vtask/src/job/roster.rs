//! What the nodes say that they can run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::{Plan, StepPlan};

/// What a node knows of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    hash: i64,
    /// The names and the former names of the steps.
    steps: Vec<String>,
    on_success: bool,
    on_failure: bool,
}

/// What each node knows of each job, by the job's names.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    nodes: Vec<BTreeMap<String, Known>>,
    /// Whether one does not say what it knows: it may know everything.
    has_mute: bool,
}

/// What a node says of its jobs, by each of their names.
pub(crate) fn told<'a>(plans: impl Iterator<Item = (&'a str, &'a Plan)>) -> String {
    let known: BTreeMap<&str, Known> = plans.map(|(name, plan)| (name, Known::of(plan))).collect();
    serde_json::to_string(&known).expect("names and numbers always serialize")
}

impl Known {
    fn of(plan: &Plan) -> Self {
        let steps = plan.steps.iter().flat_map(StepPlan::names).map(str::to_owned).collect();
        Self { hash: plan.hash, steps, on_success: plan.on_success.is_some(), on_failure: plan.on_failure.is_some() }
    }
}

impl Roster {
    /// Reads what the nodes have said.
    pub(crate) fn read(told: &[String]) -> Self {
        let mut roster = Self::default();
        for plans in told {
            match serde_json::from_str(plans) {
                Ok(known) => roster.nodes.push(known),
                Err(_) => roster.has_mute = true,
            }
        }
        roster
    }

    /// Whether a node has this step.
    pub(crate) fn has_step(&self, job: &str, step: &str) -> bool {
        self.any(job, |known| known.steps.iter().any(|name| name == step))
    }

    /// Whether a node has this very step table.
    pub(crate) fn has_plan(&self, job: &str, hash: i64) -> bool {
        self.any(job, |known| known.hash == hash)
    }

    /// Whether a node has the callback of a success or of another end.
    pub(crate) fn has_callback(&self, job: &str, of_success: bool) -> bool {
        self.any(job, |known| if of_success { known.on_success } else { known.on_failure })
    }

    fn any(&self, job: &str, knows: impl Fn(&Known) -> bool) -> bool {
        self.has_mute || self.nodes.iter().filter_map(|node| node.get(job)).any(knows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_that_does_not_say_what_it_knows_may_know_everything() {
        let known = r#"{"a":{"hash":7,"steps":["one","eins"],"on_success":true,"on_failure":false}}"#;
        let roster = Roster::read(&[known.to_owned(), "{}".to_owned()]);
        assert!(roster.has_step("a", "eins") && !roster.has_step("a", "two") && !roster.has_step("b", "one"));
        assert!(roster.has_plan("a", 7) && !roster.has_plan("a", 8));
        assert!(roster.has_callback("a", true) && !roster.has_callback("a", false));
        let mute = Roster::read(&[known.to_owned(), r#"{"a":7}"#.to_owned()]);
        assert!(mute.has_step("b", "two") && mute.has_plan("a", 8));
    }
}
